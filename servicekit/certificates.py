"""Certificates: the names of callers in theirs, and the services' own, which may change while they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID
from prometheus_client import Gauge

from servicekit.following import Followed, Read

_Configuration: TypeAlias = grpc.ServerCertificateConfiguration

_EXPIRY = Gauge(
    "playscore_tls_certificate_expiry_timestamp_seconds", "When the service's certificate expires, seconds since 1970."
)


_MALFORMED = (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """The names that an authority has certified to somebody, each of its kind."""

    uris: tuple[str, ...] = ()
    """Of the subject alternative names, for example SPIFFE IDs."""
    dns: tuple[str, ...] = ()
    """Of the subject alternative names, in lower case."""
    first: str | None = None
    """The first subject alternative name of any kind, else the common name; None where there is neither."""


@lru_cache(maxsize=1024)
def certificate_names(pem: bytes) -> CertificateNames:
    """The names in a certificate, PEM.

    They are parsed here: what gRPC tells of them ends at a NUL character, so that "worker\\0.example.org" would be
    somebody called "worker". A certificate that cannot be parsed names nobody.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        try:
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = x509.SubjectAlternativeName([])
        texts = [str(name.value) for name in names if isinstance(name.value, str) or isinstance(name, x509.IPAddress)]
    except (ValueError, *_MALFORMED):
        return CertificateNames()
    texts += [str(attribute.value) for attribute in common if attribute.value]
    return CertificateNames(
        uris=tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
        dns=tuple(name.lower() for name in names.get_values_for_type(x509.DNSName)),
        first=next(iter(texts), None),
    )


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where a service's certificates are, PEM."""

    certificate: Path
    """The chain, the service's own first."""
    key: Path
    authority: Path | None
    """Of callers; they must show a certificate where there is one."""


def server_credentials(
    files: CertificateFiles,
) -> tuple[Callable[[], grpc.ServerCredentials], Followed[grpc.ServerCertificateConfiguration]]:
    """TLS by certificates that may change: each handshake is by those that were read last; connections stay.

    Each port needs credentials of its own: they are asked for changes, and told each once.

    Raises OSError, and ValueError where the files are no certificates, or the key is another's.
    """
    followed = Followed("tls", lambda read: _configuration(files, read))

    def credentials() -> grpc.ServerCredentials:
        given = followed.value

        def latest() -> _Configuration | None:
            nonlocal given
            if followed.value is given:
                return None
            given = followed.value
            return given

        return grpc.dynamic_ssl_server_credentials(
            given,
            latest,  # type: ignore[arg-type]  # the stubs lack None, which means no change
            require_client_authentication=files.authority is not None,
        )

    return credentials, followed


def _configuration(files: CertificateFiles, read: Read) -> _Configuration:
    """Checked here, because gRPC would say of a wrong one only that it is wrong."""
    chain, key = read(files.certificate), read(files.key)
    own = parse_certificates(chain, files.certificate)[0]
    try:
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{files.key} is not a private key in PEM without a passphrase: {error}") from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != own.public_key().public_bytes(*form):
        raise ValueError(f"{files.key} is not the key of {files.certificate}")
    authority = None if files.authority is None else read(files.authority)
    if authority is not None and files.authority is not None:
        parse_certificates(authority, files.authority)
    _EXPIRY.set(own.not_valid_after_utc.timestamp())
    return grpc.ssl_server_certificate_configuration([(key, chain)], root_certificates=authority)


def parse_certificates(pem: bytes, path: Path | str) -> list[x509.Certificate]:
    """The certificates, at least one, in PEM. Raises ValueError, with the name of the file that they are of."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ValueError(f"{path} holds no certificate in PEM: {error}") from error
