"""What a task provides so that its plays are scored. Everything else in this folder is shared by all tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, TypeVar

from playscore.errors import PlayscoreError
from playscore.release import Release
from scorer.core.inference import Outputs
from scorer.core.tensors import Tensor


class Item(Protocol):
    """A play to score. What a task knows of it besides the tensor is the task's own."""

    @property
    def tensor(self) -> Tensor:
        """What the model reads; its length is one that the model takes."""
        ...


ItemT = TypeVar("ItemT", bound=Item)
ItemT_contra = TypeVar("ItemT_contra", bound=Item, contravariant=True)
ScoredT = TypeVar("ScoredT")
ScoredT_co = TypeVar("ScoredT_co", covariant=True)
StoredT_contra = TypeVar("StoredT_contra", contravariant=True)
GradeT_co = TypeVar("GradeT_co", covariant=True)

Scoring: TypeAlias = Callable[[Outputs, Sequence[ItemT]], Sequence[ScoredT | PlayscoreError]]
"""Makes scores of a graph's outputs and the N items they answer, one each, in order.

An item is scored by itself: an error stands in its place and leaves the others alone.
"""


class Task(Protocol[ItemT_contra, ScoredT_co, StoredT_contra, GradeT_co]):
    """One thing that is graded: how its model's outputs become scores, and how a stored score is graded again."""

    @property
    def name(self) -> str:
        """As releases have it in `task`."""
        ...

    def scoring(self, release: Release) -> Scoring[ItemT_contra, ScoredT_co]:
        """How that release's outputs become scores.

        Raises:
            PlayscoreError: MODEL_NOT_FOUND, the release does not answer what the task reads.
        """
        ...

    def grade(self, stored: Sequence[StoredT_contra]) -> Sequence[GradeT_co | PlayscoreError]:
        """Grades plays by what was stored when they were scored, one grade or error each, in order; no inference."""
        ...
