"""One game under way: what is streamed to the featurizer, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pipeline.batch_stages import BatchStages
from pipeline.featurizing import Request
from pipeline.game_run import GameRun
from pipeline.held_film import MAX_FRAMES
from pipeline.open_plays import MAX_OPEN_SEGMENTS, MAX_WAITING_PLAYS
from pipeline.results import Ending, PlayResult
from playscore.common.v1.common_pb2 import SPORT_AMERICAN_FOOTBALL
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage, PlayContext
from playscore.tracking.v1.tracking_pb2 import FrameBatch, GameHeader, Player, Roster, TrackBatch, TrackingEvent
from tests.integration.services import NotingRatings, RulePassing
from tests.unit.pipeline.played_featurizer import (
    GAME,
    SECONDS,
    Connection,
    Featurizer,
    checkpoint,
    gone,
    rejection,
    tensor,
)

HEADER = FeedMessage(game=GAME, header=GameHeader(key=GAME, sport=SPORT_AMERICAN_FOOTBALL))


def told(**message: Any) -> FeedMessage:
    return FeedMessage(game=GAME, **message)


def context(play_id: str, revision: int = 1, **said: Any) -> FeedMessage:
    return told(context=PlayContext(play_id=play_id, revision=revision, **said))


def frames(segment_id: str, *numbers: int) -> FeedMessage:
    return told(frames=FrameBatch(segment_id=segment_id, frame_numbers=numbers))


def released(segment_id: str, number: int) -> FeedMessage:
    event = TrackingEvent(frame_number=number, name="pass_forward")
    return told(frames=FrameBatch(segment_id=segment_id, frame_numbers=[number], events=[event]))


def ball(segment_id: str) -> FeedMessage:
    return told(track=TrackBatch(segment_id=segment_id))


def end(play_id: str, **last: int) -> FeedMessage:
    return told(end_play={"play_id": play_id, **last})


def result(play_id: str, yards: float, revision: int = 1, *, sack: bool = False) -> FeedMessage:
    outcome = {"yards_gained": yards, "outcome_revision": revision, "result": 4 if sack else 1}
    return told(official_result={"play_id": play_id, "pass_outcome": outcome})


def requested(*messages: FeedMessage) -> list[Request]:
    """The same to the featurizer."""
    requests = []
    for message in messages:
        kind = message.WhichOneof("message")
        assert kind is not None
        request = Request()
        getattr(request, kind).CopyFrom(getattr(message, kind))
        requests.append(request)
    return requests


def together(*film: FeedMessage) -> list[Request]:
    """Frames of one segment, of nobody, as one request."""
    batches = [message.frames for message in film]
    numbers = [number for batch in batches for number in batch.frame_numbers]
    events = [event for batch in batches for event in batch.events]
    return requested(told(frames=FrameBatch(segment_id=batches[0].segment_id, frame_numbers=numbers, events=events)))


class Source:
    """A feed that says one thing after another."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[FeedMessage | Exception | None] = asyncio.Queue()

    def says(self, *messages: FeedMessage | Exception) -> None:
        for message in messages:
            self._said.put_nowait(message)

    def ends(self) -> None:
        self._said.put_nowait(None)

    async def messages(self) -> AsyncIterator[FeedMessage]:
        while (message := await self._said.get()) is not None:
            if isinstance(message, Exception):
                raise message
            yield message


class Worker:
    """A game in which the featurizer is played, and everything after it goes by rule."""

    def __init__(
        self, game: GameRun, stages: BatchStages, featurizer: Featurizer, source: Source, playing: asyncio.Task[Any]
    ) -> None:
        self.game = game
        self.stages = stages
        self.featurizer = featurizer
        self.source = source
        self._playing = playing

    async def done(self) -> dict[str, PlayResult]:
        """Every play as it stands in the end."""
        results: Iterable[PlayResult] = await asyncio.wait_for(self._playing, SECONDS)
        return {result.play_id: result for result in results}


