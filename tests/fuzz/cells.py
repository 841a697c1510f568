"""What cells may say instead."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Final

TEXTS: Final = (
    "", "", "NA", "nan", "NULL", "None", " ", "garbage", "x", "?", "-", "N/A", "#REF!", "=1+1", "-1", "-0.0", "0", "1",
    "1e308", "1e5", "99999999999999999999", "2147483648", "-2147483649", "1e-320", "inf", "-inf", "Infinity", "NaN",
    "0x1F", "1_000", "1,5", "1.5", "½", "٣", "é", "漢字", "🏈", "e\u0301", "\u202eabc", "\ufeff12", "\u200b", "\x00",
    "\x07", "\x1b[31m", "\x85", "\u2028", "\\", "'", '"', '""', '"abc"', 'a"b', '"a,b', "a,b", "a;b", "a\tb", "a|b",
    "a\nb", '"a\nb"', "a\rb", "2021-09-10", "2021-09-10T00:00:00Z", "12/31/1999 23:59:59", "9999-12-31 23:59:59",
    "0001-01-01", "00:61:99", "25:61", "12:34", "-1:00", "True", "false", "{}", "[]", '{"a": 1}', "[1, 2]", "null",
    "../../etc/passwd", "%s%n", "ball", "football", "home", "away", "left", "C", "ball_snap", "pass_forward", "x" * 300,
    "9" * 400, "x" * 10_000, "1.A " * 2_500, "A.B-" * 2_500, "(" * 5_000, "0" * 5_000 + "1",
)  # fmt: skip
VALUES: Final[Sequence[Any]] = (
    None, True, False, 0, -1, 1, 7, 2**31, -(2**31), 2**63, 10**30, 1e308, -1e308, 1e-320, float("nan"), float("inf"),
    "NaN", "", "x", "garbage", "🏈", "\x00", "a\nb", "x" * 300, "x" * 10_000, "1", "-1", "1e5", [], {}, [1, 2],
    {"a": 1}, [None], "QUFBQQ==", "AAAAAAAA8H8=", "2021-09-10T00:00:00Z",
)  # fmt: skip
"""Of fields in JSON."""


def other_text(random: Random, cell: str, row: Sequence[str], column: Sequence[str]) -> str:
    """Something else for a cell: what others of its row or column say, a slip of the pen, or anything."""
    match random.randrange(8):
        case 0:
            return random.choice(row)
        case 1:
            return random.choice(column)
        case 2 if cell:
            place = random.randrange(len(cell))
            slip = random.choice(("", "0", "9", ".", "-", "a", " ", '"', ",", cell[place] * 2))
            return cell[:place] + slip + cell[place + 1 :]
        case 3:
            forms = "-{0}", "{0}0", "{0}.0", "{0}.5", " {0} ", "{0}e9", "0{0}", "{0}{0}"
            return random.choice(forms).format(cell)
        case _:
            return random.choice(TEXTS)


def turned(random: Random, data: bytes, count: int) -> bytes:
    """The bytes with so many bits turned."""
    damaged = bytearray(data)
    for _ in range(count if damaged else 0):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)
