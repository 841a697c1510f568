"""Latencies: HdrHistograms of what was timed here, and differences of the services' Prometheus histograms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from hdrh.histogram import HdrHistogram

_MICROSECONDS: Final = 1e6
_LONGEST_SECONDS: Final = 3600.0
_DIGITS: Final = 3


class Latencies:
    """Latencies from 1 µs to an hour, to three digits."""

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        self._recorded = HdrHistogram(1, int(_LONGEST_SECONDS * _MICROSECONDS), _DIGITS)
        self._known: list[tuple[float, int]] | None = None
        for each in seconds:
            self.add(each)

    def add(self, seconds: float) -> None:
        """One more. What is shorter or longer than the histogram reaches counts as its ends."""
        self._known = None
        self._recorded.record_value(round(min(max(seconds, 1e-6), _LONGEST_SECONDS) * _MICROSECONDS))

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self._recorded.get_total_count())

    def quantile(self, share: float) -> float:
        """The latency that `share` of all stay within, seconds; NaN where there are none."""
        wanted, so_far = math.ceil(share * self.count - 1e-9), 0
        for upper, count in self._slots():  # get_value_at_percentile would round the rank, down as well as up
            so_far += count
            if so_far >= wanted:
                return upper
        return math.nan

    def above(self, seconds: float) -> int:
        """How many took longer, to three digits."""
        return sum(count for upper, count in self._slots() if upper > seconds * (1 + 10**-_DIGITS))

    def _slots(self) -> list[tuple[float, int]]:
        """The upper ends of the slots that hold anything, seconds, rising, and how many each holds."""
        if self._known is None:
            self._known = [
                (float(slot.value_iterated_to) / _MICROSECONDS, int(slot.count_added_in_this_iter_step))
                for slot in self._recorded.get_recorded_iterator()
            ]
        return self._known

    @property
    def longest(self) -> float:
        """Of all, seconds; NaN where there are none."""
        return float(self._recorded.get_max_value()) / _MICROSECONDS if self.count else math.nan

    def as_json(self) -> str:
        """The histogram in HdrHistogram's own compressed encoding, which its tools read."""
        encoded: bytes = self._recorded.encode()
        return encoded.decode("ascii")

    @classmethod
    def from_json(cls, encoded: str) -> Self:
        """What `as_json` wrote."""
        latencies = cls()
        latencies._recorded = HdrHistogram.decode(encoded.encode("ascii"))
        return latencies


@dataclass(frozen=True, slots=True)
class Buckets:
    """One series of a Prometheus histogram of seconds, over the time of a load test."""

    metric: str
    labels: Mapping[str, str]
    counts: Mapping[float, float]
    """By upper bound, observations at or below it; the last bound is infinite."""

    @property
    def count(self) -> float:
        """Of all observations."""
        return self.counts[math.inf]

    def within(self, seconds: float) -> float:
        """Observations that are known to be at or below `seconds`: exact where that is a bound."""
        return max((count for bound, count in self.counts.items() if bound <= seconds), default=0.0)

    def at_most(self, share: float) -> float:
        """The bound that `share` of all stay within, seconds: infinite above the last one, NaN without observations."""
        if not self.count:
            return math.nan
        return min(bound for bound, count in self.counts.items() if count >= share * self.count)

    def since(self, before: Buckets | None) -> Buckets:
        """What was observed since. A count that fell is that of a server that was started again."""
        if before is None or before.count > self.count:
            return self
        return Buckets(
            self.metric,
            self.labels,
            {bound: count - before.counts.get(bound, 0.0) for bound, count in self.counts.items()},
        )

    def plus(self, other: Buckets) -> Buckets:
        """This series and another one of the same bounds."""
        counts = {bound: count + other.counts.get(bound, 0.0) for bound, count in self.counts.items()}
        return Buckets(self.metric, self.labels, counts)

    def as_json(self) -> dict[str, Any]:
        """As a JSON object."""
        counts = [["+Inf" if math.isinf(bound) else bound, count] for bound, count in self.counts.items()]
        return {"metric": self.metric, "labels": dict(self.labels), "counts": counts}

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> Self:
        """What `as_json` wrote."""
        return cls(read["metric"], read["labels"], {float(bound): count for bound, count in read["counts"]})


def together(series: Iterable[Buckets], each: Iterable[str]) -> dict[tuple[tuple[str, str], ...], Buckets]:
    """Series of one metric, added up where they agree in the labels `each`."""
    kept = tuple(each)
    sums: dict[tuple[tuple[str, str], ...], Buckets] = {}
    for one in series:
        key = tuple((label, one.labels.get(label, "")) for label in kept)
        mine = Buckets(one.metric, dict(key), one.counts)
        sums[key] = mine if (so_far := sums.get(key)) is None else so_far.plus(mine)
    return sums
