"""A game as its feed, and the game that a feed tells."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playscore.common.v1.common_pb2 import GameKey
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage, OfficialResult, PlayContext
from playscore.football.v1.football_pb2 import (
    PASS_RESULT_COMPLETE,
    PASS_RESULT_INCOMPLETE,
    PASS_RESULT_INTERCEPTED,
    PASS_RESULT_SACK,
    PASS_RESULT_SCRAMBLE,
    PassOutcome,
)
from playscore.game import Frames, Game, Play, PlayStatus, Track, TrackedObject
from playscore.hockey.v1.hockey_pb2 import SHOT_RESULT_GOAL, ShotOutcome
from playscore.passing import situation_of
from playscore.wire.feed import is_settled, merged, outcome_revision
from playscore.wire.games import MAX_FRAMES_PER_MESSAGE, feed_of, game_from_feed, joined
from simulator.defects import Defects
from simulator.games import simulate_game
from tests.unit.playscore.wire.plain import plain

ALL_DEFECTS = Defects(**{defect.name: 0.5 for defect in fields(Defects)})


def simulated(defects: Defects | None = None, plays: int = 12) -> Game:
    return simulate_game(7, 0, plays, defects=defects).game


def travelled(game: Game) -> list[FeedMessage]:
    return [FeedMessage.FromString(message.SerializeToString()) for message in feed_of(game)]


def without_events_of_no_frame(game: Game) -> Game:
    """A batch carries the events of its own frames; one of a frame without tracking cannot be sent."""
    tracked = [replace(play, frames=play.frames.rows(0, len(play.frames))) for play in game.plays]
    return replace(game, plays=tracked)


@pytest.mark.parametrize("defects", [None, ALL_DEFECTS])
def test_a_game_is_the_one_that_its_feed_tells(defects: Defects | None) -> None:
    game = without_events_of_no_frame(simulated(defects, plays=24))
    assert any(play.outcome for play in game.plays)
    assert any(play.tracks for play in game.plays)
    assert plain(game_from_feed(travelled(game))) == plain(game)


def in_one_segment(play: Play) -> Play:
    return replace(play, context=replace(play.context, segment_id="period-1"))


def test_plays_of_one_segment_that_have_film_of_their_own_are_told_with_it() -> None:
    first, second = map(in_one_segment, without_events_of_no_frame(simulated(plays=2)).plays)
    shift = np.int32(int(first.frames.frame_numbers.max()) + 100 - int(second.frames.frame_numbers.min()))
    later = replace(second.frames, frame_numbers=second.frames.frame_numbers + shift, events=())
    game = replace(simulated(plays=2), plays=[first, replace(second, frames=later, tracks=())])
    told = game_from_feed(travelled(game)).plays
    every = [*first.frames.frame_numbers.tolist(), *later.frame_numbers.tolist()]
    assert [play.frames.frame_numbers.tolist() for play in told] == [every, every]


def test_all_of_the_film_that_plays_share_is_told_once() -> None:
    first, second = map(in_one_segment, without_events_of_no_frame(simulated(plays=2)).plays)
    early_and_late = np.array([-30, 0, 5_000], np.int32) + np.int32(10 * int(first.frames.frame_numbers.min()))
    puck = Track(TrackedObject.BALL, 100.0, early_and_late, np.zeros(3, np.float32), np.zeros(3, np.float32))
    shared = [replace(play, frames=first.frames, tracks=(puck,)) for play in (first, second)]
    messages = travelled(replace(simulated(plays=2), plays=shared))
    assert sum(len(message.frames.frame_numbers) for message in messages) == len(first.frames)
    assert sum(len(message.track.sample_numbers) for message in messages) == len(puck)


def test_a_play_without_tracking_is_told_too() -> None:
    game = simulated(plays=2)
    nothing = np.zeros((0, 0), np.float32)
    bare = replace(game.plays[0], frames=Frames(np.zeros(0, np.int32), (), nothing, nothing), tracks=(), outcome=None)
    game = replace(game, plays=[bare, game.plays[1]])
    assert plain(game_from_feed(travelled(game))) == plain(game)


def test_long_tracking_travels_in_parts() -> None:
    play = simulated(plays=1).plays[0]
    length = 2 * MAX_FRAMES_PER_MESSAGE + 10
    rows = np.arange(length) % len(play.frames)
    numbers = np.arange(length, dtype=np.int32)
    frames = replace(
        play.frames,
        frame_numbers=numbers,
        **{
            name: column[rows]
            for name in ("x", "y", "speed", "acceleration", "direction_degrees", "orientation_degrees")
            if (column := getattr(play.frames, name)) is not None
        },
        times_unix_micros=None,
    )
    here = np.zeros(length, np.float32)
    ball = Track(TrackedObject.BALL, 10.0, numbers, here, here, here)
    game = replace(simulated(plays=1), plays=[replace(play, frames=frames, tracks=(ball,))])
    feed = travelled(game)
    batches = [message.frames for message in feed if message.HasField("frames")]
    assert [len(batch.frame_numbers) for batch in batches] == [MAX_FRAMES_PER_MESSAGE, MAX_FRAMES_PER_MESSAGE, 10]
    assert sum(len(batch.events) for batch in batches) == len(frames.events)
    assert plain(game_from_feed(feed)) == plain(game)


def test_every_message_says_which_game_it_is_of() -> None:
    game = simulated(plays=3)
    feed = travelled(game)
    assert {(message.game.league, message.game.game_id) for message in feed} == {
        (game.header.league, game.header.game_id)
    }
    assert (feed[0].WhichOneof("message"), feed[-1].WhichOneof("message")) == ("header", "end_game")
    ends = {message.end_play.play_id: message.end_play for message in feed if message.HasField("end_play")}
    for play in game.plays:
        assert ends[play.context.play_id].last_frame_number == play.frames.frame_numbers.max()


@settings(max_examples=20)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 200), max_size=10))
def test_neither_the_order_of_messages_nor_repeats_matter(order: random.Random, repeated: list[int]) -> None:
    game = simulated(plays=4)
    feed = travelled(game)
    shuffled = [*feed, *(feed[place % len(feed)] for place in repeated)]
    order.shuffle(shuffled)
    back = game_from_feed(shuffled)
    assert {play.context.play_id: plain(play) for play in back.plays} == {
        play.context.play_id: plain(play) for play in game.plays
    }
    assert (back.header, set(back.roster)) == (game.header, set(game.roster))


def test_a_game_stands_at_the_highest_revision_of_each_play() -> None:
    game = simulated(plays=3)
    corrected: Any = FeedMessage(game=GameKey(league=game.header.league, game_id=game.header.game_id))
    corrected.context.play_id, corrected.context.revision = game.plays[1].context.play_id, 2
    corrected.context.status, corrected.context.football.passer_id = PlayStatus.NULLIFIED.value, "another"
    for feed in ([*feed_of(game), corrected], [corrected, *feed_of(game)]):
        plays = {play.context.play_id: play for play in game_from_feed(feed).plays}
        changed = plays.pop(game.plays[1].context.play_id).context
        before = game.plays[1].context
        assert (changed.revision, changed.status) == (2, PlayStatus.NULLIFIED)
        assert changed.attacking_team_id == before.attacking_team_id
        assert situation_of(changed) == replace(situation_of(before), passer_id="another")
        assert [plain(play) for play in plays.values()] == [plain(game.plays[place]) for place in (0, 2)]


def test_a_feed_without_a_header_tells_no_game() -> None:
    with pytest.raises(PlayscoreError, match="no header") as refused:
        game_from_feed(message for message in feed_of(simulated(plays=1)) if not message.HasField("header"))
    assert refused.value.reason is Reason.STREAM_ORDER


class TestJoined:
    def frames(self, *numbers: int, players: tuple[str, ...] = ("a", "b"), speed: bool = False) -> Frames:
        places = (np.array(numbers)[:, None] + np.arange(len(players)) / 10).astype(np.float32)
        return Frames(np.array(numbers, np.int32), players, places, places, speed=places if speed else None)

    def test_batches_are_one_run_by_frame_number(self) -> None:
        frames = joined([self.frames(5, 6), self.frames(1, 2), self.frames(3)])
        assert frames.frame_numbers.tolist() == [1, 2, 3, 5, 6]
        np.testing.assert_array_equal(frames.x[:, 1], np.array([1.1, 2.1, 3.1, 5.1, 6.1], np.float32))

    def test_two_samples_of_one_player_in_one_frame_stay_two_rows(self) -> None:
        frames = joined([self.frames(1, 2), self.frames(2, 3)])
        assert frames.frame_numbers.tolist() == [1, 2, 2, 3]

    def test_players_who_come_and_go_are_unseen_before_and_after(self) -> None:
        frames = joined([self.frames(1), self.frames(2, players=("b", "c"), speed=True)])
        assert frames.player_ids == ("a", "b", "c")
        assert np.isnan(frames.x).tolist() == [[False, False, True], [True, False, False]]
        assert frames.speed is not None
        assert np.isnan(frames.speed).tolist() == [[True, True, True], [True, False, False]]

    def test_no_batches_are_no_frames(self) -> None:
        assert len(joined([])) == 0


class TestMerged:
    def told(self, revision: int, **said: Any) -> PlayContext:
        return PlayContext(play_id="54", revision=revision, **said)

    @given(st.permutations([0, 1, 2]))
    def test_later_revisions_replace_what_they_say_whatever_the_order(self, order: list[int]) -> None:
        said = [
            self.told(1, attacking_team_id="KC", football={"down": 1, "home_score": 7}),
            self.told(2, football={"down": 2}),
            self.told(3, opens_at_frame=4, football={"passer_id": "101"}),
        ]
        assert merged(said[place] for place in order) == self.told(
            3, attacking_team_id="KC", opens_at_frame=4, football={"down": 2, "home_score": 7, "passer_id": "101"}
        )

    @given(st.permutations([0, 1, 2]))
    def test_one_that_states_all_clears_what_was_said_before_it(self, order: list[int]) -> None:
        said = [
            self.told(1, attacking_team_id="KC", football={"down": 1}),
            self.told(2, complete=True, football={"passer_id": "101"}),
            self.told(3, football={"home_score": 7}),
        ]
        known = merged(said[place] for place in order)
        assert known == self.told(3, complete=True, football={"passer_id": "101", "home_score": 7})

    def test_a_situation_of_another_kind_replaces_the_whole_of_it(self) -> None:
        known = merged([self.told(1, football={"down": 1}), self.told(2, shot={"period": 2})])
        assert known == self.told(2, shot={"period": 2})


class TestResults:
    def told(self, yards: float, revision: int) -> OfficialResult:
        return OfficialResult(play_id="54", pass_outcome=PassOutcome(yards_gained=yards, outcome_revision=revision))

    def test_its_count_is_that_of_its_outcome(self) -> None:
        assert outcome_revision(self.told(3.0, 4)) == 4
        assert outcome_revision(OfficialResult(shot_outcome=ShotOutcome(outcome_revision=2))) == 2
        assert outcome_revision(OfficialResult()) == 0

    @pytest.mark.parametrize(
        ("result", "settled"),
        [
            (OfficialResult(pass_outcome=PassOutcome(yards_gained=0.0)), True),
            (OfficialResult(pass_outcome=PassOutcome(result=PASS_RESULT_SACK)), True),
            (OfficialResult(pass_outcome=PassOutcome(result=PASS_RESULT_SCRAMBLE)), True),
            (OfficialResult(pass_outcome=PassOutcome(result=PASS_RESULT_INCOMPLETE)), True),
            (OfficialResult(pass_outcome=PassOutcome(result=PASS_RESULT_INTERCEPTED)), True),
            (OfficialResult(pass_outcome=PassOutcome(result=PASS_RESULT_COMPLETE)), False),
            (OfficialResult(pass_outcome=PassOutcome()), False),
            (OfficialResult(shot_outcome=ShotOutcome(result=SHOT_RESULT_GOAL)), True),
            (OfficialResult(shot_outcome=ShotOutcome()), False),
            (OfficialResult(), False),
        ],
    )
    def test_one_that_only_announces_another_says_nothing(self, result: OfficialResult, settled: bool) -> None:
        assert is_settled(result) is settled


def test_plays_stand_in_the_order_in_which_they_are_first_named() -> None:
    game = simulated(plays=5)
    ids = [play.context.play_id for play in game.plays]
    assert [play.context.play_id for play in game_from_feed(feed_of(game)).plays] == ids
    backwards: list[Play] = [*reversed(game.plays)]
    assert [play.context.play_id for play in game_from_feed(feed_of(replace(game, plays=backwards))).plays] == ids[::-1]
