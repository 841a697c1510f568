"""`FeaturizePlays` and `DescribeFeatures` on a real server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from featurizer.core.columns import PASSING
from featurizer.core.play import Tensor, featurize
from featurizer.messages import refused_to_message, tensor_to_message
from playscore.client.featurizer import FeaturizerClient
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import WholePlay
from playscore.game import Game, Play
from playscore.game_messages import context_to_message, frames_to_message, header_to_message, roster_to_message
from playscore.tracking.v1 import reason_pb2
from playscore.tracking.v1.tracking_pb2 import SPORT_ICE_HOCKEY


def whole(game: Game, play: Play) -> WholePlay:
    game_id, play_id = game.header.game_id, play.context.play_id
    half = len(play.frames) // 2
    parts = (play.frames.rows(0, half), play.frames.rows(half, len(play.frames)))
    return WholePlay(
        context=context_to_message(game_id, play.context),
        frames=[frames_to_message(game_id, play_id, part) for part in parts],
    )


async def test_tensors_and_rejections_add_up_to_the_plays(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    answer = await client.featurize_plays(
        header_to_message(game.header), roster_to_message(game.roster), [whole(game, play) for play in game.plays]
    )
    players = {player.player_id: player for player in game.roster}
    made = [featurize(game.header, players, play.context, [play.frames]) for play in game.plays]
    assert list(answer.tensors) == [tensor_to_message(game.header, m) for m in made if isinstance(m, Tensor)]
    assert list(answer.rejections) == [refused_to_message(game.header, m) for m in made if not isinstance(m, Tensor)]
    assert len(answer.tensors) + len(answer.rejections) == len(game.plays)


async def test_a_play_that_is_wrong_is_rejected_alone(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    plays = [whole(game, play) for play in game.plays[:3]]
    plays[1].context.revision = 0
    plays[2].frames[0].play_id = "another"
    answer = await client.featurize_plays(header_to_message(game.header), roster_to_message(game.roster), plays)
    invalid = [r for r in answer.rejections if r.reason == reason_pb2.REASON_FIELD_INVALID]
    assert [rejection.key.play_id for rejection in invalid] == [p.context.play_id for p in game.plays[1:3]]
    assert "plays[1].context.revision" in invalid[0].detail
    assert "plays[2].frames[0]" in invalid[1].detail


async def refused(client: FeaturizerClient, game: Game, plays: list[WholePlay]) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as caught:
        await client.featurize_plays(header_to_message(game.header), roster_to_message(game.roster), plays)
    return caught.value


async def test_a_call_that_is_wrong_is_refused_by_its_fields(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game, other = games
    nameless = whole(game, game.plays[0])
    nameless.context.play_id = ""
    error = await refused(client, game, [whole(game, game.plays[0]), nameless])
    assert error.fields[0].field == "plays[1].context.play_id"
    error = await refused(client, game, [whole(other, other.plays[0])])
    assert error.reason is Reason.GAME_MISMATCH
    assert error.fields[0].field == "plays[0].context.game_id"
    assert (await refused(client, game, [WholePlay()] * 201)).fields[0].field == "plays"
    stranger = replace(game, roster=(replace(game.roster[0], team_id="XXX"),))
    assert (await refused(client, stranger, [])).fields[0].field == "roster.players[0].team_id"


async def test_a_message_over_the_limit_is_refused_and_the_service_serves_on(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    huge = whole(game, game.plays[0])
    huge.frames[0].x.extend([0.0] * (5 * 2**20))
    assert (await refused(client, game, [huge])).reason is Reason.MESSAGE_TOO_LARGE
    assert (await client.describe_features()).id == PASSING.id


async def test_the_features_are_described(client: FeaturizerClient) -> None:
    specification = await client.describe_features()
    assert specification.id == PASSING.id
    assert [(c.name, c.unit) for c in specification.frame_columns] == [(c.name, c.unit) for c in PASSING.frame_columns]
    assert [c.name for c in specification.static_columns] == [c.name for c in PASSING.static_columns]
    assert specification.frame_rate_hertz == 10.0
    with pytest.raises(PlayscoreError) as caught:
        await client.describe_features(SPORT_ICE_HOCKEY)
    assert caught.value.reason is Reason.SPORT_UNSUPPORTED
