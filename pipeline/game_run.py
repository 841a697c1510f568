"""One game under way: feed messages in, plays through the featurizer and the stages, corrections included.

A feed's messages may come in any order, twice, and late. What is streamed to the featurizer as it comes is also kept
(`GameRecord`), so that a play whose inputs change after it was answered is made again from the record: at a higher
revision, or with film that came too late. A play is finished when its record is acknowledged; until then it is tried
again, however often a service dies. Nothing depends on this process having scored a play: what was expected of it is
stored with its score, and its film comes from the feed or from the archive.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from pipeline.batch_stages import BatchStages
from pipeline.featurizing import GameStream, says_little
from pipeline.game_record import GameRecord, ToldPlay, segment_of
from pipeline.in_flight_play import InFlightPlay
from pipeline.results import PlayResult, ended
from pipeline.retry import GIVE_UP_SECONDS, until_it_answers
from pipeline.task import Featurizer, Stored, Task
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.wire.common import rejection
from playscore.wire.feed import outcome_revision

MAX_OPEN_PLAYS = 8
"""Plays whose film is streamed at once: as many segments as the featurizer keeps."""
MAX_IN_STAGES = 64
"""Plays of one game that may be on their way to their records before its feed has to wait."""
_STRUCK = {
    feed.PLAY_STATUS_NULLIFIED: (Reason.PLAY_NULLIFIED, "the play does not count: it was struck"),
    feed.PLAY_STATUS_WITHDRAWN: (Reason.PLAY_WITHDRAWN, "the source took the play back"),
}

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Play:
    """Where one play stands."""

    told: ToldPlay
    streamed: int = 0
    """The revision that the featurizer was told last; 0: none."""
    answered: int = 0
    """The revision of the featurizer's last answer; 0: none."""
    rejected: bool = False
    """The featurizer's last answer was a rejection."""
    ended: bool = False
    """The featurizer was told that its tracking is complete."""
    late: bool = False
    """A roster came after it was opened, or tracking after it was ended: a rejection may be for the lack of it."""
    closing_sent_at: float = 0.0
    current: InFlightPlay | None = None
    moving: bool = False
    """`current` is in the stages."""
    judged_by: feed.OfficialResult | None = None
    """The official result that was known when `current` entered the stages."""
    provisional: bool = False
    """`current` is a rejection that waits for tracking that may still come."""
    result: PlayResult | None = None

    @property
    def is_open(self) -> bool:
        """Its film is streamed, and the featurizer has not answered."""
        return self.streamed > self.answered


