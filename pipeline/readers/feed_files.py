"""Files of feed messages: what a replay records, what a live feed left behind, and corrections of either.

Two forms, told apart by the ending: `.feed` holds messages one after the other, each behind its length as a varint
(protobuf's own delimited form); `.jsonl` holds a message in protobuf's JSON a line, which people can write by hand.
Messages of several games may stand in one file, in any order. A message that cannot be read is left out and counted;
a file in which none can be read, or that is cut off between messages of the binary form, is refused.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Final

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from pipeline.readers.losses import Losses
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import Game
from playscore.sources import Loss, Recognition
from playscore.wire.games import game_from_feed
from playscore.wire.validation import check

BINARY: Final = ".feed"
LINES: Final = ".jsonl"
_MAX_MESSAGE_BYTES: Final = 16 * 2**20
_MAX_VARINT_BYTES: Final = 5
_MAX_FAULTS: Final = 1_000
"""Messages that cannot be read, of a file that is still one of feed messages."""


@dataclass(frozen=True)
class FeedFiles:
    """The games in one or several files of feed messages. See `playscore.sources.Source`."""

    files: tuple[Path, ...]

    @property
    def game_ids(self) -> tuple[str, ...]:
        """Identifiers of the games, in the order in which the files first name them."""
        return tuple(self._read[0])

    def feed(self, game_id: str) -> Iterator[FeedMessage]:
        """What the files say of a game, in their order."""
        for file, places in self._read[0][game_id].items():
            with file.open("rb") as stream:
                for place in places:
                    stream.seek(place)
                    message = _next(file, stream)
                    assert message is not None
                    yield message

    def game(self, game_id: str) -> Game:
        """A game put together from its messages."""
        return game_from_feed(self.feed(game_id))

    def losses(self) -> Sequence[Loss]:
        """Messages that could not be read."""
        return self._read[1].all()

    @cached_property
    def _read(self) -> tuple[dict[str, dict[Path, list[int]]], Losses]:
        """Where each game's messages begin, by file; and what could not be read."""
        games: defaultdict[str, dict[Path, list[int]]] = defaultdict(dict)
        leagues: dict[str, str] = {}
        losses = Losses()
        for file in self.files:
            faults: list[PlayscoreError] = []
            read = 0
            for place, message in _messages(file, faults):
                league = leagues.setdefault(message.game.game_id, message.game.league)
                if league != message.game.league:
                    raise PlayscoreError(
                        Reason.FIELD_INVALID,
                        f"{file}: game {message.game.game_id!r} is of {league} and of {message.game.league}; give"
                        " each league files of its own",
                    )
                games[message.game.game_id].setdefault(file, []).append(place)
                read += 1
            if faults and not read:
                raise faults[0]
            if faults:
                losses.add(str(file), "the message cannot be read", len(faults), faults[0].detail)
        return dict(games), losses


class FeedLayout:
    """See `playscore.sources.Layout`."""

    name = "feed"

    def recognize(self, data: Path) -> Recognition:
        """A file of feed messages, or a folder that holds one."""
        if _files(data):
            return Recognition((), 1.0)
        return Recognition((f"no file of it ends in {BINARY} or {LINES}",), 0.0)

    def open(self, data: Path) -> FeedFiles:
        """The games in a file of feed messages, or in all of a folder."""
        files = _files(data)
        if not files:
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"{data} holds no feed messages: a file that ends in {BINARY} or {LINES}"
            )
        return FeedFiles(files)


LAYOUT = FeedLayout()


