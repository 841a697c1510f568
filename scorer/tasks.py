"""The tasks that the scorer knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from scorer.faceoffs.messages import FaceoffMessages
from scorer.messages import TaskMessages
from scorer.passing.messages import PassMessages
from scorer.shots.messages import ShotMessages

PASSES: Final = PassMessages()
SHOTS: Final = ShotMessages()
FACEOFFS: Final = FaceoffMessages()
TASKS: Final[Sequence[TaskMessages]] = (PASSES, SHOTS, FACEOFFS)
