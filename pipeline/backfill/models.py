"""By which model a backfill scores each task's plays."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.tasks import Models
from playscore.client import ScorerClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion


async def choose_models(scorer: ScorerClient, named: Sequence[ModelVersion]) -> Models:
    """The models named, and the scorer's own for the other tasks.

    All of a backfill is scored by these, whatever the scorer is set to meanwhile.

    Raises:
        PlayscoreError: MODEL_NOT_FOUND for one that the scorer does not serve, FIELD_INVALID for two of one task.
    """
    served = await scorer.list_models()
    by_name = {name_of(each.model): each for each in served}
    chosen = {each.task: each.model for each in served if each.is_default}
    asked: dict[common.Task.ValueType, str] = {}
    for model in named:
        name = f"{model.name}:{model.version}"
        if name not in by_name:
            detail = f"the scorer does not serve {name}; it serves {', '.join(by_name)}"
            raise PlayscoreError(Reason.MODEL_NOT_FOUND, detail)
        task = by_name[name].task
        if task in asked:
            detail = f"{asked[task]} and {name} score the same plays; backfill them one after the other"
            raise PlayscoreError(Reason.FIELD_INVALID, detail)
        asked[task], chosen[task] = name, by_name[name].model
    return chosen


def name_of(model: common.ModelVersion) -> str:
    """As it is written on a command line, for example "passing:3"."""
    return f"{model.name}:{model.version}"