@asynccontextmanager
async def playing(
    *failures: Exception,
    archive: Iterable[FeedMessage] = (),
    ratings: NotingRatings | None = None,
    give_up_seconds: float = SECONDS,
) -> AsyncIterator[Worker]:
    featurizer, source, ratings = Featurizer(*failures), Source(), ratings or NotingRatings()
    async with BatchStages(ratings) as stages:
        passing = RulePassing(ratings=ratings)
        game = GameRun(GAME, featurizer, (passing,), stages, archive=archive, give_up_seconds=give_up_seconds)
        task = asyncio.create_task(game.run(source.messages()))
        try:
            yield Worker(game, stages, featurizer, source, task)
        finally:
            task.cancel()
            await asyncio.wait({task})


async def finished(connection: Connection) -> None:
    """The featurizer ends its stream once nothing more is sent."""
    await connection.is_half_closed()
    connection.answer(None)


async def test_what_comes_of_a_play_is_streamed_as_it_comes() -> None:
    async with playing() as worker:
        worker.source.says(HEADER)
        connection = await worker.featurizer.opened()
        worker.source.says(context("1"), ball("1"), frames("1", 1, 2), released("1", 3))
        opened = [*requested(context("1"), ball("1")), *together(frames("1", 1, 2), released("1", 3))]
        await connection.hears(*opened)
        worker.source.says(frames("1", 4))
        await connection.hears(*opened, *requested(frames("1", 4)))
        worker.source.says(end("1"), result("1", 9.0))
        await connection.hears(*opened, *requested(frames("1", 4), end("1")))
        worker.source.ends()
        connection.answer(tensor("1"), checkpoint("a"))
        await finished(connection)
        done = await worker.done()
    assert done["1"].ending is Ending.SCORED


async def test_film_that_can_close_no_play_is_streamed_with_what_comes_next() -> None:
    async with playing() as worker:
        worker.source.says(HEADER)
        connection = await worker.featurizer.opened()
        worker.source.says(context("1"), frames("1", 1), ball("1"), frames("1", 2), context("2"))
        opened = [*requested(context("1"), ball("1")), *together(frames("1", 1), frames("1", 2))]
        await connection.hears(*opened, *requested(context("2")))


async def test_film_that_can_close_no_play_is_streamed_once_there_is_much_of_it() -> None:
    film = [frames("1", number) for number in range(MAX_FRAMES)]
    async with playing() as worker:
        worker.source.says(HEADER)
        connection = await worker.featurizer.opened()
        worker.source.says(context("1"), *film)
        await connection.hears(*requested(context("1")), *together(*film))


@pytest.mark.parametrize("said", [{"release_frame": 2}, {}], ids=["stated", "tagged"])
async def test_where_a_play_may_close_all_film_is_streamed_as_it_comes(said: dict[str, int]) -> None:
    before = [] if said else [released("1", 1)]
    async with playing() as worker:
        worker.source.says(HEADER, *before, context("1", **said))
        connection = await worker.featurizer.opened()
        heard = requested(context("1", **said), *before)
        await connection.hears(*heard)
        for message in (frames("1", 2), ball("1"), frames("1", 3)):
            worker.source.says(message)
            heard += requested(message)
            await connection.hears(*heard)


async def test_film_that_is_held_is_streamed_before_the_feed_ends() -> None:
    async with playing() as worker:
        worker.source.says(HEADER)
        connection = await worker.featurizer.opened()
        worker.source.says(context("1"), frames("1", 1))
        worker.source.ends()
        await connection.hears(*requested(context("1"), frames("1", 1), end("1")))


async def test_tracking_that_came_before_its_play_is_streamed_with_it() -> None:
    async with playing() as worker:
        worker.source.says(HEADER)
        connection = await worker.featurizer.opened()
        worker.source.says(frames("1", 1, 2), end("1", last_frame_number=3), frames("1", 3), ball("1"), context("1"))
        await connection.hears(
            *requested(context("1"), end("1", last_frame_number=3), ball("1"), frames("1", 1, 2), frames("1", 3))
        )


async def test_tracking_of_which_no_play_is_open_is_kept_for_those_that_open_later() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, context("1", segment_id="period"), frames("period", 1))
        connection = await worker.featurizer.opened()
        first = requested(context("1", segment_id="period"), frames("period", 1))
        await connection.hears(*first)
        connection.answer(tensor("1"), checkpoint("a"))
        worker.source.says(frames("other", 1), context("2", segment_id="period"))
        await connection.hears(*first, *requested(context("2", segment_id="period"), frames("period", 1)))


