"""What a task must provide to have its plays featurized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from featurizer.core.outcomes import Tensor
from featurizer.core.segments import Footage
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.features import FeatureSpecification
from playscore.game import GameHeader, PlayContext, Player
from playscore.subjects import Subject


class OpenPlay(Protocol):
    """A play whose film is still coming in. It is made anew when more is told of the play."""

    def is_complete(self) -> bool:
        """Whether the play can close: more film would change nothing, or is not waited for any longer.

        Asked after every batch, so its cost must not grow with the film that has come.

        Raises:
            PlayscoreError: the play is to be rejected now, whatever else may come.
        """

    def tensor(self) -> Tensor:
        """The play, from the film that has come.

        Raises:
            PlayscoreError: with the reason why the play cannot become a tensor.
        """


class Task(Protocol):
    """One thing that is graded, as the featurizer sees it."""

    @property
    def name(self) -> str:
        """As people read it, in errors and logs."""

    @property
    def number(self) -> int:
        """Of `playscore.common.v1.Task`."""

    @property
    def specification(self) -> FeatureSpecification:
        """What its tensors are made to. Its sport is the sport of the games that it reads."""

    def check_header(self, header: GameHeader) -> None:
        """Raise FRAME_RATE_UNSUPPORTED, or another reason, if plays of a game of its sport cannot be read."""

    def reads(self, context: PlayContext) -> bool:
        """Whether the context's situation is one of the task."""

    def first_frame(self, header: GameHeader, context: PlayContext) -> int | None:
        """The first frame that a play is known to need; None: it needs none.

        0 if that is not known: then it may need all of its segment.
        """

    def subjects(self, roster: Mapping[str, Player], context: PlayContext) -> tuple[Subject, ...]:
        """Whose play it is, as far as the context tells."""

    def open(self, header: GameHeader, roster: Mapping[str, Player], context: PlayContext, film: Footage) -> OpenPlay:
        """Open a play; film may have come already. `roster` may grow while the play is open.

        `context.situation` is None if nothing is known that a task could read.
        """


def tasks_of(header: GameHeader, tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks that read plays of a game, at least one.

    Raises:
        PlayscoreError: SPORT_UNSUPPORTED if no task is of the game's sport; what `Task.check_header` raises if each of
            those refuses the game.
    """
    of_sport = [task for task in tasks if task.specification.sport is header.sport]
    if not of_sport:
        sports = " or ".join(dict.fromkeys(task.specification.sport.name for task in tasks))
        raise PlayscoreError(
            Reason.SPORT_UNSUPPORTED,
            f"the featurizer reads {sports}, not {header.sport.name}",
            fields=(FieldViolation("header.sport", f"must be {sports}"),),
        )
    accepting: list[Task] = []
    refusals: list[PlayscoreError] = []
    for task in of_sport:
        try:
            task.check_header(header)
        except PlayscoreError as refusal:
            refusals.append(refusal)
        else:
            accepting.append(task)
    if not accepting:
        raise refusals[0]
    return tuple(accepting)


def task_of(context: PlayContext, tasks: Sequence[Task]) -> Task | None:
    """The task by which a play is graded: the one that reads its situation, the first where nothing is known of it."""
    if context.situation is None:
        return tasks[0]
    return next((task for task in tasks if task.reads(context)), None)
