"""The folder of a run: face-offs, the model, its evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featurizer.faceoffs.columns import SPECIFICATION
from models.core.atomic import whole
from models.core.chances import GameResamples, difference, interval, log_losses, wilson
from models.core.releasing import sha256
from models.faceoffs import rows
from models.faceoffs.model import FaceoffModel, named_weights, record_difference
from models.faceoffs.rows import Faceoffs
from playscore.errors import PlayscoreError, Reason
from playscore.release import GRAPH

EVALUATION = "evaluation.json"
OURS, TAKERS, BASE = "ours", "takers_average", "base_rate"
NAMES = {OURS: "logistic regression (ours)", TAKERS: "takers' averages alone", BASE: "base rate"}
WOMEN = "PWHL"

Array = NDArray[np.float64]


def start(folder: Path, real: Path) -> dict[str, Any]:
    """Fit the model to the face-offs of all seasons in a folder, judge its like by the last one, and keep both.

    Raises FIELD_INVALID if there are no face-offs, or if they are all of one season.
    """
    faceoffs = rows.real(real)
    men = faceoffs.subset(faceoffs.leagues != WOMEN)
    last = men.seasons == men.seasons.max()
    if last.all():
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"the face-offs in {real} are all of one season; the last one judges the others"
        )
    earlier, test = men.subset(~last), men.subset(last)
    judged, released = FaceoffModel.fit(earlier), FaceoffModel.fit(men)
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / GRAPH) as partial:
        released.export(partial)
    found: dict[str, Any] = {
        "specification": SPECIFICATION.id,
        "graph_sha256": sha256(folder / GRAPH),
        "trained_on": {
            "faceoffs": len(men),
            "games": len(np.unique(men.games)),
            "seasons": np.unique(men.seasons).tolist(),
        },
        "judged_by": {"seasons": np.unique(test.seasons).tolist(), "trained_on": np.unique(earlier.seasons).tolist()},
        "weights": named_weights(released),
        **_figures(judged, earlier, test),
    }
    women = faceoffs.subset(faceoffs.leagues == WOMEN)
    if len(women):
        found["women"] = _figures(judged, earlier, women)
    with whole(folder / EVALUATION) as partial:
        partial.write_text(json.dumps(found, indent=1))
    return found


def evaluation(folder: Path) -> dict[str, Any]:
    """The figures of a run. Raises FIELD_INVALID if there is none, or if it is of other columns."""
    path = folder / EVALUATION
    if not path.exists():
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"no run in {folder}: playscore train faceoffs --real DIR --out {folder} makes one"
        )
    found: dict[str, Any] = json.loads(path.read_text())
    if found["specification"] != SPECIFICATION.id:
        raise PlayscoreError(Reason.FIELD_INVALID, f"the run in {folder} is of other columns; train again")
    return found


def summary(found: Mapping[str, Any]) -> list[str]:
    """The main figures in a few lines."""
    lines = [f"{found['faceoffs']:,} face-offs of {found['games']:,} games of the last season"]
    for name, figures in found["figures"].items():
        auc, loss = ("{:.4f} [{:.4f}, {:.4f}]".format(*figures[key]) for key in ("auc", "log_loss"))
        lines.append(f"  {name:16} AUC {auc}   log loss {loss}")
    return lines


def _figures(model: FaceoffModel, earlier: Faceoffs, test: Faceoffs) -> dict[str, Any]:
    chances: dict[str, Array] = {
        OURS: model.chances(test.statics),
        TAKERS: 1.0 / (1.0 + np.exp(-record_difference(test.statics))),
        BASE: np.full(len(test), earlier.won.mean()),
    }
    resamples = GameResamples(test.games)
    areas = {name: resamples.auc(each, test.won) for name, each in chances.items()}
    losses = {name: log_losses(each, test.won) for name, each in chances.items()}
    tenths = np.array_split(np.argsort(chances[OURS], kind="stable"), 10)
    return {
        "faceoffs": len(test),
        "games": resamples.games,
        "won": wilson(float(test.won.sum()), len(test)),
        "figures": {name: {"auc": interval(areas[name]), "log_loss": resamples.mean(losses[name])} for name in chances},
        "less_ours": {
            name: {
                "auc": difference(areas[name], areas[OURS]),
                "log_loss": resamples.mean(losses[name] - losses[OURS]),
            }
            for name in chances
            if name != OURS
        },
        "reliability": [
            {
                "faceoffs": len(tenth),
                "expected": float(chances[OURS][tenth].mean()),
                "won": wilson(float(test.won[tenth].sum()), len(tenth)),
            }
            for tenth in tenths
            if len(tenth)
        ],
    }
