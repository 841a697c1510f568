"""Damage to files that knows nothing of what they hold."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Final

import zstandard

from tests.fuzz.blame import Blame
from tests.fuzz.cells import turned
from tests.fuzz.corpus import Corpus, table_of, write

_Bytes = Callable[[Random, bytes], bytes]


def contents(random: Random, file: Path, corpus: Corpus, blame: Blame) -> str:
    """The bytes of a file are other ones."""
    data = file.read_bytes()
    blame.whole(file)
    if random.random() < 0.25:
        what = random.choice(list(_SLIGHT))
        data = _SLIGHT[what](random, data)
        blame.takes |= file.suffix != ".csv"
    else:
        what = random.choice(list(_GRAVE))
        data = _GRAVE[what](random, data)
        blame.takes = True
    write(file, data)
    return what


def place(random: Random, file: Path, corpus: Corpus, blame: Blame) -> str:
    """A file is not where it should be, or is not what it should be."""
    data = file.read_bytes()
    blame.whole(file)
    blame.takes = True
    what = random.choice(
        ("missing", "a folder", "a link to nowhere", "under another ending", "another file", "there twice")
    )
    match what:
        case "another file":
            write(file, random.choice(corpus.files).read_bytes())
        case "there twice":
            (file.parent / f"{table_of(file)}-copy{file.suffix}").write_bytes(data)
        case _:
            file.unlink()
    match what:
        case "a folder":
            file.mkdir()
        case "a link to nowhere":
            file.symlink_to(file.parent / "nowhere")
        case "under another ending":
            ending = random.choice((".bak", ".xlsx", ".zip", ".gz", ".parquet", ".csv", ".feed"))
            (file.parent / f"{file.name}{ending}").write_bytes(data)
    return what


def beside(random: Random, file: Path, corpus: Corpus, blame: Blame) -> str:
    """Another file lies beside, which nobody asked for: nothing may change by it."""
    name = random.choice((*_BESIDE, f"._{file.name}"))
    (file.parent / name).write_bytes(_BESIDE.get(name, b"\x00\x05\x16\x07" + bytes(100)))
    return f"beside it lies {name}"


def _put_in(random: Random, data: bytes, more: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + more + data[at:]


def _less_a_piece(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + data[at + random.randrange(5_000) :]


def _packed(random: Random, data: bytes) -> bytes:
    return gzip.compress(data, mtime=0) if random.random() < 0.5 else zstandard.compress(data)


def _cut(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _other_encoding(random: Random, data: bytes) -> bytes:
    encoding = random.choice(("utf-16", "utf-16-le", "utf-32", "cp500"))
    return data.decode("utf-8", "replace").encode(encoding, "replace")


_SLIGHT: Final[Mapping[str, _Bytes]] = {
    "a bit turned": lambda random, data: turned(random, data, 1),
    "many bits turned": lambda random, data: turned(random, data, random.choice((2, 20, 500))),
    "bytes put in": lambda random, data: _put_in(random, data, random.randbytes(random.choice((1, 10, 1_000)))),
    "a letter of Latin 1 put in": lambda random, data: _put_in(random, data, b"\xe9"),
}
"""Text loses rows by it, but no plays."""
_GRAVE: Final[Mapping[str, _Bytes]] = {
    "cut off": _cut,
    "beginning gone": lambda random, data: data[random.randrange(len(data) + 1) :],
    "a piece gone": _less_a_piece,
    "empty": lambda random, data: b"",
    "noise": lambda random, data: random.randbytes(random.choice((1, 100, 10_000))),
    "zeros": lambda random, data: bytes(len(data)),
    "other encoding": _other_encoding,
    "packed and cut off": lambda random, data: _cut(random, _packed(random, data)),
    "packed and damaged": lambda random, data: turned(random, _packed(random, data), 3),
}
_BESIDE: Final[Mapping[str, bytes]] = {
    ".DS_Store": b"\x00\x00\x00\x01Bud1",
    "notes.txt": b"these are my notes\n",
    "empty.csv": b"",
    "sums.csv": b"a,b\n1,2\n",
    "x.parquet": b"PAR1",
    "latin1.csv": b"a,\xe9\n1,2\n",
    "broken.csv.gz": b"\x1f\x8b\x08",
    "readme.md": b"# hi\n",
    "quote.csv": b'"\n"',
    "long.csv": b"x" * 100_000,
    "zeros.csv": bytes(1_000),
}
