from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.game_record import MAX_PLAY_FRAMES, GameRecord
from playscore.common.v1.common_pb2 import GameKey
from playscore.feed.v1.feed_pb2 import FeedMessage, PlayContext
from playscore.wire.games import feed_of
from playscore.wire.told_game import segment_of
from simulator.games import simulate_game

GAME = GameKey(league="NFL", game_id="7")
FEED = tuple(feed_of(simulate_game(7, 0, 6).game))
"""Of a game of six plays."""


def told(**message: Any) -> FeedMessage:
    return FeedMessage(**{"game": GAME, **message})


def recorded(*messages: FeedMessage) -> GameRecord:
    record = GameRecord()
    record.add_all(messages)
    return record


def shuffled(feed: tuple[FeedMessage, ...], order: random.Random) -> list[FeedMessage]:
    """In any order, but for the frames of a segment, which keep theirs."""
    places = list(range(len(feed)))
    order.shuffle(places)
    segments: dict[str, list[int]] = {}
    for place in sorted(places):
        if feed[place].HasField("frames"):
            segments.setdefault(feed[place].frames.segment_id, []).append(place)
    mixed = []
    for place in places:
        segment = feed[place].frames.segment_id if feed[place].HasField("frames") else ""
        mixed.append(feed[segments[segment].pop(0) if segment else place])
    return mixed


def known(record: GameRecord) -> dict[str, Any]:
    """What a record says of its game."""
    said = {}
    for play_id, play in record.plays.items():
        revision = play.revision(whole=False)
        whole = record.whole_play(play, play.context(revision))
        said[play_id] = (
            revision,
            whole.context,
            {frames.SerializeToString(): None for frames in whole.frames}.keys(),
            {track.SerializeToString() for track in whole.tracks},
            record.tracking_has_ended(play, whole.context),
            record.results.get(play_id),
        )
    players = {player.player_id: player for player in record.roster().players}
    return {"header": record.header, "roster": players, "plays": said, "ended": record.ended}


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, len(FEED) - 1), max_size=20))
def test_neither_the_order_of_messages_nor_repeats_matter(order: random.Random, repeated: list[int]) -> None:
    play_id = FEED[2].context.play_id
    game = FEED[0].game
    corrections = (
        told(game=game, context={"play_id": play_id, "revision": 2, "football": {"passer_id": "another"}}),
        told(game=game, context={"play_id": play_id, "revision": 3, "football": {"down": 4}}),
        told(
            game=game,
            official_result={"play_id": play_id, "pass_outcome": {"yards_gained": 7.0, "outcome_revision": 2}},
        ),
    )
    feed = (*FEED, *corrections)
    again = tuple(FEED[place] for place in repeated)
    assert known(recorded(*shuffled(feed + again, order))) == known(recorded(*feed))


def test_what_says_nothing_new_is_told_apart() -> None:
    record = GameRecord()
    context = told(context={"play_id": "54", "revision": 1})
    result = told(official_result={"play_id": "54", "pass_outcome": {"yards_gained": 7.0, "outcome_revision": 1}})
    header = told(header={"key": {"league": "NFL", "game_id": "7"}})
    for message in (header, context, result):
        assert record.add(message)
        assert not record.add(message)
    announced = told(official_result={"play_id": "54", "pass_outcome": {"outcome_revision": 2}})
    assert not record.add(announced)
    assert record.results["54"].pass_outcome.yards_gained == 7.0


def test_a_message_of_a_later_contract_is_counted_and_skipped() -> None:
    record = GameRecord()
    assert not record.add(told())
    assert record.unknown_messages == 1
    assert record.plays == {}


def test_the_header_of_the_highest_revision_counts() -> None:
    headers = [
        told(header={"key": {"league": "NFL", "game_id": "7"}, "season": 2019 + revision, "revision": revision})
        for revision in (0, 1, 2)
    ]
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        record = recorded(*(headers[place] for place in order))
        assert record.header is not None
        assert record.header.season == 2021


class TestRevisions:
    """Contexts say what is new: a revision is known once all before it are, back to one that says all."""

    @pytest.mark.parametrize(
        ("numbers", "so_far", "at_the_end"),
        [((), 0, 0), ((1,), 1, 1), ((2,), 0, 2), ((2, 1), 2, 2), ((1, 3), 1, 3), ((4, 3, 2, 1), 4, 4)],
    )
    def test_the_highest_that_can_be_told(self, numbers: tuple[int, ...], so_far: int, at_the_end: int) -> None:
        play = recorded(*(told(context={"play_id": "54", "revision": number}) for number in numbers)).play("54")
        assert play.revision(whole=False) == so_far
        assert play.revision(whole=True) == at_the_end

    @pytest.mark.parametrize(
        ("numbers", "complete", "so_far"),
        [((3,), 3, 3), ((1, 3), 3, 3), ((3, 5), 3, 3), ((3, 4), 3, 4), ((1, 2, 4, 5), 4, 5), ((2, 4), 1, 0)],
    )
    def test_what_came_before_one_that_says_all_is_not_waited_for(
        self, numbers: tuple[int, ...], complete: int, so_far: int
    ) -> None:
        contexts = [{"play_id": "54", "revision": number, "complete": number == complete} for number in numbers]
        play = recorded(*(told(context=context) for context in contexts)).play("54")
        assert play.revision(whole=False) == so_far
        assert play.revision(whole=True) == max(numbers)

    def test_a_context_is_all_that_was_said_up_to_its_revision(self) -> None:
        play = recorded(
            told(context={"play_id": "54", "revision": 3, "football": {"down": 3}}),
            told(context={"play_id": "54", "revision": 1, "attacking_team_id": "KC", "football": {"down": 1}}),
            told(context={"play_id": "54", "revision": 2, "football": {"passer_id": "101"}}),
        ).play("54")
        assert [play.context(revision).football.down for revision in (1, 2, 3)] == [1, 1, 3]
        assert [play.context(revision).football.passer_id for revision in (1, 2, 3)] == ["", "101", "101"]
        assert play.context(3).attacking_team_id == "KC"

    def test_a_context_that_arrives_late_changes_what_was_known_without_it(self) -> None:
        record = recorded(told(context={"play_id": "54", "revision": 2, "football": {"down": 2}}))
        play = record.play("54")
        assert play.context(2).attacking_team_id == ""
        record.add(told(context={"play_id": "54", "revision": 1, "attacking_team_id": "KC"}))
        assert play.context(2).attacking_team_id == "KC"


