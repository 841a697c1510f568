"""The rules by which the messages of a feed add up to a game."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playscore.common.v1.common_pb2 import GameKey
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import EndGame, EndPlay, FeedMessage, OfficialResult, PlayContext
from playscore.football.v1.football_pb2 import PASS_RESULT_COMPLETE, PassOutcome
from playscore.game import Game
from playscore.tracking.v1.tracking_pb2 import GameHeader
from playscore.wire.games import feed_of, game_from_feed
from playscore.wire.told_game import MAX_PLAYERS, ToldGame
from simulator.games import simulate_game
from tests.unit.playscore.wire.plain import plain

GAME = GameKey(league="NFL", game_id="7")
KC = {"player_id": "1", "team_id": "KC"}


def told(**message: Any) -> FeedMessage:
    return FeedMessage(game=GAME, **message)


def game_told(*messages: FeedMessage) -> ToldGame:
    game = ToldGame()
    game.add_all(messages)
    return game


def said_of(game: Game) -> Any:
    """All that a game says, but for the order in which it lists plays and players."""
    plays = {play.context.play_id: plain(play) for play in game.plays}
    return game.header, {player.player_id: player for player in game.roster}, plays


def corrected_feed() -> tuple[FeedMessage, ...]:
    """A game whose header, rosters, contexts and results are corrected, some results only announced."""
    game = simulate_game(7, 0, 4).game
    feed = tuple(feed_of(game))
    key, play_id = feed[0].game, game.plays[0].context.play_id

    def correction(**message: Any) -> FeedMessage:
        return FeedMessage(game=key, **message)

    headers = []
    for revision, season in ((1, 2001), (2, 2002)):
        headers.append(FeedMessage.FromString(feed[0].SerializeToString()))
        headers[-1].header.revision, headers[-1].header.season = revision, season
    first = game.roster[0]
    entry = {"player_id": first.player_id, "team_id": first.team_id}
    return (
        *feed,
        *headers,
        correction(roster={"players": [{**entry, "display_name": "Paul Able"}], "revision": 1}),
        correction(roster={"players": [{**entry, "display_name": "Paul Baker"}], "revision": 2}),
        correction(context={"play_id": play_id, "revision": 2, "football": {"passer_id": "another"}}),
        correction(context={"play_id": play_id, "revision": 3, "football": {"down": 4}}),
        correction(official_result={"play_id": play_id, "pass_outcome": {"yards_gained": 7.0, "outcome_revision": 2}}),
        correction(
            official_result={
                "play_id": play_id,
                "pass_outcome": {"result": PASS_RESULT_COMPLETE, "outcome_revision": 3},
            }
        ),
    )


FEED = corrected_feed()


@settings(max_examples=40)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, len(FEED) - 1), max_size=20))
def test_a_corrected_game_does_not_depend_on_the_order_of_messages_or_on_repeats(
    order: random.Random, repeated: list[int]
) -> None:
    shuffled = [*FEED, *(FEED[place] for place in repeated)]
    order.shuffle(shuffled)
    game = game_from_feed(shuffled)
    assert said_of(game) == said_of(game_from_feed(FEED))
    assert game.header.season == 2002
    assert "Paul Baker" in {player.display_name for player in game.roster}
    outcomes = {play.context.play_id: play.outcome for play in game.plays}
    outcome: Any = outcomes[FEED[2].context.play_id]
    assert outcome.yards_gained == 7.0


class TestResults:
    def result(self, revision: int, yards: float | None = None) -> OfficialResult:
        yards = 10.0 * revision if yards is None else yards
        return OfficialResult(play_id="54", pass_outcome=PassOutcome(yards_gained=yards, outcome_revision=revision))

    @given(st.permutations([1, 2, 3]))
    def test_the_highest_outcome_revision_counts_in_any_order(self, order: list[int]) -> None:
        game = ToldGame()
        added = [game.add(told(official_result=self.result(revision))) for revision in order]
        assert game.results == {"54": self.result(3)}
        assert added == [revision == max(order[: place + 1]) for place, revision in enumerate(order)]

    def test_of_two_results_of_one_outcome_revision_the_first_counts(self) -> None:
        game = game_told(told(official_result=self.result(1)))
        assert not game.add(told(official_result=self.result(1, yards=3.0)))
        assert game.results == {"54": self.result(1)}


class TestRosters:
    def test_a_roster_that_changes_nothing_is_no_news(self) -> None:
        game = ToldGame()
        assert not game.has_roster
        assert game.add(told(roster={"players": [KC]}))
        for revision in (0, 1, 1):
            assert not game.add(told(roster={"players": [KC], "revision": revision}))
        assert game.add(told(roster={"players": [{**KC, "position": "QB"}], "revision": 2}))
        assert (game.has_roster, game.roster_changes) == (True, 2)

    def test_of_two_entries_of_one_revision_the_first_counts(self) -> None:
        game = game_told(told(roster={"players": [KC]}), told(roster={"players": [{**KC, "position": "QB"}]}))
        assert [player.position for player in game.roster().players] == [""]

    def test_rosters_have_a_limit_together(self) -> None:
        def players(first: int, count: int) -> FeedMessage:
            return told(roster={"players": [{**KC, "player_id": str(first + place)} for place in range(count)]})

        game = game_told(players(0, MAX_PLAYERS))
        assert not game.add(players(0, MAX_PLAYERS))
        with pytest.raises(PlayscoreError, match=r"roster\.players must be at most 200 .* not 201"):
            game.add(players(MAX_PLAYERS, 1))
        assert len(game.roster().players) == MAX_PLAYERS


class TestRefused:
    @pytest.mark.parametrize(
        ("message", "field"),
        [
            ({"context": {"revision": 1}}, "context.play_id"),
            ({"context": {"play_id": "54"}}, "context.revision"),
            ({"context": {"play_id": "54", "revision": 1, "opens_at_frame": -1}}, "context.opens_at_frame"),
            ({"context": {"play_id": "54", "revision": 1, "attacking_team_id": "\n"}}, "context.attacking_team_id"),
            ({"official_result": {"pass_outcome": {"yards_gained": 3.0}}}, "official_result.play_id"),
            ({"end_play": {}}, "end_play.play_id"),
            ({"end_play": {"play_id": "54", "last_frame_number": -3}}, "end_play.last_frame_number"),
            ({"frames": {"frame_numbers": [1]}}, "frames.segment_id"),
            ({"frames": {"segment_id": "54", "frame_numbers": [1, 2_000_000_000]}}, "frames.frame_numbers"),
            ({"track": {"sample_numbers": [1]}}, "track.segment_id"),
            ({"roster": {"players": [{"player_id": "1"}]}}, "roster.players[0].team_id"),
            ({"roster": {"players": [KC, KC]}}, "roster.players[1].player_id"),
            ({"header": {"key": {"league": "NFL"}}}, "header.key.game_id"),
        ],
    )
    def test_a_malformed_message_is_named_and_nothing_of_it_is_added(self, message: dict[str, Any], field: str) -> None:
        game = ToldGame()
        with pytest.raises(PlayscoreError) as refused:
            game.add(told(**message))
        assert [violation.field for violation in refused.value.fields] == [field]
        assert refused.value.reason is Reason.FIELD_INVALID
        assert game == ToldGame()

    def test_the_situation_of_a_task_that_is_not_graded_is_not_refused(self) -> None:
        game = game_told(told(context={"play_id": "54", "revision": 1, "shot": {"period": 99}}))
        assert game.play("54").context(1).HasField("shot")

    @pytest.mark.parametrize(
        "known", [told(end_game={}), FeedMessage(header=GameHeader(key=GAME)), told(header={"key": GAME})]
    )
    @pytest.mark.parametrize("league", ["NFL", "XFL"])
    def test_a_message_of_another_game_names_both(self, known: FeedMessage, league: str) -> None:
        other = GameKey(league=league, game_id="7" if league == "XFL" else "8")
        for message in (
            FeedMessage(game=other, context=PlayContext(play_id="54", revision=1)),
            FeedMessage(header=GameHeader(key=other, revision=5)),
        ):
            game = game_told(known)
            with pytest.raises(PlayscoreError) as refused:
                game.add(message)
            assert refused.value.reason is Reason.GAME_MISMATCH
            for key in (GAME, other):
                assert f"game {key.game_id!r} of league {key.league!r}" in refused.value.detail
            assert game == game_told(known)

    def test_a_message_that_is_refused_does_not_name_the_game(self) -> None:
        game = ToldGame()
        with pytest.raises(PlayscoreError):
            game.add(FeedMessage(game=GameKey(league="XFL", game_id="8"), end_play=EndPlay()))
        assert game.add(told(end_play={"play_id": "54"}))

    def test_a_message_without_a_game_is_about_this_one(self) -> None:
        game = game_told(told(header={"key": GAME}))
        assert game.add(FeedMessage(end_game=EndGame()))
