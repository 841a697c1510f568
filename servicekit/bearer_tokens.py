"""Bearer tokens that say who calls (JWT, RFC 7519): whether one is good, and who it is of."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import jwt

from playscore.errors import PlayscoreError, Reason
from servicekit.signing_keys import KeySet, KeysUrl, RemoteKeys, SigningKey

MAX_CHARACTERS: Final = 6144
"""Of a token. Calls carry 8 KiB of headers in all."""
LEEWAY_SECONDS: Final = 30
"""By which clocks may differ."""
MAX_KNOWN: Final = 4096
"""Good tokens that are remembered, so that not every call checks a signature."""

_REFUSALS: Final[Mapping[type[Exception], str]] = {
    jwt.ExpiredSignatureError: "has expired",
    jwt.ImmatureSignatureError: "is not valid yet",
    jwt.InvalidAudienceError: "is meant for somebody else: its audience is another",
    jwt.InvalidSignatureError: "is not signed by its issuer",
}


@dataclass(frozen=True, slots=True, eq=False)
class Issuer:
    """Somebody whose tokens are taken."""

    name: str
    """As in the claim `iss`."""
    audience: str
    """Which their claim `aud` must have."""
    algorithms: frozenset[str]
    keys: KeySet | KeysUrl


@dataclass(frozen=True, slots=True)
class Verified:
    """Whose a good token is."""

    issuer: str
    subject: str
    expires: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class _Known:
    verified: Verified
    issuer: Issuer
    key: SigningKey
    key_id: str | None
    algorithm: str


class BearerTokens:
    """Checks tokens: algorithm and key by what the issuer is known for, then issuer, audience and times."""

    def __init__(self, remote: RemoteKeys) -> None:
        self._remote = remote
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def verified(self, token: str, issuers: Mapping[str, Issuer]) -> Verified:
        """Whose a token is.

        Raises PlayscoreError: UNAUTHENTICATED for one that is not good; NOT_SERVING where its issuer's keys cannot be
        had.
        """
        if len(token) > MAX_CHARACTERS:
            raise refused(f"has more than {MAX_CHARACTERS} characters")
        if not token.isascii():
            raise refused("is not a JWT")
        digest = sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and await self._still_counts(known, issuers):
            if time.time() >= known.verified.expires + LEEWAY_SECONDS:
                raise refused(_REFUSALS[jwt.ExpiredSignatureError])
            self._known.move_to_end(digest)
            return known.verified
        self._known.pop(digest, None)
        known = await self._check(token, issuers)
        self._known[digest] = known
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return known.verified

    async def _still_counts(self, known: _Known, issuers: Mapping[str, Issuer]) -> bool:
        """Whether a token was checked against what is in force: the issuer's rules, and a key that it still has."""
        if known.issuer is not issuers.get(known.issuer.name):
            return False
        return known.key in await self._candidates(known.issuer, known.key_id, known.algorithm)

    async def _check(self, token: str, issuers: Mapping[str, Issuer]) -> _Known:
        header, claims = _unverified(token)
        issuer = issuers.get(claims["iss"]) if isinstance(claims.get("iss"), str) else None
        if issuer is None:
            raise refused("is of an issuer whose tokens are not taken here")
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
            raise refused("is signed by an algorithm that is not taken of its issuer")
        if "crit" in header:
            raise refused("demands an extension that is not known here")
        failure: PlayscoreError = refused("is signed with a key that its issuer does not have")
        for key in await self._candidates(issuer, key_id, algorithm):
            try:
                return _Known(_decoded(token, issuer, key, algorithm), issuer, key, key_id, algorithm)
            except jwt.InvalidSignatureError:
                failure = refused(_REFUSALS[jwt.InvalidSignatureError])
        raise failure

    async def _candidates(self, issuer: Issuer, key_id: str | None, algorithm: str) -> list[SigningKey]:
        if isinstance(issuer.keys, KeysUrl):
            return await self._remote.candidates(issuer.keys, key_id, algorithm)
        return issuer.keys.candidates(key_id, algorithm)


def refused(what: str) -> PlayscoreError:
    """The refusal of a token: "the token " and what is wrong."""
    return PlayscoreError(Reason.UNAUTHENTICATED, f"the token {what}")


def _unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims of a token, of which nothing is proved yet."""
    try:
        told = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise refused("is not a JWT") from error
    return told["header"], told["payload"]


def _decoded(token: str, issuer: Issuer, key: SigningKey, algorithm: str) -> Verified:
    """Raises jwt.InvalidSignatureError where another key may fit, else PlayscoreError."""
    try:
        claims = jwt.decode(
            token,
            key.public,
            algorithms=[algorithm],
            audience=issuer.audience,
            issuer=issuer.name,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        return Verified(issuer.name, claims["sub"], float(claims["exp"]))
    except jwt.InvalidSignatureError:
        raise
    except jwt.MissingRequiredClaimError as error:
        raise refused(f"lacks the claim {error.claim}") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise refused(_REFUSALS.get(type(error), "has claims that are not what they should be")) from error
