"""Damage to files of feed messages."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from playscore.feed.v1.feed_pb2 import FeedMessage
from tests.fuzz.blame import Blame, shown
from tests.fuzz.cells import VALUES, turned
from tests.fuzz.corpus import write


class Messages:
    """The messages of a file, as bytes, and whose they are."""

    def __init__(self, file: Path, blame: Blame) -> None:
        data = file.read_bytes()
        self.is_text = file.suffix == ".jsonl"
        self.messages = data.split(b"\n")[:-1] if self.is_text else list(_delimited(data))
        self._file = file
        self._blame = blame

    def put(self, start: int, stop: int, *new: bytes) -> None:
        """Put other messages in place of some."""
        before, after = self.messages[start:stop], new
        for data in (*before, *after):
            self._touch(self._told(data))
        if len(before) == len(after) == 1:
            old, told = self._told(before[0]), self._told(after[0])
            # It is about another game now; of another league, it says that the file is mixed.
            self._blame.refused |= old is not None and told is not None and old.game != told.game
        self.messages[start:stop] = new

    def save(self) -> None:
        """Write the file anew."""
        if self.is_text:
            write(self._file, b"".join(message + b"\n" for message in self.messages))
        else:
            write(self._file, b"".join(_varint(len(message)) + message for message in self.messages))

    def _told(self, data: bytes) -> FeedMessage | None:
        with contextlib.suppress(json_format.ParseError, DecodeError, UnicodeDecodeError, RecursionError):
            return json_format.Parse(data.decode(), FeedMessage()) if self.is_text else FeedMessage.FromString(data)
        return None

    def _touch(self, message: FeedMessage | None) -> None:
        self._blame.adds = self._blame.takes = True
        if message is None:
            return
        about = getattr(message, message.WhichOneof("message") or "", None)
        named = {getattr(about, name, "") for name in ("play_id", "segment_id")} - {""}
        self._blame.plays |= {(message.game.game_id, play) for play in named}
        if not named:
            self._blame.every = self._blame.refused = True


def cell(random: Random, file: Path, blame: Blame) -> str:
    """A field of a message in JSON says something else, or bits of a message in binary form are turned."""
    feed = Messages(file, blame)
    at = random.randrange(len(feed.messages))
    data = feed.messages[at]
    damaged, what = _other_field(random, data) if feed.is_text else (turned(random, data, 1), "has a bit turned")
    feed.put(at, at + 1, damaged)
    feed.save()
    return f"message {at + 1} {what}"


def _other_field(random: Random, data: bytes) -> tuple[bytes, str]:
    message = json.loads(data)
    path = random.choice(list(_paths(message)))
    parent = message
    for key in path[:-1]:
        parent = parent[key]
    before = parent[path[-1]]
    where = ".".join(map(str, path))
    match random.randrange(6):
        case 0:
            del parent[path[-1]]
            return json.dumps(message).encode(), f"{where} is gone"
        case 1 if isinstance(parent, dict):
            parent["unknown"] = random.choice(VALUES)
        case _:
            parent[path[-1]] = random.choice((*VALUES, *_slips(random, before)))
    return json.dumps(message).encode(), f"{where}: {shown(before)} is {shown(parent[path[-1]])}"


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Ways to all fields; of lists, to the first few elements."""
    if path:
        yield path
    for key in (
        list(value)[:40] if isinstance(value, dict) else range(min(len(value), 3)) if isinstance(value, list) else ()
    ):
        yield from _paths(value[key], (*path, key))


def _slips(random: Random, value: object) -> tuple[Any, ...]:
    """What a value might be by a slip."""
    match value:
        case bool():
            return (not value,)
        case int() | float():
            return -value, value + 1, value * 1000, str(value), value + 0.5
        case str():
            with contextlib.suppress(ValueError):
                data = base64.b64decode(value, validate=True)
                slips = data[:-1], data[:-4], data + data[:4], turned(random, data, 4)
                return tuple(base64.b64encode(each).decode() for each in slips)
            return value[:-1], value + "1", value.upper(), value * 2
        case _:
            return [value], [value, value]


def row(random: Random, file: Path, blame: Blame) -> str:
    """A message is damaged, or two."""
    feed = Messages(file, blame)
    at = random.randrange(len(feed.messages))
    what = random.choice(list(_ROWS))
    _ROWS[what](random, feed, at)
    feed.save()
    return f"message {at + 1} {what}"


def _moved(random: Random, feed: Messages, at: int) -> None:
    message = feed.messages[at]
    feed.put(at, at + 1)
    to = random.randrange(len(feed.messages) + 1)
    feed.put(to, to, message)


_BLANK: Final = (b"", b" ", b"{}", b"null", b"[]")
_GARBAGE: Final = (b"garbage", b"\xff\xfe", b'{"game": 1}', b"[" * 100_000, b'{"a":' * 5_000, b"\x00" * 100)
_ROWS: Final[Mapping[str, Callable[[Random, Messages, int], None]]] = {
    "dropped": lambda random, feed, at: feed.put(at, at + 1),
    "doubled": lambda random, feed, at: feed.put(at, at, feed.messages[at]),
    "moved": _moved,
    "cut": lambda random, feed, at: feed.put(
        at, at + 1, feed.messages[at][: random.randrange(len(feed.messages[at]) + 1)]
    ),
    "blank": lambda random, feed, at: feed.put(at, at + 1, random.choice(_BLANK)),
    "glued to the next": lambda random, feed, at: feed.put(at, at + 2, b"".join(feed.messages[at : at + 2])),
    "after garbage": lambda random, feed, at: feed.put(at, at, random.choice(_GARBAGE)),
}


def _delimited(data: bytes) -> Iterable[bytes]:
    """The messages, each behind its length."""
    at = 0
    while at < len(data):
        size = shift = 0
        while True:
            byte, at = data[at], at + 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield data[at : at + size]
        at += size


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*data, value))
