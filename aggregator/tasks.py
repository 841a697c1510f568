"""The tasks that this release of the aggregator knows, made of the releases of their models."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from aggregator.faceoffs.messages import faceoff_messages
from aggregator.faceoffs.task import FaceoffsTask
from aggregator.messages import TaskMessages
from aggregator.passing.messages import pass_messages
from aggregator.passing.task import PassingTask
from aggregator.shots.messages import shot_messages
from aggregator.shots.task import ShotsTask
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion, Release

MakeTask: TypeAlias = Callable[[Sequence[Release], ModelVersion], TaskMessages]
"""Makes a task of its releases, at least one, and of the model to rate by where a question names none."""


def _passing(releases: Sequence[Release], default: ModelVersion) -> TaskMessages:
    populations = {release.key: release.reference_population for release in releases}
    known = {key: population for key, population in populations.items() if population is not None}
    if default not in known:
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"{default} has no reference population to rate passers against")
    return pass_messages(PassingTask(known, default))


def _shots(releases: Sequence[Release], default: ModelVersion) -> TaskMessages:
    return shot_messages(ShotsTask([release.key for release in releases], default))


def _faceoffs(releases: Sequence[Release], default: ModelVersion) -> TaskMessages:
    return faceoff_messages(FaceoffsTask([release.key for release in releases], default))


TASKS: Final[Mapping[str, MakeTask]] = {"passing": _passing, "shots": _shots, "faceoffs": _faceoffs}
"""By the name that releases have in `task`."""


def make_tasks(releases: Iterable[Release], defaults: Collection[ModelVersion]) -> list[TaskMessages]:
    """The known tasks of which there are releases.

    The default of a task is the one that `defaults` names, else the newest of the model that is called like the task,
    else the newest of all.

    Raises:
        PlayscoreError: MODEL_NOT_FOUND, there are none, or a default is not among them.
    """
    of_task: dict[str, list[Release]] = {}
    for release in releases:
        if release.task in TASKS:
            of_task.setdefault(release.task, []).append(release)
    released = {release.key: task for task, each in of_task.items() for release in each}
    if not released:
        raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"there is no release to rate by, of {', '.join(TASKS)}")
    chosen: dict[str, ModelVersion] = {}
    for default in defaults:
        if default not in released:
            there_are = ", ".join(map(str, sorted(released)))
            raise PlayscoreError(
                Reason.MODEL_NOT_FOUND, f"there is no release of {default} to rate by; there are: {there_are}"
            )
        chosen[released[default]] = default

    def newest(task: str) -> ModelVersion:
        models = (release.key for release in of_task[task])
        return max(models, key=lambda model: (model.name == task, model.version, model.name))

    return [TASKS[task](each, chosen.get(task) or newest(task)) for task, each in of_task.items()]
