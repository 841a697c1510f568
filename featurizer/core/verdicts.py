"""Why a play is rejected whatever its task, and how a rejection is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from featurizer.core.outcomes import Rejection
from featurizer.core.segments import MAX_FRAMES, MAX_SEGMENTS, MAX_TRACK_SAMPLES
from featurizer.core.task import Task, task_of
from playscore.errors import PlayscoreError, Reason
from playscore.game import PlayContext, Player, PlayStatus


def check_status(context: PlayContext) -> None:
    """Raise PLAY_NULLIFIED or PLAY_WITHDRAWN if the play does not count."""
    match context.status:
        case PlayStatus.NULLIFIED:
            raise PlayscoreError(Reason.PLAY_NULLIFIED, "the play does not count: the source says that it is nullified")
        case PlayStatus.WITHDRAWN:
            raise PlayscoreError(Reason.PLAY_WITHDRAWN, "the source takes the play back: it was never one of this game")


def unsupported(context: PlayContext) -> PlayscoreError:
    """TASK_UNSUPPORTED: no task reads the play's situation."""
    return PlayscoreError(
        Reason.TASK_UNSUPPORTED,
        f"no task that reads games of this sport grades a play with a {type(context.situation).__name__}",
    )


def too_long() -> PlayscoreError:
    """TOO_LONG: more film came for a play than is kept of its segment."""
    return PlayscoreError(
        Reason.TOO_LONG,
        f"the play has more than {MAX_FRAMES} frames and is not over; no play lasts so long. If plays share a segment,"
        " opens_at_frame must say where each begins",
    )


def let_go() -> PlayscoreError:
    """TRACKING_UNAVAILABLE: tracking of a play is no longer kept."""
    return PlayscoreError(
        Reason.TRACKING_UNAVAILABLE,
        f"tracking of the play was let go: at least {MAX_FRAMES} frames of each of the last {MAX_SEGMENTS} segments are"
        f" kept, and {MAX_TRACK_SAMPLES} samples of ball and puck; send the play whole, with FeaturizePlays",
    )


def crowded(most: int) -> PlayscoreError:
    """TRACKING_UNAVAILABLE: plays were told of whose film has not come, more than a game can have at once."""
    return PlayscoreError(
        Reason.TRACKING_UNAVAILABLE,
        f"{most} plays of the game are open already; tell of a play when its film comes, or send it whole, with"
        " FeaturizePlays",
    )


def rejection(
    tasks: Sequence[Task],
    roster: Mapping[str, Player],
    context: PlayContext,
    fault: PlayscoreError,
    revision: int = 0,
) -> Rejection:
    """The rejection of a play, at the revision of its context or a greater one.

    `tasks` are those that read plays of the game, then any others: a play of another sport has a task, too.
    """
    task = task_of(context, tasks)
    return Rejection(
        play_id=context.play_id,
        revision=max(context.revision, revision),
        reason=fault.reason,
        detail=fault.detail,
        subjects=() if task is None else task.subjects(roster, context),
        task=0 if task is None else task.number,
    )