async def test_a_play_ends_with_its_last_frame_whichever_is_told_first() -> None:
    async with playing() as worker:
        worker.source.says(HEADER)
        connection = await worker.featurizer.opened()
        worker.source.says(context("1"), end("1", last_frame_number=2), frames("1", 1), frames("1", 2))
        film = together(frames("1", 1), frames("1", 2))
        await connection.hears(*requested(context("1")), *film, *requested(end("1", last_frame_number=2)))


async def test_a_revision_that_lacks_one_before_it_is_waited_for() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, context("1", 2, attacking_team_id="KC"))
        connection = await worker.featurizer.opened()
        worker.source.says(context("2"))
        await connection.hears(*requested(context("2")))
        worker.source.says(context("1", 1, segment_id="period"))
        merged = context("1", 2, segment_id="period", attacking_team_id="KC")
        await connection.hears(*requested(context("2"), merged))


async def test_a_play_that_is_open_is_told_what_is_known_now() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, context("1", 1, segment_id="period"))
        connection = await worker.featurizer.opened()
        await connection.hears(*requested(context("1", 1, segment_id="period")))
        worker.source.says(context("1", 2, attacking_team_id="KC"), context("1", 2, attacking_team_id="KC"))
        merged = context("1", 2, segment_id="period", attacking_team_id="KC")
        await connection.hears(*requested(context("1", 1, segment_id="period"), merged))


async def test_of_two_entries_of_one_player_that_of_the_higher_revision_is_told() -> None:
    def roster(name: str, revision: int = 0) -> FeedMessage:
        players = [Player(player_id="101", team_id="KC", display_name=name)]
        return told(roster=Roster(players=players, revision=revision))

    async with playing() as worker:
        worker.source.says(HEADER)
        connection = await worker.featurizer.opened()
        worker.source.says(roster("Paul Able", 1), roster("P. Able", 0), context("1"))
        await connection.hears(*requested(roster("Paul Able"), context("1")))


async def test_a_new_connection_is_told_rosters_and_open_plays_whole() -> None:
    roster = told(roster=Roster(players=[{"player_id": "101", "team_id": "KC"}]))  # type: ignore[list-item]
    told_so_far = (roster, context("1"), frames("1", 1), context("2"), frames("2", 1), context("3"), frames("2", 2))
    async with playing() as worker:
        worker.source.says(HEADER)
        first = await worker.featurizer.opened()
        worker.source.says(*told_so_far)
        await first.hears(*requested(*told_so_far[:-1]))
        first.answer(tensor("1"), checkpoint("a"), gone())
        second = await worker.featurizer.opened()
        again = requested(roster, context("2"), frames("2", 1), frames("2", 2), context("3"))
        await second.hears(*again)
        worker.source.says(frames("2", 3), end("2"))
        await second.hears(*again, *requested(frames("2", 3), end("2")))
    assert worker.featurizer.tokens == [None, "a"]


async def test_a_play_that_ends_with_the_feed_ends_on_a_new_connection_too() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, context("1"), frames("1", 1), end("1", last_frame_number=9))
        worker.source.ends()
        first = await worker.featurizer.opened()
        whole = requested(context("1"), frames("1", 1), end("1"))
        await first.hears(*whole)
        first.answer(gone())
        second = await worker.featurizer.opened()
        await second.hears(*whole)
        second.answer(rejection("1", reason=Reason.NO_RELEASE))
        await finished(second)
        done = await worker.done()
    assert (done["1"].ending, done["1"].reason) == (Ending.REJECTED, Reason.NO_RELEASE)


@pytest.mark.parametrize("breaks", [True, False])
async def test_a_context_that_crosses_the_answer_is_answered_too_though_the_connection_breaks(breaks: bool) -> None:
    first = context("1", segment_id="period"), frames("period", 1)
    async with playing() as worker:
        worker.source.says(HEADER, *first)
        connection = await worker.featurizer.opened()
        worker.source.says(context("1", 2, attacking_team_id="KC"))
        merged = context("1", 2, segment_id="period", attacking_team_id="KC")
        await connection.hears(*requested(*first, merged))
        connection.answer(tensor("1", 1), checkpoint("a"))
        if breaks:
            connection.answer(gone())
            connection = await worker.featurizer.opened()
        else:
            connection.answer(tensor("1", 2), checkpoint("b"))
        worker.source.says(told(end_game={}))
        worker.source.ends()
        await finished(connection)
        done = await worker.done()
    assert (done["1"].revision, done["1"].recorded) == (2, True)


