"""What cannot be read of tables: one bad cell spoils a row, one bad row a play at most, and everything is counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.readers import tables as reading
from pipeline.readers.cells import Kind
from pipeline.readers.files import DataFile, data_files
from pipeline.readers.losses import Losses
from pipeline.readers.tables import Table, TableFiles
from playscore.passing import PassOutcome, PassResult, PlayKind, situation_of
from playscore.sources import Loss, Source, open_source
from tests.unit.pipeline import film, tables
from tests.unit.pipeline.film import FRAMES, PEOPLE

COLUMNS = {"gameId": Kind.ID, "frame": Kind.FRAME, "x": Kind.NUMBER, "event": Kind.ID}
BY_GAME = Table("tracking", COLUMNS, extras={"o": Kind.NUMBER}, keys=("frame",), by_game=True)
WHOLE = Table("plays", COLUMNS, extras={"o": Kind.NUMBER}, keys=("frame",))
GOOD = ["7,1,40.5,snap", "7,2,41.5,NA", "7,3,42.5,NA", "8,1,50.5,snap"]


def files(folder: Path, table: Table, *lines: str, header: str = "gameId,frame,x,event") -> tuple[TableFiles, Losses]:
    (folder / "week1.csv").write_text("\n".join((header, *lines)) + "\n")
    losses = Losses()
    return TableFiles(table, data_files(folder), losses), losses


def frames(found: TableFiles, game: str) -> list[Any]:
    return found.rows(game)["frame"].to_list()


@pytest.mark.parametrize(
    ("line", "loss"),
    [
        ("7,NA,44,NA", Loss("frame is missing", 1, "week1.csv, row 6, column frame: empty")),
        (
            "7,2O,44,NA",
            Loss("frame is not a frame number, 0 to 10000000", 1, "week1.csv, row 6, column frame: '2O'"),
        ),
        ("NA,4,44,NA", Loss("gameId is missing", 1, "week1.csv, row 6")),
        ("a\tb,4,44,NA", Loss("gameId is not an identifier", 1, "week1.csv, row 6, column gameId: 'a\\tb'")),
        ("7,4,44,NA,5,6", Loss("the row has more cells than there are columns", 1, "week1.csv, row 6")),
        ('7,4,"44,NA', Loss("a quote in the row is not closed", 1, "week1.csv, row 6")),
        ("gameId,frame,x,event", Loss("the header comes again", 1, "week1.csv, row 6")),
        ("7", Loss("frame is missing", 1, "week1.csv, row 6, column frame: empty")),
    ],
)
@pytest.mark.parametrize("table", [BY_GAME, WHOLE], ids=["by game", "whole"])
def test_a_row_that_belongs_to_nothing_is_left_out_and_counted(
    tmp_path: Path, table: Table, line: str, loss: Loss
) -> None:
    found, losses = files(tmp_path, table, *GOOD, line)
    assert dict(found.games).keys() == {"7", "8"}
    assert frames(found, "7") == [1, 2, 3]
    assert frames(found, "8") == [1]
    assert losses.all() == (loss,)


def test_a_cell_that_cannot_be_read_spoils_its_row_where_rows_are_many(tmp_path: Path) -> None:
    found, losses = files(tmp_path, BY_GAME, *GOOD, "7,4,abc,NA")
    assert frames(found, "7") == [1, 2, 3]
    reason = f"x is not {Kind.NUMBER.value}"
    assert losses.all() == (Loss(reason, 1, "week1.csv, row 6, column x: 'abc'"),)


def test_a_cell_that_cannot_be_read_is_unknown_where_rows_are_few(tmp_path: Path) -> None:
    found, losses = files(tmp_path, WHOLE, *GOOD, "7,4,abc,NA")
    assert found.rows("7")["x"].to_list() == [40.5, 41.5, 42.5, None]
    assert [loss.count for loss in losses.all()] == [1]


def test_a_column_of_which_most_cannot_be_read_spoils_no_row(tmp_path: Path) -> None:
    lines = [f"7,{frame},{frame}.5,NA,?" for frame in range(1, 5)]
    found, losses = files(tmp_path, BY_GAME, *lines, header="gameId,frame,x,event,o")
    assert found.rows("7").select("frame", "o").rows() == [(1, None), (2, None), (3, None), (4, None)]
    assert [loss.count for loss in losses.all()] == [4]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("7,4,44,NA,5", "the row has more cells than there are columns"),
        ('7,4,"44,NA', "a quote in the row is not closed"),
    ],
)
def test_of_several_rows_that_are_none_the_first_is_the_example(tmp_path: Path, line: str, reason: str) -> None:
    found, losses = files(tmp_path, BY_GAME, GOOD[0], line, *GOOD[1:], line)
    assert frames(found, "7") == [1, 2, 3]
    assert losses.all() == (Loss(reason, 2, "week1.csv, row 3"),)


def test_lines_in_which_nothing_stands_are_no_loss(tmp_path: Path) -> None:
    found, losses = files(tmp_path, BY_GAME, *GOOD, "", ",,,", "NA,NA,NA,NA", "")
    assert dict(found.games) == {"7": 3, "8": 1}
    assert losses.all() == ()


def test_columns_that_are_not_there_are_unknown(tmp_path: Path) -> None:
    found, _ = files(tmp_path, BY_GAME, *GOOD)
    assert found.rows("7")["o"].to_list() == [None, None, None]


def test_games_that_are_read_together_are_as_each_is_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What "00:12:00" says, only the other clocks of the game tell."""
    lines = ["7,1,00:12:00", "8,1,00:12:00", "7,2O,12:34:00", "8,2,00:12:34", "9,1,NA", "7,3,12:34:00", "9,2,noon"]
    table = Table(
        "tracking", {"gameId": Kind.ID, "frame": Kind.FRAME, "clock": Kind.CLOCK}, keys=("frame",), by_game=True
    )
    read = []
    for rows in (1, 4, 100):
        monkeypatch.setattr(reading, "_LOT_ROWS", rows)
        found, losses = files(tmp_path, table, *lines, header="gameId,frame,clock")
        read.append(([found.rows(game).rows() for game in ("9", "7", "8", "7")], losses.all()))
    assert read[0] == read[1] == read[2]
    assert [clock for _, _, clock, *_ in read[0][0][1]] == [12.0, 754.0]
    assert [clock for _, _, clock, *_ in read[0][0][2]] == [720.0, 754.0]