class TestTracking:
    def frames(self, segment_id: str, *numbers: int) -> FeedMessage:
        return told(frames={"segment_id": segment_id, "frame_numbers": numbers})

    def test_a_play_has_the_tracking_of_its_segment_and_shares_it(self) -> None:
        record = recorded(
            self.frames("period", 1, 2),
            self.frames("54", 1),
            told(track={"segment_id": "period", "sample_numbers": [1]}),
            self.frames("period", 3),
        )
        for context in (PlayContext(play_id="1", segment_id="period"), PlayContext(play_id="2", segment_id="period")):
            whole = record.whole_play(record.play(context.play_id), context)
            assert [[*frames.frame_numbers] for frames in whole.frames] == [[1, 2], [3]]
            assert [[*track.sample_numbers] for track in whole.tracks] == [[1]]
            assert len(record.tracking_of(context)) == 3
        own = PlayContext(play_id="54")
        assert segment_of(own) == "54"
        assert [[*frames.frame_numbers] for frames in record.whole_play(record.play("54"), own).frames] == [[1]]

    def test_it_has_ended_when_its_last_frame_is_there_whichever_is_told_first(self) -> None:
        end = told(end_play={"play_id": "54", "last_frame_number": 3})
        context = PlayContext(play_id="54")
        for first, second in ((end, self.frames("54", 2, 3)), (self.frames("54", 3, 2), end)):
            record = recorded(first)
            assert not record.tracking_has_ended(record.play("54"), context)
            record.add(second)
            assert record.tracking_has_ended(record.play("54"), context)

    def test_it_has_ended_with_what_came_where_no_last_frame_is_told(self) -> None:
        record = recorded(told(end_play={"play_id": "54"}))
        assert record.tracking_has_ended(record.play("54"), PlayContext(play_id="54"))

    def test_a_play_of_which_nothing_was_said_has_not_ended(self) -> None:
        record = recorded(self.frames("54", 1))
        assert not record.tracking_has_ended(record.play("54"), PlayContext(play_id="54"))

    def test_a_batch_that_arrives_again_says_nothing_new(self) -> None:
        record = GameRecord()
        track = told(track={"segment_id": "54", "sample_numbers": [1]})
        for message in (self.frames("54", 1, 2), self.frames("54", 1, 3), self.frames("54"), track):
            assert record.add(message)
            assert not record.add(message)
        assert len(record.tracking_of(PlayContext(play_id="54"))) == 4

    def sent(self, record: GameRecord, **context: Any) -> list[int]:
        """First frames of the batches that are sent with play 54 of the period."""
        said = PlayContext(play_id="54", segment_id="period", **context)
        return [batch.frame_numbers[0] for batch in record.whole_play(record.play("54"), said).frames]

    def period(self, *messages: FeedMessage) -> GameRecord:
        return recorded(
            *(self.frames("period", *range(start, start + 10)) for start in range(0, 49_820, 10)), *messages
        )

    def test_a_play_that_opens_in_a_long_segment_is_sent_with_its_part(self) -> None:
        sent = self.sent(self.period(), opens_at_frame=30_005)
        assert (sent[0], sent[-1]) == (30_000 - 100, 30_000 + MAX_PLAY_FRAMES)

    def test_a_play_whose_release_is_known_is_sent_with_what_is_around_it(self) -> None:
        sent = self.sent(self.period(), release_frame=30_005)
        assert (sent[0], sent[-1]) == (30_000 - MAX_PLAY_FRAMES, 30_000 + MAX_PLAY_FRAMES)

    def test_nothing_after_the_end_of_a_play_is_sent(self) -> None:
        end = told(end_play={"play_id": "54", "last_frame_number": 30_060})
        assert self.sent(self.period(end), opens_at_frame=30_005)[-1] == 30_060

    def test_a_play_of_unknown_bounds_is_sent_with_the_first_frames_and_known_to_be_too_long(self) -> None:
        assert self.sent(self.period()) == [*range(0, MAX_PLAY_FRAMES + 1, 10)]


def test_a_player_who_is_told_again_is_the_one_of_the_highest_revision() -> None:
    first = told(roster={"players": [{"player_id": "1", "team_id": "KC"}, {"player_id": "2", "team_id": "KC"}]})
    second = told(roster={"players": [{"player_id": "1", "team_id": "KC", "display_name": "Paul Able"}], "revision": 1})
    for order in ((first, second), (second, first)):
        players = {player.player_id: player.display_name for player in recorded(*order).roster().players}
        assert players == {"1": "Paul Able", "2": ""}