async def test_no_more_plays_are_open_at_once_than_the_featurizer_keeps_segments() -> None:
    plays = [str(number) for number in range(MAX_OPEN_SEGMENTS + 2)]
    opened = requested(*map(context, plays[:MAX_OPEN_SEGMENTS]))
    async with playing() as worker:
        worker.source.says(HEADER)
        connection = await worker.featurizer.opened()
        worker.source.says(*map(context, plays))
        await connection.hears(*opened)
        connection.answer(rejection("3"), checkpoint("a"))
        worker.source.says(frames(plays[-1], 1))
        await connection.hears(*opened, *requested(context(plays[MAX_OPEN_SEGMENTS])))


async def test_when_as_many_wait_the_one_that_is_open_longest_is_over() -> None:
    plays = [str(number) for number in range(MAX_OPEN_SEGMENTS + MAX_WAITING_PLAYS)]
    opened = requested(*map(context, plays[:MAX_OPEN_SEGMENTS]))
    async with playing() as worker:
        worker.source.says(HEADER)
        connection = await worker.featurizer.opened()
        worker.source.says(*map(context, plays))
        await connection.hears(*opened, *requested(end("0")))


async def test_tracking_that_comes_after_a_rejection_makes_the_play_again() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, context("1"), frames("1", 1), end("1"), result("1", 9.0))
        connection = await worker.featurizer.opened()
        await connection.hears(*requested(context("1"), frames("1", 1), end("1")))
        connection.answer(rejection("1"), checkpoint("a"))
        worker.source.says(frames("1", 2))
        worker.source.ends()
        await finished(connection)
        done = await worker.done()
    (whole,) = worker.featurizer.whole
    assert [[*batch.frame_numbers] for batch in whole.frames] == [[1], [2]]
    assert done["1"].ending is Ending.SCORED


async def test_a_correction_of_a_play_that_was_answered_makes_it_whole_from_what_was_told() -> None:
    ratings = NotingRatings()
    async with playing(ratings=ratings) as worker:
        worker.source.says(HEADER, context("1", segment_id="period"), ball("period"), frames("period", 1), end("1"))
        connection = await worker.featurizer.opened()
        connection.answer(tensor("1"), checkpoint("a"))
        await ratings.has_play((GAME.game_id, "1"))
        worker.source.says(result("1", 9.0), context("1", 2, attacking_team_id="KC"))
        worker.source.ends()
        await finished(connection)
        done = await worker.done()
    (whole,) = worker.featurizer.whole
    assert whole.context == context("1", 2, segment_id="period", attacking_team_id="KC").context
    assert [[*batch.frame_numbers] for batch in whole.frames] == [[1]]
    assert len(whole.tracks) == 1
    assert (done["1"].revision, done["1"].ending) == (2, Ending.SCORED)
    record = ratings.graded[GAME.game_id, "1"]
    assert (record.revision, record.outcome_revision) == (2, 1)


async def test_a_play_that_is_answered_twice_is_recorded_once() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, context("1"), frames("1", 1), result("1", 9.0))
        connection = await worker.featurizer.opened()
        connection.answer(tensor("1"), checkpoint("a"), tensor("1"), checkpoint("b"))
        worker.source.ends()
        await finished(connection)
        await worker.done()
    assert (worker.stages.written.inserted, worker.stages.written.unchanged) == (1, 0)


async def test_a_sack_that_is_a_catch_after_all_is_made_again_from_the_archive() -> None:
    ratings = NotingRatings()
    recorded = (HEADER, context("1"), frames("1", 1), end("1"), result("1", -7.0, sack=True))
    async with playing(ratings=ratings) as worker:
        worker.source.says(*recorded)
        worker.source.ends()
        connection = await worker.featurizer.opened()
        connection.answer(tensor("1"), checkpoint("a"))
        await finished(connection)
        assert (await worker.done())["1"].reason is Reason.NO_RELEASE
    async with playing(ratings=ratings, archive=recorded) as worker:
        worker.source.says(result("1", 12.0, revision=2))
        worker.source.ends()
        done = await worker.done()
    assert done["1"].ending is Ending.SCORED
    assert ratings.graded[GAME.game_id, "1"].pass_measure.yards_gained == 12.0


