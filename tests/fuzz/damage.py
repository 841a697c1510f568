"""Damages a corpus. The same seed makes the same damage again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import polars as pl

from tests.fuzz import delimited, files, messages, parquet, replays
from tests.fuzz.blame import Blame
from tests.fuzz.corpus import Corpus, table_of

_Damage = Callable[[Random, Path, Blame], str]
"""Damages a file, notes what that may change, and says in words what it did."""


@dataclass(frozen=True, slots=True)
class Case:
    """A damaged folder."""

    corpus: str
    seed: int
    damages: tuple[str, ...]
    blame: Blame

    def __str__(self) -> str:
        return f"{self.corpus!r}, seed {self.seed}: {'; '.join(self.damages)}"


def damage(corpus: Corpus, seed: int, target: Path) -> Case:
    """Writes a damaged copy of a corpus into `target`, which is made anew."""
    random = Random(f"{corpus.name} {seed}")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for file in corpus.files:
        (target / file.name).symlink_to(file)
    blame = Blame()
    kinds = random.choices((_cell, _row, _file), (45, 25, 30), k=random.choice((1, 1, 1, 1, 2, 3)))
    damages = []
    for kind in sorted(kinds, key=(_cell, _row, _file).index):
        weights = [_WEIGHTS.get(table_of(file), 1) for file in corpus.files]
        file = target / random.choices(corpus.files, weights)[0].name
        if file.is_file():
            damages.append(f"{file.name}: {kind(random, file, corpus, blame)}")
    return Case(corpus.name, seed, tuple(damages), blame)


_WEIGHTS: Final = {"tracking": 6, "plays": 4, "events": 6}
"""How often a table is damaged."""
_CELL: Final[dict[str, _Damage]] = {
    ".csv": delimited.cell,
    ".parquet": parquet.cell,
    ".feed": messages.cell,
    ".jsonl": messages.cell,
    ".json": replays.cell,
}
_ROW: Final[dict[str, _Damage]] = {
    ".csv": delimited.row,
    ".parquet": parquet.row,
    ".feed": messages.row,
    ".jsonl": messages.row,
    ".json": replays.row,
}
_TABLE: Final[dict[str, _Damage]] = {".csv": delimited.table, ".parquet": parquet.table, ".json": replays.row}


def _cell(random: Random, file: Path, corpus: Corpus, blame: Blame) -> str:
    return _CELL[file.suffix](random, file, blame)


def _row(random: Random, file: Path, corpus: Corpus, blame: Blame) -> str:
    return _ROW[file.suffix](random, file, blame)


def _file(random: Random, file: Path, corpus: Corpus, blame: Blame) -> str:
    kinds = [files.contents, files.contents, files.place, files.beside, _table, _table]
    if file.suffix == ".csv":
        kinds.append(_form)
    return random.choice(kinds)(random, file, corpus, blame)


def _table(random: Random, file: Path, corpus: Corpus, blame: Blame) -> str:
    try:
        return _TABLE.get(file.suffix, messages.row)(random, file, blame)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, IndexError, ValueError):
        return "no table any more"


def _form(random: Random, file: Path, corpus: Corpus, blame: Blame) -> str:
    return delimited.form(random, file, blame)
