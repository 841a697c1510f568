from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.readers.feed_files import LAYOUT, FeedWriter
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.sources import Loss, open_source, select_games
from playscore.wire.games import feed_of
from simulator.games import simulate
from tests.unit.playscore.wire.plain import plain

ENDINGS = (".feed", ".jsonl")


@pytest.fixture(scope="module")
def feeds() -> dict[str, list[FeedMessage]]:
    """The feeds of two games."""
    return {simulated.game.header.game_id: list(feed_of(simulated.game)) for simulated in simulate(5, 2, 4)}


def written(file: Path, messages: Iterable[FeedMessage]) -> Path:
    with FeedWriter(file) as writer:
        for message in messages:
            writer.write(message)
    return file


def told(game_id: str, **message: Any) -> FeedMessage:
    return FeedMessage(game={"league": "NFL", "game_id": game_id}, **message)  # type: ignore[arg-type]


def refusal(file: Path) -> str:
    """What is said of a file that cannot be read."""
    with pytest.raises(PlayscoreError) as refused:
        assert LAYOUT.open(file).game_ids
    assert refused.value.reason is Reason.FIELD_INVALID
    return str(refused.value)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_read(tmp_path: Path, feeds: dict[str, list[FeedMessage]], ending: str) -> None:
    (game_id, feed), *_ = feeds.items()
    source = LAYOUT.open(written(tmp_path / f"game{ending}", feed))
    assert source.game_ids == (game_id,)
    assert list(source.feed(game_id)) == feed
    assert plain(source.game(game_id)) == plain(next(iter(simulate(5, 1, 4))).game)


@pytest.mark.parametrize("ending", ENDINGS)
def test_messages_of_several_games_may_stand_in_one_file_in_any_order(
    tmp_path: Path, feeds: dict[str, list[FeedMessage]], ending: str
) -> None:
    first, second = feeds.values()
    mixed = [message for pair in zip(second, first, strict=False) for message in pair]
    source = LAYOUT.open(written(tmp_path / f"games{ending}", mixed))
    length = min(len(first), len(second))
    assert {game_id: list(source.feed(game_id)) for game_id in source.game_ids} == {
        game_id: feed[:length] for game_id, feed in feeds.items()
    }
    assert source.game_ids == (second[0].game.game_id, first[0].game.game_id)


def test_a_game_may_stand_in_several_files_of_a_folder_in_either_form(
    tmp_path: Path, feeds: dict[str, list[FeedMessage]]
) -> None:
    (game_id, feed), *_ = feeds.items()
    written(tmp_path / "b.jsonl", feed[5:])
    written(tmp_path / "a.feed", feed[:5])
    (tmp_path / "notes.txt").write_text("no feed")
    assert list(open_source(tmp_path).feed(game_id)) == feed
    assert list(open_source(tmp_path, "feed").feed(game_id)) == feed


def test_a_folder_of_feeds_is_found_without_being_named(tmp_path: Path) -> None:
    assert LAYOUT.recognize(tmp_path).missing
    assert LAYOUT.recognize(tmp_path / "absent").missing
    file = written(tmp_path / "game.feed", [])
    assert not LAYOUT.recognize(tmp_path).missing
    assert not LAYOUT.recognize(file).missing


def test_a_folder_without_feeds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError, match=r"holds no feed messages: a file that ends in \.feed or \.jsonl"):
        LAYOUT.open(tmp_path)


def test_lines_can_be_written_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "corrections.jsonl"
    file.write_text(
        '\n{"game": {"league": "NFL", "game_id": "7"}, "context": {"play_id": "54", "revision": 2}}\n\n'
        '{"game": {"league": "NFL", "gameId": "7"}, "officialResult": {"playId": "54", "passOutcome": '
        '{"result": "PASS_RESULT_COMPLETE", "yardsGained": 9}}}'
    )
    context, result = LAYOUT.open(file).feed("7")
    assert (context.context.play_id, context.context.revision) == ("54", 2)
    assert result.official_result.pass_outcome.yards_gained == 9.0


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_file_has_no_games(tmp_path: Path, ending: str) -> None:
    source = LAYOUT.open(written(tmp_path / f"empty{ending}", []))
    assert source.game_ids == ()
    with pytest.raises(PlayscoreError, match="no game 7"):
        select_games(source, ["7"])


