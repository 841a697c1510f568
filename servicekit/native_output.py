"""What this process writes to its standard error past the log: gRPC core, onnxruntime, the interpreter itself.

gRPC core quotes what its peers send, and so a peer could write whole lines of a log. A thread takes in all that is
written to file descriptor 2 and hands it on line by line; the log has the original for itself.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TextIO

MAX_LINE_BYTES: Final = 4096
"""Longer lines are handed on in pieces, none longer than twice this."""
MAX_LINES_A_SECOND: Final = 50
"""More are counted only: a message of a few bytes can bring many lines."""
_STANDARD_ERROR: Final = 2
_LAST_WORDS_SECONDS: Final = 1.0


def capture_native_output(hand_on: Callable[[str], None]) -> TextIO:
    """From now on `hand_on` gets each line that anything writes to standard error. Returns a stream to the original.

    Call it once, early, and write to the returned stream only. What a fatal signal leaves of Python is written to the
    original by itself (`faulthandler`): no thread would be there to take it in.
    """
    original = os.dup(_STANDARD_ERROR)
    reading, writing = os.pipe()
    os.dup2(writing, _STANDARD_ERROR)
    os.close(writing)
    thread = threading.Thread(target=_hand_on_lines, args=(reading, hand_on), name="native output", daemon=True)
    thread.start()

    def restore() -> None:
        os.dup2(original, _STANDARD_ERROR)  # the end of the pipe, so that the thread reads what is left and ends
        thread.join(_LAST_WORDS_SECONDS)

    atexit.register(restore)
    faulthandler.enable(original)
    return os.fdopen(original, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def _hand_on_lines(reading: int, hand_on: Callable[[str], None]) -> None:
    second, handed_on, left_out = 0, 0, 0
    for line in _lines(reading):
        if (now := int(time.monotonic())) != second:
            if left_out:
                hand_on(f"{left_out} lines left out")
            second, handed_on, left_out = now, 0, 0
        if handed_on < MAX_LINES_A_SECOND:
            hand_on(line.decode(errors="replace"))
            handed_on += 1
        else:
            left_out += 1
    if left_out:
        hand_on(f"{left_out} lines left out")


def _lines(reading: int) -> Iterator[bytes]:
    """Lines with something in them, in pieces, until the pipe ends."""
    begun = b""
    while taken := os.read(reading, MAX_LINE_BYTES):
        *lines, begun = (begun + taken).split(b"\n")
        if len(begun) >= MAX_LINE_BYTES:
            lines, begun = [*lines, begun], b""
        yield from filter(bytes.strip, lines)
    yield from filter(bytes.strip, [begun])
