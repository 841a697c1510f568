"""The public keys that an issuer signs tokens with: out of PEM or of a JWK set, from a file or over HTTPS."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError

from playscore.errors import PlayscoreError, Reason
from servicekit.following import reload_failed, reloaded

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

MIN_RSA_BITS: Final = 2048
MAX_KEYS: Final = 100
MAX_NAMELESS_KEYS: Final = 4
"""Keys without an identifier are tried one after the other."""
MAX_BYTES: Final = 2**18
"""Of a JWK set."""

FETCH_SECONDS: Final = 5.0
"""For a JWK set to arrive whole."""
REFRESH_EVERY_SECONDS: Final = 300.0
"""After which keys are fetched again, so that one that was withdrawn no longer counts."""
REFRESH_AT_ONCE_EVERY_SECONDS: Final = 10.0
"""How often an unknown key may have them fetched out of turn."""
MAX_WAITING: Final = 64
"""Calls that may wait for keys of one issuer."""

_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
ALGORITHMS: Final = (*sorted(_RSA), *_CURVES.values(), "EdDSA")
"""What tokens may be signed by: nothing whose key is a secret that this side would have to know."""
_JWK_KINDS: Final[Mapping[str, Any]] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A key, and what it may sign by."""

    id: str | None
    public: PublicKey
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """The keys of an issuer."""

    keys: Sequence[SigningKey]

    def candidates(self, key_id: str | None, algorithm: str) -> list[SigningKey]:
        """The keys that may have signed a token whose header says so. The identifier is compared and nothing else."""
        only = len(self.keys) == 1 and key_id is None
        return [
            key for key in self.keys if (key.id is None or key.id == key_id or only) and algorithm in key.algorithms
        ]


def parse_keys(content: bytes) -> KeySet:
    """The keys in PEM (public keys, or certificates of them), a JWK or a JWK set.

    Of a JWK set, keys of other kinds and for other uses are left out, as its standard (RFC 7517) wants it. Raises
    ValueError where none is usable.
    """
    keys = list(_from_pem(content)) if b"-----BEGIN" in content else list(_from_json(content))
    if not keys:
        raise ValueError(f"no key that can check signatures by {', '.join(ALGORITHMS)}")
    if len(keys) > MAX_KEYS:
        raise ValueError(f"{len(keys)} keys; at most {MAX_KEYS} are taken")
    if sum(key.id is None for key in keys) > MAX_NAMELESS_KEYS:
        raise ValueError(f"more than {MAX_NAMELESS_KEYS} keys without a kid")
    return KeySet(keys)


def _from_pem(content: bytes) -> Iterator[SigningKey]:
    begin = b"-----BEGIN "
    for part in content.split(begin)[1:]:
        pem = begin + part
        try:
            if part.startswith(b"CERTIFICATE"):
                key = _usable(None, x509.load_pem_x509_certificate(pem).public_key())
            else:
                key = _usable(None, load_pem_public_key(pem))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError(f"not a public key in PEM: {error}") from error
        if key is not None:
            yield key


def _from_json(content: bytes) -> Iterator[SigningKey]:
    try:
        stated = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"neither PEM nor a JWK set: {error}") from None
    listed = stated.get("keys", [stated]) if isinstance(stated, dict) else None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise ValueError("not a JWK set, which is an object with a list of keys")
    if len(listed) > MAX_KEYS:
        raise ValueError(f"{len(listed)} keys; at most {MAX_KEYS} are taken")
    for each in listed:
        if "d" in each or "k" in each:
            raise ValueError("a key is a secret; a JWK set is of public keys")
        key_id, kind = each.get("kid"), _JWK_KINDS.get(str(each.get("kty")))
        if kind is None or each.get("use", "sig") != "sig" or not isinstance(key_id, str | None):
            continue
        try:
            public = kind.from_jwk(each)
        except (PyJWTError, ValueError, TypeError, KeyError, UnsupportedAlgorithm):
            continue
        key = _usable(key_id, public)
        if key is not None and each.get("alg", next(iter(key.algorithms))) in key.algorithms:
            yield SigningKey(key.id, key.public, frozenset({each["alg"]})) if "alg" in each else key


