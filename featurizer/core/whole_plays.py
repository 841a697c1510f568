"""Plays that are there whole, for backfill and corrections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.segments import MAX_FRAMES, Segment
from featurizer.core.task import Task, task_of, tasks_of
from featurizer.core.verdicts import check_status, rejection, too_long, unsupported
from playscore.errors import PlayscoreError
from playscore.game import Frames, GameHeader, PlayContext, Player, Track
from playscore.steps import Steps, at_once


def featurize(
    tasks: Sequence[Task],
    header: GameHeader,
    roster: Mapping[str, Player],
    context: PlayContext,
    frames: Iterable[Frames],
    tracks: Iterable[Track] = (),
) -> Tensor | Rejection:
    """What becomes of a play, from its film or that of its whole segment, whatever the segment is called.

    Raises:
        PlayscoreError: as `tasks_of`.
    """
    return at_once(featurizing(tasks, header, roster, context, frames, tracks))


def featurizing(
    tasks: Sequence[Task],
    header: GameHeader,
    roster: Mapping[str, Player],
    context: PlayContext,
    frames: Iterable[Frames],
    tracks: Iterable[Track] = (),
) -> Steps[Tensor | Rejection]:
    """As `featurize`, in steps: a play may have thousands of batches.

    Raises:
        PlayscoreError: as `tasks_of`.
    """
    own = tasks_of(header, tasks)
    try:
        check_status(context)
        task = task_of(context, own)
        if task is None:
            raise unsupported(context)
        segment = Segment()
        for track in tracks:
            segment.add_track(track)
            yield
        its_own, needed = 0, task.first_frame(header, context)
        for batch in frames:
            segment.add(batch)
            yield
            its_own += _frames_from(batch, needed)
            if its_own > MAX_FRAMES:
                break
        play = task.open(header, roster, context, segment.footage(context.opens_at_frame))
        if its_own > MAX_FRAMES and not play.is_complete():
            raise too_long()
        return play.tensor()
    except PlayscoreError as fault:
        return rejection((*own, *tasks), roster, context, fault)


def _frames_from(batch: Frames, first: int | None) -> int:
    """How many frames of a batch are a play's own that needs those from `first` on; None: it needs none."""
    if first is None:
        return 0
    return int(np.count_nonzero(batch.frame_numbers >= first)) if first else len(batch)
