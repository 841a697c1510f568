"""Rows of samples, one a player and frame, to frames and tracks. Nothing is repaired, nothing is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from playscore.game import Floats, Frames, Track, TrackedObject, TrackingEvent

MEASURES = {"s": "speed", "a": "acceleration", "dir": "direction_degrees", "o": "orientation_degrees"}


class Film(NamedTuple):
    """What was filmed of one play."""

    frames: Frames
    tracks: tuple[Track, ...] = ()
    """The ball, where the source has it."""


def film_by_play(rows: pl.DataFrame, hertz: float = 10.0) -> Mapping[str, Film]:
    """The film of each play of one game.

    Columns of `rows`: `play`, `player` (null: the ball), `frame` (counts sampling intervals), `x`, `y`, `event`; where
    the source has them `s`, `a`, `dir`, `o` (see `Frames`) and `time` (microseconds since 1970 UTC).
    """
    plays = rows.partition_by("play", as_dict=True, include_key=False, maintain_order=True)
    return {str(play): film_of(samples, hertz) for (play,), samples in plays.items()}


def film_of(rows: pl.DataFrame, hertz: float = 10.0) -> Film:
    """The film of one play, by frame number; of `rows` all but `play`.

    A second sample of the same player in the same frame opens a second frame of the same number, and so on, so that
    who reads the frames sees what the source said. An event stands once a frame and name, whatever the rows repeat.
    """
    rows = rows.with_columns(pl.int_range(pl.len()).over("frame", "player").alias("copy"))
    index = rows.select("frame", "copy").unique().sort("frame", "copy").with_row_index("row")
    rows = rows.join(index, on=["frame", "copy"], how="left", maintain_order="left")

    is_ball = pl.col("player").is_null()
    people, ball = rows.filter(~is_ball), rows.filter(is_ball)
    player_ids = people["player"].unique().sort()
    shape = (len(index), len(player_ids))
    row = people["row"].to_numpy()
    entity = player_ids.search_sorted(people["player"]).to_numpy() if len(people) else row

    def spread(column: str) -> Floats:
        table = np.full(shape, np.nan, dtype=np.float32)
        table[row, entity] = _floats(people[column])
        return table

    x, y = spread("x"), spread("y")
    unseen = np.isnan(x) | np.isnan(y)
    x[unseen] = y[unseen] = np.nan
    measures = {name: spread(column) for column, name in MEASURES.items() if column in people.columns}
    times = None
    if "time" in rows.columns:
        told = rows.group_by("row").agg(pl.col("time").drop_nulls().first()).sort("row")["time"]
        times = None if told.null_count() else told.to_numpy().astype(np.int64)
    events = rows.filter(pl.col("event").is_not_null()).unique(["frame", "event"], keep="first", maintain_order=True)
    frames = Frames(
        frame_numbers=index["frame"].to_numpy().astype(np.int32),
        player_ids=tuple(player_ids),
        x=x,
        y=y,
        **{name: table for name, table in measures.items() if not np.isnan(table).all()},
        times_unix_micros=times,
        events=tuple(
            TrackingEvent(frame, name)
            for frame, name in events.sort("frame", maintain_order=True)["frame", "event"].iter_rows()
        ),
    )
    return Film(frames, (_ball(ball, hertz),) if len(ball) else ())


def _ball(rows: pl.DataFrame, hertz: float) -> Track:
    """The ball, sampled at the frames' rate on their clock; of two samples in one frame the first counts."""
    rows = rows.unique("frame", keep="first").sort("frame")
    x, y = _floats(rows["x"]), _floats(rows["y"])
    return Track(TrackedObject.BALL, hertz, rows["frame"].to_numpy().astype(np.int32), x, y)


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
