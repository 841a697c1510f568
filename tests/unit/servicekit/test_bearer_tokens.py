"""Tokens that say who calls: the good ones, and every trick that is known."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from playscore.errors import PlayscoreError, Reason
from servicekit.bearer_tokens import LEEWAY_SECONDS, MAX_CHARACTERS, BearerTokens, Issuer
from servicekit.signing_keys import KeySet, RemoteKeys, parse_keys
from tests.tokens import TokenIssuer, TokenKey, jwks

OURS = TokenIssuer()
RSA = TokenKey(rsa.generate_private_key(65537, 2048), "RS256", "rsa")
OTHERS = TokenIssuer("https://other.example.org")
STRANGER = TokenIssuer("https://stranger.example.org")
ALGORITHMS = frozenset({"ES256", "RS256"})


def trusted(issuer: TokenIssuer, keys: KeySet) -> Issuer:
    return Issuer(issuer.name, issuer.audience, ALGORITHMS, keys)


ISSUERS = {
    OURS.name: trusted(OURS, parse_keys(jwks(OURS.key, RSA))),
    OTHERS.name: trusted(OTHERS, parse_keys(OTHERS.key.pem)),
}


@pytest.fixture(scope="module")
def tokens() -> BearerTokens:
    return BearerTokens(RemoteKeys())


async def refusal(tokens: BearerTokens, token: str) -> str:
    """Why a token is refused, twice: what was refused is not remembered as good."""
    texts = set()
    for _ in range(2):
        with pytest.raises(PlayscoreError) as refused:
            await tokens.verified(token, ISSUERS)
        assert refused.value.reason is Reason.UNAUTHENTICATED
        texts.add(refused.value.detail)
    (text,) = texts
    return text


def part(content: object) -> str:
    encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()


def by_hand(header: object, claims: object, signature: bytes = b"") -> str:
    return f"{part(header)}.{part(claims)}.{part(signature)}"


def signed(claims: dict[str, Any], key: TokenKey = OURS.key, **header: Any) -> str:
    return jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.id, **header})


@pytest.mark.parametrize("subject", ["worker", "Zoë", "аdmin", "a" * 500, "system:serviceaccount:a:b", "\0\n"])
async def test_a_good_token_is_its_subjects_to_the_letter(tokens: BearerTokens, subject: str) -> None:
    token = OURS.token(subject)
    for _ in range(2):
        verified = await tokens.verified(token, ISSUERS)
        assert (verified.issuer, verified.subject) == (OURS.name, subject)


async def test_each_key_of_an_issuer_and_each_of_several_audiences_will_do(tokens: BearerTokens) -> None:
    for claims, key in ((OURS.claims("a"), RSA), (OURS.claims("a", aud=["other", "playscore"]), OURS.key)):
        assert (await tokens.verified(signed(claims, key), ISSUERS)).subject == "a"
    assert (await tokens.verified(OTHERS.token("a"), ISSUERS)).issuer == OTHERS.name


def hmac_with_the_public_key(content: bytes) -> str:
    text = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': RSA.id})}.{part(OURS.claims('operator'))}"
    return f"{text}.{part(hmac.new(content, text.encode(), hashlib.sha256).digest())}"


NOW = int(time.time())
WRONG = {
    "unsigned": (by_hand({"alg": "none"}, OURS.claims("operator")), "algorithm"),
    "unsigned, in capitals": (by_hand({"alg": "NONE", "kid": OURS.key.id}, OURS.claims("operator")), "algorithm"),
    "no algorithm": (by_hand({"kid": OURS.key.id}, OURS.claims("operator")), "algorithm|not a JWT"),
    "an algorithm that is a list": (by_hand({"alg": ["ES256"]}, OURS.claims("operator")), "algorithm|not a JWT"),
    "the public key as the secret": (hmac_with_the_public_key(RSA.pem), "algorithm"),
    "the public JWK as the secret": (hmac_with_the_public_key(json.dumps(RSA.jwk).encode()), "algorithm"),
    "the empty secret": (hmac_with_the_public_key(b""), "algorithm"),
    "an algorithm that is not taken": (
        jwt.encode(OURS.claims("a"), RSA.private, "PS256", headers={"kid": RSA.id}), "algorithm"
    ),
    "the algorithm of another key": (
        by_hand({"alg": "RS256", "kid": OURS.key.id}, OURS.claims("a"), b"x" * 256), "key that its issuer does not have"
    ),
    "a signature of zeros": (
        by_hand({"alg": "ES256", "kid": OURS.key.id}, OURS.claims("a"), bytes(64)), "not signed by its issuer"
    ),
    "no signature": (by_hand({"alg": "ES256", "kid": OURS.key.id}, OURS.claims("a")), "not signed by its issuer"),
    "a key by path": (signed(OURS.claims("a"), kid="../../../../dev/null"), "key that its issuer does not have"),
    "a key by URL": (signed(OURS.claims("a"), kid="https://evil.example.org/keys"), "key that its issuer does not"),
    "a key by SQL": (signed(OURS.claims("a"), kid="' OR 1=1 --"), "key that its issuer does not have"),
    "a key of its own": (signed(OURS.claims("a"), TokenKey(), kid=OURS.key.id), "not signed by its issuer"),
    "a key in its header": (
        signed(OURS.claims("a"), TokenKey(key_id="evil"), jwk=TokenKey().jwk), "key that its issuer does not have"
    ),
    "a key that its header points to": (
        signed(OURS.claims("a"), TokenKey(key_id="evil"), jku="https://evil.example.org"), "key that its issuer"
    ),
    "a key that is no text": (by_hand({"alg": "ES256", "kid": 7}, OURS.claims("a")), "not a JWT"),
    "the key of another issuer": (signed(OURS.claims("a"), OTHERS.key), "key that its issuer does not have"),
    "another issuer's key, and its key's name": (
        signed(OURS.claims("a"), OTHERS.key, kid=OURS.key.id), "not signed by its issuer"
    ),
    "an issuer nobody knows": (STRANGER.token("a"), "of an issuer whose tokens are not taken here"),
    "an issuer almost known": (signed(OURS.claims("a", iss=f"{OURS.name}/")), "of an issuer whose tokens"),
    "issuers in a list": (by_hand({"alg": "ES256"}, OURS.claims("a", iss=[OURS.name])), "issuer|JWT"),
    "no issuer": (signed(OURS.claims("a", iss=None)), "of an issuer whose tokens"),
    "another audience": (signed(OURS.claims("a", aud="other")), "audience is another"),
    "no audience": (signed(OURS.claims("a", aud=None)), "lacks the claim aud"),
    "an audience of none": (signed(OURS.claims("a", aud=[])), "lacks the claim aud"),
    "an audience that is a part": (signed(OURS.claims("a", aud="play")), "audience is another"),
    "an audience that is a number": (signed(OURS.claims("a", aud=7)), "audience|claims"),
    "expired": (signed(OURS.claims("a", exp=NOW - LEEWAY_SECONDS - 1)), "has expired"),
    "expired long ago": (signed(OURS.claims("a", exp=-(10**20))), "has expired|claims"),
    "without an end": (signed(OURS.claims("a", exp=None)), "lacks the claim exp"),
    "an end that is no number": (signed(OURS.claims("a", exp="never")), "claims that are not what they should be"),
    "an end beyond all numbers": (
        signed({**OURS.claims("a"), "exp": float("inf")}), "claims that are not what they should be"
    ),
    "an end that is not a number": (
        signed({**OURS.claims("a"), "exp": float("nan")}), "claims that are not what they should be"
    ),
    "not valid yet": (signed(OURS.claims("a", nbf=NOW + 3600)), "not valid yet"),
    "issued in the future": (signed(OURS.claims("a", iat=NOW + 3600)), "not valid yet"),
    "without a subject": (signed(OURS.claims("a", sub=None)), "lacks the claim sub"),
    "a subject that is a number": (
        jwt.api_jws.encode(json.dumps({**OURS.claims("a"), "sub": 7}).encode(), OURS.key.private, "ES256",
                           headers={"kid": OURS.key.id}), "claims that are not what they should be"
    ),
    "a critical extension": (signed(OURS.claims("a"), crit=["exp"], exp=1), "extension|not a JWT"),
    "a payload that was detached": (signed(OURS.claims("a"), crit=["b64"], b64=False), "extension|not a JWT"),
    "claims that are a list": (by_hand({"alg": "ES256"}, [1]), "not a JWT"),
    "claims without an end": (by_hand({"alg": "ES256"}, b"[" * 3000), "not a JWT"),
    "a header without an end": (by_hand(b"[" * 3000, {}), "not a JWT"),
    "too long": ("a" * (MAX_CHARACTERS + 1), "more than 6144 characters"),
    "nothing": ("", "not a JWT"),
    "dots": ("..", "not a JWT"),
    "encrypted": ("a.b.c.d.e", "not a JWT"),
    "characters that are none": ("\ud800.\0.é", "not a JWT"),
}  # fmt: skip


@pytest.mark.parametrize("trick", WRONG)
async def test_a_token_that_is_not_good_is_refused_with_what_is_wrong(tokens: BearerTokens, trick: str) -> None:
    token, told = WRONG[trick]
    assert re.search(told, await refusal(tokens, token))


async def test_no_refusal_says_who_else_may_call(tokens: BearerTokens) -> None:
    for token, _ in WRONG.values():
        text = await refusal(tokens, token)
        assert not any(known in text for known in (OURS.name, OTHERS.name, "worker", OURS.key.id, "ES256"))


async def test_a_changed_token_is_refused_and_the_good_one_is_still_good(tokens: BearerTokens) -> None:
    token = OURS.token("reader")
    await tokens.verified(token, ISSUERS)
    header, _, signature = token.split(".")
    assert "not signed" in await refusal(tokens, f"{header}.{part(OURS.claims('operator'))}.{signature}")
    assert (await tokens.verified(token, ISSUERS)).subject == "reader"


async def test_a_token_that_was_good_ends_with_its_time_its_key_and_its_issuer(
    tokens: BearerTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = TokenIssuer("https://rotating.example.org")
    token = issuer.token("a")
    good = {issuer.name: trusted(issuer, parse_keys(jwks(issuer.key)))}
    assert (await tokens.verified(token, good)).subject == "a"
    for changed in ({}, {issuer.name: trusted(issuer, parse_keys(jwks(TokenKey())))}):
        with pytest.raises(PlayscoreError):
            await tokens.verified(token, changed)
    assert (await tokens.verified(token, good)).subject == "a"
    later = time.time() + 3600 + LEEWAY_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(PlayscoreError, match="has expired"):
        await tokens.verified(token, good)


VALUES = st.none() | st.text() | st.integers() | st.floats() | st.lists(st.text())


@settings(max_examples=100)
@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]), VALUES),
    claims=st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]), VALUES),
)
async def test_whatever_a_token_says_it_is_good_or_refused(header: dict[str, Any], claims: dict[str, Any]) -> None:
    tokens = BearerTokens(RemoteKeys())
    stated = {**OURS.claims("a"), **claims}
    content = json.dumps(stated).encode()
    forged = by_hand({"alg": "ES256", "kid": OURS.key.id, **header}, content, bytes(64))
    with pytest.raises(PlayscoreError):
        await tokens.verified(forged, ISSUERS)
    honest = jwt.api_jws.encode(content, OURS.key.private, "ES256", headers={"kid": OURS.key.id})
    try:
        verified = await tokens.verified(honest, ISSUERS)
    except PlayscoreError as refused:
        assert refused.reason is Reason.UNAUTHENTICATED
    else:
        assert verified.subject == stated["sub"]