def _usable(key_id: str | None, public: object) -> SigningKey | None:
    match public:
        case RSAPublicKey() if public.key_size >= MIN_RSA_BITS:
            return SigningKey(key_id, public, _RSA)
        case EllipticCurvePublicKey() if public.curve.name in _CURVES:
            return SigningKey(key_id, public, frozenset({_CURVES[public.curve.name]}))
        case Ed25519PublicKey():
            return SigningKey(key_id, public, frozenset({"EdDSA"}))
    return None


@dataclass(frozen=True, slots=True)
class KeysUrl:
    """Where an issuer publishes its keys."""

    url: str
    authority: str | None = None
    """Authorities to trust for it, PEM; None: those of this machine."""


@dataclass(slots=True)
class _Remote:
    """The keys at a URL, as they were fetched last."""

    keys: KeySet | None = None
    tried_at: float | None = None
    fetching: asyncio.Task[None] | None = None
    waiting: int = 0


class RemoteKeys:
    """Fetches keys: in turn, and out of turn where a token names one that is not known yet.

    How often does not depend on who calls with what. Keys that cannot be fetched stay what they were.
    """

    def __init__(self) -> None:
        self._remotes: dict[KeysUrl, _Remote] = {}

    async def candidates(self, where: KeysUrl, key_id: str | None, algorithm: str) -> list[SigningKey]:
        """The keys that may have signed a token whose header says so.

        Raises PlayscoreError, NOT_SERVING, where no keys could be fetched yet, or too many calls wait for them.
        """
        remote = self._remotes.setdefault(where, _Remote())
        found = remote.keys.candidates(key_id, algorithm) if remote.keys is not None else []
        if not found:
            await self._look_again(where, remote)
            found = remote.keys.candidates(key_id, algorithm) if remote.keys is not None else []
        if remote.keys is None:
            raise _later("the keys of the token's issuer cannot be had")
        return found

    def follow(self, wanted: Iterable[KeysUrl]) -> None:
        """Begins to fetch what is due of the keys that are wanted now, and forgets all others."""
        urls = set(wanted)
        for gone in self._remotes.keys() - urls:
            task = self._remotes.pop(gone).fetching
            if task is not None:
                task.cancel()
        for where in urls:
            remote = self._remotes.setdefault(where, _Remote())
            every = REFRESH_AT_ONCE_EVERY_SECONDS if remote.keys is None else REFRESH_EVERY_SECONDS
            if _is_due(remote, every):
                self._fetch(where, remote)

    async def _look_again(self, where: KeysUrl, remote: _Remote) -> None:
        if remote.fetching is None:
            if not _is_due(remote, REFRESH_AT_ONCE_EVERY_SECONDS):
                return
            self._fetch(where, remote)
        if remote.waiting >= MAX_WAITING:
            raise _later("the keys of the token's issuer are being fetched")
        remote.waiting += 1
        try:
            if remote.fetching is not None:
                await asyncio.wait({remote.fetching})
        finally:
            remote.waiting -= 1

    def _fetch(self, where: KeysUrl, remote: _Remote) -> None:
        async def fetch() -> None:
            try:
                remote.keys = await _fetched(where)
                reloaded(where.url)
            except Exception as error:  # whatever an issuer's server does, the keys stay
                reload_failed(where.url, error)
            finally:
                remote.fetching = None

        if remote.fetching is None:
            remote.tried_at = time.monotonic()
            remote.fetching = asyncio.create_task(fetch())


def _is_due(remote: _Remote, every_seconds: float) -> bool:
    return remote.tried_at is None or time.monotonic() >= remote.tried_at + every_seconds


def _later(what: str) -> PlayscoreError:
    return PlayscoreError(Reason.NOT_SERVING, f"{what}; repeat the call", retry_after_seconds=1.0)


async def _fetched(where: KeysUrl) -> KeySet:
    import aiohttp  # noqa: PLC0415  # it takes a while, and most services fetch nothing

    context = await asyncio.to_thread(ssl.create_default_context, cadata=where.authority)
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=True,
    )
    async with session, session.get(where.url, ssl=context, allow_redirects=False) as response:
        if response.status != 200:
            raise ValueError(f"HTTP status {response.status} instead of 200")
        content = bytearray()
        async for piece in response.content.iter_chunked(2**16):
            content += piece
            if len(content) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
    return await asyncio.to_thread(parse_keys, bytes(content))
