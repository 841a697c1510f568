"""Keeps a line of the log to a length, and free of what would act on a terminal or hide text from who reads it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

MAX_TEXT_CHARACTERS: Final = 2_000
"""Of a field."""
MAX_TRACE_CHARACTERS: Final = 12_000
"""Of a traceback; its middle is left out."""
MAX_LINE_CHARACTERS: Final = 24_000
"""Of all fields of a line together."""
MAX_ITEMS: Final = 100
"""Of a list or a mapping in a field."""
_TRACE: Final = "exception"
_FIRST: Final = ("service", "event", "level", "timestamp", _TRACE)
"""What is never left out."""
_HARMLESS: Final = re.compile(r"[ -~]*")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of characters that control, hide or turn around text: line ends, escapes, marks of direction."""


def visible(text: str, keep: str = "") -> str:
    """Text with an escape (`\\x1b`, `\\u202e`) for each character that cannot be seen, but for those in `keep`."""
    if _HARMLESS.fullmatch(text):
        return text
    return "".join(
        character
        if character in keep or unicodedata.category(character) not in _HIDDEN
        else character.encode("unicode_escape").decode()
        for character in text
    )


def bounded(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The structlog processor: every field visible and short, and no more of them than a line may hold."""
    left = MAX_LINE_CHARACTERS
    kept: dict[str, Any] = {}
    left_out = 0
    for key in (*(key for key in _FIRST if key in event), *(key for key in event if key not in _FIRST)):
        name = visible(_cut(str(key), MAX_TEXT_CHARACTERS))
        value = _trace(str(event[key])) if key == _TRACE else _short(event[key])
        left -= len(name) + len(str(value))
        if left < 0 and key not in _FIRST:
            left_out += 1
        else:
            kept[name] = value
    if left_out:
        kept["fields_left_out"] = left_out
    return kept


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str):
        return visible(_cut(value, MAX_TEXT_CHARACTERS))
    if isinstance(value, Mapping):
        items = {visible(_cut(str(key), 100)): _short(each) for key, each in islice(value.items(), MAX_ITEMS)}
        return items if len(str(items)) <= MAX_TEXT_CHARACTERS else _cut(str(items), MAX_TEXT_CHARACTERS)
    if isinstance(value, list | tuple | set | frozenset):
        listed = [_short(each) for each in islice(value, MAX_ITEMS)]
        return listed if len(str(listed)) <= MAX_TEXT_CHARACTERS else _cut(str(listed), MAX_TEXT_CHARACTERS)
    return visible(_cut(str(value), MAX_TEXT_CHARACTERS))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"


def _trace(text: str) -> str:
    half = MAX_TRACE_CHARACTERS // 2
    if len(text) > MAX_TRACE_CHARACTERS:
        text = f"{text[:half]}\n… ({len(text) - 2 * half} characters)\n{text[-half:]}"
    return visible(text, keep="\n")
