"""Certificates for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import grpc
import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Certified = tuple[Path, Path]
"""A certificate and its key, PEM."""


def uri(text: str) -> x509.GeneralName:
    """For example a SPIFFE ID."""
    return x509.UniformResourceIdentifier(text)


def dns(text: str) -> x509.GeneralName:
    """A host's name, or anything else that an authority takes for one."""
    return x509.DNSName(text)


class Authority:
    """Signs certificates that are valid for a day."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {uuid4().hex}")])
        self.certificate = folder / "authority.pem"
        certificate = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None))
        self.certificate.write_bytes(certificate)

    def sign(self, *names: x509.GeneralName, subject: Sequence[x509.NameAttribute[str]] = ()) -> Certified:
        """Certificate and key of somebody with subject alternative names."""
        key = ec.generate_private_key(ec.SECP256R1())
        stem = self._folder / uuid4().hex
        certificate_file, key_file = stem.with_suffix(".pem"), stem.with_suffix(".key")
        extensions = [x509.SubjectAlternativeName(names)] if names else []
        certificate_file.write_bytes(self._signed(x509.Name(subject), key, *extensions))
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate_file, key_file

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType) -> bytes:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


def common_name(text: str) -> list[x509.NameAttribute[str]]:
    """A subject that has nothing else."""
    return [x509.NameAttribute(NameOID.COMMON_NAME, text)]


def organization(text: str) -> list[x509.NameAttribute[str]]:
    """A subject that has nothing else."""
    return [x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)]


def secure_channel(address: object, trusted: Path, caller: Certified | None = None) -> grpc.aio.Channel:
    """A channel that trusts an authority, with the caller's certificate if there is one."""
    certificate, key = (None, None) if caller is None else (path.read_bytes() for path in caller)
    return grpc.aio.secure_channel(str(address), grpc.ssl_channel_credentials(trusted.read_bytes(), key, certificate))
