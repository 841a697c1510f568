"""Rows of samples, one a player and frame, to frames and tracks. Nothing is repaired, nothing is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from playscore.game import Floats, Frames, Track, TrackedObject, TrackingEvent

MEASURES = {"s": "speed", "a": "acceleration", "dir": "direction_degrees", "o": "orientation_degrees"}
_BALL: Final = -1


class Film(NamedTuple):
    """What was filmed of one play."""

    frames: Frames
    tracks: tuple[Track, ...] = ()
    """The ball, where the source has it."""


def film_by_play(rows: pl.DataFrame, hertz: float = 10.0) -> Mapping[str, Film]:
    """The film of each play of one game, in the order in which the rows first name them.

    A second sample of the same player in the same frame opens a second frame of the same number, and so on, so that
    who reads the frames sees what the source said. An event stands once a frame and name, whatever the rows repeat.

    Columns of `rows`: `play`, `player` (null: the ball), `frame` (counts sampling intervals), `x`, `y`, `event`; where
    the source has them `s`, `a`, `dir`, `o` (see `Frames`) and `time` (microseconds since 1970 UTC).
    """
    samples = _Samples.of(rows)
    events = _events(rows)
    return {play: samples.take(which).film(events.get(play, ()), hertz) for play, which in _places(rows["play"])}


def film_of(rows: pl.DataFrame, hertz: float = 10.0) -> Film:
    """The film of one play; of `rows` all but `play`. See `film_by_play`."""
    events = _events(rows.with_columns(play=pl.lit("")))
    return _Samples.of(rows).film(events.get("", ()), hertz)


@dataclass(frozen=True, slots=True)
class _Samples:
    """Samples as columns, in the order of the rows."""

    names: NDArray[np.object_]
    """Of all players, sorted."""
    player: NDArray[np.int64]
    """Places in `names`; `_BALL` for the ball."""
    frame: NDArray[np.int64]
    time: NDArray[np.float64] | None
    """Microseconds since 1970 UTC, exact for the next centuries; NaN where not told."""
    values: Mapping[str, Floats]
    """By their columns; NaN where not told."""

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Self:
        names = rows["player"].drop_nulls().unique().sort()
        player = names.search_sorted(rows["player"].fill_null("")).to_numpy().astype(np.int64)
        player[rows["player"].is_null().to_numpy()] = _BALL
        return cls(
            names=np.array(names.to_list(), dtype=object),
            player=player,
            frame=rows["frame"].to_numpy().astype(np.int64),
            time=rows["time"].cast(pl.Float64).fill_null(float("nan")).to_numpy() if "time" in rows.columns else None,
            values={name: _floats(rows[name]) for name in ("x", "y", *MEASURES) if name in rows.columns},
        )

    def take(self, which: NDArray[np.intp]) -> Self:
        """Some of them."""
        return replace(
            self,
            player=self.player[which],
            frame=self.frame[which],
            time=None if self.time is None else self.time[which],
            values={name: values[which] for name, values in self.values.items()},
        )

    def film(self, events: Sequence[TrackingEvent], hertz: float) -> Film:
        """The film, of samples of one play."""
        numbers, row = self._rows()
        is_ball = self.player == _BALL
        codes, entity = np.unique(self.player[~is_ball], return_inverse=True)

        def spread(column: str) -> Floats:
            table = np.full((len(numbers), len(codes)), np.nan, dtype=np.float32)
            table[row[~is_ball], entity] = self.values[column][~is_ball]
            return table

        x, y = spread("x"), spread("y")
        unseen = np.isnan(x) | np.isnan(y)
        x[unseen] = y[unseen] = np.nan
        measures = {name: spread(column) for column, name in MEASURES.items() if column in self.values}
        frames = Frames(
            frame_numbers=numbers.astype(np.int32),
            player_ids=tuple(self.names[codes]),
            x=x,
            y=y,
            **{name: table for name, table in measures.items() if not np.isnan(table).all()},
            times_unix_micros=self._times(row, len(numbers)),
            events=tuple(events),
        )
        return Film(frames, (self.take(np.flatnonzero(is_ball))._ball(hertz),) if is_ball.any() else ())

    def _rows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The number of each row of the film, and the row that each sample is in."""
        order = np.lexsort((self.player, self.frame))  # stable
        frame, player = self.frame[order], self.player[order]
        begins = np.ones(len(order), dtype=bool)
        begins[1:] = (frame[1:] != frame[:-1]) | (player[1:] != player[:-1])
        place = np.arange(len(order))
        copy = np.empty_like(place)
        copy[order] = place - np.maximum.accumulate(np.where(begins, place, 0))
        copies = int(copy.max(initial=0)) + 1
        rows, row = np.unique(self.frame * copies + copy, return_inverse=True)
        return rows // copies, row

    def _times(self, row: NDArray[np.int64], rows: int) -> NDArray[np.int64] | None:
        """When each row was filmed, as its first sample with a time tells; None where one has none."""
        if self.time is None:
            return None
        told = np.flatnonzero(~np.isnan(self.time))
        timed, first = np.unique(row[told], return_index=True)
        return self.time[told[first]].astype(np.int64) if len(timed) == rows else None

    def _ball(self, hertz: float) -> Track:
        """The ball, sampled at the frames' rate on their clock; of two samples in one frame the first counts."""
        numbers, first = np.unique(self.frame, return_index=True)
        x, y = self.values["x"][first], self.values["y"][first]
        return Track(TrackedObject.BALL, hertz, numbers.astype(np.int32), x, y)


def _places(plays: pl.Series) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Where the rows of each play are."""
    code = plays.rank("dense").to_numpy().astype(np.int64)  # from 1
    order = np.argsort(code, kind="stable")
    begins = np.flatnonzero(np.diff(code[order], prepend=0))
    for which in sorted(np.split(order, begins)[1:], key=lambda which: int(which[0])):
        yield str(plays[int(which[0])]), which


def _events(rows: pl.DataFrame) -> Mapping[str, list[TrackingEvent]]:
    """The events of each play, by frame."""
    told = rows.filter(pl.col("event").is_not_null())
    told = told.unique(["play", "frame", "event"], keep="first", maintain_order=True)
    events: defaultdict[str, list[TrackingEvent]] = defaultdict(list)
    for play, frame, name in told.sort("frame", maintain_order=True)["play", "frame", "event"].iter_rows():
        events[str(play)].append(TrackingEvent(frame, name))
    return events


def _floats(column: pl.Series) -> Floats:
    """Nulls become NaN."""
    return column.cast(pl.Float32).fill_null(float("nan")).to_numpy()


def frame_by_time(hertz: float = 10.0) -> pl.Expr:
    """Frame numbers of samples by their `time` in microseconds, from the first of their `play`."""
    intervals = (pl.col("time") - pl.col("time").min().over("play")) * (hertz / 1e6)
    return intervals.round().cast(pl.Int32)


def is_far_in_time() -> pl.Expr:
    """Samples whose `time` is not one of their `play`: ten minutes from its middle."""
    return (pl.col("time") - pl.col("time").median().over("play")).abs() > 600e6
