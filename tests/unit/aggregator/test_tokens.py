"""Tokens of the aggregator: short, of one store and one question, and nothing that anybody could make up."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.core.paging import Paging
from aggregator.core.revision import MAX_MISSING, Revision
from aggregator.core.tokens import Json, Tokens, WatchedState
from playscore.aggregator.v1.aggregator_pb2 import ListRatingsRequest, Split, WatchToken
from playscore.common.v1.common_pb2 import ROLE_PASSER, RevisionToken
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion
from playscore.wire.validation import check
from servicekit.tokens import Keyring, TokenKind

KEYRING = Keyring.random()
STORE, OTHER_STORE = "0123456789abcdef" * 2, "fedcba9876543210" * 2
TOKENS = Tokens(KEYRING, STORE)
MODEL = ModelVersion("passing", 3)
STATE = WatchedState(Revision(1280, frozenset({3, 1200})), MODEL)
QUESTION: tuple[Json, ...] = ("ratings", "NFL", 1, "down = 3", "passing", 3, ["subject_id"], None, "", False)

values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
arguments = st.lists(values | st.lists(values, max_size=3), max_size=5).map(tuple)
revisions = st.builds(
    lambda end, missing: Revision(end, frozenset(number for number in missing if number < end)),
    st.integers(1, 2**50),
    st.sets(st.integers(1, 2**50), max_size=MAX_MISSING),
)

Read = Callable[[str], object]
AS_OF = "consistency.as_of"
READS: dict[Reason, tuple[Read, str]] = {
    Reason.REVISION_TOKEN_INVALID: (lambda token: TOKENS.read_revision(token, AS_OF), AS_OF),
    Reason.PAGE_TOKEN_INVALID: (lambda token: TOKENS.read_page(token, QUESTION), "page_token"),
    Reason.RESUME_TOKEN_INVALID: (lambda token: TOKENS.read_watch(token, QUESTION), "resume_token"),
}
MADE = {
    Reason.REVISION_TOKEN_INVALID: TOKENS.revision(STATE.revision),
    Reason.PAGE_TOKEN_INVALID: TOKENS.page(QUESTION, [71.5, "00-0033873"]),
    Reason.RESUME_TOKEN_INVALID: TOKENS.watch(QUESTION, STATE),
}


def refused(reason: Reason, token: str, read: Read | None = None) -> str:
    expected, field = READS[reason]
    with pytest.raises(PlayscoreError) as caught:
        (read or expected)(token)
    assert (caught.value.reason, [each.field for each in caught.value.fields]) == (reason, [field])
    return caught.value.detail


# --- Round trips, and how long they are ---


@given(revisions)
def test_a_revision_token_names_its_state(revision: Revision) -> None:
    assert TOKENS.read_revision(TOKENS.revision(revision), "as_of") == revision


@given(arguments, st.lists(values, max_size=10))
def test_a_page_token_names_its_place(question: tuple[Json, ...], place: list[Json]) -> None:
    assert TOKENS.read_page(TOKENS.page(question, place), question) == place
    assert Paging(1, TOKENS.page(question, place), TOKENS).after(question) == place


@given(arguments, revisions)
def test_a_watch_is_resumed_from_its_state(question: tuple[Json, ...], revision: Revision) -> None:
    state = WatchedState(revision, MODEL)
    assert TOKENS.read_watch(TOKENS.watch(question, state), question) == state


def test_no_token_is_the_first_page() -> None:
    assert TOKENS.read_page("", QUESTION) is None


@given(st.sets(st.integers(1, 10**12 - 1), max_size=MAX_MISSING), st.integers(1, MAX_MISSING))
def test_tokens_fit_the_contract_however_many_transactions_are_missing(apart: set[int], together: int) -> None:
    row = range(10**12 - together, 10**12)
    for missing in (apart, {*row}, {*sorted(apart)[together:], *row}):
        revision = Revision(10**12, frozenset(missing))
        check(RevisionToken(value=TOKENS.revision(revision)))
        check(WatchToken(value=TOKENS.watch(QUESTION, WatchedState(revision, MODEL))))
        assert TOKENS.read_revision(TOKENS.revision(revision), "as_of") == revision


def test_a_page_token_fits_the_contract_whatever_the_names() -> None:
    name = "\N{FERRIS WHEEL}" * 200
    place: list[Json] = [name, *(2.0**-30 * number for number in range(20)), name, "p" * 64]
    split = Split(league="NFL", role=ROLE_PASSER)
    check(ListRatingsRequest(split=split, page_token=TOKENS.page(QUESTION, place)))


def test_tokens_of_every_day_are_short() -> None:
    lengths = {reason.name: len(token) for reason, token in MADE.items()}
    assert lengths["REVISION_TOKEN_INVALID"] <= 60
    assert lengths["PAGE_TOKEN_INVALID"] <= 70
    assert lengths["RESUME_TOKEN_INVALID"] <= 120


# --- Nothing else is taken ---


@pytest.mark.parametrize("reason", MADE)
def test_every_bit_of_a_token_counts(reason: Reason) -> None:
    token = MADE[reason].encode()
    for bit in range(len(token) * 8):
        flipped = bytearray(token)
        flipped[bit // 8] ^= 1 << bit % 8
        refused(reason, flipped.decode("latin-1"))


@given(st.text(min_size=1, max_size=200))
@example("W1siYSJdXQ")
@example("WyJ4IiwxXQ")
@example("é")
@example("A" * 5000)
def test_a_text_that_is_no_token_is_refused(text: str) -> None:
    for reason in MADE:
        refused(reason, text)


@pytest.mark.parametrize("reason", MADE)
def test_a_token_of_one_kind_is_none_of_another(reason: Reason) -> None:
    for other in MADE.keys() - {reason}:
        assert "belongs" in refused(other, MADE[reason])


@given(arguments, arguments)
def test_a_token_of_one_question_is_never_taken_for_another(one: tuple[Json, ...], other: tuple[Json, ...]) -> None:
    if json.dumps(one) == json.dumps(other):  # which tells 1 from True and from 1.0, as Python does not
        return
    page, watch = TOKENS.page(one, ["p1"]), TOKENS.watch(one, STATE)
    for reason, token, read in (
        (Reason.PAGE_TOKEN_INVALID, page, TOKENS.read_page),
        (Reason.RESUME_TOKEN_INVALID, watch, TOKENS.read_watch),
    ):
        assert "other arguments" in refused(reason, token, partial(read, arguments=other))


# --- Another store is not a forgery ---


def test_a_token_of_another_store_is_told_from_a_forged_one() -> None:
    for elsewhere in (Tokens(KEYRING, OTHER_STORE), Tokens(Keyring.random(), OTHER_STORE)):
        theirs = elsewhere.revision(Revision(7))
        assert "is of another store" in refused(Reason.REVISION_TOKEN_INVALID, theirs)
        assert "of another store" in refused(Reason.PAGE_TOKEN_INVALID, elsewhere.page(QUESTION, [1]))
    forged = Tokens(Keyring.random(), STORE).revision(Revision(7))
    assert "signed with a key that this service does not have" in refused(Reason.REVISION_TOKEN_INVALID, forged)
    damaged = MADE[Reason.REVISION_TOKEN_INVALID][:-4] + "AAAA"
    assert "is damaged, or was not made by this service" in refused(Reason.REVISION_TOKEN_INVALID, damaged)


def test_a_watch_of_a_store_that_was_restored_is_known_and_has_no_state() -> None:
    before = Tokens(KEYRING, OTHER_STORE).watch(QUESTION, STATE)
    assert TOKENS.read_watch(before, QUESTION) is None


@pytest.mark.parametrize(
    "numbers", [[], [0], [-1], ["1"], [7, 9], [7, -1], [7, [1, 1]], [7, "1"], [10_000, [0, MAX_MISSING + 1]]], ids=str
)
def test_a_token_that_another_release_signed_is_refused(numbers: list[Json]) -> None:
    content = json.dumps(numbers).encode()
    token = KEYRING.seal(TokenKind.REVISION, json.dumps([STORE]).encode(), content)
    assert "was made by another release" in refused(Reason.REVISION_TOKEN_INVALID, token)
    question = json.dumps(QUESTION, separators=(",", ":")).encode()
    content = json.dumps([STORE, "passing", 3, *numbers]).encode()
    watch = KEYRING.seal(TokenKind.WATCH, question, content)
    assert "was made by another release" in refused(Reason.RESUME_TOKEN_INVALID, watch)
