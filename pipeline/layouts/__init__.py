"""Readers of file layouts, told apart by the columns of their files: Parquet or CSV in, `Game`s out, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.layouts import bdb2019, bdb2023, hackathon2015, ngs_highlights
from pipeline.layouts.source import Source
from pipeline.layouts.tables import Table, TableFiles, column_names, data_files, find
from playscore.errors import PlayscoreError, Reason
from playscore.game import Game


@dataclass(frozen=True)
class Layout:
    """A layout: the tables that its files hold, and the reader of them."""

    tables: tuple[Table, ...]
    reader: Callable[[Mapping[str, TableFiles]], Source]


LAYOUTS = {
    module.NAME: Layout(module.TABLES, module.Reader) for module in (hackathon2015, ngs_highlights, bdb2019, bdb2023)
}


def detect(folder: Path) -> tuple[str, ...]:
    """The layouts whose tracking is in the folder."""
    columns_of = {file: column_names(file) for file in data_files(folder)}
    return tuple(name for name, layout in LAYOUTS.items() if "tracking" in find(layout.tables, columns_of))


def open_source(folder: Path, layout: str | None = None) -> Source:
    """The games of the folder in `layout`, or in the only layout there is.

    Raises FIELD_INVALID where there is none, where there are several and none is named, or where a table is missing.
    """
    if layout is None:
        layout = _only_layout(folder)
    elif layout not in LAYOUTS:
        raise PlayscoreError(Reason.FIELD_INVALID, f"no layout {layout!r}; there are {', '.join(LAYOUTS)}")
    tables = find(LAYOUTS[layout].tables, {file: column_names(file) for file in data_files(folder)})
    for table in LAYOUTS[layout].tables:
        if table.required and table.name not in tables:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"{folder}: layout {layout} needs a table of {table.name}, a Parquet or CSV file with the columns "
                f"{', '.join(table.columns)}; found {', '.join(tables) or 'no table of it'}",
            )
    return LAYOUTS[layout].reader(tables)


def read(folder: Path, layout: str | None = None, games: Sequence[str] = ()) -> Iterator[Game]:
    """The games of the folder, or those named, one after the other; one game is in memory at a time."""
    source = open_source(folder, layout)
    for game_id in select_games(source, games):
        yield source.game(game_id)


def select_games(source: Source, games: Sequence[str]) -> tuple[str, ...]:
    """The games named, or all; FIELD_INVALID for one that is not there."""
    unknown = [game for game in games if game not in source.game_ids]
    if unknown:
        known = ", ".join(source.game_ids[:20]) + (", ..." if len(source.game_ids) > 20 else "")
        raise PlayscoreError(Reason.FIELD_INVALID, f"no game {', '.join(unknown)}; there are {known}")
    return tuple(games) or source.game_ids


def _only_layout(folder: Path) -> str:
    found = detect(folder)
    if len(found) == 1:
        return found[0]
    if found:
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{folder} holds several layouts: {', '.join(found)}; say which with --layout"
        )
    raise PlayscoreError(
        Reason.FIELD_INVALID,
        f"{folder} holds no tracking table of a known layout ({', '.join(LAYOUTS)}) in Parquet or CSV",
    )
