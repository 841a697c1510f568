"""Signed tokens: what a service hands out and takes back later, on any replica that has the same keys.

A token is these bytes, in base64url without padding:

| bytes | |
|---|---|
| 1 | version of this layout |
| 1 | kind |
| 4 | the beginning of the SHA-256 digest of the question that the token belongs to |
| 4 | identifier of the key |
| n | payload, which is not secret |
| 16 | HMAC-SHA256 of everything before it and of the whole digest of the question, truncated |
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

MAX_CHARACTERS: Final = 4096
"""No token is longer."""
MIN_SECRET_BYTES: Final = 32
_VERSION: Final = 1
_HINT: Final = slice(2, 6)
_KEY: Final = slice(6, 10)
_HEAD_BYTES: Final = 10
_SIGNATURE_BYTES: Final = 16


class TokenKind(enum.Enum):
    """What a token is for. A value is its number in tokens, its name to people, and what a token may be of instead."""

    REVISION = 1, "a revision token", "another store"
    PAGE = 2, "a page token", "a call with other arguments, or of another store"
    WATCH = 3, "a resume token of a watch", "a watch with other arguments"
    GAME = 4, "a resume token of a game", "another game, or of other features"

    def __init__(self, number: int, noun: str, other: str) -> None:
        self.number = number
        self.noun = noun
        self.other = other


class TokenRefused(Exception):  # noqa: N818 (it says what was done, like a rejection)
    """A token that is not one of this service for this question. The text goes on after "the token"."""


class Keyring:
    """The keys of a service. The first one signs; a token that any of them signed is taken.

    Args:
        signing: secret of the first key, of MIN_SECRET_BYTES or more.
        earlier: secrets of the others.
    """

    def __init__(self, signing: bytes, *earlier: bytes) -> None:
        self.turn_to(signing, *earlier)

    @classmethod
    def random(cls) -> Keyring:
        """A key that nobody else has."""
        return cls(secrets.token_bytes(MIN_SECRET_BYTES))

    @property
    def identifiers(self) -> Sequence[str]:
        """Of the keys, the signing one first; they tell keys apart and give nothing away."""
        return [identifier.hex() for identifier in self._keys]

    def turn_to(self, signing: bytes, *earlier: bytes) -> None:
        """Use these secrets from now on. Raises ValueError where one is too short."""
        keys = (signing, *earlier)
        if any(len(secret) < MIN_SECRET_BYTES for secret in keys):
            raise ValueError(f"a key has fewer than {MIN_SECRET_BYTES} bytes")
        self._keys = {_identifier(secret): secret for secret in keys}

    def seal(self, kind: TokenKind, question: bytes, payload: bytes) -> str:
        """A token of a kind that is taken for this question only."""
        keys = self._keys
        identifier = next(iter(keys))
        digest = hashlib.sha256(question).digest()
        signed = b"".join((bytes((_VERSION, kind.number)), digest[:4], identifier, payload))
        return _encoded(signed + _signature(keys[identifier], signed, digest))

    def open(self, kind: TokenKind, question: bytes, token: str) -> bytes:
        """The payload of a token. What it costs is bounded by MAX_CHARACTERS. Raises TokenRefused."""
        if len(token) > MAX_CHARACTERS:
            raise TokenRefused(f"has {len(token)} characters; none has more than {MAX_CHARACTERS}")
        data = _decoded(token)
        signed, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
        if len(signed) < _HEAD_BYTES or signed[0] != _VERSION:
            raise TokenRefused("is not one that this release makes: tokens of earlier ones are not taken")
        if signed[1] != kind.number:
            named = next((each.noun for each in TokenKind if each.number == signed[1]), "of no kind that there is")
            raise TokenRefused(f"is {named}, where {kind.noun} belongs")
        digest = hashlib.sha256(question).digest()
        if signed[_HINT] != digest[:4]:
            raise TokenRefused(f"is of {kind.other}")
        secret = self._keys.get(signed[_KEY])
        if secret is None:
            raise TokenRefused("is signed with a key that this service does not have, or has no longer")
        if not hmac.compare_digest(signature, _signature(secret, signed, digest)):
            raise TokenRefused("is damaged, or was not made by this service")
        return signed[_HEAD_BYTES:]


def derived(secret: bytes, purpose: str) -> bytes:
    """Another secret that follows from one. Whoever has it learns nothing of the first."""
    return hmac.digest(secret, f"playscore {purpose}".encode(), "sha256")


def _identifier(secret: bytes) -> bytes:
    return derived(secret, "key identifier")[:4]


def _signature(secret: bytes, signed: bytes, digest: bytes) -> bytes:
    return hmac.digest(secret, signed + digest, "sha256")[:_SIGNATURE_BYTES]


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(token: str) -> bytes:
    """The bytes of a token; none of a text that no bytes are encoded as."""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if _encoded(data) == token else b""
