"""Who calls: the caller of each call, by their token or certificate."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog

from playscore.errors import PlayscoreError, Reason
from servicekit.bearer_tokens import BearerTokens
from servicekit.callers import Caller, Role, current_caller, peer_address
from servicekit.callers_file import Callers, Grant
from servicekit.calls import Call, Proceed
from servicekit.certificates import CertificateNames, certificate_names
from servicekit.following import LOOK_EVERY_SECONDS, Followed
from servicekit.signing_keys import KeysUrl, RemoteKeys

__all__ = ["Authentication", "Caller", "current_caller"]

_AUTHORIZATION: Final = "authorization"


@dataclass(frozen=True, slots=True)
class _Proof:
    """What a caller says of themselves."""

    names: CertificateNames
    token: str | None
    address: str


class Authentication:
    """Puts the caller into `current_caller` and into the log.

    With a callers file it refuses those who do not stand in it. Without one anybody may call; with mutual TLS anybody
    whose certificate has a name, which is their identity.
    """

    def __init__(self, callers: Followed[Callers] | None, *, mutual_tls: bool) -> None:
        self._callers = callers
        self._mutual_tls = mutual_tls
        self._remote = RemoteKeys()
        self._tokens = BearerTokens(self._remote)
        self._calls: dict[asyncio.Task[Any], tuple[_Proof, Caller]] = {}
        """The streams and watches of known callers."""

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Lets health and reflection through, whoever asks."""
        address = peer_address(call.context.peer())
        current_caller.set(Caller(None, address, Role.READER))
        if call.method.is_infrastructure:
            return await proceed()
        if self._callers is None:
            return await self._called_by(self._anybody(call, address), proceed)
        proof = _Proof(_certificate(call), _token(call), address)
        caller = await self._known(self._callers.value, proof)
        if call.method.kind == "unary":
            return await self._called_by(caller, proceed)
        with self._lasting(proof, caller):
            return await self._called_by(caller, proceed)

    async def follow(self) -> None:
        """Follows the callers file, and the keys of issuers that publish them, until cancelled.

        Ends streams and watches whose caller may not do what they might when they began, for them to call again.
        """
        if self._callers is None:
            return
        try:
            while True:
                keys = (issuer.keys for issuer in self._callers.value.issuers.values())
                self._remote.follow(each for each in keys if isinstance(each, KeysUrl))
                await asyncio.sleep(LOOK_EVERY_SECONDS)
                await asyncio.to_thread(self._callers.look)
                await self._look_at_calls(self._callers.value)
        finally:
            self._remote.follow(())

    @staticmethod
    async def _called_by(caller: Caller, proceed: Proceed) -> Any:
        current_caller.set(caller)
        if caller.identity is not None:
            structlog.contextvars.bind_contextvars(caller=caller.identity)
        return await proceed()

    @contextmanager
    def _lasting(self, proof: _Proof, caller: Caller) -> Iterator[None]:
        """While the block runs, its task may be ended because of who its caller is."""
        task = asyncio.current_task()
        assert task is not None
        self._calls[task] = proof, caller
        try:
            yield
        except asyncio.CancelledError:
            if task in self._calls:
                raise
            task.uncancel()
            raise PlayscoreError(
                Reason.NOT_SERVING,
                "what proved who calls has expired, or who may call has changed; call again",
                retry_after_seconds=random.uniform(0.1, 0.5),
            ) from None
        finally:
            self._calls.pop(task, None)

    async def _look_at_calls(self, callers: Callers) -> None:
        for place, (task, (proof, caller)) in enumerate(tuple(self._calls.items())):
            if place % 64 == 63:
                await asyncio.sleep(0)
            try:
                same = await self._known(callers, proof) == caller
            except PlayscoreError as refused:
                same = refused.reason is Reason.NOT_SERVING  # keys that cannot be had now take nothing away
            if not same and self._calls.pop(task, None) is not None:
                task.cancel()

    def _anybody(self, call: Call, address: str) -> Caller:
        if not self._mutual_tls:
            return Caller(None, address)
        identity = _certificate(call).first
        if identity is None:
            raise PlayscoreError(
                Reason.UNAUTHENTICATED,
                "the client certificate names nobody: it needs a subject alternative or common name",
            )
        return Caller(identity, address)

    async def _known(self, callers: Callers, proof: _Proof) -> Caller:
        if proof.token is None:
            grant = _certified(callers, proof.names)
        else:
            grant = await self._by_token(callers, proof.token)
        return Caller(grant.name, proof.address, grant.role, grant.leagues)

    async def _by_token(self, callers: Callers, token: str) -> Grant:
        verified = await self._tokens.verified(token, callers.issuers)
        grant = callers.by_token.get((verified.issuer, verified.subject))
        if grant is None:
            raise PlayscoreError(Reason.PERMISSION_DENIED, "the token is of nobody who may call this service")
        return grant


def _token(call: Call) -> str | None:
    """The token that a call carries; None where it carries none. One that is no good is never passed over."""
    stated = [value for key, value in call.context.invocation_metadata() or () if key == _AUTHORIZATION]
    if not stated:
        return None
    if len(stated) > 1:
        raise PlayscoreError(Reason.UNAUTHENTICATED, "the call carries more than one authorization")
    scheme, _, token = str(stated[0]).partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise PlayscoreError(Reason.UNAUTHENTICATED, 'authorization must be "Bearer " and a token')
    return token.strip()


def _certified(callers: Callers, names: CertificateNames) -> Grant:
    grant = callers.certified(names)
    if grant is not None:
        return grant
    if names.uris or names.dns:
        raise PlayscoreError(Reason.PERMISSION_DENIED, "the client certificate is of nobody who may call this service")
    if names.first is not None:
        what = "the client certificate has no URI or DNS name, by which callers are known here"
    elif callers.issuers:
        what = "callers have to say who they are here: call with a token or a client certificate"
    else:
        what = "callers have to say who they are here: call with a client certificate"
    raise PlayscoreError(Reason.UNAUTHENTICATED, what)


def _certificate(call: Call) -> CertificateNames:
    """The names in the caller's certificate, which the handshake has verified; none where it did not ask for one."""
    for pem in call.context.auth_context().get("x509_pem_cert", ()):
        return certificate_names(pem)
    return CertificateNames()
