"""The resume token: says how far a game has got, and admits nothing else."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

import pytest
from featurizer_film import HEADER
from hypothesis import given
from hypothesis import strategies as st

from featurizer.progress import Progress
from playscore.errors import PlayscoreError, Reason

counts = st.integers(0, 2**40)


@given(st.text(max_size=64), counts, counts, counts, counts)
def test_a_token_gives_back_what_it_was_made_of(play: str, revision: int, made: int, refused: int, over: int) -> None:
    progress = Progress(play, revision, made, refused, over)
    token = progress.token(HEADER)
    assert Progress.from_token(token, HEADER) == progress
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")


def test_a_token_of_another_game_is_refused() -> None:
    token = Progress("1", 1, 1).token(HEADER)
    for other in (replace(HEADER, game_id="2"), replace(HEADER, league="SIM")):
        with pytest.raises(PlayscoreError, match="it belongs to") as caught:
            Progress.from_token(token, other)
        assert caught.value.reason is Reason.RESUME_TOKEN_INVALID


@given(st.data())
def test_a_damaged_token_is_refused(data: st.DataObject) -> None:
    token = Progress("play", 1, 12, 3, 400).token(HEADER)
    place = data.draw(st.integers(0, len(token) - 5))
    letter = data.draw(st.sampled_from("Aq9").filter(lambda letter: letter != token[place]))
    with pytest.raises(PlayscoreError) as caught:
        Progress.from_token(token[:place] + letter + token[place + 1 :], HEADER)
    assert caught.value.reason is Reason.RESUME_TOKEN_INVALID


@pytest.mark.parametrize("payload", [b"", b"{}", b'[["NFL","1","x"],{"tensors":-1}]', b"\xff"])
def test_a_made_up_token_is_refused(payload: bytes) -> None:
    token = base64.urlsafe_b64encode(hashlib.sha256(payload).digest()[:8] + payload).decode()
    with pytest.raises(PlayscoreError) as caught:
        Progress.from_token(token, HEADER)
    assert caught.value.reason is Reason.RESUME_TOKEN_INVALID
