"""What a task must provide to be scored. Everything else in this folder is the same for all tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, TypeVar

from playscore.errors import PlayscoreError
from playscore.release import Release
from scorer.core.inference import Outputs
from scorer.core.tensors import Tensor


class Item(Protocol):
    """A play to score: its tensor, and whatever else its task needs."""

    @property
    def tensor(self) -> Tensor:
        """The model's input. It is no longer than the model allows."""
        ...


ItemT = TypeVar("ItemT", bound=Item)
ItemT_contra = TypeVar("ItemT_contra", bound=Item, contravariant=True)
ScoredT = TypeVar("ScoredT")
ScoredT_co = TypeVar("ScoredT_co", covariant=True)
StoredT_contra = TypeVar("StoredT_contra", contravariant=True)
GradeT_co = TypeVar("GradeT_co", covariant=True)

Scoring: TypeAlias = Callable[[Outputs, Sequence[ItemT]], Sequence[ScoredT | PlayscoreError]]
"""Turns a graph's outputs for N items into N scores, in order.

Each item is scored on its own: an error takes the place of its score and does not affect the others.
"""


class Task(Protocol[ItemT_contra, ScoredT_co, StoredT_contra, GradeT_co]):
    """One thing that is graded: how model outputs become scores, and how stored scores are graded again."""

    @property
    def name(self) -> str:
        """The `task` of its releases."""
        ...

    def scoring(self, release: Release) -> Scoring[ItemT_contra, ScoredT_co]:
        """How the outputs of that release become scores.

        Raises:
            PlayscoreError: MODEL_NOT_FOUND if the release lacks an output that the task reads.
        """
        ...

    def grade(self, stored: Sequence[StoredT_contra]) -> Sequence[GradeT_co | PlayscoreError]:
        """Grades plays from what was stored with their scores: one grade or error each, in order, without inference."""
        ...
