"""The keys that an issuer signs with, as they are published."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from servicekit.signing_keys import parse_keys
from tests.tokens import TokenKey, jwks

RSA = rsa.generate_private_key(65537, 2048)
WEAK_RSA = rsa.generate_private_key(65537, 1024)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()

STRONG = [(RSA, "RS256"), (P256, "ES256"), (P384, "ES384"), (ED25519, "EdDSA")]


def pem_of(private: Any) -> bytes:
    pem: bytes = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


@pytest.mark.parametrize(("private", "algorithm"), STRONG)
def test_a_key_signs_by_the_algorithms_of_its_kind(private: Any, algorithm: str) -> None:
    for content in (
        pem_of(private),
        jwks(TokenKey(private, algorithm)),
        json.dumps(TokenKey(private, algorithm).jwk).encode(),
    ):
        keys = parse_keys(content)
        (key,) = keys.keys
        assert algorithm in key.algorithms
        for other in {"HS256", "none", *(each for _, each in STRONG)} - key.algorithms:
            assert keys.candidates(key.id, other) == []


def test_a_key_of_a_set_is_found_by_its_identifier_and_nothing_else() -> None:
    first, second = TokenKey(key_id="../../etc/passwd"), TokenKey(key_id="2")
    keys = parse_keys(jwks(first, second))
    assert [key.id for key in keys.candidates("../../etc/passwd", "ES256")] == ["../../etc/passwd"]
    assert [key.id for key in keys.candidates("2", "ES256")] == ["2"]
    for other in (None, "", "1", "etc/passwd", "/etc/passwd"):
        assert keys.candidates(other, "ES256") == []


def test_a_token_that_names_no_key_is_of_the_only_one() -> None:
    assert len(parse_keys(jwks(TokenKey())).candidates(None, "ES256")) == 1
    assert len(parse_keys(pem_of(P256)).candidates("whatever", "ES256")) == 1
    assert len(parse_keys(pem_of(P256) + TokenKey().pem).candidates(None, "ES256")) == 2


def test_keys_of_other_kinds_and_uses_are_left_out() -> None:
    good = TokenKey(P256)
    others: list[dict[str, Any]] = [
        {"kty": "unheard of"},
        {},
        {**good.jwk, "use": "enc"},
        {**good.jwk, "alg": "ES512"},
        {**good.jwk, "crv": "P-999"},
        {**good.jwk, "x": "AAAA"},
        {**good.jwk, "kid": 7},
        TokenKey(WEAK_RSA, "RS256").jwk,
        json.loads('{"kty": "OKP", "crv": "Ed448", "x": "AA"}'),
    ]
    (key,) = parse_keys(json.dumps({"keys": [*others, good.jwk]}).encode()).keys
    assert key.id == good.id


@pytest.mark.parametrize("private", [WEAK_RSA, ed448.Ed448PrivateKey.generate(), dsa.generate_private_key(2048)])
def test_a_key_that_is_no_use_is_none(private: Any) -> None:
    with pytest.raises(ValueError, match="no key that can check signatures"):
        parse_keys(pem_of(private))


def secret() -> bytes:
    return P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "neither PEM nor a JWK set"),
        (b"[]", "not a JWK set"),
        (b'{"keys": 1}', "not a JWK set"),
        (b'{"keys": [1]}', "not a JWK set"),
        (b'{"keys": []}', "no key that can check signatures"),
        (b"[" * 100_000, "neither PEM nor a JWK set"),
        (b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "a key is a secret"),
        (json.dumps({"keys": [{**TokenKey().jwk, "d": "AA"}]}).encode(), "a key is a secret"),
        (secret(), "not a public key in PEM"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "not a public key in PEM"),
        (jwks(*[TokenKey(P256) for _ in range(101)]), "101 keys; at most 100"),
        (pem_of(P256) * 5, "more than 4 keys without a kid"),
    ],
)
def test_what_is_no_set_of_public_keys_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_keys(content)


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"]),
        st.text() | st.integers() | st.none() | st.lists(st.text()),
    )
)
def test_any_other_key_is_left_out(stated: dict[str, Any]) -> None:
    kind = {"kty": "EC", "crv": "P-256", **stated}
    with contextlib.suppress(ValueError):
        parse_keys(json.dumps({"keys": [kind]}).encode())
