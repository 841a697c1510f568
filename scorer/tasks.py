"""The tasks that the scorer knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from scorer.messages import TaskMessages
from scorer.passing.messages import PassMessages

PASSES: Final = PassMessages()
TASKS: Final[Sequence[TaskMessages]] = (PASSES,)
