"""Cells of tables as values: what a column holds, and how files write it.

Files write the same value in many ways: identifiers come as whole numbers, as floats and as text, numbers with a
decimal comma, times with and without a date. A cell that none of them explains is *unreadable*: it is null, like one
that is empty, and whoever reads the table counts it.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import polars as pl

from pipeline.readers.text_files import NULLS
from playscore.limits import MAX_IDENTIFIER_LENGTH, MAX_NAME_LENGTH

MAX_CLOCK_SECONDS: Final = 900.0
MAX_PERIOD_SECONDS: Final = 1200.0


class Kind(enum.Enum):
    """What a column holds."""

    ID = "an identifier"
    NAME = "a name of at most 256 characters"
    TEXT = "text"
    INTEGER = "a whole number"
    FRAME = "a frame number, 0 to 10000000"
    NUMBER = "a number between -1000000 and 1000000"
    YARD_LINE = "a yard line, 0 to 50"
    FLAG = "true or false"
    TIME = "a time"
    """Read as microseconds since 1970 UTC."""
    CLOCK = "the time left on the game clock"
    """Read as seconds."""
    PERIOD_CLOCK = "a time on the clock of a period of at most 20 minutes"
    """Read as seconds."""


DTYPES: Final[Mapping[Kind, pl.DataType]] = {
    Kind.ID: pl.String(),
    Kind.NAME: pl.String(),
    Kind.TEXT: pl.String(),
    Kind.INTEGER: pl.Int32(),
    Kind.FRAME: pl.Int32(),
    Kind.NUMBER: pl.Float64(),
    Kind.YARD_LINE: pl.Float64(),
    Kind.FLAG: pl.Boolean(),
    Kind.TIME: pl.Int64(),
    Kind.CLOCK: pl.Float64(),
    Kind.PERIOD_CLOCK: pl.Float64(),
}
_MAX_FRAME: Final = 10_000_000
_TRUE: Final = ("true", "t", "yes", "y", "1", "1.0")
_FALSE: Final = ("false", "f", "no", "n", "0", "0.0")
_NOT_PRINTABLE: Final = r"[\p{C}\p{Z}--\x20]"
"""As `str.isprintable` has it: control characters, surrogates, and separators but for the blank."""
_SCIENTIFIC: Final = r"^\d(\.\d+)?[eE]\+?\d+$"
_TIMES: Final = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S%.f",
    "%m/%d/%Y %H:%M:%S%.f",
    "%m/%d/%Y %I:%M:%S%.f %p",
    "%d.%m.%Y %H:%M:%S%.f",
    "%Y%m%d %H%M%S%.f",
)
_ZONE: Final = r" ?(Z|UTC|GMT|[+-]\d\d:?\d\d)$"
# The greatest count of seconds, milliseconds and microseconds since 1970 that a time can be; beyond are nanoseconds.
_EPOCHS: Final = ((1e11, 1_000_000.0), (1e14, 1_000.0), (1e17, 1.0))
_CLOCK: Final = re.compile(
    r"(?:.*\d[T ] *|\d+ days?,? *)??(?:(?P<first>\d{1,2}):)?(?P<second>\d{0,2}):(?P<third>\d{2})(?:\.\d+)?"
    r" ?(?P<half>[AaPp][Mm])?(?:Z|[+-]\d\d:?\d\d)?"
)


def nullified(column: pl.Series) -> pl.Series:
    """The column with null where nothing is known: what files write for that, and NaN."""
    if column.dtype == pl.String:
        return column.set(column.is_in(list(NULLS)), None) if column.is_in(list(NULLS)).any() else column
    return column.fill_nan(None) if column.dtype.is_float() else column


def typed(column: pl.Series, kind: Kind) -> pl.Series:
    """The column as its kind; null where a cell is null or unreadable."""
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return pl.Series(column.name, [None] * len(column), dtype=DTYPES[kind])
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    try:
        values = _typed(column, kind)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):  # there is no text of its type, for example
        return pl.Series(column.name, [None] * len(column), dtype=DTYPES[kind])
    if column.dtype == pl.String and values.null_count() > column.null_count():
        # Cells with blanks around them or a decimal comma are rare; all others were not looked at twice.
        missed = values.is_null() & column.is_not_null()
        tidied = column.filter(missed).str.strip_chars()
        if kind in (Kind.INTEGER, Kind.FRAME, Kind.NUMBER, Kind.YARD_LINE):
            tidied = tidied.str.replace(r"^([+-]?\d*),(\d+)$", "$1.$2")
        values = values.scatter(missed.arg_true(), _typed(tidied, kind))
    return values


def unreadable(column: pl.Series, values: pl.Series) -> pl.Series:
    """Which cells of `column` hold something that `values`, made of it by `typed`, does not tell."""
    doubtful = values.is_null() & column.is_not_null()
    if column.dtype == pl.String and doubtful.any():
        doubtful &= ~column.str.strip_chars().is_in(list(NULLS))
    return doubtful


def _typed(column: pl.Series, kind: Kind) -> pl.Series:
    if kind not in _SAID_OVER_AND_OVER or column.dtype != pl.String:
        return _READ[kind](column)
    told = _told(column.drop_nulls().unique().to_list(), kind)
    if all(cell == value for cell, value in told.items()):
        return column
    return column.replace_strict(list(told), list(told.values()), default=None, return_dtype=DTYPES[kind])


def _told(cells: Sequence[str], kind: Kind) -> dict[str, str | None]:
    """What cells say, by the cell. They come again in other columns and other games, so some are kept."""
    kept = _KEPT[kind]
    told = {cell: kept.get(cell, _NEW) for cell in cells}
    if new := [cell for cell, value in told.items() if value is _NEW]:
        read = dict(zip(new, _READ[kind](pl.Series(new, dtype=pl.String)).to_list(), strict=True))
        told.update(read)
        if len(kept) + len(new) > _MAX_KEPT:
            kept.clear()
        kept.update((cell, value) for cell, value in read.items() if len(cell) <= MAX_NAME_LENGTH)
    return told


def _identifiers(column: pl.Series) -> pl.Series:
    """Text as it stands; numbers without a fraction or an exponent."""
    if column.dtype.is_numeric():
        return _whole(column, -(2.0**53), 2.0**53).cast(pl.Int64).cast(pl.String)
    text = _text(column).str.strip_chars()
    written_as_floats = text.str.contains(r"^\d+\.0+$") | text.str.contains(_SCIENTIFIC)
    if written_as_floats.any():
        numbers = _identifiers(_numbers(text.filter(written_as_floats)))
        text = text.scatter(written_as_floats.arg_true(), numbers)
    text = _only(text, ~text.str.contains(r"^\d+\.\d+$"))  # a fraction names nothing
    return _printable(text, MAX_IDENTIFIER_LENGTH)


def _printable(text: pl.Series, most: int) -> pl.Series:
    """The texts of at most so many characters, all of which can be printed; without blanks around them."""
    text = _stripped(text)
    return _only(text, (text.str.len_chars() <= most) & ~text.str.contains(_NOT_PRINTABLE))


def _between(column: pl.Series, least: float, most: float) -> pl.Series:
    numbers = column.cast(pl.Float64, strict=False)
    if _all_between(numbers, least, most):
        return numbers
    numbers = _only(numbers, numbers.is_finite())
    return _only(numbers, numbers.is_between(least, most))


def _all_between(numbers: pl.Series, least: float, most: float) -> bool:
    """Whether it is plain at a glance that they are: a sum is finite only of finite numbers."""
    lowest, highest = numbers.min(), numbers.max()
    if not isinstance(lowest, float) or not isinstance(highest, float):
        return False
    return least <= lowest and highest <= most and math.isfinite(numbers.sum())


def _whole(column: pl.Series, least: float, most: float) -> pl.Series:
    numbers = _between(column, least, most)
    return numbers if column.dtype.is_integer() else _only(numbers, numbers == numbers.round())


def _numbers(column: pl.Series) -> pl.Series:
    numbers = column.cast(pl.Float64, strict=False)
    return _only(numbers, numbers.is_finite())


def _times(column: pl.Series) -> pl.Series:
    if column.dtype in (pl.Datetime, pl.Date):
        return column.cast(pl.Datetime("us")).dt.epoch("us")
    if column.dtype.is_numeric():
        return _since_1970(column)
    text = column.cast(pl.String, strict=False)
    plain = text.str.replace(r"(\d)T(\d)", "$1 $2").str.replace(_ZONE, "").str.replace(r",(\d+)$", ".$1")
    plain = plain.str.replace(r"^(\d\d:\d\d:\d\d(\.\d+)?)$", "1970-01-01 $1")  # a time of day
    times = plain.str.to_datetime(_TIMES[0], time_unit="us", strict=False).dt.epoch("us")
    for form in _TIMES[1:]:
        if not (missed := times.is_null() & text.is_not_null()).any():
            return times
        others = plain.filter(missed).str.to_datetime(form, time_unit="us", strict=False).dt.epoch("us")
        times = times.scatter(missed.arg_true(), others)
    missed = times.is_null() & text.is_not_null()
    return times.scatter(missed.arg_true(), _since_1970(text.filter(missed))) if missed.any() else times


def _since_1970(column: pl.Series) -> pl.Series:
    """Counts of seconds, milliseconds, microseconds or nanoseconds, told apart by their size."""
    numbers = _numbers(column)
    counts = pl.lit(numbers)
    micros = pl.lit(numbers) / 1_000.0
    for most, factor in reversed(_EPOCHS):
        micros = pl.when(counts.abs() < most).then(counts * factor).otherwise(micros)
    return pl.select(micros.round().cast(pl.Int64, strict=False).alias(column.name)).to_series()


def _clocks(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Duration:
        column = column.dt.total_seconds()
    if column.dtype.is_numeric():
        return _possible_clocks(_numbers(column))
    text = column.cast(pl.String, strict=False)
    seconds = clock_seconds(text.drop_nulls().unique().to_list())
    return text.replace_strict(list(seconds), list(seconds.values()), default=None, return_dtype=pl.Float64)


def _period_clocks(column: pl.Series) -> pl.Series:
    """Clocks that are written "12:34" or, as data bases export them, "00:12:34"; or in seconds."""
    if column.dtype == pl.Duration:
        column = column.dt.total_seconds()
    if column.dtype.is_numeric():
        return _between(column, 0.0, MAX_PERIOD_SECONDS)
    text = column.cast(pl.String, strict=False).str.strip_chars()
    parts = text.str.extract_groups(r"^(?:00?:)?(\d{1,2}):([0-5]\d(?:\.\d+)?)$").struct
    minutes, seconds = (_numbers(parts.field(name)) for name in ("1", "2"))
    written = (60.0 * minutes + seconds).alias(column.name)
    return _between(pl.select(pl.coalesce(written, _numbers(text))).to_series(), 0.0, MAX_PERIOD_SECONDS)


def clock_seconds(written: Iterable[str]) -> dict[str, float | None]:
    """Seconds left on the clock of a quarter, of all that a column writes; None where it cannot be told.

    "12:34", ":34" and "754" are plain. "12:34:00" is how some sources write 12:34; "00:12:34" is how databases export
    it, and a date before either is how spreadsheets do. What "00:12:00" is, only the others of its column tell.
    """
    seconds: dict[str, float | None] = {}
    in_minutes: dict[str, float | None] = {}
    in_hours: dict[str, float | None] = {}
    for text in written:
        found = _CLOCK.fullmatch(text.strip())
        if found is None:
            seconds[text] = _possible_clock(_number(text))
        elif found["first"] is None:
            seconds[text] = _possible_clock(_seconds(found["second"] or "0", found["third"]))
        else:
            first = _hour(int(found["first"]), (found["half"] or "").upper())
            in_minutes[text] = (
                _possible_clock(_seconds(first, found["second"] or "0")) if found["third"] == "00" else None
            )
            in_hours[text] = _possible_clock(_seconds(found["second"] or "0", found["third"])) if first == 0 else None
    for text, minutes in in_minutes.items():
        hours = in_hours[text]
        if minutes is not None and hours is not None and minutes != hours:
            only_minutes = sum(in_hours[other] is None for other in in_minutes if in_minutes[other] is not None)
            only_hours = sum(in_minutes[other] is None for other in in_hours if in_hours[other] is not None)
            seconds[text] = minutes if only_minutes > only_hours else hours if only_hours > only_minutes else None
        else:
            seconds[text] = minutes if minutes is not None else hours
    return seconds


def _hour(hour: int, half: str) -> int:
    return hour % 12 + (12 if half == "PM" else 0) if half else hour


def _seconds(minutes: str | int, seconds: str) -> float | None:
    return 60.0 * int(minutes) + int(seconds) if int(seconds) < 60 else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _possible_clock(seconds: float | None) -> float | None:
    """Less than a second is a part of a day, as spreadsheets count, rather than the time left."""
    return seconds if seconds is not None and (1.0 <= seconds <= MAX_CLOCK_SECONDS or seconds == 0.0) else None


def _possible_clocks(seconds: pl.Series) -> pl.Series:
    return _only(seconds, seconds.is_between(1.0, MAX_CLOCK_SECONDS) | (seconds == 0.0))


def _only(values: pl.Series, allowed: pl.Series) -> pl.Series:
    """The values that are allowed, null elsewhere."""
    return values if allowed.all(ignore_nulls=True) else values.set(~allowed.fill_null(False), None)


def _flags(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column
    words = column.cast(pl.String, strict=False).str.to_lowercase()
    values = [True] * len(_TRUE) + [False] * len(_FALSE)
    return words.replace_strict([*_TRUE, *_FALSE], values, default=None, return_dtype=pl.Boolean)


def _text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String, strict=False)


def _stripped(column: pl.Series) -> pl.Series:
    """The texts without blanks around them; null where nothing is left that says anything."""
    text = _text(column).str.strip_chars()
    return _only(text, ~text.is_in(list(NULLS)))


_SAID_OVER_AND_OVER: Final = frozenset((Kind.ID, Kind.NAME))
"""Kinds of columns that have few different cells, each of which is read once: what it says depends on no other."""
_KEPT: Final[Mapping[Kind, dict[str, str | None]]] = {kind: {} for kind in _SAID_OVER_AND_OVER}
_MAX_KEPT: Final = 50_000
_NEW: Final = "\0"
"""Stands for a cell that was not read yet. It can be printed by nobody, so no cell says it."""
_READ: Final[Mapping[Kind, Callable[[pl.Series], pl.Series]]] = {
    Kind.ID: _identifiers,
    Kind.NAME: lambda column: _printable(_text(column), MAX_NAME_LENGTH),
    Kind.TEXT: _stripped,
    Kind.INTEGER: lambda column: _whole(column, -(2.0**31), 2.0**31 - 1.0).cast(pl.Int32),
    Kind.FRAME: lambda column: _whole(column, 0.0, _MAX_FRAME).cast(pl.Int32),
    Kind.NUMBER: lambda column: _between(column, -1e6, 1e6),
    Kind.YARD_LINE: lambda column: _between(column, 0.0, 50.0),
    Kind.FLAG: _flags,
    Kind.TIME: _times,
    Kind.CLOCK: _clocks,
    Kind.PERIOD_CLOCK: _period_clocks,
}
