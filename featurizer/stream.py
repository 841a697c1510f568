"""The stream of one game: messages in, messages out. Knows nothing of the transport.

Every play that opens ends in exactly one tensor or rejection, and a checkpoint follows it. What comes for a play that
is finished is passed over, frames and contexts being counted: its tensor has left. Only a context of a higher revision
opens it again, as a correction whose frames are sent anew.

A resumed stream knows which play was finished last and no earlier one. So until a context opens a play, frames and ends
of any play are passed over. A context of an earlier play opens it again: its answer is the one it had.

A play that is wrong in itself is rejected and the stream goes on. PlayscoreError is raised, and ends the stream, where
nothing after it could be trusted.
"""

from __future__ import annotations

from typing import Final

from featurizer.core.columns import PASSING
from featurizer.core.play import OpenPlay, Rejection, Tensor, check_header
from featurizer.messages import refusal, refused_to_message, tensor_to_message
from featurizer.progress import Progress
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import (
    Checkpoint,
    EndPlay,
    GameOpened,
    OpenGame,
    StreamPlaysRequest,
    StreamPlaysResponse,
)
from playscore.game import GameHeader, Player
from playscore.game_messages import (
    MAX_ROSTER,
    context_from_message,
    frames_from_message,
    header_from_message,
    is_identifier,
    roster_from_message,
)
from playscore.tracking.v1.tracking_pb2 import FrameBatch, PlayContext, Roster

MAX_PLAYS: Final = 2_000
"""Plays of a game that one stream takes."""

Responses = list[StreamPlaysResponse]


