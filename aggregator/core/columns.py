"""Columns of a segment in memory: they never change, so each is kept in the narrowest form that loses nothing.

A column with few different values keeps them once, sorted, and a small code a row. Codes are in the order of the
values, so a comparison of values is a comparison of codes. A column of many different numbers keeps the numbers, in
single precision where that is exact.
"""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.core.arrays import Mask, Numbers, Rows, Texts
from aggregator.core.fields import FieldType
from aggregator.core.filter import MAX_WILDCARDS, WILDCARD, Operator
from aggregator.core.records import Value

Selection: TypeAlias = slice | Rows
Codes: TypeAlias = NDArray[np.unsignedinteger[Any]]

EVERY_ROW: Final = slice(None)
MAX_CODED: Final = 65_535
"""Different numbers above which the numbers themselves are kept."""
_MATCHED_AT_ONCE: Final = 500
_SAMPLE: Final = 4096
_MOSTLY_DIFFERENT: Final = 0.97
"""The share of a sample that is different where the whole is more than MAX_CODED."""
_GRID_BITS: Final = 30
_EXACT: Final = 2.0**53
_LOW_BITS: Final = 24


class Column(Protocol):
    """N values of one field, None where unknown."""

    @property
    def nbytes(self) -> int:
        """What its rows take in memory."""

    def get(self, row: int) -> Value | None:
        """A row's value."""

    def known(self, rows: Selection = EVERY_ROW) -> Mask:
        """Which of the rows are known."""

    def compare(self, operator: Operator, value: Value, rows: Selection = EVERY_ROW) -> Mask:
        """For which of the rows `field operator value` holds; never for unknown ones."""

    def coded(self) -> Coded:
        """The column with a code a row, however many there are."""


class Coded:
    """A code a row: 0 for unknown, else one more than the place of its value among `values`, which are sorted."""

    def __init__(self, codes: NDArray[Any], values: Sequence[Value]) -> None:
        self.codes: Codes = codes.astype(np.min_scalar_type(len(values)), copy=False)
        self.values = values
        self.all_known = bool(self.codes.all())
        self._matched: dict[str, Mask] = {}
        """By pattern, by code, whether it holds for the text: of those that were asked for last."""

    @property
    def nbytes(self) -> int:
        """See Column."""
        return self.codes.nbytes

    def get(self, row: int) -> Value | None:
        """See Column."""
        return self.value(int(self.codes[row]))

    def value(self, code: int) -> Value | None:
        """What a code stands for."""
        return self.values[code - 1] if code else None

    def code(self, value: Value) -> int | None:
        """The code of a value; None where it does not occur."""
        values: Sequence[Any] = self.values
        place = bisect_left(values, value)
        return place + 1 if place < len(values) and values[place] == value else None

    def known(self, rows: Selection = EVERY_ROW) -> Mask:
        """See Column."""
        known: Mask = self.codes[rows] != 0
        return known

    def compare(self, operator: Operator, value: Value, rows: Selection = EVERY_ROW) -> Mask:
        """See Column. In a text compared by EQ or NE, `*` stands for any characters."""
        codes = self.codes[rows]
        values: Sequence[Any] = self.values
        wild = isinstance(value, str) and WILDCARD in value and operator in (Operator.EQ, Operator.NE)
        holds: Mask
        match operator:
            case _ if wild:
                matching = self._matching(str(value))[codes]
                holds = matching if operator is Operator.EQ else self._without_unknown(codes, ~matching)
            case Operator.EQ:
                code = self.code(value)
                holds = np.zeros(codes.shape, np.bool_) if code is None else codes == code
            case Operator.NE:
                code = self.code(value)
                holds = codes != 0 if code is None else self._without_unknown(codes, codes != code)
            case Operator.LT:
                holds = self._without_unknown(codes, codes <= bisect_left(values, value))
            case Operator.LE:
                holds = self._without_unknown(codes, codes <= bisect_right(values, value))
            case Operator.GT:
                holds = codes > bisect_right(values, value)
            case Operator.GE:
                holds = codes > bisect_left(values, value)
        return holds

    def coded(self) -> Coded:
        """See Column."""
        return self

    def match(self, pattern: str) -> Iterator[None]:
        """Looks for the texts that a pattern holds for, in steps, and keeps the answer for `compare`."""
        if pattern in self._matched:
            return
        holding = np.zeros(len(self.values) + 1, dtype=np.bool_)
        for start in range(0, len(self.values), _MATCHED_AT_ONCE):
            texts = self.values[start : start + _MATCHED_AT_ONCE]
            holding[start + 1 : start + 1 + len(texts)] = [matches(str(text), pattern) for text in texts]
            yield
        while len(self._matched) >= MAX_WILDCARDS:
            self._matched.pop(next(iter(self._matched)), None)
        self._matched[pattern] = holding

    def _matching(self, pattern: str) -> Mask:
        """By code, whether a pattern holds for the text."""
        holding = self._matched.get(pattern)
        while holding is None:
            for _ in self.match(pattern):
                pass
            holding = self._matched.get(pattern)
        return holding

    def _without_unknown(self, codes: Codes, holds: Mask) -> Mask:
        return holds if self.all_known else holds & (codes != 0)