def test_a_game_that_is_read_twice_counts_once(tmp_path: Path) -> None:
    spoilt = film.bdb2025()
    spoilt["tracking_week_1"][4]["x"] = "abc"
    spoilt["tracking_week_1"][9]["frameId"] = None
    source = film.opened(tmp_path, spoilt)
    for _ in range(3):
        source.game(str(film.GAME))
    assert film.reasons(source) == {f"x is not {Kind.NUMBER.value}": 1, "frameId is missing": 1}


def test_losses_of_games_add_up_and_keep_the_first_example(tmp_path: Path) -> None:
    both = film.bdb2025(game=1)
    for name, rows in film.bdb2025(game=2).items():
        if name != "players":
            both[name].extend(rows)
    half = len(both["tracking_week_1"]) // 2
    for place in (3, half + 3, half + 4):
        both["tracking_week_1"][place]["playId"] = "5\x004"
    source = film.opened(tmp_path, both)
    assert [len(source.game(game).plays) for game in source.game_ids] == [1, 1]
    (loss,) = source.losses()
    assert loss == Loss("playId is not an identifier", 3, "tracking_week_1.csv, row 5, column playId: '5\\x004'")


@pytest.mark.parametrize("game", ["7", "8"])
def test_a_large_file_reads_as_a_small_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, game: str) -> None:
    lines = [*GOOD, '7,5,"44,NA', "7,x,45,NA", "8.0,9,51,NA", "7,6,46,NA,1", "7,7,abc,NA", "NA,8,47,NA"]
    small, small_losses = files(tmp_path, BY_GAME, *lines)
    expected = small.rows(game)
    monkeypatch.setattr(reading, "_MANY_ROWS", 0)
    large, large_losses = files(tmp_path, BY_GAME, *lines)
    copies: list[Path] = []
    copied = TableFiles._copied

    def copy(self: TableFiles, file: DataFile) -> pl.LazyFrame:
        copies.append(file.path)
        return copied(self, file)

    monkeypatch.setattr(TableFiles, "_copied", copy)
    assert large.rows(game).equals(expected)
    assert copies == [tmp_path / "week1.csv"]
    assert large_losses.all() == small_losses.all()