class GameStream:
    """One game, from its header to the caller's half-close. Holds at most one open play."""

    def __init__(self, header: GameHeader, progress: Progress) -> None:
        self._header = header
        self._roster: dict[str, Player] = {}
        self._progress = progress
        self._open: OpenPlay | None = None
        self._finished: dict[str, int] = {}
        """Revisions of the plays that this stream has finished, and of the one that it was resumed after."""
        if progress.last_play_id:
            self._finished[progress.last_play_id] = progress.last_revision
        self._resuming = bool(progress.last_play_id)
        """It was resumed, and no play has opened since."""
        self._overfull: PlayscoreError | None = None
        """One play too many was told of: the stream ends, once the answers to the plays before it are out."""

    @classmethod
    def open(cls, first: StreamPlaysRequest) -> tuple[GameStream, StreamPlaysResponse]:
        """The stream that the first message opens, and the answer to it."""
        if not first.HasField("open"):
            raise PlayscoreError(
                Reason.STREAM_ORDER,
                f"the first message is {first.WhichOneof('message') or 'empty'}; a stream begins with open",
            )
        opening: OpenGame = first.open
        header = header_from_message(opening.header, "open.header")
        check_header(header)
        progress = Progress.from_token(opening.resume_token, header) if opening.resume_token else Progress()
        opened = GameOpened(feature_specification_id=PASSING.id, resumed_after_play_id=progress.last_play_id)
        return cls(header, progress), StreamPlaysResponse(opened=opened)

    def receive(self, request: StreamPlaysRequest) -> Responses:
        """The answers to one message after the first."""
        if self._overfull:
            raise self._overfull
        match request.WhichOneof("message"):
            case "roster":
                return self._add_players(request.roster)
            case "context":
                return self._tell(request.context)
            case "frames":
                return self._add_frames(request.frames)
            case "end_play":
                return self._end_play(request.end_play)
            case "open":
                raise PlayscoreError(
                    Reason.STREAM_ORDER, f"game {self._header.game_id} is open already; a stream carries one game"
                )
            case _:
                raise PlayscoreError(
                    Reason.FIELD_INVALID,
                    "a message is empty; one of roster, context, frames, end_play must be set",
                    fields=(FieldViolation("message", "must be set"),),
                )

    def half_close(self) -> Responses:
        """The last answers: the caller sends nothing more."""
        if self._overfull:
            raise self._overfull
        return self._close()

    def _add_players(self, roster: Roster) -> Responses:
        players = roster_from_message(roster, (self._header.home_team_id, self._header.away_team_id))
        self._roster.update((player.player_id, player) for player in players)
        if len(self._roster) > MAX_ROSTER:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"the rosters of the game name {len(self._roster)} players; at most {MAX_ROSTER} may",
                fields=(FieldViolation("roster.players", f"must be at most {MAX_ROSTER} in all"),),
            )
        return []

    def _tell(self, message: PlayContext) -> Responses:
        self._check_game(message.game_id, "context")
        play_id = message.play_id
        if play_id in self._finished and message.revision <= self._finished[play_id]:
            self._progress.contexts_passed_over += 1
            return []
        try:
            context = context_from_message(message)
        except PlayscoreError as fault:
            if not is_identifier(play_id):
                raise  # there is no play to reject
            return self._refuse(message, fault)
        if self._open and self._open.context.play_id == play_id:
            if not self._open.amend(context):
                self._progress.contexts_passed_over += 1
            return []
        responses = self._turn_to_another(play_id)
        if self._overfull:
            return responses
        self._open = OpenPlay(self._header, self._roster, context)
        return responses

    def _refuse(self, message: PlayContext, fault: PlayscoreError) -> Responses:
        """A context that is wrong: its play is over before it began, or where it stands."""
        if self._open and self._open.context.play_id == message.play_id:
            self._open.refuse(fault)
            return self._close()
        responses = self._turn_to_another(message.play_id)
        return responses if self._overfull else responses + self._finish(refusal(message, fault))

    def _turn_to_another(self, play_id: str) -> Responses:
        """Close the open play, if any: another one begins, if there is room for it."""
        responses = self._close()
        self._resuming = False
        if play_id not in self._finished and len(self._finished) >= MAX_PLAYS:
            self._overfull = PlayscoreError(
                Reason.FIELD_INVALID,
                f"play {play_id!r} is one more than the {MAX_PLAYS} plays that a stream takes; no game has so many",
                fields=(FieldViolation("context.play_id", f"must be one of at most {MAX_PLAYS}"),),
            )
        return responses

    def _add_frames(self, message: FrameBatch) -> Responses:
        self._check_game(message.game_id, "frames")
        if self._open is None or self._open.context.play_id != message.play_id:
            self._check_finished(message.play_id, "frames")
            self._progress.frames_passed_over += len(message.frame_numbers)
            return []
        try:
            complete = self._open.add(frames_from_message(message))
        except PlayscoreError as fault:
            self._open.refuse(fault)
            complete = True
        return self._close() if complete else []

    def _end_play(self, message: EndPlay) -> Responses:
        self._check_game(message.game_id, "end_play")
        if self._open and self._open.context.play_id == message.play_id:
            return self._close()
        self._check_finished(message.play_id, "end_play")
        return []

    def _close(self) -> Responses:
        play, self._open = self._open, None
        return self._finish(play.close()) if play else []

    def _finish(self, outcome: Tensor | Rejection) -> Responses:
        progress = self._progress
        self._finished[outcome.play_id] = outcome.revision
        progress.last_play_id, progress.last_revision = outcome.play_id, outcome.revision
        if isinstance(outcome, Tensor):
            progress.tensors += 1
            answer = StreamPlaysResponse(tensor=tensor_to_message(self._header, outcome))
        else:
            progress.rejections += 1
            answer = StreamPlaysResponse(rejection=refused_to_message(self._header, outcome))
        checkpoint = Checkpoint(
            resume_token=progress.token(self._header),
            last_play_id=progress.last_play_id,
            plays_finished=progress.plays_finished,
            tensors=progress.tensors,
            rejections=progress.rejections,
            frames_passed_over=progress.frames_passed_over,
            contexts_passed_over=progress.contexts_passed_over,
        )
        return [answer, StreamPlaysResponse(checkpoint=checkpoint)]

    def _check_game(self, game_id: str, field: str) -> None:
        if game_id != self._header.game_id:
            raise PlayscoreError(
                Reason.GAME_MISMATCH,
                f"{field} belongs to game {game_id!r}; this is the stream of game {self._header.game_id!r}",
                fields=(FieldViolation(f"{field}.game_id", f"must be {self._header.game_id!r}"),),
            )

    def _check_finished(self, play_id: str, field: str) -> None:
        if play_id not in self._finished and not self._resuming:
            raise PlayscoreError(
                Reason.STREAM_ORDER, f"{field} came for play {play_id!r} before any context opened that play"
            )