class GameRun:
    """One game. `run` takes its feed to the end.

    Args:
        game: which.
        client: the featurizer.
        tasks: those whose plays are scored.
        stages: shared by all games.
        archive: what is known of the game from before. It is not played again; corrections are made to it.
        give_up_seconds: how long a service may stay away.
    """

    def __init__(
        self,
        game: common.GameKey,
        client: Featurizer,
        tasks: Sequence[Task],
        stages: BatchStages,
        *,
        archive: Iterable[feed.FeedMessage] = (),
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> None:
        self._game = game
        self._client = client
        self._tasks = tasks
        self._stages = stages
        self._give_up_seconds = give_up_seconds
        self._record = GameRecord()
        self._plays: dict[str, _Play] = {}
        self._on_segment: defaultdict[str, set[_Play]] = defaultdict(set)
        """Plays that were streamed, by the segments that they were said to be in."""
        self._waiting: deque[_Play] = deque()
        self._results_told: set[str] = set()
        """Plays whose official result came in the feed, not in the archive."""
        self._stream: GameStream | None = None
        self._refusal: PlayscoreError | None = None
        self._in_stages = 0
        self._moved = asyncio.Event()
        self._room = asyncio.Event()
        self._telling = asyncio.Lock()
        """Held while one message, or a play with its film so far, goes to the stream: they must not mix."""
        self._opening: asyncio.Task[None] | None = None
        self._whole = False
        """Nothing more comes: what is missing stays missing."""
        for message in archive:
            self._record.add(message)
        for told in self._record.plays.values():
            known = told.revision(whole=True)
            self._plays[told.play_id] = _Play(told, streamed=known, answered=known)

    async def run(self, messages: AsyncIterable[feed.FeedMessage]) -> tuple[PlayResult, ...]:
        """Plays the feed, and returns every play that it touched, as it stands then.

        Where the featurizer refuses the game as a whole (a header it cannot read), every play that is left ends with
        that reason. Raises ConnectionError where a service stays away.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                async for message in messages:
                    async with self._telling:
                        if self._record.add(message):
                            await self._take(message, tasks)
                    await self._open_waiting()
                    await self._until(lambda: self._in_stages < MAX_IN_STAGES)
                self._whole = True
                await self._finish()
                if self._opening is not None:
                    self._opening.cancel()
        except ExceptionGroup as failures:
            raise min(failures.exceptions, key=says_little) from None
        return tuple(play.result for play in self._plays.values() if play.result is not None)

    async def _take(self, message: feed.FeedMessage, tasks: asyncio.TaskGroup) -> None:
        """What follows from a message that said something new."""
        match message.WhichOneof("message"):
            case "header" if self._stream is not None:
                await self._stream.turn_to(message.header)
            case "header":
                self._stream = GameStream(
                    message.header,
                    self._client,
                    backlog=self._backlog,
                    on_answer=self._on_answer,
                    is_current=self._is_current,
                    give_up_seconds=self._give_up_seconds,
                )
                tasks.create_task(self._follow(self._stream))
                self._opening = tasks.create_task(self._keep_opening())
            case "roster":
                for play in self._plays.values():
                    play.late = play.late or play.streamed > 0
                await self._send(featurizer.StreamPlaysRequest(roster=self._record.roster()))
            case "frames":
                self._note_late(message.frames.segment_id)
                await self._send_frames(message)
            case "track":
                self._note_late(message.track.segment_id)
                if any(self._open_in(message.track.segment_id)):
                    await self._send(featurizer.StreamPlaysRequest(track=message.track))
            case "context":
                await self._tell(self._play(message.context.play_id))
            case "end_play":
                await self._end(self._play(message.end_play.play_id))
            case "official_result":
                self._results_told.add(message.official_result.play_id)
                self._grade(message.official_result)

    def _note_late(self, segment_id: str) -> None:
        for play in self._on_segment[segment_id]:
            play.late = play.late or play.ended

    # --- The featurizer's stream ---

    async def _follow(self, stream: GameStream) -> None:
        try:
            await stream.run()
        except PlayscoreError as failure:
            log.warning("game refused", game_id=self._game.game_id, reason=failure.reason.name, detail=str(failure))
            self._refusal = failure
            for play in [play for play in self._plays.values() if play.is_open]:
                self._refuse(play, failure)
        finally:
            self._moved.set()

    def _backlog(self) -> Iterator[featurizer.StreamPlaysRequest]:
        """What a new connection must be told: who may appear, and open plays."""
        if self._record.rosters:
            yield featurizer.StreamPlaysRequest(roster=self._record.roster())
        for play in self._plays.values():
            if play.is_open:
                yield from self._requests(play)

    def _is_current(self, request: featurizer.StreamPlaysRequest) -> bool:
        """False for the end of a play that was answered meanwhile: a new connection does not know it."""
        return not request.HasField("end_play") or self._plays[request.end_play.play_id].is_open

    def _requests(self, play: _Play) -> Iterator[featurizer.StreamPlaysRequest]:
        """A play as far as it was told."""
        context = play.told.context(play.streamed)
        film = self._record.film_of(context)
        yield featurizer.StreamPlaysRequest(context=context)
        for track in film.tracks:
            yield featurizer.StreamPlaysRequest(track=track)
        for frames in film.frames:
            yield featurizer.StreamPlaysRequest(frames=frames)
        if play.ended or self._record.film_has_ended(play.told, context):
            yield self._end_of(play)

    async def _send(self, request: featurizer.StreamPlaysRequest) -> None:
        if self._stream is not None and self._refusal is None:
            await self._stream.send(request)

    async def _send_frames(self, message: feed.FeedMessage) -> None:
        plays = list(self._open_in(message.frames.segment_id))
        if plays:
            closing = any(task.closes(message.frames) for task in self._tasks)
            for play in plays:
                if closing or not play.closing_sent_at:
                    play.closing_sent_at = time.perf_counter()
            await self._send(featurizer.StreamPlaysRequest(frames=message.frames))
        for play in plays:
            await self._end(play)

    def _open_in(self, segment_id: str) -> Iterator[_Play]:
        return (play for play in self._on_segment[segment_id] if play.is_open)

    def _on_answer(self, answer: featurizer.StreamPlaysResponse) -> None:
        self._room.set()
        if answer.HasField("tensor"):
            self._answer(self._plays[answer.tensor.key.play_id], answer.tensor.revision, answer.tensor)
        else:
            self._answer(self._plays[answer.rejection.key.play_id], answer.rejection.revision, answer.rejection)

    # --- Plays ---

    async def _tell(self, play: _Play) -> None:
        """A context of the play came: open it, add to it, or make it again."""
        revision = play.told.revision(whole=self._whole)
        if revision <= play.streamed:
            return
        if play.answered:
            await self._make_again(play, revision)
        elif play.is_open:
            context = self._turn_to(play, revision)
            await self._send(featurizer.StreamPlaysRequest(context=context))
        elif play not in self._waiting:
            self._waiting.append(play)

    def _turn_to(self, play: _Play, revision: int) -> feed.PlayContext:
        """The play is featurized at a revision now; what is known of it there."""
        context = play.told.context(revision)
        play.streamed = revision
        self._on_segment[segment_of(context)].add(play)
        return context

    async def _keep_opening(self) -> None:
        """Stream plays that wait whenever an answer makes room, though the feed may be silent."""
        while True:
            await self._room.wait()
            self._room.clear()
            await self._open_waiting()

    async def _open_waiting(self) -> None:
        """Stream plays that wait, as far as there is room."""
        async with self._telling:
            while self._waiting and self._stream is not None:
                open_plays = [play for play in self._plays.values() if play.is_open]
                if len(open_plays) >= MAX_OPEN_PLAYS:
                    oldest = next((play for play in open_plays if not play.ended), None)
                    if len(self._waiting) >= MAX_OPEN_PLAYS and oldest is not None:
                        # So many plays have begun since that its film is over, whether the source says so or not.
                        await self._send(self._end_of(oldest))
                    return
                play = self._waiting.popleft()
                self._turn_to(play, play.told.revision(whole=self._whole))
                if self._refusal is not None:
                    self._refuse(play, self._refusal)
                for request in self._requests(play):
                    if request.HasField("frames"):
                        play.closing_sent_at = time.perf_counter()
                    await self._send(request)

    async def _end(self, play: _Play) -> None:
        if play.is_open and self._record.film_has_ended(play.told, play.told.context(play.streamed)):
            await self._send(self._end_of(play))

    def _answer(self, play: _Play, revision: int, answer: featurizer.PlayTensor | common.Rejection) -> None:
        """The featurizer has answered for a play at a revision, perhaps again: a resumed stream repeats itself."""
        if revision < play.answered or (revision == play.answered and not play.rejected):
            return
        play.answered = revision
        tensor = answer if isinstance(answer, featurizer.PlayTensor) else None
        refused = answer if isinstance(answer, common.Rejection) else None
        context = play.told.context(revision)
        play.rejected = refused is not None
        current = InFlightPlay(
            self._key(play),
            revision,
            self._on_recorded,
            task=None if tensor is None else next(task for task in self._tasks if task.owns(tensor)),
            tensor=tensor,
            rejection=refused,
            result=self._record.results.get(play.told.play_id),
        )
        current.begin(play.closing_sent_at or time.perf_counter())
        may_change = not (self._whole or context.status in _STRUCK or self._record.film_has_ended(play.told, context))
        if refused is not None and may_change:
            play.current, play.provisional = current, True
            self._moved.set()
        else:
            self._enter(play, current)

    def _refuse(self, play: _Play, failure: PlayscoreError) -> None:
        self._answer(
            play, play.streamed, rejection(self._key(play), play.streamed, failure.reason.value, failure.detail)
        )

    def _enter(self, play: _Play, current: InFlightPlay) -> None:
        play.current, play.moving, play.provisional, play.judged_by = current, True, False, current.result
        self._in_stages += 1
        self._stages.take(current)

    def _on_recorded(self, recorded: InFlightPlay) -> None:
        play = self._plays[recorded.key.play_id]
        self._in_stages -= 1
        if recorded is play.current:
            play.moving = False
            play.result = recorded.outcome()
            if recorded.result is not play.judged_by:
                self._judge_again(play, recorded)
        self._moved.set()

    # --- Corrections ---

    def _grade(self, result: feed.OfficialResult) -> None:
        """An official result came: grade what was scored by it. A play that is still on its way meets it there."""
        play = self._plays.get(result.play_id)
        if play is None or play.current is None:
            return
        play.current.result = result
        if not play.moving:
            self._judge_again(play, play.current)

    def _judge_again(self, play: _Play, current: InFlightPlay) -> None:
        """A later official result is known: the task may accept what it rejected by an earlier one."""
        rejected, current.rejection = current.rejection, None
        if current.needs_grade or (current.scored is None and current.tensor is not None):
            current.begin(0.0)
            self._enter(play, current)
        else:
            current.rejection = rejected

    async def _make_again(self, play: _Play, revision: int) -> None:
        """Featurize a play whole, from the record, at a revision."""
        context = self._turn_to(play, revision)
        if context.status in _STRUCK:
            reason, detail = _STRUCK[context.status]
            self._answer(play, revision, rejection(self._key(play), revision, reason.value, detail))
            return
        if self._record.header is None:
            play.answered = revision
            refused = rejection(
                self._key(play),
                revision,
                Reason.TRACKING_UNAVAILABLE.value,
                "neither feed nor archive has the game's header and tracking: name the data that it is played from",
            )
            play.result = ended(self._key(play), revision, None, None, refused, recorded=False)
            return
        await self._keep_stored_result(play)
        header, roster, whole = self._record.header, self._record.roster(), self._record.whole_play(context)
        try:
            answer = await until_it_answers(
                lambda: self._client.featurize_plays(header, roster, [whole]), self._give_up_seconds
            )
        except PlayscoreError as failure:
            self._refuse(play, failure)
            return
        play.closing_sent_at = time.perf_counter()
        made: list[featurizer.PlayTensor | common.Rejection] = [*answer.tensors, *answer.rejections]
        for each in made:
            self._answer(play, revision, each)

    async def _keep_stored_result(self, play: _Play) -> None:
        """Where another process has graded the play by a later result than is known here, that one counts."""
        if play.current is not None:
            return
        for task in self._tasks:
            stored = await self._stored(task, play)
            if stored is not None and stored.result is not None:
                known = self._record.results.get(play.told.play_id)
                if known is None or outcome_revision(known) < outcome_revision(stored.result):
                    self._record.results[play.told.play_id] = stored.result

    async def _finish(self) -> None:
        """The feed is at its end: everything ends with what has come."""
        for play in [self._play(play_id) for play_id in self._record.plays]:
            await self._tell(play)
        await self._open_waiting()
        if self._stream is None:
            for play in self._waiting:
                await self._make_again(play, play.told.revision(whole=True))
        else:
            while open_plays := [play for play in self._plays.values() if play.is_open]:
                for play in open_plays:
                    await self._send(self._end_of(play))
                await self._until(lambda: not any(play.is_open for play in open_plays))
                await self._open_waiting()
            await self._stream.finish()
        await self._until(lambda: not self._in_stages)
        if self._record.unknown_messages:
            log.warning("messages of a later contract skipped", count=self._record.unknown_messages)
        for play in [play for play in self._plays.values() if play.rejected]:
            if play.late and play.told.context(play.answered).status not in _STRUCK:
                await self._make_again(play, play.answered)
            elif play.provisional and play.current is not None:
                self._enter(play, play.current)
        for play_id in self._results_told:
            await self._grade_stored(self._play(play_id))
        await self._until(lambda: not self._in_stages)

    async def _grade_stored(self, play: _Play) -> None:
        """Grade a play by an official result of the feed, if it was scored by another process."""
        if play.current is not None or play.result is not None:
            return
        key, result = self._key(play), self._record.results[play.told.play_id]
        for task in self._tasks:
            stored = await self._stored(task, play)
            if stored is not None:
                current = InFlightPlay(
                    key, stored.revision, self._on_recorded, task=task, scored=stored.scored, result=result
                )
                if current.needs_grade:
                    self._enter(play, current)
                else:
                    play.result = current.outcome()
                return
        if self._record.header is not None and play.answered:
            # Nothing is stored, because it was rejected: perhaps by an earlier result.
            revision, play.answered = play.answered, 0
            await self._make_again(play, revision)
            return
        refused = rejection(
            key, 1, Reason.SUBJECT_NOT_FOUND.value, "an official result of a play of which no score is stored"
        )
        play.result = ended(key, 1, None, None, refused, recorded=False)

    # --- The rest ---

    async def _stored(self, task: Task, play: _Play) -> Stored | None:
        key, after = self._key(play), self._stages.revision
        return await until_it_answers(lambda: task.stored(key, after), self._give_up_seconds)

    def _end_of(self, play: _Play) -> featurizer.StreamPlaysRequest:
        play.ended = True
        return featurizer.StreamPlaysRequest(end_play=feed.EndPlay(play_id=play.told.play_id))

    def _play(self, play_id: str) -> _Play:
        if play_id not in self._plays:
            self._plays[play_id] = _Play(self._record.play(play_id))
        return self._plays[play_id]

    def _key(self, play: _Play) -> common.PlayKey:
        return common.PlayKey(league=self._game.league, game_id=self._game.game_id, play_id=play.told.play_id)

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._moved.clear()
            await self._moved.wait()