class Plain:
    """Numbers as they are; NaN is unknown."""

    def __init__(self, data: Numbers) -> None:
        single = data.astype(np.float32)
        exact = bool(np.array_equal(single, data, equal_nan=True))
        self.data: NDArray[np.floating[Any]] = single if exact else data

    @property
    def nbytes(self) -> int:
        """See Column."""
        return self.data.nbytes

    def get(self, row: int) -> Value | None:
        """See Column."""
        value = float(self.data[row])
        return None if math.isnan(value) else value

    def known(self, rows: Selection = EVERY_ROW) -> Mask:
        """See Column."""
        known: Mask = ~np.isnan(self.data[rows])
        return known

    def compare(self, operator: Operator, value: Value, rows: Selection = EVERY_ROW) -> Mask:
        """See Column."""
        data = self.data[rows]
        bound = data.dtype.type(value)
        # Compared as they are: numpy would round the value to the precision of the data.
        exact, below = float(bound) == value, float(bound) < float(value)
        holds: Mask
        match operator:
            case Operator.EQ:
                holds = data == bound if exact else np.zeros(data.shape, np.bool_)
            case Operator.NE:
                holds = (data != bound) & ~np.isnan(data) if exact else ~np.isnan(data)
            # The bound is rounded to the precision of the data: on which side of the value it lies decides the rest.
            case Operator.LT | Operator.LE:
                inclusive = below or (exact and operator is Operator.LE)
                holds = data <= bound if inclusive else data < bound
            case Operator.GT | Operator.GE:
                inclusive = not below and (not exact or operator is Operator.GE)
                holds = data >= bound if inclusive else data > bound
        return holds

    def coded(self) -> Coded:
        """See Column."""
        return _coded_numbers(self.data.astype(np.float64), FieldType.NUMBER)


def encode_texts(texts: Texts) -> Coded:
    """Texts as a column."""
    used = np.flatnonzero(np.bincount(texts.codes, minlength=len(texts.values))).tolist()
    ordered = sorted((code for code in used if texts.values[code]), key=texts.values.__getitem__)
    places = np.zeros(len(texts.values) or 1, dtype=np.uint32)
    places[ordered] = np.arange(1, len(ordered) + 1)
    return Coded(places[texts.codes], [texts.values[code] for code in ordered])


