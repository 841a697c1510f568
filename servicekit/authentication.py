"""Who calls. Roles (reader, writer, operator) are to be decided here, from the caller and the method."""

from __future__ import annotations

import ipaddress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import structlog

from playscore.errors import PlayscoreError, Reason
from servicekit.calls import Call, Proceed
from servicekit.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Caller:
    """Who made a call."""

    identity: str | None
    """The name that the caller proved to have; None where callers need no proof."""
    address: str = ""
    """Where the call came from, without the port: an IPv4 address; the /64 network of an IPv6 address, which one host
    can have to itself; or what gRPC says of any other transport."""

    @property
    def party(self) -> str:
        """Whose call it is, for shares: the identity, else the address."""
        return self.address if self.identity is None else self.identity


current_caller: ContextVar[Caller] = ContextVar("current_caller", default=Caller(None))  # noqa: B039  # it is frozen
"""The caller of the call in progress."""


class Authentication:
    """Puts the caller into `current_caller` and into the log; with mutual TLS refuses one without an identity."""

    def __init__(self, *, mutual_tls: bool) -> None:
        self._mutual_tls = mutual_tls

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Lets health and reflection through, whoever asks."""
        identity = _certified_identity(call) if self._mutual_tls else None
        if identity is None and self._mutual_tls and not call.method.is_infrastructure:
            raise PlayscoreError(
                Reason.UNAUTHENTICATED,
                "the client certificate names nobody: it needs a subject alternative or common name",
            )
        current_caller.set(Caller(identity, peer_address(call.context.peer())))
        if identity is not None:
            structlog.contextvars.bind_contextvars(caller=identity)
        return await proceed()


def peer_address(peer: str) -> str:
    """`Caller.address` out of gRPC's name of a peer: `ipv4:192.0.2.1:50000`, `ipv6:%5B2001:db8::1%5D:50000`."""
    kind, _, place = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return peer
    try:
        address = ipaddress.ip_address(unquote(place).rpartition(":")[0].strip("[]").partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    """TLS as set, mutual where there is an authority for callers; None for plain text. Raises OSError."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    authority = settings.tls_client_authority
    return grpc.ssl_server_credentials(
        [(_read(settings.tls_key), _read(settings.tls_certificate))],
        root_certificates=None if authority is None else _read(authority),
        require_client_auth=authority is not None,
    )


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _certified_identity(call: Call) -> str | None:
    """The name in the caller's verified certificate: its first subject alternative name, else its common name."""
    properties = call.context.auth_context()
    for name in ("x509_subject_alternative_name", "x509_common_name"):
        for value in properties.get(name, ()):
            if value:  # a certificate without a common name has an empty one
                return value.decode(errors="replace")
    return None
