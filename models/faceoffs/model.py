"""Logistic regression in which both takers are alike: the chances of the two add up to one.

Every column says something of one of the two takers, or of the taker's team against the other's. So what the opponent
has counts as much against the taker as what the taker has counts for them, and there is no intercept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from featurizer.faceoffs.columns import COLUMNS
from models.core import graph
from models.core.logistic import Logistic
from models.faceoffs.rows import Faceoffs
from playscore.game import Floats

Array = NDArray[np.float64]

INPUT, OUTPUT = "static", "logit"
_PLACE: Final = {column.name: place for place, column in enumerate(COLUMNS)}
_MINE: Final = {
    "taker_record": "opponent_record",
    "taker_experience": "opponent_experience",
    "taker_forehand": "opponent_forehand",
}
"""What the taker has, and the same of the opponent."""
_TEAMS: Final = ("zone", "skater_advantage", "home", "score_difference")
_EVEN: Final = {"taker_record": 0.5}
"""The value that says as much for one taker as for the other, where it is not 0."""
_IR_VERSION = 10
_RIDGE = 2.0
"""One for each of the two."""


@dataclass(frozen=True, eq=False)
class FaceoffModel:
    """logit = statics @ weights."""

    weights: Array
    """(S,) of values and flags."""

    @classmethod
    def fit(cls, faceoffs: Faceoffs) -> FaceoffModel:
        """From each face-off as both takers see it, which makes the intercept 0. A small ridge."""
        columns = differences(faceoffs.statics)
        both = Logistic.fit(
            np.concatenate([columns, -columns]), np.concatenate([faceoffs.won, ~faceoffs.won]), ridge=_RIDGE
        )
        return cls(both.weights @ _unfolded())

    def chances(self, statics: Floats) -> Array:
        """(N,) the probabilities that the taker wins."""
        return 1.0 / (1.0 + np.exp(-(statics.astype(np.float64) @ self.weights)))

    def export(self, path: Path) -> None:
        """Write it as an ONNX graph: `static` (N, S) to `logit` (N, 1)."""
        described = helper.make_graph(
            [helper.make_node("MatMul", [INPUT, "weights"], [OUTPUT])],
            "faceoffs",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", len(self.weights)])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", 1])],
            [numpy_helper.from_array(self.weights.astype(np.float32)[:, None], "weights")],
        )
        made = helper.make_model(
            described, opset_imports=[helper.make_opsetid("", graph.OPSET)], producer_name="playscore"
        )
        made.ir_version = _IR_VERSION
        onnx.checker.check_model(made)
        path.write_bytes(made.SerializeToString(deterministic=True))


def named_weights(model: FaceoffModel) -> dict[str, float]:
    """The weight of each column of the taker and of the teams."""
    return {name: float(model.weights[_PLACE[name]]) for name in (*_MINE, *_TEAMS)}


def differences(statics: Floats) -> Array:
    """(N, D) how much more the taker has than the opponent, and the taker's team than the other."""
    return statics.astype(np.float64) @ _unfolded().T


def record_difference(statics: Floats) -> Array:
    """(N,) the log odds of the taker's record less those of the opponent's; 0 where a record is not known."""
    records = np.stack([statics[:, _PLACE[name]] for name in ("taker_record", "opponent_record")]).astype(np.float64)
    known = np.stack([statics[:, len(COLUMNS) + _PLACE[name]] for name in ("taker_record", "opponent_record")]) > 0
    odds = np.where(known, records, 0.5)
    taker, opponent = np.log(odds / (1.0 - odds))
    difference: Array = taker - opponent
    return difference


def _unfolded() -> Array:
    """(D, S) from differences to the columns that they are made of."""
    made = np.zeros((len(_MINE) + len(_TEAMS), 2 * len(COLUMNS)))
    for row, (mine, theirs) in enumerate(_MINE.items()):
        even = _EVEN.get(mine, 0.0)
        for name, sign in ((mine, 1.0), (theirs, -1.0)):
            made[row, _PLACE[name]] = sign
            made[row, len(COLUMNS) + _PLACE[name]] = -sign * even
    for row, name in enumerate(_TEAMS, start=len(_MINE)):
        made[row, _PLACE[name]] = 1.0
    return made