def encode_numbers(numbers: Numbers, kind: FieldType) -> Column:
    """Numbers, whole numbers or flags as a column; NaN is unknown."""
    if kind is FieldType.NUMBER:
        sample = numbers[:: max(1, len(numbers) // _SAMPLE)][:_SAMPLE]
        if len(numbers) > MAX_CODED and len(np.unique(sample)) > _MOSTLY_DIFFERENT * len(sample):
            return Plain(numbers)
    coded = _coded_numbers(numbers, kind)
    if kind is FieldType.NUMBER and len(coded.values) > min(MAX_CODED, len(numbers) // 2 + 256):
        return Plain(numbers)
    return coded


def joined(columns: Sequence[Column], kept: Sequence[Selection], kind: FieldType) -> Column:
    """The kept rows of columns of one field, one after the other."""
    if all(isinstance(column, Coded) for column in columns):
        coded = [column.coded() for column in columns]
        codes = [column.codes[rows] for column, rows in zip(coded, kept, strict=True)]
        different: set[Any] = set()
        for column, theirs in zip(coded, codes, strict=True):
            used = np.flatnonzero(np.bincount(theirs, minlength=1)[1:])
            different.update(column.values[place] for place in used.tolist())
        values: Sequence[Any] = sorted(different)
        if kind is FieldType.NUMBER:
            values = array("d", values)
        if kind is not FieldType.NUMBER or len(values) <= MAX_CODED:
            places = {value: place for place, value in enumerate(values, 1)}
            translated = [
                np.array([0, *(places.get(value, 0) for value in column.values)], dtype=np.uint32)[theirs]
                for column, theirs in zip(coded, codes, strict=True)
            ]
            return Coded(np.concatenate(translated), values)
    return encode_numbers(
        np.concatenate([_numbers(column)[rows] for column, rows in zip(columns, kept, strict=True)]), kind
    )


def permuted(column: Column, order: Rows) -> Column:
    """The rows of a column in another order."""
    if isinstance(column, Coded):
        return Coded(column.codes[order], column.values)
    assert isinstance(column, Plain)
    return Plain(column.data[order].astype(np.float64, copy=False))


class Addends:
    """Numbers to add up, as multiples of 2^-30: their sums do not depend on the order of the rows, to the last bit."""

    def __init__(self, multiples: NDArray[np.int64]) -> None:
        every = int(np.bitwise_or.reduce(multiples)) if len(multiples) else 0
        self.shift = min((every & -every).bit_length() - 1, _GRID_BITS) if every else 0
        shifted = multiples >> self.shift
        least, most = (int(shifted.min()), int(shifted.max())) if len(shifted) else (0, 0)
        self.data: NDArray[np.signedinteger[Any]] = shifted.astype(
            np.promote_types(np.min_scalar_type(min(least, -1)), np.min_scalar_type(min(-most - 1, -1)))
        )
        self._largest = max(-least, most)

    @classmethod
    def of(cls, numbers: Numbers) -> Addends:
        """Of numbers, each rounded to the nearest multiple."""
        return cls(np.rint(np.ldexp(numbers, _GRID_BITS)).astype(np.int64))

    def at(self, rows: Selection) -> NDArray[np.int64]:
        """Numbers of rows, in units of 2^-30."""
        return self.data[rows].astype(np.int64) << self.shift

    def runs(self, rows: Selection, starts: Rows) -> NDArray[np.int64]:
        """Sums of the runs of the selected rows that begin at `starts`, none of which may be empty."""
        if not len(starts):
            return np.zeros(0, np.int64)
        return np.add.reduceat(self.data[rows], starts, dtype=np.int64) << self.shift

    def by_code(self, rows: Selection, codes: NDArray[np.intp], size: int) -> NDArray[np.int64]:
        """Sums of the selected rows by their codes, which are below `size`."""
        data = self.data[rows]
        if self._largest * len(data) < _EXACT:
            sums: NDArray[np.int64] = np.bincount(codes, data, size).astype(np.int64)
        else:
            high = np.bincount(codes, data >> _LOW_BITS, size).astype(np.int64)
            low = np.bincount(codes, data & ((1 << _LOW_BITS) - 1), size).astype(np.int64)
            sums = (high << _LOW_BITS) + low
        return sums << self.shift


def added_up(sums: NDArray[np.int64]) -> Numbers:
    """Sums in units of 2^-30 as numbers."""
    return np.ldexp(sums.astype(np.float64), -_GRID_BITS)


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

    def codes(self, texts: Sequence[Value]) -> NDArray[np.int64]:
        """The codes of texts, new ones for new texts."""
        return np.array([self.code(str(text)) for text in texts], dtype=np.int64)

    def find(self, text: str) -> int | None:
        """The text's code, None for a text that never occurred."""
        return self._codes.get(text)

    def known_codes(self, texts: Sequence[Value]) -> NDArray[np.int64]:
        """The codes of texts, 0 for those that never occurred or were forgotten."""
        return np.array([self._codes.get(str(text), 0) for text in texts], dtype=np.int64)

    def forget(self, text: str) -> None:
        """Keep a text no longer; its code stands for the empty text from now on, and is not given again."""
        code = self._codes.pop(text, None)
        if code:
            self.texts[code] = ""

    def ranks(self) -> NDArray[np.int64]:
        """By code, the text's place among all texts in their natural order."""
        if len(self._ranks) != len(self.texts):
            order = sorted(range(len(self.texts)), key=lambda code: natural(self.texts[code]))
            ranks = np.empty(len(order), dtype=np.int64)
            ranks[order] = np.arange(len(order))
            self._ranks = ranks
        return self._ranks

    def rank_of(self, text: str) -> int:
        """The place that a text has, or would have, among all in their natural order."""
        code = self._codes.get(text)
        if code is not None:
            return int(self.ranks()[code])
        return sum(natural(other) < natural(text) for other in self.texts)


def matches(text: str, pattern: str) -> bool:
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


def _coded_numbers(numbers: Numbers, kind: FieldType) -> Coded:
    unknown = np.isnan(numbers)
    some_unknown = bool(unknown.any())
    known = numbers[~unknown] if some_unknown else numbers
    found, codes = _few_whole(known) or np.unique(known, return_inverse=True)
    values: Sequence[Value]
    match kind:
        case FieldType.NUMBER:
            values = array("d", found.tobytes())
        case FieldType.INTEGER:
            values = [int(value) for value in found.tolist()]
        case _:
            values = [bool(value) for value in found.tolist()]
    if not some_unknown:
        return Coded(codes + 1, values)
    every = np.zeros(len(numbers), dtype=np.intp)
    every[~unknown] = codes + 1
    return Coded(every, values)


def _few_whole(numbers: Numbers) -> tuple[Numbers, NDArray[np.intp]] | None:
    """Different numbers and each one's place among them, of whole numbers that lie close together: without sorting."""
    if not len(numbers):
        return None
    least, most = numbers.min(), numbers.max()
    if most - least >= MAX_CODED:
        return None
    offsets = (numbers - least).astype(np.intp)
    if not np.array_equal(offsets + least, numbers):
        return None
    present = np.bincount(offsets) > 0
    return np.flatnonzero(present) + least, (np.cumsum(present) - 1)[offsets]


def _numbers(column: Column) -> Numbers:
    if isinstance(column, Plain):
        return column.data.astype(np.float64)
    values = np.array([math.nan, *map(float, column.coded().values)])
    return values[column.coded().codes]
