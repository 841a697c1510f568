from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backfill.game_report import GameReport, PlayCounts, Status
from pipeline.backfill.journal import Journal
from pipeline.backfill.share import Share
from pipeline.results import Ending, PlayResult
from playscore.errors import Reason

ALL = Share()


def report(game_id: str, plays: int = 70) -> GameReport:
    counts = PlayCounts(plays, scored=plays - 3, rejected={"NO_RELEASE": 2, "SPIKE": 1})
    return GameReport(game_id, Status.DONE, "NFL", {"passing": "passing:3"}, counts, {"passer": plays}, seconds=0.5)


def test_what_was_noted_is_known_to_the_next_run(tmp_path: Path) -> None:
    Journal(tmp_path / "state", ALL, "data").note(report("1"))
    assert Journal(tmp_path / "state", ALL, "data").done("1") == report("1")
    assert Journal(tmp_path / "state", ALL, "data").done("2") is None


def test_of_two_notes_of_a_game_the_last_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path, ALL, "data")
    journal.note(report("1", 70))
    journal.note(report("1", 71))
    assert journal.done("1") == report("1", 71)
    assert Journal(tmp_path, ALL, "data").done("1") == report("1", 71)


def test_workers_may_share_a_folder_and_their_number_may_change(tmp_path: Path) -> None:
    for index in range(3):
        Journal(tmp_path, Share(index, 3), "data").note(report(str(index)))
    journal = Journal(tmp_path, Share(1, 2), "data")
    assert [journal.done(str(index)) for index in range(3)] == [report(str(index)) for index in range(3)]


def test_notes_about_other_data_count_for_nothing(tmp_path: Path) -> None:
    Journal(tmp_path, ALL, "one season").note(report("1"))
    assert Journal(tmp_path, ALL, "another").done("1") is None


@settings(max_examples=50)
@given(st.data())
def test_a_journal_that_was_cut_off_anywhere_knows_the_games_before_and_takes_in_more(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        journal = Journal(Path(folder), ALL, "data")
        for game_id in "123":
            journal.note(report(game_id))
        (file,) = Path(folder).iterdir()
        whole = file.read_bytes()
        kept = data.draw(st.integers(0, len(whole)))
        file.write_bytes(whole[:kept])
        ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]

        after = Journal(Path(folder), ALL, "data")
        after.note(report("4"))

        again = Journal(Path(folder), ALL, "data")
        # A line counts once it is whole, with or without its end.
        assert [again.done(game_id) for game_id in "123"] == [
            report(game_id) if kept >= end else None for game_id, end in zip("123", ends, strict=True)
        ]
        assert again.done("4") == report("4")


@given(st.lists(st.tuples(st.sampled_from([*Ending, None]), st.sampled_from(list(Reason)), st.booleans()), max_size=30))
def test_every_play_of_a_game_is_counted_once(became: list[tuple[Ending | None, Reason, bool]]) -> None:
    results = [
        PlayResult("1", str(place), 1, ending, reason if ending is Ending.REJECTED else None, recorded=recorded)
        for place, (ending, reason, recorded) in enumerate(became)
        if ending is not None
    ]
    counts = PlayCounts.of(map(str, range(len(became))), results)
    assert counts.plays == len(became)
    assert counts.plays == (
        counts.scored + counts.waiting + counts.superseded + sum(counts.rejected.values()) + counts.not_recorded
    )
    assert counts.not_recorded == sum(ending is None or not recorded for ending, _, recorded in became)
    doubled = counts + counts
    assert doubled.plays == 2 * counts.plays
    assert sum(doubled.rejected.values()) == 2 * sum(counts.rejected.values())
