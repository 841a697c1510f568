"""A snapshot as bytes, so that a start reads columns instead of building them from every record.

A kept snapshot is an optimization only. It is used if the same code made it for the same roles from the same store;
otherwise the records are read.
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from aggregator.core.columns import Addends, Coded, Column, Plain, Selection
from aggregator.core.records import PlayKey, Unscored
from aggregator.core.revision import Revision
from aggregator.core.segment import Segment
from aggregator.core.snapshot import Snapshot, TableKey
from aggregator.core.store import KeptSnapshot, LeagueModel
from aggregator.core.task import Tasks
from playscore.release import ModelVersion
from playscore.subjects import Role, Subject

PIECE_BYTES: Final = 4 << 20
"""A store writes a snapshot in pieces of this size."""
_MAX_CHANGES: Final = 20_000
_MAX_CHANGED_PART: Final = 1 / 4

_NUMBERS: Final = "numbers"
_HEADER: Final = "header"


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """A snapshot to be packed. `run` may be called in a thread while the snapshot changes."""

    fingerprint: bytes
    revision: Revision
    segments: Sequence[tuple[TableKey, Segment, Selection]]
    """Each with the rows that had not been removed."""
    unscored: Sequence[Unscored]
    switched: Sequence[LeagueModel]

    def run(self) -> KeptSnapshot:
        """The snapshot as bytes: a part for unscored plays and models of leagues, then one for each segment."""
        parts = [_packed(key, segment, rows) for key, segment, rows in self.segments]
        rest = {
            "unscored": [_unscored_row(play) for play in self.unscored],
            "switched": [[each.league, each.task, each.model.name, each.model.version] for each in self.switched],
        }
        return KeptSnapshot(self.fingerprint, self.revision, [json.dumps(rest).encode(), *parts])


def packing(snapshot: Snapshot) -> Packing:
    """The snapshot in its present state, to be packed."""
    segments = [(key, segment, segment.left()) for key, segment in snapshot.segments()]
    return Packing(fingerprint(snapshot.tasks), snapshot.revision, segments, snapshot.unscored(), snapshot.switched())


def unpacked(kept: KeptSnapshot, tasks: Tasks) -> Snapshot:
    """The snapshot that was packed."""
    snapshot = Snapshot(tasks)
    first, *parts = kept.parts
    rest = json.loads(first)
    for part in parts:
        with np.load(io.BytesIO(part), allow_pickle=False) as arrays:
            header = json.loads(arrays[_HEADER].tobytes())
            columns = {name: _column(stated, arrays) for name, stated in header["columns"].items()}
            addends = {
                name: Addends(arrays[data].astype(np.int64) << shift)
                for name, (data, shift) in header["addends"].items()
            }
            snapshot.adopt(TableKey(*header["table"]), arrays[_NUMBERS].astype(np.int64), columns, addends)
    snapshot.put_unscored(_unscored(row, tasks) for row in rest["unscored"])
    snapshot.switch(
        LeagueModel(league, task, ModelVersion(name, version)) for league, task, name, version in rest["switched"]
    )
    snapshot.revision = kept.revision
    return snapshot


def pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of a snapshot one after the other, in pieces of PIECE_BYTES; the last may be shorter."""
    content = memoryview(b"".join(parts))
    return (bytes(content[start : start + PIECE_BYTES]) for start in range(0, len(content), PIECE_BYTES))


def parts_of(pieces: Iterable[bytes], sizes: Iterable[int]) -> list[bytes]:
    """The parts of a snapshot, by their sizes in bytes, from its pieces."""
    content = memoryview(b"".join(pieces))
    return [bytes(content[start:end]) for start, end in itertools.pairwise([0, *itertools.accumulate(sizes)])]


def worth_reading(changes: int, scores: int) -> bool:
    """Whether a kept snapshot and the changes since are quicker to read than all scores of the store."""
    return changes <= max(_MAX_CHANGES, scores * _MAX_CHANGED_PART)


def fingerprint(tasks: Tasks) -> bytes:
    """A digest of what a snapshot depends on besides the store: the code, and the roles that it holds scores of."""
    roles = sorted(role.number for role in tasks.roles)
    return hashlib.sha256(code_digest(Path(__file__).parent.parent) + json.dumps(roles).encode()).digest()


@functools.cache
def code_digest(package: Path) -> bytes:
    """Of the code that turns records into columns: the core, the tasks, how rows are read, and the libraries."""
    folders = {path.parent for path in package.glob("*/task.py")}  # the core's is one of them
    sources = [package / "rows.py", *package.glob("*/reading.py")]
    sources += [path for folder in folders for path in folder.glob("*.py")]
    digest = hashlib.sha256(f"numpy {np.__version__} polars {pl.__version__}".encode())
    for path in sorted(sources):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.digest()


def _packed(key: TableKey, segment: Segment, rows: Selection) -> bytes:
    arrays: dict[str, Any] = {_NUMBERS: segment.numbers[rows]}

    def put(data: Any) -> str:
        name = f"array{len(arrays)}"
        arrays[name] = data
        return name

    header = {
        "table": key,
        "columns": {name: _stated(column, rows, put) for name, column in segment.columns.items()},
        "addends": {name: (put(each.data[rows]), each.shift) for name, each in segment.addends.items()},
    }
    arrays[_HEADER] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _stated(column: Column, rows: Selection, put: Callable[[Any], str]) -> dict[str, Any]:
    """How the header describes a column. Its data are put among the arrays."""
    if isinstance(column, Plain):
        return {"data": put(column.data[rows])}
    coded = _used(column.coded(), rows)
    if isinstance(coded.values, array):
        return {"codes": put(coded.codes), "numbers": put(np.array(coded.values))}
    return {"codes": put(coded.codes), "values": list(coded.values)}


def _used(column: Coded, rows: Selection) -> Coded:
    """The rows of a column, with the values that occur in them."""
    codes = column.codes[rows]
    used = np.flatnonzero(np.bincount(codes, minlength=len(column.values) + 1)[1:])
    places = np.zeros(len(column.values) + 1, dtype=np.intp)
    places[used + 1] = np.arange(1, len(used) + 1)
    values: Sequence[Any] = [column.values[place] for place in used.tolist()]
    return Coded(places[codes], array("d", values) if isinstance(column.values, array) else values)


def _column(stated: dict[str, Any], arrays: Any) -> Column:
    match stated:
        case {"data": data}:
            return Plain(arrays[data].astype(np.float64, copy=False))
        case {"codes": codes, "numbers": numbers}:
            return Coded(arrays[codes], array("d", arrays[numbers].tobytes()))
        case {"codes": codes, "values": values}:
            return Coded(arrays[codes], values)
    raise ValueError(f"{stated} is not a column")


def _unscored_row(play: Unscored) -> list[Any]:
    subjects = [
        [each.role.number, each.role.name, each.subject_id, each.subject_name, each.team_id] for each in play.subjects
    ]
    return [*play.play, play.task, play.revision, play.outcome_revision, play.reason, play.detail, subjects]


def _unscored(row: Sequence[Any], tasks: Tasks) -> Unscored:
    league, game, play, task, revision, outcome_revision, reason, detail, subjects = row
    return Unscored(
        play=PlayKey(league, game, play),
        task=task,
        revision=revision,
        outcome_revision=outcome_revision,
        reason=reason,
        detail=detail,
        subjects=tuple(Subject(tasks.role(number) or Role(number, name), *rest) for number, name, *rest in subjects),
    )
