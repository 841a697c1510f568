"""The tasks that this release featurizes."""

from __future__ import annotations

from typing import Final

from featurizer.core.task import Task
from featurizer.faceoffs.task import FACEOFFS
from featurizer.passing.task import PASSING
from featurizer.shots.task import SHOTS

TASKS: Final[tuple[Task, ...]] = (PASSING, SHOTS, FACEOFFS)
