"""XGBoost on a table of the release: the alternative of an analyst without a network.

Trees make two predictions. The points are yards with the least absolute error. The distribution is made from quantiles.
Yards are whole numbers, and more than a third of all passes gain exactly 0, so the quantiles are fitted to yards with
noise uniform on (-1/2, 1/2). That distribution is continuous, and its mass between y - 1/2 and y + 1/2 is the
probability of y. The quantiles are fitted on a scale that is half yards and half the rank among all plays. On yards
alone, sums of trees end up between 0 and a completion, where almost no outcomes are, and give 0 too little probability.
The scale increases, and quantiles commute with increasing functions, so nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost
from numpy.typing import NDArray

from featurizer.passing.columns import SPECIFICATION
from models.core.atomic import whole
from models.passing.columns import places, roles
from models.passing.plays import PassPlays, yard_rates
from models.passing.support import EDGES, GRID
from playscore.errors import PlayscoreError, Reason

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

LEVELS = (0.01, 0.025, *(round(0.05 * step, 2) for step in range(1, 20)), 0.975, 0.99)
"""The probabilities whose quantiles are fitted."""

_FRAME = places(SPECIFICATION.frame_columns)
_STATIC = places(SPECIFICATION.static_columns)
_ROLES = roles(SPECIFICATION)
_POSITIONS = np.asarray(_ROLES.lengths)[:, :2]
_VELOCITIES = np.asarray(_ROLES.lengths)[:, 2:4]
_PRESENT = np.asarray(_ROLES.masks)[:, 0]
_PASSER, _TARGET = _ROLES.slots.index("passer"), _ROLES.slots.index("target")
_DEFENSE = np.asarray([place for place, slot in enumerate(_ROLES.slots) if slot.startswith("defense")])
_NEAREST = 4
"""Defenders around the target who have columns of their own."""
_LAST_SECOND = round(SPECIFICATION.frame_rate_hertz)
_CHANGING = ("target.separation", "passer.separation", "pass.lane_clearance")
_RANKS_YARDS = 30.0
"""The whole range of ranks counts as this many yards on the scale."""
_MIN_DISTANCE = 0.1
"""Yards, for a speed along the line between two players."""


@dataclass(frozen=True)
class BoostedSchedule:
    """How the trees are grown; chosen on held-out games of the training plays."""

    trees: int = 160
    """For each level, and for the points."""
    depth: int = 4
    learning_rate: float = 0.07
    child_weight: float = 50.0
    """Minimum weight of the plays in a leaf."""
    column_share: float = 0.5
    """Share of the columns drawn for each tree."""
    row_share: float = 0.8
    """Share of the plays drawn for each tree."""
    bins: int = 64
    """The number of bins of a column."""
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, eq=False)
class Boosted:
    """Trees for points and quantiles. Their table has nothing from after the release, and no names."""

    medians: xgboost.Booster
    """Fitted to the absolute error."""
    quantiles: xgboost.Booster
    """Fitted to the pinball loss of every level, on the scale."""
    scale: Array
    """(K + 1,) the scale at EDGES; linear between them."""

    @classmethod
    def fit(
        cls, plays: PassPlays, weights: Floats | None, schedule: BoostedSchedule, *, after: Boosted | None = None
    ) -> Boosted:
        """Grow trees on these plays with weights (N,). The same schedule grows the same trees.

        With `after`, they are added to its trees and keep its scale; `after` itself does not change. Raises
        FIELD_INVALID if there are no plays.
        """
        if not len(plays):
            raise PlayscoreError(Reason.FIELD_INVALID, "no plays to grow trees on; at least one is needed")
        rows = table(plays)
        noise = np.random.default_rng(schedule.seed).uniform(-0.5, 0.5, len(plays))
        scale = after.scale if after else _scale(yard_rates(plays.yards, weights))
        scaled = np.interp(plays.yards + noise, EDGES, scale)
        settings = {
            "tree_method": "hist",
            "max_depth": schedule.depth,
            "learning_rate": schedule.learning_rate,
            "min_child_weight": schedule.child_weight,
            "colsample_bytree": schedule.column_share,
            "subsample": schedule.row_share,
            "max_bin": schedule.bins,
            "seed": schedule.seed,
            "nthread": schedule.threads,
        }

        def grown(name: str, yards: NDArray[np.floating], **objective: object) -> xgboost.Booster:
            data = xgboost.QuantileDMatrix(rows, yards, weight=weights, max_bin=schedule.bins, nthread=schedule.threads)
            before = getattr(after, name) if after else None
            return xgboost.train(settings | objective, data, schedule.trees, xgb_model=before)

        return cls(
            medians=grown("medians", plays.yards, objective="reg:absoluteerror"),
            quantiles=grown("quantiles", scaled, objective="reg:quantileerror", quantile_alpha=list(LEVELS)),
            scale=scale,
        )

    def points(self, plays: PassPlays) -> Array:
        """(N,) the yards that minimize the expected absolute error."""
        return _answers(self.medians, plays)

    def cdf(self, plays: PassPlays) -> Array:
        """(N, K + 1) the distribution function of each play at EDGES."""
        return distribution_of_quantiles(_answers(self.quantiles, plays), self.scale, _longest_gain(plays))

    def save(self, folder: Path) -> None:
        """Write trees and scale to a folder that does not exist yet; it appears complete or not at all."""
        with whole(folder) as partial:
            partial.mkdir()
            for name in _TREES:
                getattr(self, name).save_model(partial / f"{name}.ubj")
            np.save(partial / _SCALE, self.scale)

    @classmethod
    def load(cls, folder: Path) -> Boosted:
        """Read what `save` wrote. Raises FIELD_INVALID if a file is missing."""
        missing = [name for name in (*(f"{name}.ubj" for name in _TREES), _SCALE) if not (folder / name).is_file()]
        if missing:
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"{folder} is not a folder of saved trees: {', '.join(missing)} is missing"
            )
        trees = {name: xgboost.Booster(model_file=folder / f"{name}.ubj") for name in _TREES}
        return cls(**trees, scale=np.load(folder / _SCALE))


_TREES = ("medians", "quantiles")
_SCALE = "scale.npy"


def _scale(rates: Array) -> Array:
    """(K + 1,) half yards and half ranks; the whole range of ranks counts as _RANKS_YARDS."""
    ranks = np.concatenate([[0.0], np.cumsum(rates)])
    return GRID / 2 + _RANKS_YARDS * ranks / 2


def distribution_of_quantiles(quantiles: Array, scale: Array, longest: Array) -> Array:
    """(N, K + 1) distribution functions at EDGES through quantiles (N, L) of LEVELS.

    The quantiles are on the increasing scale, given (K + 1,) at EDGES. Quantiles that cross are sorted. Between them,
    and from the outermost ones to the ends of what a play can gain, the function is linear on that scale. No mass is
    beyond `longest` (N,), the longest gain in yards, infinite if unknown.
    """
    ends = np.clip(longest + 0.5, EDGES[0] + 1, EDGES[-1])
    last = np.interp(ends, EDGES, scale)
    inner = np.clip(np.sort(quantiles, axis=1), scale[0], last[:, None])
    knots = np.column_stack([np.full(len(inner), scale[0]), inner, last])
    levels = np.asarray([0.0, *LEVELS, 1.0])
    cdf = [np.interp(scale, row, levels) for row in knots]
    return np.where(ends[:, None] <= GRID, 1.0, np.reshape(cdf, (-1, len(EDGES))))


def table(plays: PassPlays) -> Floats:
    """(N, F) a row for each play, NaN where a value is unknown.

    The columns of the release, the situation, a summary of the play, and the defenders nearest to the target. Left and
    right are swapped if the target is on the right, so that a play and its mirror image have the same row.
    """
    release = plays.frames[plays.starts[1:] - 1].copy()
    sides = np.where(release[:, _FRAME["target.y"]] < 0, -1, 1).astype(np.float32)
    release[:, list(_ROLES.mirrored)] *= sides[:, None]
    return np.column_stack([_at_release(release), _situation(plays.statics), _summary(plays), _nearest(release)])


def _at_release(release: Floats) -> Floats:
    values = [name for name in _FRAME if not name.endswith((".present", "_known"))]
    return np.column_stack([_shown(release, name) for name in values])


def _shown(frames: Floats, name: str) -> Floats:
    """(F,) the column, NaN where its mask says unknown. The columns of the pass are known if the target is."""
    measured, _, _ = name.partition(".")
    slot = "target" if measured == "pass" else measured
    mask = next((mask for mask in (f"{name}_known", f"{slot}.present") if mask in _FRAME), None)
    column = frames[:, _FRAME[name]]
    return column if mask is None else np.where(frames[:, _FRAME[mask]] > 0, column, np.float32(np.nan))


def _situation(statics: Floats) -> Floats:
    values = [place for name, place in _STATIC.items() if f"{name}.known" in _STATIC]
    masks = [_STATIC[f"{name}.known"] for name in _STATIC if f"{name}.known" in _STATIC]
    shown: Floats = np.where(statics[:, masks] > 0, statics[:, values], np.float32(np.nan))
    return shown


def _summary(plays: PassPlays) -> Floats:
    """(N, 5) how far the passer moved, their least separation, and what changed in the last second."""
    first, last = plays.starts[:-1], plays.starts[1:] - 1
    where = plays.frames[:, _POSITIONS[_PASSER]]
    steps = np.hypot(*np.diff(where, axis=0, prepend=where[:1]).T)
    steps[first] = 0
    room = _shown(plays.frames, "passer.separation")
    earlier = plays.frames[np.maximum(last - _LAST_SECOND, first)]
    changes = [_shown(plays.frames[last], name) - _shown(earlier, name) for name in _CHANGING]
    return np.column_stack([np.add.reduceat(steps, first), np.fmin.reduceat(room, first), *changes])


def _nearest(release: Floats) -> Floats:
    """(N, 6 _NEAREST) for each: position and velocity relative to the target, distance, closing speed."""
    place = release[:, _POSITIONS[_DEFENSE]] - release[:, None, _POSITIONS[_TARGET]]
    velocity = release[:, _VELOCITIES[_DEFENSE]] - release[:, None, _VELOCITIES[_TARGET]]
    distance = np.linalg.norm(place, axis=-1, keepdims=True)
    closing = -(place * velocity).sum(-1, keepdims=True) / np.maximum(distance, _MIN_DISTANCE)
    relation = np.concatenate([place, velocity, distance, closing], axis=-1)
    known = release[:, _PRESENT[_DEFENSE]] * release[:, _PRESENT[_TARGET], None] > 0
    relation[~known] = np.nan
    order = np.argsort(np.where(known, distance[..., 0], np.inf), axis=1, kind="stable")[:, :_NEAREST]
    nearest: Floats = np.take_along_axis(relation, order[..., None], axis=1).reshape(len(release), -1)
    return nearest


def _answers(trees: xgboost.Booster, plays: PassPlays) -> Array:
    answers: Array = np.asarray(trees.inplace_predict(table(plays)), dtype=np.float64)
    return answers


def _longest_gain(plays: PassPlays) -> Array:
    return np.where(np.isnan(plays.end_zone), np.inf, plays.end_zone).astype(np.float64)