class FeedWriter:
    """Appends messages to a file of feed messages. As a context manager: closed at the end."""

    def __init__(self, file: Path) -> None:
        """The form follows from the ending. Raises FIELD_INVALID for another one."""
        if file.suffix not in (BINARY, LINES):
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"{file}: a file of feed messages ends in {BINARY} or {LINES}; name it so"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lines = file.suffix == LINES
        self._stream = file.open("wb")

    def __enter__(self) -> FeedWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def write(self, message: FeedMessage) -> None:
        """Appends one."""
        if self._lines:
            line = json_format.MessageToJson(message, preserving_proto_field_name=True, indent=None)
            self._stream.write(line.encode() + b"\n")
        else:
            data = message.SerializeToString()
            self._stream.write(_varint(len(data)) + data)


def _files(data: Path) -> tuple[Path, ...]:
    candidates = [data] if data.is_file() else sorted(data.iterdir()) if data.is_dir() else []
    return tuple(
        file
        for file in candidates
        if file.suffix in (BINARY, LINES) and file.is_file() and not file.name.startswith(".")
    )


class _UnreadableError(PlayscoreError):
    """A message that cannot be read, in a file whose next one can be found."""


def _messages(file: Path, faults: list[PlayscoreError]) -> Iterator[tuple[int, FeedMessage]]:
    """The messages of a file, and the byte at which each begins. Those that cannot be read go into `faults`."""
    with _opened(file) as stream:
        while True:
            place = stream.tell()
            try:
                message = _next(file, stream)
            except _UnreadableError as fault:
                faults.append(fault)
                if len(faults) > _MAX_FAULTS:
                    raise PlayscoreError(
                        Reason.FIELD_INVALID,
                        f"{file} is no file of feed messages: {len(faults)} of them are none. {fault}",
                    ) from fault
                continue
            if message is None:
                return
            yield place, message


def _opened(file: Path) -> IO[bytes]:
    try:
        return file.open("rb")
    except OSError as error:
        raise PlayscoreError(Reason.FIELD_INVALID, f"{file} cannot be read: {error}") from error


def _next(file: Path, stream: IO[bytes]) -> FeedMessage | None:
    """The next message; None at the end. Raises FIELD_INVALID, naming the file and the place, for what is none."""
    place = stream.tell()
    where = f"{file}: the message at byte {place} is not a FeedMessage"
    try:
        data = _next_line(stream) if file.suffix == LINES else _next_delimited(stream)
    except DecodeError as fault:
        raise PlayscoreError(Reason.FIELD_INVALID, f"{where}: {fault}") from fault
    if data is None:
        return None
    try:
        if file.suffix == LINES:
            message = json_format.Parse(data.decode(), FeedMessage())
        else:
            message = FeedMessage.FromString(data)
        check(message.game, "game")
    except (PlayscoreError, DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError) as fault:
        raise _UnreadableError(Reason.FIELD_INVALID, f"{where}: {fault}") from fault
    return message


def _next_line(stream: IO[bytes]) -> bytes | None:
    while line := stream.readline(_MAX_MESSAGE_BYTES * 2):
        if line.strip():
            return line
    return None


def _next_delimited(stream: IO[bytes]) -> bytes | None:
    size = _read_varint(stream)
    if size is None:
        return None
    if size > _MAX_MESSAGE_BYTES:
        raise DecodeError(f"it claims {size} bytes; a message has at most {_MAX_MESSAGE_BYTES}")
    data = stream.read(size)
    if len(data) < size:
        raise DecodeError(f"it ends after {len(data)} of {size} bytes: the file is cut off")
    return data


def _read_varint(stream: IO[bytes]) -> int | None:
    value = 0
    for place in range(_MAX_VARINT_BYTES):
        byte = stream.read(1)
        if not byte:
            if place:
                raise DecodeError("its length is cut off")
            return None
        value |= (byte[0] & 0x7F) << (7 * place)
        if not byte[0] & 0x80:
            return value
    raise DecodeError("its length is not a varint of 32 bits")


def _varint(value: int) -> bytes:
    data = io.BytesIO()
    while value > 0x7F:
        data.write(bytes((value & 0x7F | 0x80,)))
        value >>= 7
    data.write(bytes((value,)))
    return data.getvalue()
