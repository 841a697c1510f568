"""Who calls: the caller of each call, by their certificate."""

from __future__ import annotations

from typing import Any

import structlog

from playscore.errors import PlayscoreError, Reason
from servicekit.callers import Caller, current_caller, peer_address
from servicekit.callers_file import Callers
from servicekit.calls import Call, Proceed
from servicekit.certificates import CertificateNames, certificate_names
from servicekit.following import Followed

__all__ = ["Authentication", "Caller", "current_caller"]


class Authentication:
    """Puts the caller into `current_caller` and into the log.

    With a callers file it refuses those who do not stand in it. Without one anybody may call; with mutual TLS anybody
    whose certificate has a name, which is their identity.
    """

    def __init__(self, callers: Followed[Callers] | None, *, mutual_tls: bool) -> None:
        self._callers = callers
        self._mutual_tls = mutual_tls

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Lets health and reflection through, whoever asks."""
        address = peer_address(call.context.peer())
        if call.method.is_infrastructure:
            current_caller.set(Caller(None, address))
            return await proceed()
        caller = self._caller(call, address)
        current_caller.set(caller)
        if caller.identity is not None:
            structlog.contextvars.bind_contextvars(caller=caller.identity)
        return await proceed()

    def _caller(self, call: Call, address: str) -> Caller:
        names = _certificate(call)
        if self._callers is None:
            if self._mutual_tls and names.first is None:
                raise PlayscoreError(
                    Reason.UNAUTHENTICATED,
                    "the client certificate names nobody: it needs a subject alternative or common name",
                )
            return Caller(names.first if self._mutual_tls else None, address)
        grant = self._callers.value.certified(names)
        if grant is None:
            raise _stranger(names)
        return Caller(grant.name, address, grant.role, grant.leagues)


def _certificate(call: Call) -> CertificateNames:
    """The names in the caller's certificate, which the handshake has verified; none where it did not ask for one."""
    for pem in call.context.auth_context().get("x509_pem_cert", ()):
        return certificate_names(pem)
    return CertificateNames()


def _stranger(names: CertificateNames) -> PlayscoreError:
    if names.uris or names.dns:
        return PlayscoreError(Reason.PERMISSION_DENIED, "the client certificate is of nobody who may call this service")
    if names.first is not None:
        what = "the client certificate has no URI or DNS name, by which callers are known here"
    else:
        what = "callers have to say who they are here: call with a client certificate"
    return PlayscoreError(Reason.UNAUTHENTICATED, what)
