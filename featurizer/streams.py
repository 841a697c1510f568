"""The stream of one game, message by message: decodes, hands to the core, encodes. Knows nothing of the transport."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from featurizer.core.game_stream import Answers, GameStream
from featurizer.core.progress import Game, Progress, game_of
from featurizer.core.task import Task, tasks_of
from featurizer.messages import outcome_to_message, progress_to_message, refused_play
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import GameOpened, OpenGame, StreamPlaysRequest, StreamPlaysResponse
from playscore.feed.v1.feed_pb2 import EndPlay, PlayContext
from playscore.game import GameHeader
from playscore.limits import is_identifier
from playscore.steps import Steps
from playscore.tracking.v1.tracking_pb2 import FrameBatch, TrackBatch
from playscore.wire.feed import context_from_message
from playscore.wire.tracking import frames_from_message, header_from_message, roster_from_message, track_from_message
from playscore.wire.validation import check, invalid
from servicekit.tokens import Keyring

Responses = list[StreamPlaysResponse]

BUSY: Final = 8
"""Plays that are open at once in a game as it is played."""


class MessageStream:
    """One game, from its header to the caller's half-close."""

    def __init__(self, header: GameHeader, stream: GameStream, game: Game, keyring: Keyring) -> None:
        self._header = header
        self._stream = stream
        self._game = game
        self._keyring = keyring

    @classmethod
    def open(
        cls, first: StreamPlaysRequest, tasks: Sequence[Task], keyring: Keyring
    ) -> tuple[MessageStream, StreamPlaysResponse]:
        """The stream that the first message opens, and the answer to it. The keyring signs its resume tokens.

        Raises:
            PlayscoreError: STREAM_ORDER, or what is wrong with the header or the resume token.
        """
        if not first.HasField("open"):
            raise PlayscoreError(
                Reason.STREAM_ORDER,
                f"the first message is {first.WhichOneof('message') or 'empty'}; a stream begins with open",
            )
        opening: OpenGame = first.open
        header = header_from_message(opening.header, "open.header")
        check(opening, "open", leaving=("header",))
        game = game_of(header, [task.specification for task in tasks_of(header, tasks)])
        resumed: Progress | None = None
        if opening.HasField("resume_token"):
            resumed = Progress.from_token(opening.resume_token.value, game, keyring)
        stream = GameStream(header, tasks, resumed)
        opened = GameOpened(plays_finished=stream.checkpoint.plays_finished)
        return cls(header, stream, game, keyring), StreamPlaysResponse(opened=opened)

    @property
    def is_busy(self) -> bool:
        """Whether so many plays are open that an answer may take long."""
        return self._stream.plays_open > BUSY

    def receive(self, request: StreamPlaysRequest) -> Steps[Responses]:
        """The answers to one message after the first, in steps.

        Raises:
            PlayscoreError: the stream cannot go on.
        """
        return (yield from self._told(self._answers(request)))

    def half_close(self) -> Steps[Responses]:
        """The last answers, in steps: the caller sends nothing more."""
        responses: Responses = []
        for answers in self._stream.half_close():
            responses += yield from self._told(answers)
        return responses

    def _told(self, answers: Answers) -> Steps[Responses]:
        responses: Responses = []
        for answer in answers:
            if isinstance(answer, Progress):
                token = answer.token(self._game, self._keyring)
                responses.append(progress_to_message(answer, token))
            else:
                responses.append(outcome_to_message(self._header, answer))
            yield
        return responses

    def _answers(self, request: StreamPlaysRequest) -> Answers:
        match request.WhichOneof("message"):
            case "frames":
                return self._frames(request.frames)
            case "track":
                return self._track(request.track)
            case "context":
                return self._context(request.context)
            case "end_play":
                return self._end_play(request.end_play)
            case "roster":
                players = roster_from_message(request.roster, self._header.team_ids)
                self._stream.add_players(players, request.roster.revision)
                return []
            case "open":
                raise PlayscoreError(
                    Reason.STREAM_ORDER, f"game {self._header.game_id} is open already; a stream carries one game"
                )
            case _:
                raise invalid("message", "must be set: one of roster, context, frames, track, end_play")

    def _context(self, message: PlayContext) -> Answers:
        try:
            context = context_from_message(message)
        except PlayscoreError as fault:
            if not is_identifier(message.play_id):
                raise  # there is no play to reject
            return self._stream.refuse_context(message.play_id, message.revision, fault, *refused_play(message))
        return self._stream.add_context(context)

    def _frames(self, message: FrameBatch) -> Answers:
        try:
            frames = frames_from_message(message)
        except PlayscoreError as fault:
            return self._refuse_film(message.segment_id, fault)
        return self._stream.add_frames(message.segment_id, frames)

    def _track(self, message: TrackBatch) -> Answers:
        try:
            track = track_from_message(message)
        except PlayscoreError as fault:
            return self._refuse_film(message.segment_id, fault)
        return self._stream.add_track(message.segment_id, track)

    def _refuse_film(self, segment_id: str, fault: PlayscoreError) -> Answers:
        if not is_identifier(segment_id):
            raise fault  # there is no segment whose plays could be rejected
        return self._stream.refuse_film(segment_id, fault)

    def _end_play(self, message: EndPlay) -> Answers:
        check(message, "end_play")
        last_frame = message.last_frame_number if message.HasField("last_frame_number") else None
        return self._stream.end_play(message.play_id, last_frame)
