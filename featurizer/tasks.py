"""The tasks that this release featurizes."""

from __future__ import annotations

from typing import Final

from featurizer.core.task import Task
from featurizer.passing.task import PASSING

TASKS: Final[tuple[Task, ...]] = (PASSING,)