@pytest.mark.parametrize("ending", [".txt", ".json", ""])
def test_a_file_of_another_ending_is_not_written(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"new{ending}"
    with pytest.raises(PlayscoreError, match=rf"new{ending}: a file of feed messages ends in \.feed or \.jsonl"):
        FeedWriter(file)
    assert not file.exists()


def test_a_recording_makes_its_folder_and_replaces_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "new" / "game.feed"
    written(file, [told("1", end_game={}), told("2", end_game={})])
    written(file, [told("3", end_game={})])
    assert LAYOUT.open(file).game_ids == ("3",)


def left_out(file: Path, *, messages: int) -> Sequence[Loss]:
    """What a file lost, that still has so many messages."""
    source = LAYOUT.open(file)
    assert sum(len(list(source.feed(game_id))) for game_id in source.game_ids) == messages
    return source.losses()


class TestBroken:
    """What cannot be read is left out, or refused, with the file and the byte at which the message begins."""

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_a_message_that_says_nothing_costs_no_other(self, tmp_path: Path, ending: str) -> None:
        file = written(tmp_path / f"game{ending}", [told("1", end_game={}), FeedMessage(), told("2", end_game={})])
        (loss,) = left_out(file, messages=2)
        assert (loss.reason, loss.count) == ("the message cannot be read", 1)
        assert "game.league must have" in loss.example

    def test_a_file_of_nothing_but_zeros(self, tmp_path: Path) -> None:
        file = written(tmp_path / "zeros.feed", [told("1", end_game={})])
        file.write_bytes(file.read_bytes() + b"\0" * 10_000_000)
        assert "zeros.feed is no file of feed messages: 1001 of them are none" in refusal(file)

    def test_a_file_that_is_cut_off(self, tmp_path: Path) -> None:
        file = tmp_path / "cut.feed"
        whole = told("1", end_play={"play_id": "54"})
        size = written(file, [whole]).stat().st_size
        written(file, [whole, whole])
        for length in range(size + 1, 2 * size):
            file.write_bytes(written(tmp_path / "whole.feed", [whole, whole]).read_bytes()[:length])
            assert f"{file}: the message at byte {size} is not a FeedMessage: " in refusal(file)
        assert f"it ends after {size - 2} of {size - 1} bytes: the file is cut off" in refusal(file)

    def test_a_length_that_is_cut_off(self, tmp_path: Path) -> None:
        file = tmp_path / "cut.feed"
        file.write_bytes(b"\x80")
        assert "the message at byte 0 is not a FeedMessage: its length is cut off" in refusal(file)

    def test_a_length_that_nothing_has(self, tmp_path: Path) -> None:
        file = tmp_path / "huge.feed"
        file.write_bytes(b"\xff\xff\xff\xff\x0f" + b"\0" * 100)
        assert "it claims 4294967295 bytes" in refusal(file)
        file.write_bytes(b"\xff" * 100)
        assert "its length is not a varint" in refusal(file)

    def test_a_line_that_is_cut_off(self, tmp_path: Path) -> None:
        file = written(tmp_path / "cut.jsonl", [told("1", end_game={}), told("1", end_game={})])
        first, second = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(first + second[:-10])
        (loss,) = left_out(file, messages=1)
        assert loss.count == 1
        assert f"{file}: the message at byte {len(first)} is not a FeedMessage: " in loss.example

    def test_a_line_that_is_not_utf_8(self, tmp_path: Path) -> None:
        file = tmp_path / "latin.jsonl"
        line = '{"game": {"league": "NFL", "gameId": "Zürich"}, "endGame": {}}\n'
        file.write_bytes(line.encode() + line.encode("latin-1"))
        (loss,) = left_out(file, messages=1)
        assert f"{file}: the message at byte {len(line.encode())} is not a FeedMessage: " in loss.example
        assert "utf-8" in loss.example

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ('{"game": {"league": "NFL", "gameId": "7"}, "puck": {}}', "puck"),
            ('{"context": {"playId": "54"}}', "game.league must have"),
            ('{"game": {"league": "N F L", "gameId": "7"}}', "game.league must have"),
            ('{"game": {"league": "NFL"}, "endGame": {}}', "game.game_id must have"),
            ("[]", "the message at byte 0"),
            ("null", "the message at byte 0"),
            ('{"game": 7}', "the message at byte 0"),
        ],
    )
    def test_a_line_that_says_something_else(self, tmp_path: Path, line: str, why: str) -> None:
        file = tmp_path / "other.jsonl"
        file.write_text(line + "\n")
        assert why in refusal(file)

    def test_one_form_under_the_ending_of_the_other(self, tmp_path: Path) -> None:
        messages = [told("1", end_game={})]
        for ending, other in (ENDINGS, ENDINGS[::-1]):
            file = written(tmp_path / f"game{ending}", messages).rename(tmp_path / f"renamed{other}")
            assert f"{file}: the message at byte 0 is not a FeedMessage: " in refusal(file)

    @pytest.mark.parametrize("ending", ENDINGS)
    @given(content=st.binary(min_size=1, max_size=200))
    def test_garbage_is_messages_or_is_refused(
        self, tmp_path_factory: pytest.TempPathFactory, ending: str, content: bytes
    ) -> None:
        file = tmp_path_factory.mktemp("garbage") / f"file{ending}"
        file.write_bytes(content)
        try:
            source = LAYOUT.open(file)
            assert all(
                message.game.game_id == game_id for game_id in source.game_ids for message in source.feed(game_id)
            )
        except PlayscoreError as refused:
            assert f"{file}: the message at byte " in str(refused)
