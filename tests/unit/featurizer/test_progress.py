"""The resume token: says how far a game has got, and admits nothing else."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featurizer.core.progress import Progress, game_of
from featurizer.passing.columns import SPECIFICATION
from playscore.errors import PlayscoreError, Reason
from playscore.limits import is_identifier
from tests.unit.featurizer.film import HEADER

GAME = game_of(HEADER, [SPECIFICATION])
counts = st.integers(0, 2**40)
revisions = st.integers(0, 2**31 - 1)
plays = st.text(max_size=64).filter(lambda name: not name or is_identifier(name))


@given(plays, revisions, counts, counts, counts)
def test_a_token_gives_back_what_it_was_made_of(play: str, revision: int, made: int, refused: int, over: int) -> None:
    progress = Progress(play, revision, made, refused, over)
    token = progress.token(GAME)
    assert Progress.from_token(token, GAME) == progress
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")


@pytest.mark.parametrize(
    "impossible",
    [
        Progress("1", 1, 2**63),
        Progress("1", 2**70),
        Progress("1", 1, 1, 1, 2**64),
        Progress("x" * 200),
        Progress("\x00"),
    ],
)
def test_a_token_of_what_no_stream_can_have_been_is_refused(impossible: Progress) -> None:
    with pytest.raises(PlayscoreError) as refused:
        Progress.from_token(impossible.token(GAME), GAME)
    assert refused.value.reason is Reason.RESUME_TOKEN_INVALID


def test_a_token_of_other_features_is_refused() -> None:
    other = replace(SPECIFICATION, frame_rate_hertz=25.0)
    with pytest.raises(PlayscoreError, match="it belongs to"):
        Progress.from_token(Progress("1", 1, 1).token(game_of(HEADER, [other])), GAME)


def test_a_token_of_another_game_is_refused() -> None:
    token = Progress("1", 1, 1).token(GAME)
    for other in (replace(HEADER, game_id="2"), replace(HEADER, league="SIM")):
        with pytest.raises(PlayscoreError, match="it belongs to") as caught:
            Progress.from_token(token, game_of(other, [SPECIFICATION]))
        assert caught.value.reason is Reason.RESUME_TOKEN_INVALID


@given(st.data())
def test_a_damaged_token_is_refused(data: st.DataObject) -> None:
    token = Progress("play", 1, 12, 3, 400).token(GAME)
    place = data.draw(st.integers(0, len(token) - 5))
    letter = data.draw(st.sampled_from("Aq9").filter(lambda letter: letter != token[place]))
    with pytest.raises(PlayscoreError) as caught:
        Progress.from_token(token[:place] + letter + token[place + 1 :], GAME)
    assert caught.value.reason is Reason.RESUME_TOKEN_INVALID


@pytest.mark.parametrize("payload", [b"", b"{}", b'[["NFL","1","x"],{"tensors":-1}]', b"\xff"])
def test_a_made_up_token_is_refused(payload: bytes) -> None:
    token = base64.urlsafe_b64encode(hashlib.sha256(payload).digest()[:8] + payload).decode()
    with pytest.raises(PlayscoreError) as caught:
        Progress.from_token(token, GAME)
    assert caught.value.reason is Reason.RESUME_TOKEN_INVALID
