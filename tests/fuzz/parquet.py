"""Damage to tables in Parquet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

import polars as pl

from tests.fuzz.blame import Blame, plays_of, shown
from tests.fuzz.cells import other_text
from tests.fuzz.corpus import write


def cell(random: Random, file: Path, blame: Blame) -> str:
    """A cell says something else: within its type, or in a column that is of text."""
    rows = pl.read_parquet(file)
    if rows.is_empty():
        return "no cell"
    at = random.randrange(len(rows))
    column = rows.to_series(random.randrange(rows.width))
    before = column[at]
    if column.dtype.is_numeric() and random.random() < 0.5:
        value = random.choice((*_NUMBERS[column.dtype.is_float()], column[random.randrange(len(column))]))
    else:
        column = column.cast(pl.String)
        others = [str(column[random.randrange(len(column))]) for _ in range(3)]
        value = other_text(random, str(before), [str(each) for each in rows.row(at)], others)
    damaged = rows.with_columns(column.scatter(at, value))
    _blame(blame, file, rows[at], damaged[at])
    write(file, damaged)
    return f"row {at + 1}, {column.name}: {shown(before)} is {shown(value)}"


_NUMBERS: Final[Mapping[bool, tuple[Any, ...]]] = {
    False: (None, 0, -1, 2**31, 2**53, -(2**62)),
    True: (None, 0.0, -1.0, 0.5, 2.0**53, 1e308, -1e-320, float("nan"), float("inf"), float("-inf")),
}
"""By whether they may have fractions."""


def row(random: Random, file: Path, blame: Blame) -> str:
    """A row is damaged."""
    rows = pl.read_parquet(file)
    if rows.is_empty():
        return "no row"
    at = random.randrange(len(rows))
    what = random.choice(list(_ROWS))
    before, sound, after = rows[:at], rows[at], rows[at + 1 :]
    damaged = _ROWS[what](random, sound)
    if what == "moved":
        to = random.randrange(len(rows))
        rows = pl.concat([before, after])
        before, after = rows[:to], rows[to:]
    _blame(blame, file, sound, damaged)
    write(file, pl.concat([before, damaged, after], how="vertical_relaxed"))
    return f"row {at + 1} {what}"


def _swapped(random: Random, row: pl.DataFrame) -> pl.DataFrame:
    one, two = random.sample(row.columns, 2)
    texts = row.with_columns(pl.col(one, two).cast(pl.String))
    return texts.with_columns(pl.col(one).alias(two), pl.col(two).alias(one))


_ROWS: Final[Mapping[str, Callable[[Random, pl.DataFrame], pl.DataFrame]]] = {
    "dropped": lambda random, row: row.clear(),
    "doubled": lambda random, row: pl.concat([row] * random.choice((2, 2, 50))),
    "moved": lambda random, row: row,
    "blank": lambda random, row: row.clear(1),
    "swapped": _swapped,
}


def _blame(blame: Blame, file: Path, *damaged: pl.DataFrame) -> None:
    for rows in damaged:
        for each in rows.iter_rows(named=True):
            blame.rows(file, plays_of(each))


def table(random: Random, file: Path, blame: Blame) -> str:
    """The columns are damaged, or many rows."""
    rows = pl.read_parquet(file)
    name = random.choice(rows.columns)
    what = random.choice((*_TABLES, *_TYPES))
    blame.whole(file)
    if what in _TABLES:
        blame.takes |= what in ("of other values", "with bad cells", "no rows", "some rows")
        write(file, _TABLES[what](random, rows, name))
        return f"{name}: {what}"
    blame.takes = True
    try:
        retyped = _TYPES[what](rows[name])
    except pl.exceptions.PolarsError:
        retyped = rows[name].clear(len(rows))
    write(file, rows.with_columns(retyped.alias(name)))
    return f"{name} is {what}"


def _with_bad_cells(random: Random, rows: pl.DataFrame, name: str) -> pl.DataFrame:
    cells = [str(cell) for cell in rows[name]]
    bad = random.sample(range(len(cells)), len(cells) // random.choice((2, 10, 100)))
    values = [other_text(random, cells[at], cells, cells) for at in bad]
    return rows.with_columns(rows[name].cast(pl.String).scatter(bad, values))


_TABLES: Final[Mapping[str, Callable[[Random, pl.DataFrame, str], pl.DataFrame]]] = {
    "dropped": lambda random, rows, name: rows.drop(name),
    "renamed": lambda random, rows, name: rows.rename({name: random.choice(("", "x", name.upper(), f"{name} ", "é"))}),
    "doubled": lambda random, rows, name: rows.with_columns(pl.col(name).alias(f"{name}_duplicated_0")),
    "of other values": lambda random, rows, name: rows.with_columns(pl.col(random.choice(rows.columns)).alias(name)),
    "with bad cells": _with_bad_cells,
    "no rows": lambda random, rows, name: rows.clear(),
    "some rows": lambda random, rows, name: rows.sample(min(len(rows), 20), seed=random.randrange(1000)),
    "reordered": lambda random, rows, name: rows.select(random.sample(rows.columns, rows.width)),
    "each row twice": lambda random, rows, name: pl.concat([rows, rows]),
}
_TYPES: Final[Mapping[str, Callable[[pl.Series], pl.Series]]] = {
    "text": lambda column: column.cast(pl.String),
    "Float32": lambda column: column.cast(pl.Float32, strict=False),
    "Float64": lambda column: column.cast(pl.Float64, strict=False),
    "Int8": lambda column: column.cast(pl.Int8, strict=False),
    "Int32": lambda column: column.cast(pl.Int32, strict=False),
    "UInt64": lambda column: column.cast(pl.UInt64, strict=False),
    "Boolean": lambda column: column.cast(pl.Boolean, strict=False),
    "Date": lambda column: column.cast(pl.Int32, strict=False).cast(pl.Date),
    "Datetime": lambda column: column.cast(pl.Int64, strict=False).cast(pl.Datetime("us")),
    "Time": lambda column: column.cast(pl.Int64, strict=False).cast(pl.Time, strict=False),
    "Duration": lambda column: column.cast(pl.Int64, strict=False).cast(pl.Duration("ms")),
    "List": lambda column: column.reshape((-1, 1)).arr.to_list(),
    "Array": lambda column: column.reshape((-1, 1)),
    "Struct": lambda column: column.to_frame().to_struct(column.name),
    "Binary": lambda column: column.cast(pl.String).cast(pl.Binary),
    "Categorical": lambda column: column.cast(pl.String).cast(pl.Categorical),
    "Decimal": lambda column: column.cast(pl.Decimal(20, 3), strict=False),
    "Null": lambda column: pl.Series(column.name, [None] * len(column), dtype=pl.Null),
}