async def test_the_time_of_a_play_begins_when_what_closes_it_is_sent() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, frames("1", 1), end("1"), context("1"), result("1", 9.0))
        connection = await worker.featurizer.opened()
        await connection.hears(*requested(context("1"), frames("1", 1), end("1")))
        sent = asyncio.get_running_loop().time()
        worker.source.ends()
        answered = asyncio.get_running_loop().time()
        connection.answer(tensor("1"), checkpoint("a"))
        await finished(connection)
        await worker.done()
    assert worker.stages.times.seconds["featurize"][0] >= answered - sent


async def test_a_source_that_fails_fails_the_game() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, PlayscoreError(Reason.FIELD_INVALID, "the file is cut off"))
        with pytest.raises(PlayscoreError, match="the file is cut off"):
            await worker.done()


async def test_a_featurizer_that_stays_away_fails_the_game() -> None:
    async with playing(*[gone()] * 100, give_up_seconds=0.1) as worker:
        worker.source.says(HEADER, context("1"))
        with pytest.raises(ConnectionError, match="given up"):
            await worker.done()


async def test_a_play_that_the_stream_has_no_tracking_of_is_made_from_what_was_told() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, context("1"), frames("1", 1), end("1"), result("1", 9.0))
        connection = await worker.featurizer.opened()
        await connection.hears(*requested(context("1"), frames("1", 1), end("1")))
        connection.answer(rejection("1", reason=Reason.TRACKING_UNAVAILABLE), checkpoint("a"))
        worker.source.ends()
        await finished(connection)
        done = await worker.done()
    assert [whole.context.play_id for whole in worker.featurizer.whole] == ["1"]
    assert done["1"].ending is Ending.SCORED


async def test_tracking_that_the_featurizer_did_not_wait_for_makes_the_play_again() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, context("1"), result("1", 9.0))
        connection = await worker.featurizer.opened()
        await connection.hears(*requested(context("1")))
        connection.answer(rejection("1"), checkpoint("a"))
        worker.source.says(frames("1", 1), end("1"))
        worker.source.ends()
        await finished(connection)
        done = await worker.done()
    assert [[*batch.frame_numbers] for batch in worker.featurizer.whole[-1].frames] == [[1]]
    assert done["1"].ending is Ending.SCORED


async def test_an_open_play_that_turns_out_to_be_in_another_segment_is_told_its_tracking() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, frames("second", 1), context("1", segment_id="first"), frames("first", 1))
        connection = await worker.featurizer.opened()
        opened = requested(context("1", segment_id="first"), frames("first", 1))
        worker.source.says(context("1", 2, segment_id="second"), frames("first", 2), released("second", 2))
        corrected = (context("1", 2, segment_id="second"), frames("second", 1), released("second", 2))
        await connection.hears(*opened, *requested(*corrected))


async def test_a_game_that_has_ended_is_settled_though_its_feed_goes_on() -> None:
    ratings = NotingRatings()
    async with playing(ratings=ratings) as worker:
        worker.source.says(HEADER, context("1"), frames("1", 1), result("1", 9.0), told(end_game={}))
        connection = await worker.featurizer.opened()
        await connection.hears(*requested(context("1"), frames("1", 1), end("1")))
        connection.answer(rejection("1", reason=Reason.NO_RELEASE), checkpoint("a"))
        async with asyncio.timeout(SECONDS):
            await ratings.has_play((GAME.game_id, "1"))


async def test_an_official_result_after_the_game_grades_what_another_process_scored() -> None:
    ratings = NotingRatings()
    played = (HEADER, context("1"), frames("1", 1), end("1"))
    async with playing(ratings=ratings) as worker:
        worker.source.says(*played)
        worker.source.ends()
        connection = await worker.featurizer.opened()
        connection.answer(tensor("1"), checkpoint("a"))
        await finished(connection)
        await worker.done()
    async with playing(ratings=ratings, archive=played) as worker:
        worker.source.says(result("1", 9.0), told(end_game={}))
        async with asyncio.timeout(SECONDS), ratings.grown:
            await ratings.grown.wait_for(lambda: bool(ratings.graded))
    assert ratings.graded[GAME.game_id, "1"].pass_measure.yards_gained == 9.0


