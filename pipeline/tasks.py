"""The tasks of the worker."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pipeline.faceoffs import Faceoffs
from pipeline.passing import Passing
from pipeline.shots import Shots
from pipeline.task import Task
from playscore.client import AggregatorClient, ScorerClient
from playscore.common.v1 import common_pb2 as common

Models = Mapping[common.Task.ValueType, common.ModelVersion]
"""The model of each task, by the task's number."""

AS_SET: Final[Models] = MappingProxyType({})
"""Whatever the services are set to."""


def tasks_over(scorer: ScorerClient, ratings: AggregatorClient, models: Models = AS_SET) -> tuple[Task, ...]:
    """Every task, over these services. One without a model in `models` scores by the one that they are set to."""
    return tuple(task(scorer, ratings, models.get(task.number)) for task in (Passing, Shots, Faceoffs))
