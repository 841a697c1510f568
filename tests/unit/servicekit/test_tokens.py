"""Signed tokens: what comes back is what was handed out, for the same question, or it is refused."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit.tokens import MAX_CHARACTERS, MIN_SECRET_BYTES, Keyring, TokenKind, TokenRefused, derived

OLD, NEW = b"o" * MIN_SECRET_BYTES, b"n" * MIN_SECRET_BYTES
KEYRING = Keyring(OLD)
kinds = st.sampled_from(TokenKind)
payloads = st.binary(max_size=200)
questions = st.binary(max_size=50)


def refusal(token: str, keyring: Keyring = KEYRING, kind: TokenKind = TokenKind.PAGE, question: bytes = b"q") -> str:
    with pytest.raises(TokenRefused) as refused:
        keyring.open(kind, question, token)
    return str(refused.value)


@given(kinds, questions, payloads)
def test_a_token_gives_back_what_it_was_made_of(kind: TokenKind, question: bytes, payload: bytes) -> None:
    token = KEYRING.seal(kind, question, payload)
    assert KEYRING.open(kind, question, token) == payload
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(token) == -(-(26 + len(payload)) * 8 // 6)


@given(st.data(), kinds, questions, payloads)
def test_a_token_with_a_flipped_bit_is_refused(
    data: st.DataObject, kind: TokenKind, question: bytes, payload: bytes
) -> None:
    token = KEYRING.seal(kind, question, payload).encode()
    flipped = bytearray(token)
    bit = data.draw(st.integers(0, len(token) * 8 - 1))
    flipped[bit // 8] ^= 1 << bit % 8
    refusal(flipped.decode("latin-1"), kind=kind, question=question)


def test_every_bit_of_a_token_counts() -> None:
    token = KEYRING.seal(TokenKind.PAGE, b"q", b'["a",1]')
    whole = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        refusal(base64.urlsafe_b64encode(flipped).decode().rstrip("="))


@given(st.text(max_size=300) | st.text("ABCDwxyz0189-_=+/", max_size=300) | st.binary().map(lambda b: b.hex()))
def test_a_text_that_is_no_token_is_refused(text: str) -> None:
    refusal(text)


@given(payloads, payloads)
def test_no_bytes_are_a_token_without_the_signature_of_a_key(head: bytes, tail: bytes) -> None:
    own = KEYRING.seal(TokenKind.PAGE, b"q", b"")
    start = base64.urlsafe_b64decode(own + "==")[:10]
    refusal(base64.urlsafe_b64encode(start + head + tail).decode().rstrip("="))


@given(st.integers(0, 40))
def test_a_token_that_was_cut_off_is_refused(kept: int) -> None:
    token = KEYRING.seal(TokenKind.PAGE, b"q", b"0123456789")
    refusal(token[:kept])
    refusal(token + "A" * (kept + 1))


def test_a_token_has_one_spelling() -> None:
    token = KEYRING.seal(TokenKind.PAGE, b"q", b"\xff" * 30)
    for spelled in (token + "=", token + "==", " " + token, token + "\n", token.replace("_", "/").replace("-", "+")):
        if spelled != token:
            refusal(spelled)


@given(kinds, questions, kinds, questions, payloads)
def test_a_token_of_one_question_is_never_taken_for_another(
    kind: TokenKind, question: bytes, other_kind: TokenKind, other: bytes, payload: bytes
) -> None:
    token = KEYRING.seal(kind, question, payload)
    if (kind, question) != (other_kind, other):
        refusal(token, kind=other_kind, question=other)


def test_the_whole_question_is_signed_and_not_only_the_part_that_a_token_shows() -> None:
    """Two questions whose digests begin alike."""
    seen: dict[bytes, bytes] = {}
    for number in range(1 << 20):
        question = b"%d" % number
        start = hashlib.sha256(question).digest()[:4]
        if start in seen:
            break
        seen[start] = question
    else:
        pytest.fail("no two digests begin alike")
    token = KEYRING.seal(TokenKind.PAGE, seen[start], b"here")
    assert KEYRING.open(TokenKind.PAGE, seen[start], token) == b"here"
    assert refusal(token, question=question) == "is damaged, or was not made by this service"


def test_a_refusal_says_what_is_wrong() -> None:
    token = KEYRING.seal(TokenKind.PAGE, b"q", b"payload")
    assert refusal("W1siYSJdXQ") == "is not one that this release makes: tokens of earlier ones are not taken"
    assert refusal("A" * (MAX_CHARACTERS + 1)) == "has 4097 characters; none has more than 4096"
    assert refusal(token, kind=TokenKind.WATCH) == "is a page token, where a resume token of a watch belongs"
    assert refusal(token, question=b"r") == "is of a call with other arguments, or of another store"
    assert refusal(token, Keyring(NEW)) == "is signed with a key that this service does not have, or has no longer"
    last = "A" if token[-3] != "A" else "B"
    assert refusal(token[:-3] + last + token[-2:]) == "is damaged, or was not made by this service"


def test_a_key_is_changed_in_three_steps_without_refusing_a_token_that_is_in_use() -> None:
    replicas = Keyring(OLD), Keyring(OLD)

    def made(keyring: Keyring) -> str:
        return keyring.seal(TokenKind.PAGE, b"q", b"here")

    def all_take(token: str) -> bool:
        return all(each.open(TokenKind.PAGE, b"q", token) == b"here" for each in replicas)

    of_old = made(replicas[0])
    for secrets in ((OLD, NEW), (NEW, OLD)):
        for replica in replicas:  # one after the other: in between they differ
            replica.turn_to(*secrets)
            assert all_take(of_old)
            assert all(all_take(made(each)) for each in replicas)
    of_new = made(replicas[0])
    for replica in replicas:
        replica.turn_to(NEW)
        assert all_take(of_new)
        assert "a key that this service does not have" in refusal(of_old, replica)


def test_a_key_that_could_be_guessed_is_refused() -> None:
    for secrets in ((b"short",), (OLD, b"n" * (MIN_SECRET_BYTES - 1))):
        with pytest.raises(ValueError, match="fewer than 32 bytes"):
            Keyring(*secrets)


def test_derived_secrets_differ_by_purpose_and_secret() -> None:
    made = {derived(secret, purpose) for secret in (OLD, NEW) for purpose in ("tokens", "key identifier")}
    assert len(made) == 4
    assert derived(OLD, "tokens") == derived(OLD, "tokens")
