"""What becomes of a play: a tensor, or a rejection with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from playscore.errors import Reason
from playscore.game import Floats
from playscore.subjects import Subject

NO_FRAMES: Final[Floats] = np.zeros((0, 0), np.float32)
"""The frames of a play whose specification has no frame columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A play as a model reads it."""

    play_id: str
    revision: int
    specification_id: str
    """The feature specification that the columns follow."""
    frames: Floats
    """(T, C) in the order of the specification's `frame_columns`"""
    statics: Floats
    """(S,) in the order of the specification's `static_columns`"""
    subjects: tuple[Subject, ...]
    """Whose play it is."""
    attributes: object
    """What splits can be made by: a type of the task's."""
    interpolated_frames: tuple[int, ...] = ()
    """Rows (from 0) in which at least one player was interpolated."""
    duplicate_samples: int = 0
    """Samples dropped because another one for the same player and frame came first."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A play that did not become a tensor, and why."""

    play_id: str
    revision: int
    reason: Reason
    detail: str
    subjects: tuple[Subject, ...] = ()
    """Whose play it is, as far as known."""
    task: int = 0
    """The task that would have graded it, by its number; 0: not known."""
