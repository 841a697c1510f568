"""The models by which a backfill scores each task's plays."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.tasks import Models
from playscore.client import ScorerClient
from playscore.client.words import model_label
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion


async def choose_models(scorer: ScorerClient, named: Sequence[ModelVersion]) -> Models:
    """The models named, and the scorer's defaults for the other tasks.

    The whole backfill is scored by these, even if the scorer's defaults change meanwhile.

    Raises:
        PlayscoreError: MODEL_NOT_FOUND for one that the scorer does not serve, FIELD_INVALID for two of one task.
    """
    served = await scorer.list_models()
    by_label = {model_label(each.model): each for each in served}
    chosen = {each.task: each.model for each in served if each.is_default}
    asked: dict[common.Task.ValueType, str] = {}
    for label in map(str, named):
        if label not in by_label:
            detail = f"the scorer does not serve {label}; it serves {', '.join(by_label)}"
            raise PlayscoreError(Reason.MODEL_NOT_FOUND, detail)
        task = by_label[label].task
        if task in asked:
            detail = f"{asked[task]} and {label} score the same plays; backfill them one after the other"
            raise PlayscoreError(Reason.FIELD_INVALID, detail)
        asked[task], chosen[task] = label, by_label[label].model
    return chosen
