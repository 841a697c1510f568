"""Who calls. Roles (reader, writer, operator) are to be decided here, from the caller and the method."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog

from playscore.errors import PlayscoreError, Reason
from servicekit.calls import Call, Proceed
from servicekit.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Caller:
    """Who made a call. `identity` is None where callers need no certificate."""

    identity: str | None


current_caller: ContextVar[Caller] = ContextVar("current_caller")
"""The caller of the call in progress."""


class Authentication:
    """Puts the caller into `current_caller` and into the log; with mutual TLS refuses one without an identity."""

    def __init__(self, *, mutual_tls: bool) -> None:
        self._mutual_tls = mutual_tls

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Lets health and reflection through unasked."""
        if call.method.is_infrastructure:
            return await proceed()
        identity = _certified_identity(call) if self._mutual_tls else None
        if identity is None and self._mutual_tls:
            raise PlayscoreError(
                Reason.UNAUTHENTICATED,
                "the client certificate names nobody: it needs a subject alternative or common name",
            )
        current_caller.set(Caller(identity))
        if identity is not None:
            structlog.contextvars.bind_contextvars(caller=identity)
        return await proceed()


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
