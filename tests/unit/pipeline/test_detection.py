"""Which layout a folder is in, and what would be needed where it is in none."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipeline.readers.layout import UnplayableLayout
from playscore.errors import PlayscoreError, Reason
from playscore.sources import layouts, open_source, select_games
from tests.unit.pipeline import film

LAYOUTS = {"bdb2019": film.bdb2019, "bdb2022": film.bdb2022, "bdb2023": film.bdb2023, "bdb2025": film.bdb2025}
TRACKING = {"bdb2019": "tracking_gameId_2022091100", "bdb2022": "tracking2020", "bdb2023": "week1", "bdb2025": "tracking_week_1"}  # fmt: skip  # noqa: E501
OPTIONAL = {"bdb2019": (), "bdb2022": ("games",), "bdb2023": ("games",), "bdb2025": ("games", "players", "player_play")}
UNPLAYABLE = {name: layout for name, layout in layouts().items() if isinstance(layout, UnplayableLayout)}


def refusal(folder: Path, layout: str | None = None) -> str:
    with pytest.raises(PlayscoreError) as refused:
        open_source(folder, layout)
    assert refused.value.reason is Reason.FIELD_INVALID
    return str(refused.value)


def found_in(folder: Path) -> list[str]:
    return [name for name, layout in layouts().items() if not layout.recognize(folder).missing]


def without(tables: film.Tables, name: str, *columns: str) -> film.Tables:
    rows = [{key: value for key, value in row.items() if key not in columns} for row in tables[name]]
    return {**tables, name: rows}


def unplayable(folder: Path, name: str) -> Path:
    """A folder whose tables have the columns of a layout, and one row."""
    for table in UNPLAYABLE[name].tables:
        row = "1" + ",1" * (len(table.columns) - 1)
        (folder / f"{table.name}.csv").write_text(",".join(table.columns) + f"\n{row}\n")
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_layout_is_known_by_its_columns_and_no_other_is_taken_for_it(
    tmp_path: Path, layout: str, file_format: str
) -> None:
    film.write(tmp_path, LAYOUTS[layout](), file_format)
    assert found_in(tmp_path) == [layout]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_may_be_called_and_packed_as_they_like(tmp_path: Path, layout: str) -> None:
    film.write(tmp_path, LAYOUTS[layout]())
    for place, file in enumerate(sorted(tmp_path.iterdir())):
        (tmp_path / f"{place}.TXT.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert found_in(tmp_path) == [layout]


@pytest.mark.parametrize(("layout", "table"), [(layout, table) for layout in OPTIONAL for table in OPTIONAL[layout]])
@pytest.mark.parametrize("spoil", ["absent", "other columns", "not UTF-8"])
def test_a_table_that_may_be_missing_is_not_needed(tmp_path: Path, layout: str, table: str, spoil: str) -> None:
    film.write(tmp_path, LAYOUTS[layout]())
    file = tmp_path / f"{table}.csv"
    if spoil == "absent":
        file.unlink()
    else:
        file.write_bytes(b"a,b\n1,2\n" if spoil == "other columns" else b"gameId,\xe9\n1,2\n")
    assert found_in(tmp_path) == [layout]
    (play,) = film.plays_of(open_source(tmp_path)).values()
    assert play.context.play_id == "54"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [1, 2])
def test_a_near_miss_names_the_file_and_the_columns_that_are_missing(tmp_path: Path, layout: str, count: int) -> None:
    tracking = TRACKING[layout]
    gone = ["x", "event"][:count]
    film.write(tmp_path, without(LAYOUTS[layout](), tracking, *gone))
    columns = "the column x" if count == 1 else "the columns "
    told = refusal(tmp_path)
    assert f"Nearest is {layout}: {tracking}.csv, its table of tracking, lacks {columns}" in told
    assert all(name in told for name in gone)


@pytest.mark.parametrize(
    ("layout", "table", "column"),
    [
        ("bdb2019", "plays", "PassResult"),
        ("bdb2019", "games", "homeTeamAbbr"),
        ("bdb2022", "plays", "specialTeamsPlayType"),
        ("bdb2023", "players", "officialPosition"),
        ("bdb2023", "plays", "prePenaltyPlayResult"),
        ("bdb2025", "plays", "playNullifiedByPenalty"),
        ("bdb2025", "tracking_week_1", "club"),
    ],
)
def test_the_nearest_layout_is_told_first(tmp_path: Path, layout: str, table: str, column: str) -> None:
    film.write(tmp_path, without(LAYOUTS[layout](), table, column))
    told = refusal(tmp_path)
    assert f"Nearest is {layout}: {table}.csv" in told
    assert f"lacks the column {column}" in told


def test_a_renamed_column_does_not_make_it_another_layout(tmp_path: Path) -> None:
    film.write(tmp_path, film.bdb2025())
    file = tmp_path / "tracking_week_1.csv"
    file.write_text(file.read_text().replace(",club,", ",team,", 1))
    assert "Nearest is bdb2025: tracking_week_1.csv, its table of tracking, lacks the column club" in refusal(tmp_path)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_table_that_is_needed_and_not_there_is_named_with_its_columns(tmp_path: Path, layout: str) -> None:
    film.write(tmp_path, LAYOUTS[layout]())
    (tmp_path / "plays.csv").unlink()
    told = refusal(tmp_path)
    assert f"Nearest is {layout}: no file" in told
    assert "is its table of plays, which has the columns gameId, playId" in told


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"gam\xe9Id,playId\n1,2\n", "byte 3 is 0xE9"),
        ("gameId,playId\n1,2\n".encode("utf-16"), "UTF-8"),
        (b"\x1f\x8b\x08\x00cut off", ""),
    ],
)
def test_a_file_that_cannot_be_read_and_may_be_what_is_missing_is_named(
    tmp_path: Path, content: bytes, why: str
) -> None:
    film.write(tmp_path, film.bdb2025())
    (tmp_path / "tracking_week_1.csv").write_bytes(content)
    told = refusal(tmp_path)
    assert "tracking_week_1.csv cannot be read" in told
    assert why in told


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04\r" + bytes(range(256)), b"version https://git-lfs\noid 1\n"])
@pytest.mark.parametrize("name", ["notes.txt", "extra.csv", "extra.parquet", ".hidden.csv"])
def test_files_that_are_no_tables_do_not_matter(tmp_path: Path, content: bytes, name: str) -> None:
    film.write(tmp_path, film.bdb2025())
    (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.csv").mkdir()
    (play,) = film.plays_of(open_source(tmp_path)).values()
    assert play.outcome is not None


def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    film.write(tmp_path, film.bdb2025())
    assert "holds no tracking in a known layout" in refusal(tmp_path / "tracking_week_1.csv")
    assert "is not in layout bdb2025" in refusal(tmp_path / "tracking_week_1.csv", "bdb2025")


def test_parquet_that_is_none_is_named(tmp_path: Path) -> None:
    film.write(tmp_path, film.bdb2023())
    (tmp_path / "week1.csv").rename(tmp_path / "week1.parquet")
    assert "week1.parquet cannot be read" in refusal(tmp_path)


@pytest.mark.parametrize("name", UNPLAYABLE)
def test_a_year_that_cannot_be_played_is_told_so_in_one_line(tmp_path: Path, name: str) -> None:
    unplayable(tmp_path, name)
    assert found_in(tmp_path) == [name]
    told = refusal(tmp_path)
    assert f"is in layout {name}, which cannot be played: Big Data Bowl {name.removeprefix('bdb')}" in told
    assert "needed are all 22 players from the snap to the release" in told
    assert "\n" not in told


@pytest.mark.parametrize("name", UNPLAYABLE)
@pytest.mark.parametrize("asked", LAYOUTS)
def test_a_year_that_cannot_be_played_is_not_taken_for_another(tmp_path: Path, name: str, asked: str) -> None:
    assert f"is not in layout {asked}" in refusal(unplayable(tmp_path, name), asked)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tracking_without_rows_is_no_game(tmp_path: Path, layout: str) -> None:
    film.write(tmp_path, LAYOUTS[layout]())
    file = tmp_path / f"{TRACKING[layout]}.csv"
    file.write_text(file.read_text().splitlines()[0] + "\n")
    source = open_source(tmp_path)
    assert source.game_ids == ()
    with pytest.raises(PlayscoreError, match="there is no game in the data"):
        select_games(source, [])