async def test_a_game_that_was_refused_for_its_header_is_played_by_a_corrected_one() -> None:
    refusal = PlayscoreError(Reason.FRAME_RATE_UNSUPPORTED, "made for 10 frames a second")
    corrected = told(header=GameHeader(key=GAME, revision=2, frame_rate_hertz=10.0))
    async with playing(refusal) as worker:
        worker.source.says(HEADER, context("1"), frames("1", 1), end("1"), result("1", 9.0))
        await worker.featurizer.refused.wait()
        worker.source.says(corrected, context("2"), frames("2", 1), end("2"), result("2", 9.0))
        connection = await worker.featurizer.opened()
        await connection.hears(*requested(context("2"), frames("2", 1), end("2")))
        connection.answer(tensor("2"), checkpoint("a"))
        worker.source.ends()
        await finished(connection)
        done = await worker.done()
    assert {play_id: play.ending for play_id, play in done.items()} == {"1": Ending.SCORED, "2": Ending.SCORED}


async def test_a_play_that_the_worker_has_no_task_for_is_rejected_alone() -> None:
    async with playing() as worker:
        worker.source.says(HEADER, context("1"), frames("1", 1), context("2"), frames("2", 1), result("2", 9.0))
        connection = await worker.featurizer.opened()
        shot = tensor("1")
        shot.tensor.ClearField("pass_attributes")
        connection.answer(shot, tensor("2"), checkpoint("a"))
        worker.source.ends()
        await finished(connection)
        done = await worker.done()
    assert (done["1"].reason, done["2"].ending) == (Reason.TASK_UNSUPPORTED, Ending.SCORED)


async def test_a_message_that_cannot_be_read_ends_its_play_not_the_game() -> None:
    nameless = told(context=PlayContext(revision=1))
    unnumbered = told(context=PlayContext(play_id="1"))
    async with playing() as worker:
        worker.source.says(HEADER, nameless, unnumbered, context("2"), frames("2", 1), result("2", 9.0))
        connection = await worker.featurizer.opened()
        await connection.hears(*requested(context("2"), frames("2", 1)))
        connection.answer(tensor("2"), checkpoint("a"))
        worker.source.ends()
        await finished(connection)
        done = await worker.done()
    assert (done["1"].reason, done["1"].recorded) == (Reason.FIELD_INVALID, False)
    assert "context.revision" in done["1"].detail
    assert done["2"].ending is Ending.SCORED
    first, second = worker.game.refused_messages
    assert first.startswith("context.play_id must")
    assert second.startswith("context of play '1': context.revision must")


async def test_live_plays_do_not_wait_for_corrections() -> None:
    async with playing() as worker:
        worker.featurizer.makes.clear()
        worker.source.says(HEADER, context("1"), frames("1", 1), end("1"))
        connection = await worker.featurizer.opened()
        first = requested(context("1"), frames("1", 1), end("1"))
        await connection.hears(*first)
        connection.answer(tensor("1"), checkpoint("a"))
        worker.source.says(context("1", 2, attacking_team_id="KC"), context("2"), released("2", 1))
        await connection.hears(*first, *requested(context("2"), released("2", 1)))


async def test_a_roster_that_comes_while_a_play_is_made_again_makes_it_once_more() -> None:
    roster = told(roster=Roster(players=[Player(player_id="101", team_id="KC")]))
    async with playing() as worker:
        worker.featurizer.makes.clear()
        worker.featurizer.whole_answers = [rejection("1", reason=Reason.PASSER_NOT_IN_ROSTER)]
        worker.source.says(HEADER)
        connection = await worker.featurizer.opened()
        first = (context("1"), frames("1", 1), end("1", last_frame_number=1))
        worker.source.says(*first, result("1", 9.0))
        await connection.hears(*requested(*first))
        connection.answer(rejection("1", reason=Reason.TRACKING_UNAVAILABLE), checkpoint("a"))
        await worker.featurizer.asked.wait()
        worker.source.says(roster, context("2"))
        await connection.hears(*requested(*first, roster, context("2")))
        worker.featurizer.makes.set()
        worker.source.ends()
        connection.answer(rejection("2"))
        await finished(connection)
        done = await worker.done()
    assert done["1"].ending is Ending.SCORED
    assert worker.stages.written.conflicting == 0
