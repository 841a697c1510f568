"""The resume token: says how far a game has got, and admits nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featurizer.core.progress import Progress, game_of
from featurizer.passing.columns import SPECIFICATION
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import ResumeToken
from playscore.wire.validation import check
from servicekit.tokens import Keyring, TokenKind
from tests.unit.featurizer.film import HEADER
from tests.unit.playscore.wire.domain import IDENTIFIERS

GAME = game_of(HEADER, [SPECIFICATION])
KEYRING = Keyring.random()
counts = st.integers(0, 2**40)
revisions = st.integers(0, 2**31 - 1)
plays = st.just("") | IDENTIFIERS


def refused(token: str, game: tuple[str, ...] = GAME, keyring: Keyring = KEYRING) -> str:
    with pytest.raises(PlayscoreError) as caught:
        Progress.from_token(token, game, keyring)
    assert caught.value.reason is Reason.RESUME_TOKEN_INVALID
    assert [each.field for each in caught.value.fields] == ["open.resume_token"]
    return caught.value.detail


@given(plays, revisions, counts, counts, counts, counts)
def test_a_token_gives_back_what_it_was_made_of(
    play: str, revision: int, made: int, refused: int, dropped: int, ignored: int
) -> None:
    progress = Progress(play, revision, made, refused, dropped, ignored)
    token = progress.token(GAME, KEYRING)
    assert Progress.from_token(token, GAME, KEYRING) == progress
    check(ResumeToken(value=token))
    assert len(token) <= 200 + len(play.encode()) * 4 // 3


def test_a_token_of_other_features_is_refused() -> None:
    other = replace(SPECIFICATION, frame_rate_hertz=25.0)
    token = Progress("1", 1, 1).token(game_of(HEADER, [other]), KEYRING)
    assert "is of another game, or of other features" in refused(token)


def test_a_token_of_another_game_is_refused() -> None:
    token = Progress("1", 1, 1).token(GAME, KEYRING)
    for other in (replace(HEADER, game_id="2"), replace(HEADER, league="SIM")):
        assert "is of another game, or of other features" in refused(token, game_of(other, [SPECIFICATION]))


def test_a_featurizer_with_other_keys_refuses_a_token_and_one_with_the_same_takes_it() -> None:
    one, same, other = Keyring(b"k" * 32), Keyring(b"n" * 32, b"k" * 32), Keyring.random()
    token = Progress("1", 1, 1).token(GAME, one)
    assert Progress.from_token(token, GAME, same) == Progress("1", 1, 1)
    assert "signed with a key that this service does not have" in refused(token, keyring=other)


@given(st.text(max_size=200))
def test_whatever_is_no_token_is_refused(text: str) -> None:
    refused(text)


@pytest.mark.parametrize("payload", [b"[]", b"{}", b'["1",1,0,0,0]', b'["1",1,0,0,0,0,0]', b"[1,1,0,0,0,0]", b"null"])
def test_a_token_that_another_release_signed_is_refused(payload: bytes) -> None:
    token = KEYRING.seal(TokenKind.GAME, json.dumps(GAME).encode(), payload)
    assert "was made by another release" in refused(token)
