"""Columns of a table in memory: arrays that grow by doubling, with a mark for what is not known."""

from __future__ import annotations

import math
import operator as operators
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from aggregator.core.fields import Field, FieldType
from aggregator.core.filter import Operator
from aggregator.core.records import Value

Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]
Codes = NDArray[np.intp]
Selection = slice | Rows
"""Rows of a table: a slice for all of them, so that nothing is copied."""

_T = TypeVar("_T", bound=np.generic)
_FIRST_CAPACITY = 1024
_MAX_SPAN = 65_536
"""Whole numbers that lie no farther apart are coded without sorting them."""
_COMPARE: Mapping[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQ: operators.eq,
    Operator.NE: operators.ne,
    Operator.LT: operators.lt,
    Operator.LE: operators.le,
    Operator.GT: operators.gt,
    Operator.GE: operators.ge,
}


class Column(Protocol):
    """Values of one field, a row each. Only the first `length` rows that a call names mean anything."""

    def grow(self, length: int) -> None:
        """Make room for `length` rows."""

    def put(self, rows: Rows, values: Sequence[Value | None]) -> None:
        """Set rows there is room for; None is unknown."""

    def get(self, row: int) -> Value | None:
        """A row's value, None where unknown."""

    def move(self, source: int, target: int) -> None:
        """Copy one row onto another."""

    def known(self, length: int) -> Mask:
        """Which rows are known."""

    def compare(self, operator: Operator, value: Value, length: int) -> Mask:
        """For which rows `field operator value` holds; never for unknown ones."""

    def coded(self, selection: Selection) -> tuple[Codes, Sequence[Value | None]]:
        """The values of selected rows as codes, and what each code stands for; some may be no row's."""


def column_for(field: Field) -> Column:
    """An empty column of the field's type."""
    match field.type:
        case FieldType.INTEGER:
            return NumberColumn(whole=True)
        case FieldType.NUMBER:
            return NumberColumn()
        case FieldType.BOOLEAN:
            return BooleanColumn()
        case FieldType.STRING | FieldType.ENUM:
            return TextColumn(Dictionary())


class NumberColumn:
    """Numbers as float64; NaN is unknown. Whole numbers are exact to 2^53."""

    def __init__(self, *, whole: bool = False) -> None:
        self.data: NDArray[np.float64] = np.empty(_FIRST_CAPACITY)
        self._whole = whole

    def grow(self, length: int) -> None:
        """See Column."""
        self.data = grown(self.data, length)

    def put(self, rows: Rows, values: Sequence[Value | None]) -> None:
        """See Column."""
        self.data[rows] = np.array(values, dtype=np.float64)

    def get(self, row: int) -> Value | None:
        """See Column."""
        value = float(self.data[row])
        if math.isnan(value):
            return None
        return int(value) if self._whole else value

    def move(self, source: int, target: int) -> None:
        """See Column."""
        self.data[target] = self.data[source]

    def known(self, length: int) -> Mask:
        """See Column."""
        return ~np.isnan(self.data[:length])

    def compare(self, operator: Operator, value: Value, length: int) -> Mask:
        """See Column."""
        data = self.data[:length]
        holds: Mask = _COMPARE[operator](data, value)
        # NaN compares false with everything, except that it differs from everything.
        return holds & self.known(length) if operator is Operator.NE else holds

    def coded(self, selection: Selection) -> tuple[Codes, Sequence[Value | None]]:
        """See Column."""
        data = self.data[selection]
        if self._whole and not np.isnan(data).all():
            least, most = int(np.nanmin(data)), int(np.nanmax(data))
            if most - least < _MAX_SPAN:
                codes = np.where(np.isnan(data), 0.0, data - (least - 1)).astype(np.intp)
                return codes, (None, *range(least, most + 1))
        found, codes = np.unique(data, return_inverse=True)
        return codes, [None if math.isnan(value) else int(value) if self._whole else value for value in found.tolist()]


class BooleanColumn:
    """Flags as int8: 0, 1, and -1 for unknown."""

    def __init__(self) -> None:
        self.data: NDArray[np.int8] = np.empty(_FIRST_CAPACITY, dtype=np.int8)

    def grow(self, length: int) -> None:
        """See Column."""
        self.data = grown(self.data, length)

    def put(self, rows: Rows, values: Sequence[Value | None]) -> None:
        """See Column."""
        self.data[rows] = np.array([-1 if value is None else bool(value) for value in values], dtype=np.int8)

    def get(self, row: int) -> Value | None:
        """See Column."""
        flag = self.data[row]
        return None if flag < 0 else bool(flag)

    def move(self, source: int, target: int) -> None:
        """See Column."""
        self.data[target] = self.data[source]

    def known(self, length: int) -> Mask:
        """See Column."""
        known: Mask = self.data[:length] >= 0
        return known

    def compare(self, operator: Operator, value: Value, length: int) -> Mask:
        """See Column. Flags have no order: EQ and NE only."""
        wanted = bool(value) is (operator is Operator.EQ)
        holds: Mask = self.data[:length] == wanted
        return holds

    def coded(self, selection: Selection) -> tuple[Codes, Sequence[Value | None]]:
        """See Column."""
        return self.data[selection].astype(np.intp) + 1, (None, False, True)


