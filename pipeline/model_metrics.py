"""Whether models are still right: how what happened compares with what was predicted of it."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

from pipeline.results import Ending, PlayResult
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.hockey.v1 import hockey_pb2 as hockey

_MODEL: Final = ("model", "version")

PLAY_SCORES: Final = Histogram(
    "playscore_model_play_score",
    "Play scores, from 0 to 1, of graded plays: where a play's yards lie in the distribution predicted for it. "
    "Their mean is 0.5 while the model is right.",
    _MODEL,
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0),
)
CHANCES: Final = Counter("playscore_model_chances_total", "Graded plays that were predicted as a chance.", _MODEL)
EXPECTED: Final = Counter("playscore_model_expected_total", "Sum of the predicted chances of graded plays.", _MODEL)
VARIANCE: Final = Counter(
    "playscore_model_variance_total", "Sum of p(1 - p) over the predicted chances p of graded plays.", _MODEL
)
OCCURRED: Final = Counter(
    "playscore_model_occurred_total", "Graded plays whose chance came true: goals, and face-offs won.", _MODEL
)


def note_graded(result: PlayResult) -> None:
    """Notes how a play compares with what was predicted; one that is not graded says nothing."""
    if result.ending is not Ending.SCORED or result.scored is None:
        return
    record = getattr(result.scored.records[0], "score", None)
    if not isinstance(record, aggregator.ScoreRecord):
        return
    model = record.model.name, str(record.model.version)
    match record.WhichOneof("measure"):
        case "pass_measure":
            PLAY_SCORES.labels(*model).observe(record.pass_measure.play_score)
        case "shot_measure":
            goal = record.shot_measure.result == hockey.SHOT_RESULT_GOAL
            _note_chance(model, record.shot_measure.goal_probability, occurred=goal)
        case "faceoff_measure":
            won = record.faceoff_measure.result == hockey.FACEOFF_RESULT_WON
            _note_chance(model, record.faceoff_measure.win_probability, occurred=won)


def _note_chance(model: tuple[str, str], probability: float, *, occurred: bool) -> None:
    CHANCES.labels(*model).inc()
    EXPECTED.labels(*model).inc(probability)
    VARIANCE.labels(*model).inc(probability * (1 - probability))
    OCCURRED.labels(*model).inc(occurred)
