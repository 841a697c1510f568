"""A snapshot as bytes, so that a start reads columns instead of making them anew of every record.

What is kept is never needed: it is used where the same code made it of the same store, and else the records are read.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from aggregator.core.columns import Addends, Coded, Column, Plain, Selection
from aggregator.core.records import PlayKey, Unscored
from aggregator.core.revision import Revision
from aggregator.core.segment import Segment
from aggregator.core.snapshot import Snapshot, TableKey
from aggregator.core.store import KeptSnapshot, LeagueModel
from aggregator.core.task import Tasks
from playscore.release import ModelVersion
from playscore.subjects import Role, Subject

_NUMBERS: Final = "numbers"
_HEADER: Final = "header"


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """A snapshot that is to be packed. `run` may go on in a thread while the snapshot goes on."""

    revision: Revision
    segments: Sequence[tuple[TableKey, Segment, Selection]]
    """With the rows that were left."""
    unscored: Sequence[Unscored]
    switched: Sequence[LeagueModel]

    def run(self) -> KeptSnapshot:
        """The snapshot as bytes: a part a segment, and one for what else there is."""
        parts = [_packed(key, segment, rows) for key, segment, rows in self.segments]
        rest = {
            "unscored": [_unscored_row(play) for play in self.unscored],
            "switched": [[each.league, each.task, each.model.name, each.model.version] for each in self.switched],
        }
        return KeptSnapshot(fingerprint(), self.revision, [json.dumps(rest).encode(), *parts])


def packing(snapshot: Snapshot) -> Packing:
    """The snapshot as it is now."""
    segments = [(key, segment, segment.left()) for key, segment in snapshot.segments()]
    return Packing(snapshot.revision, segments, snapshot.unscored(), snapshot.switched())


def unpacked(kept: KeptSnapshot, tasks: Tasks) -> Snapshot:
    """The snapshot that was packed."""
    snapshot = Snapshot(tasks)
    rest, *parts = kept.parts
    told = json.loads(rest)
    for part in parts:
        with np.load(io.BytesIO(part), allow_pickle=False) as arrays:
            header = json.loads(arrays[_HEADER].tobytes())
            columns = {name: _column(stated, arrays) for name, stated in header["columns"].items()}
            addends = {
                name: Addends(arrays[data].astype(np.int64) << shift)
                for name, (data, shift) in header["addends"].items()
            }
            snapshot.adopt(TableKey(*header["table"]), arrays[_NUMBERS].astype(np.int64), columns, addends)
    snapshot.put_unscored(_unscored(row, tasks) for row in told["unscored"])
    snapshot.switch(
        LeagueModel(league, task, ModelVersion(name, version)) for league, task, name, version in told["switched"]
    )
    snapshot.revision = kept.revision
    return snapshot


@functools.cache
def fingerprint() -> bytes:
    """Tells what this code makes of records apart from what any other makes of them."""
    digest = hashlib.sha256()
    package = Path(__file__).parent.parent
    for path in sorted(path for folder in package.iterdir() if folder.is_dir() for path in folder.glob("*.py")):
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
    """What the header says of a column, whose data are put among the arrays."""
    if isinstance(column, Plain):
        return {"data": put(column.data[rows])}
    coded = column.coded()
    if isinstance(coded.values, array):
        return {"codes": put(coded.codes[rows]), "numbers": put(np.array(coded.values))}
    return {"codes": put(coded.codes[rows]), "values": list(coded.values)}


def _column(stated: dict[str, Any], arrays: Any) -> Column:
    match stated:
        case {"data": data}:
            return Plain(arrays[data].astype(np.float64, copy=False))
        case {"codes": codes, "numbers": numbers}:
            return Coded(arrays[codes], array("d", arrays[numbers].tobytes()))
        case {"codes": codes, "values": values}:
            return Coded(arrays[codes], values)
    raise ValueError(f"{stated} is no column")


def _unscored_row(play: Unscored) -> list[Any]:
    subjects = [[each.role.number, each.role.name, each.subject_id, *_named(each)] for each in play.subjects]
    told = (play.task, play.revision, play.outcome_revision, play.reason, play.detail)
    return [*play.play, *told, subjects]


def _named(subject: Subject) -> tuple[str, str]:
    return subject.subject_name, subject.team_id


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
