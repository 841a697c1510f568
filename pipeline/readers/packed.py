"""Files that may be packed by gzip or zstd, told by their first bytes."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import zstandard

from playscore.errors import PlayscoreError, Reason

ENDINGS: Final = (".gz", ".zst", ".zstd")

T = TypeVar("T")

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_CHUNK: Final = 1 << 20


def head(file: Path, size: int) -> bytes:
    """The first so many bytes, unpacked. Raises FIELD_INVALID for a file that cannot be read."""
    with _opening(file) as stream:
        return _reading(file, lambda: bytes(stream.read(size)))


def is_packed(file: Path) -> bool:
    """Whether a file is packed. Raises FIELD_INVALID for one that cannot be read."""
    return _magic(file).startswith((_GZIP, _ZSTD))


def unpack(file: Path, copy: Path) -> None:
    """Write to `copy` what a packed file holds. Raises FIELD_INVALID for a file that cannot be read."""
    with _opening(file) as packed, copy.open("wb") as target:
        _reading(file, lambda: shutil.copyfileobj(packed, target, _CHUNK))
    if _magic(file).startswith(_ZSTD) and not _ends_whole(file):
        raise unreadable(file, "it cannot be unpacked: it is cut off")


def unreadable(file: Path, why: str) -> PlayscoreError:
    """FIELD_INVALID for a file that cannot be read."""
    return PlayscoreError(Reason.FIELD_INVALID, f"{file} cannot be read: {why}")


def _magic(file: Path) -> bytes:
    with _reading(file, lambda: file.open("rb")) as stream:
        return stream.read(4)


def _opening(file: Path) -> Any:
    magic = _magic(file)
    if magic.startswith(_GZIP):
        return gzip.open(file)
    if magic.startswith(_ZSTD):
        return zstandard.ZstdDecompressor().stream_reader(file.open("rb"), read_across_frames=True, closefd=True)
    return file.open("rb")


def _reading(file: Path, action: Callable[[], T]) -> T:
    try:
        return action()
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise unreadable(file, str(error)) from error


def _ends_whole(file: Path) -> bool:
    """Whether the last frame of zstd in a file is whole; its stream reader does not tell."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    with file.open("rb") as stream:
        while data := stream.read(_CHUNK):
            while data:
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                frame.decompress(data)
                data = frame.unused_data if frame.eof else b""
    return bool(frame.eof)