class Dictionary:
    """Texts and their codes, counted from 0 for the empty text, which is the unknown one."""

    def __init__(self) -> None:
        self.texts: list[str] = [""]
        self._codes: dict[str, int] = {"": 0}
        self._ranks: NDArray[np.int64] = np.zeros(1, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.texts)

    def code(self, text: str) -> int:
        """The text's code, a new one for a new text."""
        code = self._codes.setdefault(text, len(self.texts))
        if code == len(self.texts):
            self.texts.append(text)
        return code

    def find(self, text: str) -> int | None:
        """The text's code, None for a text that never occurred."""
        return self._codes.get(text)

    def ranks(self) -> NDArray[np.int64]:
        """By code, the text's place among all texts in their natural order."""
        if len(self._ranks) != len(self.texts):
            order = sorted(range(len(self.texts)), key=lambda code: natural(self.texts[code]))
            self._ranks = np.empty(len(self.texts), dtype=np.int64)
            self._ranks[order] = np.arange(len(self.texts))
        return self._ranks

    def rank_of(self, text: str) -> int:
        """The place that a text has, or would have, among all in their natural order."""
        code = self._codes.get(text)
        if code is not None:
            return int(self.ranks()[code])
        return sum(natural(other) < natural(text) for other in self.texts)

    def holding(self, operator: Operator, value: str) -> Mask:
        """By code, whether `text operator value` holds; `*` in EQ and NE stands for any characters. Not for unknown."""
        if operator in (Operator.EQ, Operator.NE):
            wanted = operator is Operator.EQ
            holds = [_matches(text, value) is wanted for text in self.texts]
        else:
            holds = [bool(_COMPARE[operator](text, value)) for text in self.texts]
        holds[0] = False
        return np.array(holds)


class TextColumn:
    """Texts by their codes in a dictionary, which columns may share."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.codes: NDArray[np.int32] = np.empty(_FIRST_CAPACITY, dtype=np.int32)
        self.dictionary = dictionary

    def grow(self, length: int) -> None:
        """See Column."""
        self.codes = grown(self.codes, length)

    def put(self, rows: Rows, values: Sequence[Value | None]) -> None:
        """See Column."""
        code = self.dictionary.code
        self.codes[rows] = np.array([0 if value is None else code(str(value)) for value in values], dtype=np.int32)

    def get(self, row: int) -> Value | None:
        """See Column."""
        return self.dictionary.texts[self.codes[row]] or None

    def move(self, source: int, target: int) -> None:
        """See Column."""
        self.codes[target] = self.codes[source]

    def known(self, length: int) -> Mask:
        """See Column."""
        known: Mask = self.codes[:length] != 0
        return known

    def compare(self, operator: Operator, value: Value, length: int) -> Mask:
        """See Column."""
        text, codes = str(value), self.codes[:length]
        if operator is Operator.EQ and "*" not in text:
            code = self.dictionary.find(text) or -1
            holds: Mask = codes == code
            return holds
        return self.dictionary.holding(operator, text)[codes]

    def coded(self, selection: Selection) -> tuple[Codes, Sequence[Value | None]]:
        """See Column. Code 0, the empty text, is the unknown one."""
        return self.codes[selection].astype(np.intp), (None, *self.dictionary.texts[1:])


def _matches(text: str, pattern: str) -> bool:
    """Whether all of a text is the pattern, `*` standing for any characters. In linear time, whatever the pattern."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    position, end = len(first), len(text) - len(last)
    for part in middle:
        position = text.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True


def natural(text: str) -> tuple[list[str | int], str]:
    """A key that sorts texts as people do: "play 9" before "play 10"."""
    parts = re.split(r"([0-9]+)", text)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], text


def grown(data: NDArray[_T], length: int) -> NDArray[_T]:
    """The data with room for `length` rows: at least doubled where it must grow, so that a row costs O(1)."""
    if length <= len(data):
        return data
    grown = np.empty(max(length, 2 * len(data)), dtype=data.dtype)
    grown[: len(data)] = data
    return grown
