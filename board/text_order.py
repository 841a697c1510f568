"""The order in which people read identifiers."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"(\d+)")


def natural(identifier: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts identifiers with the numbers in them compared as numbers, before letters."""
    parts = (part for part in _DIGITS.split(identifier) if part)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
