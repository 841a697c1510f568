"""The machine formats: JSON, CSV and Parquet, each of the same rows."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar

import click

from aggregator.commands.cells import Cell, Column, Kind, named
from playscore.terminal_text import printable

Row = Sequence[Cell]
Command = TypeVar("Command", bound=Callable[..., Any])

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer: rows under columns, page by page, and its other members."""

    name: str
    """The member of the JSON that has the rows."""
    about: Mapping[str, Any]
    """The other members of the JSON."""
    columns: Sequence[Column]
    pages: AsyncIterator[Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Format:
    """Where an answer goes, and how it is written there."""

    as_json: bool = False
    as_csv: bool = False
    parquet: Path | None = None

    @property
    def is_for_people(self) -> bool:
        """No machine format was asked for."""
        return not (self.as_json or self.as_csv or self.parquet)

    async def write(self, rows: Rows) -> None:
        """Write an answer in a machine format."""
        if self.parquet is not None:
            count = await write_parquet(rows, self.parquet)
            click.echo(f"{count} {rows.name} written to {self.parquet}", err=True)
        elif self.as_csv:
            await write_csv(rows, output())
        else:
            await write_json(rows, output())


def format_options(command: Command) -> Command:
    """Gives a command the options of the machine formats, as its argument `written`."""

    @functools.wraps(command)
    def with_format(*, as_json: bool, as_csv: bool, parquet: Path | None, **others: Any) -> Any:
        if as_json + as_csv + (parquet is not None) > 1:
            raise click.UsageError("give one of --json, --csv and --parquet")
        return command(written=Format(as_json, as_csv, parquet), **others)

    for option in (
        click.option(
            "--parquet",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write Parquet to a file.",
        ),
        click.option("--csv", "as_csv", is_flag=True, help="Print CSV."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    ):
        option(with_format)
    return with_format  # type: ignore[return-value]


def output() -> TextIO:
    """Standard output; what its encoding lacks is replaced."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return sys.stdout


def print_json(document: Mapping[str, Any]) -> None:
    """Print an answer that has no pages."""
    click.echo(json.dumps(document, indent=1, allow_nan=False), file=output())


async def write_json(rows: Rows, out: TextIO) -> None:
    """One object: the other members, then the rows as a list of objects."""
    head = json.dumps(dict(rows.about), indent=1, allow_nan=False).removesuffix("\n}")
    out.write(f'{head},\n "{rows.name}": [')
    between = "\n  "
    async for page in rows.pages:
        for row in page:
            out.write(between + json.dumps(named(rows.columns, row), allow_nan=False))
            between = ",\n  "
    out.write("\n ]\n}\n")


async def write_csv(rows: Rows, out: TextIO) -> None:
    """A header and a line for each row, as RFC 4180 has it: lines end in CRLF, what is not known is empty.

    A text that a spreadsheet would take for a formula gets an apostrophe in front: see `escaped`.
    """
    writer = csv.writer(out)
    writer.writerow([column.name for column in rows.columns])
    show = printable if out.isatty() else str
    async for page in rows.pages:
        writer.writerows([_csv_cell(cell, show) for cell in row] for row in page)


def escaped(text: str) -> str:
    """Text as a cell of CSV: with an apostrophe before it where it begins with =, +, -, @, a tab or a carriage return,
    or with apostrophes before one of these. So it is certain which apostrophe to take away again.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def _csv_cell(cell: Cell, show: Callable[[str], str]) -> str | int | float:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case str():
            return escaped(show(cell))
    return cell


async def write_parquet(rows: Rows, path: Path) -> int:
    """A file with a typed column for each of the columns. Returns how many rows it has."""
    import polars as pl

    types: dict[Kind, Any] = {
        Kind.WHOLE: pl.Int64,
        Kind.NUMBER: pl.Float64,
        Kind.FLAG: pl.Boolean,
        Kind.TEXT: pl.String,
    }
    schema = {column.name: types[column.kind] for column in rows.columns}
    frames = [pl.DataFrame(page, schema=schema, orient="row") async for page in rows.pages]
    whole = pl.concat(frames) if frames else pl.DataFrame([], schema=schema)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole.write_parquet(path)
    except OSError as failure:
        raise click.FileError(str(path), failure.strerror or str(failure)) from failure
    return whole.height
