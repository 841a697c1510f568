"""The stream of one game: players, contexts and film in; tensors, rejections and checkpoints out.

Frames go to their segment, and a play sees the part of its segment that is its own. So film may come before the play is
told of, several plays may be open at once, and two of them may share film. Every play that opens ends in exactly one
tensor or rejection for each revision at which it closes, and a checkpoint follows each.

A play that is wrong in itself is rejected and the stream goes on. PlayscoreError is raised, and ends the stream, only
where nothing after it could be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from featurizer.core.contexts import merged, with_context
from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.progress import Progress
from featurizer.core.segments import MAX_FRAMES, Segments
from featurizer.core.task import OpenPlay, Task, task_of, tasks_of
from featurizer.core.verdicts import check_status, crowded, let_go, rejection, too_long, unsupported
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.field_limits import FIELD_LIMITS
from playscore.game import Frames, GameHeader, PlayContext, Player, Track
from playscore.subjects import Subject

MAX_PLAYERS: Final = FIELD_LIMITS["playscore.tracking.v1.Roster.players"].max_items
"""In all rosters of a game."""
MAX_PLAYS: Final = 2_000
"""Of a game, in one stream."""
MAX_OPEN: Final = 256
"""Plays that are open at once."""
MAX_REVISIONS: Final = 100
"""Of a play while it is open."""

Answers = list[Tensor | Rejection | Progress]
"""In the order in which they are to be given. How far the game has got then follows every tensor and rejection."""


@dataclass(slots=True)
class _Play:
    """A play that was told of."""

    play_id: str
    contexts: dict[int, PlayContext] = field(default_factory=dict)
    """By revision; their merge is what is known of the play."""
    segment_id: str = ""
    """Of its film."""
    ends_at: int | None = None
    """The last frame of its film, where it was told."""
    finished: int = 0
    """The revision it was last closed at; 0: it never was."""
    open: OpenPlay | None = None
    """None: it is closed."""

    @property
    def revision(self) -> int:
        """The greatest revision of what is known; 0 if nothing is."""
        return max(self.contexts, default=0)

    def is_settled(self, revision: int) -> bool:
        """Whether it was closed at that revision or a later one, and is not open again."""
        return self.open is None and revision <= self.finished > 0


class GameStream:
    """One game, from its header to the end of what its caller sends."""

    def __init__(self, header: GameHeader, tasks: Sequence[Task], resumed: Progress | None = None) -> None:
        """Open the game; `resumed` is how far its last stream has got, None to begin.

        Raises:
            PlayscoreError: as `tasks_of`.
        """
        self._header = header
        self._tasks = tasks_of(header, tasks)
        self._every_task = (*self._tasks, *tasks)
        self._progress = replace(resumed) if resumed else Progress()
        self._resumed = resumed is not None
        self._roster: dict[str, Player] = {}
        self._roster_revisions: dict[str, int] = {}
        self._segments = Segments()
        self._plays: dict[str, _Play] = {}
        self._open: dict[str, _Play] = {}
        if last := self._progress.last_play_id:
            self._plays[last] = _Play(last, finished=self._progress.last_revision)

    @property
    def checkpoint(self) -> Progress:
        """How far the game has got."""
        return replace(self._progress)

    def add_players(self, players: Iterable[Player], revision: int = 0) -> None:
        """Add who may appear; of two entries of one player that of the higher revision counts, of equal ones the later.

        Raises:
            PlayscoreError: FIELD_INVALID for too many players.
        """
        for player in players:
            if revision >= self._roster_revisions.get(player.player_id, 0):
                self._roster[player.player_id] = player
                self._roster_revisions[player.player_id] = revision
        if len(self._roster) > MAX_PLAYERS:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"the rosters of the game name {len(self._roster)} players; at most {MAX_PLAYERS} may",
                fields=(FieldViolation("roster.players", f"must be at most {MAX_PLAYERS} in all"),),
            )

    def add_context(self, context: PlayContext) -> Answers:
        """Open a play, add to one that is open, or open one again that was closed at a lower revision.

        Raises:
            PlayscoreError: FIELD_INVALID for one play more than a stream takes.
        """
        play = self._play(context.play_id)
        if play.is_settled(context.revision):
            self._progress.contexts_ignored += 1
            return []
        play.contexts = with_context(play.contexts, context)
        if len(play.contexts) > MAX_REVISIONS:
            return self._reject(
                play,
                PlayscoreError(
                    Reason.FIELD_INVALID, f"the play has more than {MAX_REVISIONS} revisions while it is open"
                ),
            )
        return self._take_up(play)

    def refuse_context(
        self, play_id: str, revision: int, fault: PlayscoreError, subjects: tuple[Subject, ...] = (), task: int = 0
    ) -> Answers:
        """Reject a play for a context that is wrong in itself. A revision below 1 is a wrong one.

        Raises:
            PlayscoreError: FIELD_INVALID for one play more than a stream takes.
        """
        play = self._play(play_id)
        if play.is_settled(revision) or 1 <= revision < play.revision:
            self._progress.contexts_ignored += 1
            return []
        revision = max(1, revision, play.revision)
        if play.contexts:
            return self._reject(play, fault, revision)
        return self._finish(play, Rejection(play_id, revision, fault.reason, fault.detail, subjects, task))

    def add_frames(self, segment_id: str, frames: Frames) -> Answers:
        """Take in players of a segment. Closes the plays whose window they complete."""
        if self._segments.was_let_go(segment_id):
            self._progress.frames_dropped += len(frames)
            return []
        segment = self._segments.turn_to(segment_id)
        answers = self._let_go_surplus()
        try:
            segment.add(frames)
        except PlayscoreError as fault:
            return answers + self.refuse_film(segment_id, fault)
        for play in self._open_on(segment_id):
            answers += self._close_if_over(play)
        gone = segment.trim()
        self._progress.frames_dropped += gone.frames
        if gone.frames or segment.size > MAX_FRAMES:
            for play in self._open_on(segment_id):
                needed = self._first_frame(play)
                if needed is not None and (needed == 0 or needed <= gone.last_frame):
                    answers += self._reject(play, too_long())
        return answers

    def add_track(self, segment_id: str, track: Track) -> Answers:
        """Take in the ball or puck of a segment. Closes the plays whose window it completes."""
        if self._segments.was_let_go(segment_id):
            return []
        segment = self._segments.turn_to(segment_id)
        answers = self._let_go_surplus()
        try:
            segment.add_track(track)
        except PlayscoreError as fault:
            return answers + self.refuse_film(segment_id, fault)
        for play in self._open_on(segment_id):
            answers += self._close_if_over(play)
        segment.trim()
        return answers

    def refuse_film(self, segment_id: str, fault: PlayscoreError) -> Answers:
        """Reject the plays that a batch may belong to which is wrong in itself: of the segment, open or told later."""
        if self._segments.was_let_go(segment_id):
            return []
        self._segments.turn_to(segment_id).add_fault(fault)
        answers = self._let_go_surplus()
        for play in self._open_on(segment_id):
            answers += self._reject(play, fault)
        return answers

    def end_play(self, play_id: str, last_frame: int | None = None) -> Answers:
        """Take note that the film of a play ends with a frame, or with what has come if that is None.

        The play closes once that frame has come. The end of a play that is closed counts if it is opened again.

        Raises:
            PlayscoreError: STREAM_ORDER for a play that was not told of; a resumed stream takes it for one that an
                earlier stream closed.
        """
        play = self._plays.get(play_id)
        if play is None:
            if self._resumed:
                return []
            raise PlayscoreError(
                Reason.STREAM_ORDER, f"end_play came for play {play_id!r} before any context opened that play"
            )
        if last_frame is not None:
            play.ends_at = last_frame
            return [] if play.open is None else self._take_up(play)
        if play.open is None:
            return []
        come = self._segments[play.segment_id].last_frame
        play.ends_at = come if come >= 0 else None
        return self._close(play)

    @property
    def plays_open(self) -> int:
        """How many plays wait for their film."""
        return len(self._open)

    def half_close(self) -> Iterator[Answers]:
        """Close every open play with what has come, one by one: the caller sends nothing more."""
        for play in list(self._open.values()):
            yield self._close(play)

    def _play(self, play_id: str) -> _Play:
        play = self._plays.get(play_id)
        if play is None:
            if len(self._plays) >= MAX_PLAYS:
                raise PlayscoreError(
                    Reason.FIELD_INVALID,
                    f"play {play_id!r} is one more than the {MAX_PLAYS} plays that a stream takes",
                    fields=(FieldViolation("context.play_id", f"must be one of at most {MAX_PLAYS}"),),
                )
            play = self._plays[play_id] = _Play(play_id)
        return play

    def _take_up(self, play: _Play) -> Answers:
        """Open a play, by what is known of it now, over the film of its segment."""
        context = merged(play.contexts)
        task = task_of(context, self._tasks)
        try:
            check_status(context)
            if task is None:
                raise unsupported(context)
        except PlayscoreError as fault:
            return self._reject(play, fault)
        if play.segment_id != context.segment:
            if play.segment_id:
                play.ends_at = None
            play.segment_id = context.segment
        if self._segments.was_let_go(context.segment):
            return self._reject(play, let_go())
        segment = self._segments.turn_to(context.segment)
        film = segment.footage(context.opens_at_frame, play.ends_at)
        if play.open is None and len(self._open) >= MAX_OPEN:
            return self._reject(play, crowded(MAX_OPEN))
        play.open = task.open(self._header, self._roster, context, film)
        self._open[play.play_id] = play
        answers = self._let_go_surplus()
        needed = self._first_frame(play)
        missing = None if needed is None else segment.fault(needed) or (None if segment.holds(needed) else let_go())
        return answers + (self._reject(play, missing) if missing else self._close_if_over(play))

    def _let_go_surplus(self) -> Answers:
        """Let go of the segment that is one too many, if there is one, and close the plays on it."""
        answers: Answers = []
        segment_id = self._segments.surplus()
        for play in self._open_on(segment_id) if segment_id is not None else ():
            answers += self._close(play)
        return answers

    def _first_frame(self, play: _Play) -> int | None:
        """The first frame that an open play is known to need; 0: perhaps all of its segment. None: it needs none."""
        context = merged(play.contexts)
        task = task_of(context, self._tasks)
        assert task is not None
        return task.first_frame(self._header, context)

    def _open_on(self, segment_id: str) -> list[_Play]:
        return [play for play in self._open.values() if play.segment_id == segment_id]

    def _close_if_over(self, play: _Play) -> Answers:
        assert play.open is not None
        last_frame = self._segments[play.segment_id].last_frame
        try:
            over = play.open.is_complete() or (play.ends_at is not None and last_frame >= play.ends_at)
        except PlayscoreError as fault:
            return self._reject(play, fault)
        return self._close(play) if over else []

    def _close(self, play: _Play) -> Answers:
        assert play.open is not None
        try:
            return self._finish(play, play.open.tensor())
        except PlayscoreError as fault:
            return self._reject(play, fault)

    def _reject(self, play: _Play, fault: PlayscoreError, revision: int = 0) -> Answers:
        return self._finish(play, rejection(self._every_task, self._roster, merged(play.contexts), fault, revision))

    def _finish(self, play: _Play, outcome: Tensor | Rejection) -> Answers:
        self._open.pop(play.play_id, None)
        play.open = None
        play.finished = outcome.revision
        if play.contexts:
            context = merged(play.contexts)
            play.contexts = {context.revision: context}
        progress = self._progress
        progress.last_play_id, progress.last_revision = outcome.play_id, outcome.revision
        if isinstance(outcome, Tensor):
            progress.tensors += 1
        else:
            progress.rejections += 1
        return [outcome, self.checkpoint]
