"""Damage to replays of goals, which are JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.blame import Blame, shown
from tests.fuzz.cells import VALUES
from tests.fuzz.corpus import write


def cell(random: Random, file: Path, blame: Blame) -> str:
    """A field of somebody, of a frame, or a whole frame says something else."""
    frames = json.loads(file.read_bytes())
    path = random.choice(list(_paths(random, frames)))
    parent = frames
    for key in path[:-1]:
        parent = parent[key]
    before, parent[path[-1]] = parent[path[-1]], random.choice(VALUES)
    _save(file, frames, blame)
    return f"{'.'.join(map(str, path))}: {shown(before)} is {shown(parent[path[-1]])}"


def row(random: Random, file: Path, blame: Blame) -> str:
    """A frame is gone, comes twice, is nothing, or has changed places."""
    frames = json.loads(file.read_bytes())
    at = random.randrange(len(frames))
    match random.randrange(4):
        case 0:
            what = "is gone"
            del frames[at]
        case 1:
            what = "comes twice"
            frames.insert(random.randrange(len(frames)), frames[at])
        case 2:
            what = "says nothing"
            frames[at] = random.choice(({}, None, [], {"timeStamp": 1, "onIce": {}}))
        case _:
            what = "has changed places"
            random.shuffle(frames)
    _save(file, frames, blame)
    return f"frame {at} {what}"


def _paths(random: Random, frames: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Ways to the fields of one frame."""
    at = random.randrange(len(frames))
    yield (at,)
    yield from ((at, key) for key in frames[at])
    for somebody, told in frames[at]["onIce"].items():
        yield at, "onIce", somebody
        yield from ((at, "onIce", somebody, key) for key in told)


def _save(file: Path, frames: list[Any], blame: Blame) -> None:
    blame.every = blame.refused = blame.takes = True
    write(file, json.dumps(frames).encode())