TRACKING = {film.bdb2019: "tracking_gameId_2022091100", film.bdb2023: "week1", film.bdb2025: "tracking_week_1"}
LAYOUTS = [
    pytest.param(layout, tracking, file_format, id=f"{layout.__name__} {file_format}")
    for layout, tracking in TRACKING.items()
    for file_format in ("csv", "parquet")
]
Layout = Callable[..., film.Tables]


def spoilt_source(folder: Path, spoilt: film.Tables, file_format: str) -> tuple[Source, dict[str, int]]:
    """A source of which all games were read, and how many samples each play has."""
    source = film.opened(folder, spoilt, file_format)
    samples = {name: int((~_unseen(play)).sum()) for name, play in film.plays_of(source).items()}
    return source, samples


def _unseen(play: Any) -> Any:
    return play.frames.x != play.frames.x


WHOLE_PLAY = len(PEOPLE) * FRAMES


@pytest.mark.parametrize(("layout", "tracking", "file_format"), LAYOUTS)
@pytest.mark.parametrize(
    ("column", "value"),
    [("frame", None), ("playId", None), ("playId", 9999), ("gameId", None), ("gameId", 9999), ("nflId", None)],
)
def test_a_bad_cell_costs_a_sample_and_makes_up_no_play(
    tmp_path: Path, layout: Layout, tracking: str, file_format: str, column: str, value: Any
) -> None:
    spoilt = layout(54, 75)
    row = spoilt[tracking][7]
    if column == "frame":
        column = "frame.id" if "frame.id" in row else "frameId"
    row[column] = value
    if column == "nflId" and "displayName" in row:
        row["displayName"] = None
    source, samples = spoilt_source(tmp_path, spoilt, file_format)
    assert samples == {"54": WHOLE_PLAY - 1, "75": WHOLE_PLAY}
    assert sum(film.reasons(source).values()) == 1


@pytest.mark.parametrize(("layout", "tracking", "file_format"), LAYOUTS)
def test_a_player_without_an_identifier_is_who_bears_the_name(
    tmp_path: Path, layout: Layout, tracking: str, file_format: str
) -> None:
    spoilt = layout()
    spoilt[tracking][7]["nflId"] = None
    _, samples = spoilt_source(tmp_path, spoilt, file_format)
    assert samples == {"54": WHOLE_PLAY if "displayName" in spoilt[tracking][7] else WHOLE_PLAY - 1}


@pytest.mark.parametrize(("layout", "tracking", "file_format"), LAYOUTS)
def test_a_play_that_is_listed_twice_is_one(tmp_path: Path, layout: Layout, tracking: str, file_format: str) -> None:
    twice = layout()
    twice["plays"] *= 2
    source, samples = spoilt_source(tmp_path, twice, file_format)
    assert samples == {"54": WHOLE_PLAY}
    assert film.reasons(source) == {"the play is listed twice": 1}
    (play,) = film.plays_of(source).values()
    assert play.outcome is not None
    assert situation_of(play.context).passer_id == "101"


def test_rows_of_one_play_complete_each_other(tmp_path: Path) -> None:
    twice = film.bdb2023()
    blank = dict.fromkeys(twice["plays"][0]) | {"gameId": film.GAME, "playId": film.PLAY}
    twice["plays"].insert(0, blank)
    play = film.only_play(tmp_path, twice)
    assert play.outcome == PassOutcome(PassResult.COMPLETE, 9.0)
    assert situation_of(play.context).passer_id == "101"


def test_what_rows_of_one_play_say_differently_is_unknown(tmp_path: Path) -> None:
    twice = film.bdb2023()
    twice["plays"].append(twice["plays"][0] | {"passResult": "I", "quarter": 4})
    play = film.only_play(tmp_path, twice)
    assert play.outcome is None
    assert situation_of(play.context).quarter is None
    assert situation_of(play.context).down == 2


@pytest.mark.parametrize(("layout", "tracking", "file_format"), LAYOUTS)
def test_a_play_that_was_not_tracked_or_not_listed_is_there_all_the_same(
    tmp_path: Path, layout: Layout, tracking: str, file_format: str
) -> None:
    spoilt = layout(54, 75)
    spoilt["plays"] = [row for row in spoilt["plays"] if row["playId"] == 54]
    spoilt["plays"].append(spoilt["plays"][0] | {"playId": 99})
    source, samples = spoilt_source(tmp_path, spoilt, file_format)
    assert samples == {"54": WHOLE_PLAY, "75": WHOLE_PLAY, "99": 0}
    assert not source.losses()


