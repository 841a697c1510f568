"""Foreign text in a terminal: names, identifiers and messages that a source, a file or a service brought."""

from __future__ import annotations

from typing import Final

_JOINERS: Final = "\u200c\u200d"
"""Not printable by themselves, but part of names in some scripts."""


def printable(text: str) -> str:
    """Text in one line, without characters that control a terminal or change the direction of text."""
    return "".join(
        each if each.isprintable() or each in _JOINERS else " " if each.isspace() else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )


def printable_lines(text: str) -> str:
    """The same for text of several lines, such as a message with a list."""
    return "\n".join(map(printable, text.split("\n")))
