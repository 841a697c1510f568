"""One game under way: feed messages in, plays through the featurizer and the stages, corrections included.

A feed's messages may come in any order, twice, and late. What is streamed to the featurizer as it comes is also kept
(`GameRecord`), so that a play whose inputs change after it was answered is made again from the record: at a higher
revision, or with tracking that came too late. A play is finished when its record is acknowledged; until then it is
tried again, however often a service dies. Nothing depends on this process having scored a play: what was expected of
it is stored with its score, and its tracking comes from the feed or from the archive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence

import structlog

from pipeline.batch_stages import BatchStages
from pipeline.featurizing import GameStream, by_what_it_says
from pipeline.game_record import GameRecord
from pipeline.held_film import HeldFilm
from pipeline.in_flight_play import InFlightPlay
from pipeline.open_plays import OpenPlays
from pipeline.play_run import Known, PlayRun
from pipeline.play_traces import PlayTraces
from pipeline.remaking import FOR_LACK_OF_TRACKING, STRUCK, Remaking
from pipeline.results import Ending, PlayResult
from pipeline.retry import GIVE_UP_SECONDS
from pipeline.streamed_film import StreamedFilm
from pipeline.task import Featurizer, Task
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.common import rejected
from playscore.wire.told_game import segment_of
from servicekit.spans import Span

MAX_BUSY_PLAYS = 64
"""Plays of one game that may be on their way to their records before its feed has to wait."""

log = structlog.get_logger()


class GameRun:
    """One game. `run` takes its feed to the end.

    Args:
        game: which.
        client: the featurizer.
        tasks: those whose plays are scored.
        stages: shared by all games.
        archive: what is known of the game from before. It is not played again; corrections are made to it.
        goes_on: the archive is the feed so far of a game under way: plays that follow are streamed.
        give_up_seconds: how long a service may be unavailable.
        traceparent: the trace that the message of the feed belongs to which is being taken; empty for none.
    """

    def __init__(
        self,
        game: common.GameKey,
        client: Featurizer,
        tasks: Sequence[Task],
        stages: BatchStages,
        *,
        archive: Iterable[feed.FeedMessage] = (),
        goes_on: bool = False,
        give_up_seconds: float = GIVE_UP_SECONDS,
        traceparent: Callable[[], str] = lambda: "",
    ) -> None:
        self.refused_messages: list[str] = []
        """What was wrong with messages of the feed that could not be taken in, and where."""
        self._game = game
        self._client = client
        self._tasks = tasks
        self._stages = stages
        self._give_up_seconds = give_up_seconds
        self._goes_on = goes_on
        self._record = GameRecord.of(game)
        self._plays: dict[str, PlayRun] = {}
        self._film = StreamedFilm(self._record)
        self._held = HeldFilm()
        self._open = OpenPlays()
        self._traces = PlayTraces(traceparent)
        self._deferred: dict[PlayRun, None] = {}
        """Plays that the stream cannot make of their own tracking, until that has ended."""
        self._moved = asyncio.Event()
        self._remaking = Remaking(
            self._record,
            client,
            tasks,
            key=self._key,
            known=self._known,
            answers=self,
            on_idle=self._moved.set,
            give_up_seconds=give_up_seconds,
        )
        self._in_stages: set[InFlightPlay] = set()
        self._results_told: set[str] = set()
        """Plays whose official result came in the feed, not in the archive."""
        self._looking_up: set[PlayRun] = set()
        """Plays of the archive whose stored score is being looked up, for a result that has come."""
        self._refused_plays: dict[str, PlayscoreError] = {}
        """Plays that are named by messages that could not be taken in."""
        self._stream: GameStream | None = None
        self._refusal: PlayscoreError | None = None
        """Why the featurizer takes nothing of the game."""
        self._room = asyncio.Event()
        self._telling = asyncio.Lock()
        """Held while one message, or a play with its tracking so far, goes to the stream: they must not mix."""
        self._settling: asyncio.Task[None] | None = None
        """Settles the plays of a game whose end was told, while its feed goes on."""
        self._feed_ended = False
        """Nothing more comes: what is missing stays missing."""
        self._record.add_all(archive)
        self._tasks_of_sport: tuple[Task, ...] = ()
        """The tasks that score plays of the game."""
        self._follows_film = False
        """Film goes to the featurizer though no play is open on it."""
        self._heed_header()
        for told in self._record.plays.values():
            known = told.revision(whole=True)
            self._plays[told.play_id] = PlayRun(told, asked=known, answered=known)
        for result in self._record.results.values():
            self._play(result.play_id).learn(result)

    async def run(self, messages: AsyncIterable[feed.FeedMessage]) -> tuple[PlayResult, ...]:
        """Plays the feed, and returns every play that it touched, as it stands then.

        Where the featurizer refuses the game as a whole (a header it cannot read), every play that is left ends with
        that reason. Raises ConnectionError where a service stays away, and what reading the feed raises.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                beside = [tasks.create_task(self._remaking.work()), tasks.create_task(self._keep_opening())]
                if self._goes_on and self._record.header is not None:
                    await self._turn_to_header(tasks)
                async for message in messages:
                    async with self._telling:
                        await self._take(message, tasks)
                    if self._open.waiting:
                        await self._open_waiting()
                    await self._until(lambda: len(self._in_stages) + len(self._remaking) < MAX_BUSY_PLAYS)
                self._feed_ended = True
                async with self._telling:
                    for play in [self._play(play_id) for play_id in self._record.plays]:
                        await self._tell(play)
                if self._settling is not None:
                    await self._settling
                await self._settle()
                if self._stream is not None:
                    await self._send_held()
                    await self._stream.finish()
                for task in beside:
                    task.cancel()
        except ExceptionGroup as failures:
            raise min(failures.exceptions, key=by_what_it_says) from None
        for play_id, error in self._refused_plays.items():
            if self._play(play_id).result is None:
                self._report(self._play(play_id), 0, error)
        for player in self._record.strangers():
            self.refused_messages.append(
                f"roster: player {player.player_id!r} is of team {player.team_id!r}, which does not play in this game"
            )
        if self._record.unknown_messages:
            log.warning("messages of a later contract skipped", count=self._record.unknown_messages)
        return self.results

    @property
    def results(self) -> tuple[PlayResult, ...]:
        """Every play that was touched so far, as it stands."""
        return tuple(play.result for play in self._plays.values() if play.result is not None)

    @property
    def waits_for_film(self) -> bool:
        """Whether a play is open at the featurizer: its film has not ended."""
        return len(self._open) > 0

    @property
    def is_recorded(self) -> bool:
        """Whether all that was told so far is played, recorded and graded: a run that has it as its archive can go on.

        False where more can be expected of what was told: film, a result, the play of some film.
        """
        if self._in_stages or self._remaking or self._looking_up or self._refused_plays or self._stream is None:
            return False
        if len(self._open) or self._open.waiting or self._deferred or not self._record.has_both_rosters:
            return False
        told = self._record.plays.values()
        filmed_for = {segment_of(play.context(play.revision(whole=True))) for play in told if play.contexts}
        return self._record.segments.keys() <= filmed_for and all(map(self._is_recorded, self._plays.values()))

    def _is_recorded(self, play: PlayRun) -> bool:
        if not play.told.contexts:
            return False
        context = play.told.context(play.told.revision(whole=True))
        if play.answered != play.told.revision(whole=True) or play.held:
            return False
        if context.status not in STRUCK and not self._record.tracking_has_ended(play.told, context):
            return False
        if play.current is None:
            return True  # it is of the archive, and nothing new was told of it
        return play.result is not None and play.result.recorded and play.result.ending is not Ending.UNGRADED

    # --- What the feed says ---

    async def _take(self, message: feed.FeedMessage, tasks: asyncio.TaskGroup) -> None:
        kind = message.WhichOneof("message")
        try:
            if not self._record.add(message):
                return
        except PlayscoreError as error:
            self._refuse_message(message, error)
            return
        match kind:
            case "header":
                await self._turn_to_header(tasks)
            case "roster":
                await self._send(featurizer.StreamPlaysRequest(roster=self._record.roster()))
            case "frames":
                await self._send_frames(message)
            case "track":
                await self._send_track(message.track)
            case "context":
                await self._tell(self._play(message.context.play_id))
            case "end_play":
                await self._end(self._play(message.end_play.play_id))
            case "end_game":
                self._settling = tasks.create_task(self._settle())
            case "official_result":
                self._results_told.add(message.official_result.play_id)
                play = self._play(message.official_result.play_id)
                self._judge(play, message.official_result)
                if play.answered and play.current is None and not play.remaking:
                    tasks.create_task(self._grade_archived(play))

    def _refuse_message(self, message: feed.FeedMessage, error: PlayscoreError) -> None:
        kind = message.WhichOneof("message") or "message"
        log.warning("message refused", game_id=self._game.game_id, kind=kind, detail=error.detail)
        play_id = getattr(getattr(message, kind, None), "play_id", "")
        self.refused_messages.append(f"{kind} of play {play_id!r}: {error.detail}" if play_id else error.detail)
        if play_id:
            self._refused_plays.setdefault(play_id, error)

    async def _send_frames(self, message: feed.FeedMessage) -> None:
        segment_id = message.frames.segment_id
        plays = self._open.on(segment_id)
        if self._follows_film:
            self._film.goes_on(message.frames)
        if plays or self._follows_film:
            closing = self._may_close(message.frames)
            for play in plays:
                if closing or not play.closing_sent_at:
                    play.closing_sent_at = time.perf_counter()
                play.may_close = play.may_close or closing
            held = not self._follows_film and self._held.add_frames(message.frames)
            await self._send_film(featurizer.StreamPlaysRequest(frames=message.frames), plays, held=held)
        for play in [*plays, *(play for play in self._deferred if self._segment(play) == segment_id)]:
            await self._end(play)

    async def _send_track(self, track: tracking.TrackBatch) -> None:
        plays = self._open.on(track.segment_id)
        if plays or self._follows_film:
            held = not self._follows_film and self._held.add_track(track)
            await self._send_film(featurizer.StreamPlaysRequest(track=track), plays, held=held)

    async def _send_film(self, film: featurizer.StreamPlaysRequest, plays: Iterable[PlayRun], *, held: bool) -> None:
        """Send film now, with what is held, unless it is held itself and can close none of the plays on its segment."""
        if not held:
            await self._send(film)
        elif self._held.is_full or any(play.may_close for play in plays):
            await self._send_held()

    def _may_close(self, frames: tracking.FrameBatch) -> bool:
        return any(task.closes(frames) for task in self._tasks_of_sport)

    async def _tell(self, play: PlayRun) -> None:
        """A context of the play came: open it, add to it, or make it again."""
        revision = play.told.revision(whole=self._feed_ended)
        if revision <= play.asked:
            return
        if play.answered or play.remaking:
            self._remaking.put(play, revision)
        elif play.is_open and self._follows_film and self._is_behind(play):
            self._put_back(play)
        elif play.is_open:
            segment = self._open.segment(play)
            context = self._turn_to(play, revision)
            if segment_of(context) == segment:
                await self._send(featurizer.StreamPlaysRequest(context=context))
            else:
                await self._send_told(play)
        elif play not in self._open.waiting and play not in self._deferred:
            self._open.waiting.append(play)

    def _turn_to(self, play: PlayRun, revision: int) -> feed.PlayContext:
        """The featurizer is asked for the play at a revision; what is known of it there."""
        context = play.told.context(revision)
        play.asked = revision
        play.may_close = play.may_close or context.HasField("release_frame")
        self._open.open(play, segment_of(context))
        return context

    def _judge(self, play: PlayRun, result: feed.OfficialResult) -> None:
        """An official result came: grade by it what was scored. A play that is still on its way meets it there."""
        play.learn(result)
        if play.current is not None and play.current not in self._in_stages:
            self._judge_again(play, play.current)

    def _judge_again(self, play: PlayRun, current: InFlightPlay) -> None:
        if current.judge_again():
            current.untimed()
            self._enter(play, current)

    # --- The featurizer's stream ---

    def _heed_header(self) -> None:
        """The header decides which tasks score plays of the game, and whether film goes on though no play is open."""
        header = self._record.header
        self._tasks_of_sport = tuple(task for task in self._tasks if header is not None and task.sport == header.sport)
        self._follows_film = (
            header is not None
            and header.HasField("frame_rate_hertz")
            and any(task.follows_film for task in self._tasks_of_sport)
        )

    async def _turn_to_header(self, tasks: asyncio.TaskGroup) -> None:
        header = self._record.header
        assert header is not None
        self._heed_header()
        if self._stream is not None and self._refusal is None:
            await self._stream.turn_to(header)
            return
        self._refusal = None
        self._stream = GameStream(
            header,
            self._client,
            backlog=lambda: map(self._traces.tagged, self._backlog()),
            on_answer=self._on_answer,
            is_current=self._is_current,
            give_up_seconds=self._give_up_seconds,
        )
        tasks.create_task(self._follow(self._stream))

    async def _follow(self, stream: GameStream) -> None:
        try:
            await stream.run()
        except PlayscoreError as failure:
            log.warning("game refused", game_id=self._game.game_id, reason=failure.reason.name, detail=str(failure))
            self._refusal = failure
            for play in self._open:
                self.refuse(play, play.asked, failure)
        finally:
            self._moved.set()

    def _backlog(self) -> Iterator[featurizer.StreamPlaysRequest]:
        """What a new connection must be told: who may appear, and open plays with their film."""
        self._held.clear()
        if self._record.has_roster:
            yield featurizer.StreamPlaysRequest(roster=self._record.roster())
        if not self._follows_film:
            for play in self._open:
                yield from self._whole(play)
            return
        yield from self._film.begin()
        for play in self._open:
            if self._is_behind(play):
                self._put_back(play)
            else:
                yield from self._told(play)

    def _is_current(self, request: featurizer.StreamPlaysRequest) -> bool:
        """False for the end of a play that was answered meanwhile: a new connection does not know it."""
        return not request.HasField("end_play") or self._plays[request.end_play.play_id].is_open

    def _told(self, play: PlayRun) -> Iterator[featurizer.StreamPlaysRequest]:
        """A play as far as it was told, where its film goes to the featurizer anyway."""
        context = play.told.context(play.asked)
        yield featurizer.StreamPlaysRequest(context=context)
        if play.end_told or self._record.tracking_has_ended(play.told, context):
            yield self._end_of(play)
            yield _end_with_what_has_come(play)

    def _whole(self, play: PlayRun) -> Iterator[featurizer.StreamPlaysRequest]:
        """A play as far as it was told, with its film so far."""
        context = play.told.context(play.asked)
        whole = self._record.whole_play(play.told, context)
        yield featurizer.StreamPlaysRequest(context=context)
        last = self._last_frame(play, context)
        if last is not None:
            play.overrun = False
            yield self._end_of(play)
        for track in whole.tracks:
            yield featurizer.StreamPlaysRequest(track=track)
        for frames in whole.frames:
            yield featurizer.StreamPlaysRequest(frames=frames)
        if last is not None:
            if all(last not in frames.frame_numbers for frames in whole.frames):
                yield _end_with_what_has_come(play)
        elif play.end_told or self._record.tracking_has_ended(play.told, context):
            yield self._end_of(play)

    async def _send(self, request: featurizer.StreamPlaysRequest) -> None:
        await self._send_held()
        if self._stream is not None and self._refusal is None:
            await self._stream.send(self._traces.tagged(request))

    async def _send_held(self) -> None:
        """Send the film that is held: it came before whatever is sent next."""
        if self._stream is None or self._refusal is not None:
            return
        track, frames = self._held.take()
        if track is not None:
            await self._stream.send(self._traces.tagged(featurizer.StreamPlaysRequest(track=track)))
        if frames is not None:
            await self._stream.send(self._traces.tagged(featurizer.StreamPlaysRequest(frames=frames)))

    async def _send_told(self, play: PlayRun) -> None:
        for request in self._told(play) if self._follows_film else self._whole(play):
            if request.HasField("frames") or (self._follows_film and request.HasField("context")):
                play.closing_sent_at = time.perf_counter()
            play.may_close = play.may_close or self._may_close(request.frames)
            await self._send(request)

    async def _keep_opening(self) -> None:
        """Open waiting plays whenever an answer makes room, though the feed may be silent."""
        while True:
            await self._room.wait()
            self._room.clear()
            await self._open_waiting()

    async def _open_waiting(self) -> None:
        """Open waiting plays while there is room."""
        async with self._telling:
            while self._open.waiting and self._stream is not None and self._knows_who_plays:
                if not self._open.has_room(self._segment(self._open.waiting[0])):
                    break
                play = self._open.waiting.popleft()
                if self._is_behind(play):
                    self._defer(play)
                    continue
                self._turn_to(play, play.told.revision(whole=self._feed_ended))
                if self._refusal is not None:
                    self.refuse(play, play.asked, self._refusal)
                else:
                    await self._send_told(play)
            if (overdue := self._open.overdue) is not None:
                await self._send(self._end_of(overdue))

    @property
    def _knows_who_plays(self) -> bool:
        """Whether plays may open: film that goes on does not wait for rosters, and a play must not do without them."""
        record = self._record
        return not self._follows_film or record.has_both_rosters or record.ended or self._feed_ended

    def _segment(self, play: PlayRun) -> str:
        """The segment that a play is in, as far as it was told."""
        return segment_of(self._context(play))

    def _context(self, play: PlayRun) -> feed.PlayContext:
        """What is known of a play, whatever was asked for."""
        return play.told.context(play.told.revision(whole=self._feed_ended))

    def _is_behind(self, play: PlayRun) -> bool:
        """Whether the featurizer cannot tell the play's tracking from what it was sent.

        Where film goes there as it comes, it was not sent what came before the connection. Else the tracking of the
        segment has gone on, before the play was told, to plays that open later in it.
        """
        context = self._context(play)
        if self._follows_film:
            return self._film.lacks(context)
        last = self._record.tracking_of(context).last_frame_number
        if not context.HasField("opens_at_frame") or last < context.opens_at_frame:
            return False
        return self._record.tracking_has_ended(play.told, context) or any(
            context.opens_at_frame < other.opens_at_frame <= last
            for other in (told.context(told.revision(whole=True)) for told in self._record.plays.values())
            if segment_of(other) == segment_of(context)
        )

    def _defer(self, play: PlayRun) -> None:
        """Make a play from the record once its tracking has ended: the stream could take other plays' for its own."""
        if self._record.tracking_has_ended(play.told, self._context(play)):
            self._remaking.put(play, play.told.revision(whole=self._feed_ended))
        else:
            self._deferred[play] = None

    def _put_back(self, play: PlayRun) -> None:
        """Close a play that is open, as if it had never been asked for: it is made from the record."""
        play.asked, play.end_told = play.answered, False
        self._close(play)
        self._moved.set()
        self._defer(play)

    def _close(self, play: PlayRun) -> None:
        """A play is open no more, and makes room for another."""
        self._open.close(play)
        self._room.set()

    async def _end(self, play: PlayRun) -> None:
        """Tell the featurizer that a play's tracking is complete, if it is. Late tracking may complete it again."""
        if play in self._deferred:
            del self._deferred[play]
            self._defer(play)
            return
        context = play.told.context(play.asked)
        if not self._record.tracking_has_ended(play.told, context):
            return
        if play.is_open:
            last = self._last_frame(play, context)
            come = self._record.tracking_of(context).last_frame_number
            play.overrun = last is not None and come > last and not self._follows_film
            await self._send(self._end_of(play))
        elif play.refused and not play.remaking and play.known != self._known(play):
            self._remake(play)

    def _end_of(self, play: PlayRun) -> featurizer.StreamPlaysRequest:
        if not play.end_told:
            play.end_told, play.known = True, self._known(play)
        last = self._last_frame(play, play.told.context(play.asked))
        return featurizer.StreamPlaysRequest(end_play=feed.EndPlay(play_id=play.play_id, last_frame_number=last))

    def _last_frame(self, play: PlayRun, context: feed.PlayContext) -> int | None:
        """The last frame of a play whose tracking has arrived up to there; None: whatever has arrived is all."""
        end = play.told.end
        if end is None or not end.HasField("last_frame_number"):
            return None
        return end.last_frame_number if self._record.tracking_has_ended(play.told, context) else None

    def _on_answer(self, answer: featurizer.StreamPlaysResponse) -> None:
        made = answer.tensor if answer.HasField("tensor") else answer.rejection
        trace = self._traces.answered(answer)
        play = self._plays[made.key.play_id]
        if made.revision > play.answered and self._is_early(play):
            self._put_back(play)
        elif made.revision > play.answered and self._is_premature(play, made):
            self._close(play)
            self._remaking.put(play, made.revision)
        else:
            self.answer(play, made, trace)

    def _is_early(self, play: PlayRun) -> bool:
        """Whether a play had to make room for others before any of its film came."""
        context = play.told.context(play.asked)
        return (
            self._follows_film
            and play.end_told
            and not (self._record.ended or self._feed_ended)
            and not self._record.tracking_has_ended(play.told, context)
            and not self._record.tracking_of(context).frames
        )

    def _is_premature(self, play: PlayRun, made: featurizer.PlayTensor | common.Rejection) -> bool:
        """Whether the stream had less or more of a play than the record has, or a score of before may stand."""
        if isinstance(made, featurizer.PlayTensor) or play.overrun:
            return play.overrun
        context = play.told.context(play.asked)
        if made.reason in FOR_LACK_OF_TRACKING:
            return bool(self._record.tracking_of(context)) or play.asked > 1
        complete = self._record.has_roster and self._record.tracking_has_ended(play.told, context)
        return complete and play.known != self._known(play)

    # --- What comes of a play ---

    def answer(
        self, play: PlayRun, answer: featurizer.PlayTensor | common.Rejection, trace: Span | None = None
    ) -> None:
        """The featurizer has answered for a play, perhaps again: a resumed stream repeats itself."""
        revision = answer.revision
        if revision < play.answered or (revision == play.answered and not play.refused):
            return
        tensor = answer if isinstance(answer, featurizer.PlayTensor) else None
        rejection = answer if isinstance(answer, common.Rejection) else None
        task = None if tensor is None else next((task for task in self._tasks if task.owns(tensor)), None)
        if tensor is not None and task is None:
            unknown = PlayscoreError(Reason.TASK_UNSUPPORTED, "this worker has no task for what the featurizer made")
            rejection = rejected(unknown, self._key(play), revision)
            tensor, play.known = None, self._known(play)
        current = InFlightPlay(
            self._key(play),
            revision,
            self._on_recorded,
            task=task,
            tensor=tensor,
            rejection=rejection,
            result=play.official,
            trace=trace,
        )
        current.begin(play.closing_sent_at or time.perf_counter())
        self._settle_answer(play, revision, refused=rejection is not None)
        if rejection is not None and self._may_change(play):
            play.current, play.held = current, True
            self._moved.set()
        else:
            self._enter(play, current)

    def refuse(self, play: PlayRun, revision: int, error: PlayscoreError) -> None:
        """A play has no score at a revision, and that is recorded."""
        play.known = self._known(play)
        self.answer(play, rejected(error, self._key(play), revision))

    def leave(self, play: PlayRun, revision: int, error: PlayscoreError) -> None:
        """A play could not be made: whatever is recorded of it stands."""
        self._settle_answer(play, revision, refused=True)
        self._report(play, revision, error)

    def _report(self, play: PlayRun, revision: int, error: PlayscoreError) -> None:
        """Tell what is wrong with a play, without a record of it."""
        refusal = rejected(error, self._key(play), revision)
        play.result = PlayResult.of(self._key(play), revision, rejection=refusal, recorded=False)

    def _settle_answer(self, play: PlayRun, revision: int, *, refused: bool) -> None:
        play.answered, play.refused = revision, refused
        self._close(play)
        if revision < play.asked and not play.remaking:
            # What was asked later has crossed this answer, and a new connection would not be told of it.
            self._remaking.put(play, play.asked)

    def _may_change(self, play: PlayRun) -> bool:
        """Whether a rejection may be for the lack of what still comes."""
        context = play.told.context(play.answered)
        if self._feed_ended or self._refusal is not None or context.status in STRUCK:
            return False
        complete = self._record.has_roster and self._record.tracking_has_ended(play.told, context)
        return not complete or play.known != self._known(play)

    def _enter(self, play: PlayRun, current: InFlightPlay) -> None:
        play.current, play.held = current, False
        self._in_stages.add(current)
        self._stages.take(current)

    def _on_recorded(self, recorded: InFlightPlay) -> None:
        play = self._plays[recorded.key.play_id]
        self._in_stages.discard(recorded)
        if recorded is play.current:
            play.result = recorded.outcome()
            self._judge_again(play, recorded)
        self._moved.set()

    # --- The end ---

    async def _settle(self) -> None:
        """What is open ends with what has come; what came too late for a play makes it again."""
        await self._open_waiting()
        if self._stream is None:
            while self._open.waiting:
                play = self._open.waiting.popleft()
                self._remaking.put(play, play.told.revision(whole=self._feed_ended))
        while open_plays := list(self._open):
            async with self._telling:
                for play in open_plays:
                    if not play.end_told:
                        await self._send(self._end_of(play))
            await self._until(lambda: not any(play.is_open for play in open_plays))
            await self._open_waiting()
        while self._deferred:
            play, _ = self._deferred.popitem()
            self._remaking.put(play, play.told.revision(whole=self._feed_ended))
        await self._until_idle()
        for play in self._plays.values():
            struck = play.told.context(play.answered).status in STRUCK
            if play.refused and play.asked and not struck and play.known != self._known(play):
                self._remake(play)
            elif play.held and play.current is not None:
                self._enter(play, play.current)
        await self._until_idle()
        for play_id in list(self._results_told):
            await self._grade_stored(self._play(play_id))
        await self._until_idle()

    async def _grade_archived(self, play: PlayRun) -> None:
        """Grade a play of the archive as soon as a result has come: its game may go on for hours."""
        self._looking_up.add(play)
        try:
            await self._grade_stored(play)
        finally:
            self._looking_up.discard(play)
            self._moved.set()

    async def _grade_stored(self, play: PlayRun) -> None:
        """Grade a play by an official result of the feed, if it was scored by another process."""
        if play.current is not None or play.result is not None or play.official is None:
            return
        if play.told.contexts and not play.answered:
            return  # it was told, and meets the result when it is answered
        stored = await self._remaking.stored(play)
        if stored is not None:
            task, found = stored
            current = InFlightPlay(
                self._key(play), found.revision, self._on_recorded, task=task, scored=found.scored, result=play.official
            )
            if current.needs_grade:
                current.untimed()
                self._enter(play, current)
            else:
                play.result = current.outcome()
        elif self._record.header is not None and play.answered:
            # Nothing is stored because it was rejected, perhaps by an earlier result.
            self._remake(play)
        else:
            unknown = PlayscoreError(
                Reason.SUBJECT_NOT_FOUND, "an official result of a play of which no score is stored"
            )
            self._report(play, 0, unknown)

    # --- The rest ---

    def _remake(self, play: PlayRun) -> None:
        """Make a play once more at the revision that it has."""
        revision, play.answered, play.refused = play.answered, 0, True
        play.asked = revision
        self._remaking.put(play, revision)

    def _known(self, play: PlayRun) -> Known:
        record = self._record
        context = play.told.context(play.asked)
        return (
            -1 if record.header is None else record.header.revision,
            record.roster_changes,
            len(record.tracking_of(context)),
        )

    def _play(self, play_id: str) -> PlayRun:
        if play_id not in self._plays:
            self._plays[play_id] = PlayRun(self._record.play(play_id))
        return self._plays[play_id]

    def _key(self, play: PlayRun) -> common.PlayKey:
        return common.PlayKey(league=self._game.league, game_id=self._game.game_id, play_id=play.play_id)

    async def _until_idle(self) -> None:
        await self._until(lambda: not (self._in_stages or self._remaking or self._looking_up))

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._moved.clear()
            await self._moved.wait()


def _end_with_what_has_come(play: PlayRun) -> featurizer.StreamPlaysRequest:
    """Closes a play if the last frame that its source names is not among those told: it was never filmed."""
    return featurizer.StreamPlaysRequest(end_play=feed.EndPlay(play_id=play.play_id))