@pytest.mark.parametrize(("layout", "tracking", "file_format"), LAYOUTS)
@pytest.mark.parametrize("table", ["plays", "games"])
def test_a_game_that_was_not_tracked_is_none(
    tmp_path: Path, layout: Layout, tracking: str, file_format: str, table: str
) -> None:
    spoilt = layout()
    spoilt[table].append(spoilt[table][0] | {"gameId": 2022091199})
    assert film.opened(tmp_path, spoilt, file_format).game_ids == (str(film.GAME),)


def test_a_players_single_sample_of_whom_no_table_knows_is_a_slip(tmp_path: Path) -> None:
    spoilt = film.bdb2025()
    spoilt["tracking_week_1"][7]["nflId"] = 99999
    source, samples = spoilt_source(tmp_path, spoilt, "csv")
    assert samples == {"54": WHOLE_PLAY - 1}
    assert film.reasons(source) == {"the player is listed nowhere and has no other sample in the play": 1}


def test_a_sample_of_a_third_team_is_left_out(tmp_path: Path) -> None:
    spoilt = film.bdb2023()
    spoilt["week1"][7]["team"] = "ZZZ"
    source, samples = spoilt_source(tmp_path, spoilt, "csv")
    assert samples == {"54": WHOLE_PLAY - 1}
    assert film.reasons(source) == {"the team is neither of those that play": 1}


@pytest.mark.parametrize("name", ["data [2022]", "data*", "data?"])
def test_a_folders_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    assert film.only_play(folder, film.bdb2025()).outcome is not None


@pytest.mark.parametrize("broken", ["{", "true", "3", '[{"statId": 15', "[" * 9_999])
def test_statistics_that_are_no_json_are_counted_and_the_play_is_there(tmp_path: Path, broken: str) -> None:
    tables.hackathon2015(tmp_path, [], playStats=broken)
    source = open_source(tmp_path)
    (play,) = film.plays_of(source).values()
    assert (play.outcome, len(play.frames)) == (None, 3)
    assert source.losses() == (Loss("playStats is not JSON of statistics", 1, "plays.parquet, row 1"),)


def test_where_the_statistics_are_no_json_the_sentence_tells(tmp_path: Path) -> None:
    tables.ngs_highlights(tmp_path, {}, frames=4)
    row = pl.read_parquet(tmp_path / "gsis.parquet").with_columns(players=pl.lit('{"00-101": [{"statId": 16'))
    row.write_parquet(tmp_path / "gsis.parquet")
    source = open_source(tmp_path)
    (play,) = film.plays_of(source).values()
    assert situation_of(play.context).passer_id == "101"
    assert play.outcome == PassOutcome(PassResult.COMPLETE, 61.0)
    assert film.reasons(source) == {"players is not JSON of statistics": 1}


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("P.Able spiked the ball to stop the clock.", PlayKind.SPIKE),
        ("TWO-POINT CONVERSION ATTEMPT. P.Able pass to B.Baker is complete.", PlayKind.CONVERSION_TRY),
    ],
)
def test_the_play_by_play_tells_what_the_highlights_leave_out(tmp_path: Path, sentence: str, kind: PlayKind) -> None:
    tables.ngs_highlights(tmp_path, {}, frames=4, playDescription=None)
    gsis = pl.read_parquet(tmp_path / "gsis.parquet").with_columns(desc=pl.lit(sentence))
    gsis.write_parquet(tmp_path / "gsis.parquet")
    (play,) = film.plays_of(open_source(tmp_path)).values()
    assert situation_of(play.context).kind is kind


@pytest.mark.parametrize("time", ["1999-01-01T00:00:00.000", "9999-12-31T00:00:00.000", "soon", None])
def test_a_sample_of_another_time_is_left_out_where_times_number_the_frames(tmp_path: Path, time: str | None) -> None:
    tables.hackathon2015(tmp_path, [], tenths=range(6))
    samples = pl.read_parquet(tmp_path / "samples.parquet")
    first = pl.int_range(pl.len()) == 2
    samples.with_columns(time=pl.when(first).then(pl.lit(time)).otherwise("time")).write_parquet(
        tmp_path / "samples.parquet"
    )
    source = open_source(tmp_path)
    (play,) = film.plays_of(source).values()
    assert play.frames.frame_numbers.tolist() == list(range(6))
    assert int(_unseen(play).sum()) == 1
    assert sum(film.reasons(source).values()) == 1
