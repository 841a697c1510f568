"""`FeaturizePlays` and `DescribeFeatures` on a real server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.messages import rejection_to_message, tensor_to_message
from featurizer.passing.columns import SPECIFICATION
from featurizer.passing.task import PASSING
from playscore.client.featurizer import FeaturizerClient
from playscore.common.v1 import common_pb2, reason_pb2
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import WholePlay
from playscore.game import Game, Play
from playscore.wire.feed import context_to_message
from playscore.wire.tracking import frames_to_message, header_to_message, roster_to_message, track_to_message


def whole(play: Play) -> WholePlay:
    half = len(play.frames) // 2
    parts = (play.frames.rows(0, half), play.frames.rows(half, len(play.frames)))
    return WholePlay(
        context=context_to_message(play.context),
        frames=[frames_to_message("whatever", part) for part in parts],
        tracks=[track_to_message("whatever", track) for track in play.tracks],
    )


async def test_tensors_and_rejections_add_up_to_the_plays(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    answer = await client.featurize_plays(
        header_to_message(game.header), roster_to_message(game.roster), [whole(play) for play in game.plays]
    )
    players = {player.player_id: player for player in game.roster}
    made = [featurize((PASSING,), game.header, players, play.context, [play.frames]) for play in game.plays]
    assert list(answer.tensors) == [tensor_to_message(game.header, m) for m in made if isinstance(m, Tensor)]
    assert list(answer.rejections) == [rejection_to_message(game.header, m) for m in made if not isinstance(m, Tensor)]
    assert len(answer.tensors) + len(answer.rejections) == len(game.plays)


async def test_a_play_that_is_wrong_is_rejected_alone(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    plays = [whole(play) for play in game.plays[:3]]
    plays[1].context.revision = 0
    plays[2].frames[0].x = plays[2].frames[0].x[:-4]
    answer = await client.featurize_plays(header_to_message(game.header), roster_to_message(game.roster), plays)
    wrong = {rejection.key.play_id: rejection for rejection in answer.rejections}
    uncounted, short = (wrong[play.context.play_id] for play in game.plays[1:3])
    assert (uncounted.reason, uncounted.revision) == (reason_pb2.REASON_FIELD_INVALID, 1)
    assert "plays[1].context.revision" in uncounted.detail
    assert short.reason == reason_pb2.REASON_COLUMNS_INCONSISTENT
    assert "plays[2].frames[0].x" in short.detail
    assert len(answer.tensors) + len(answer.rejections) == 3


async def refused(client: FeaturizerClient, game: Game, plays: list[WholePlay]) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as caught:
        await client.featurize_plays(header_to_message(game.header), roster_to_message(game.roster), plays)
    return caught.value


async def test_a_call_that_is_wrong_is_refused_by_its_fields(client: FeaturizerClient, games: tuple[Game, ...]) -> None:
    game = games[0]
    nameless = whole(game.plays[0])
    nameless.context.play_id = ""
    error = await refused(client, game, [whole(game.plays[0]), nameless])
    assert error.fields[0].field == "plays[1].context.play_id"
    assert (await refused(client, game, [WholePlay()] * 201)).fields[0].field == "plays"
    stranger = replace(game, roster=(replace(game.roster[0], team_id="XXX"),))
    assert (await refused(client, stranger, [])).fields[0].field == "roster.players[0].team_id"


async def test_a_message_over_the_limit_is_refused_and_the_service_serves_on(
    client: FeaturizerClient, games: tuple[Game, ...]
) -> None:
    game = games[0]
    huge = whole(game.plays[0])
    huge.frames[0].x = bytes(20 * 2**20)
    assert (await refused(client, game, [huge])).reason is Reason.MESSAGE_TOO_LARGE
    assert (await client.describe_features()).id == SPECIFICATION.id


async def test_the_features_are_described(client: FeaturizerClient) -> None:
    specification = await client.describe_features()
    assert specification.id == SPECIFICATION.id
    assert [(c.name, c.unit) for c in specification.frame_columns] == [
        (c.name, c.unit) for c in SPECIFICATION.frame_columns
    ]
    assert [c.name for c in specification.static_columns] == [c.name for c in SPECIFICATION.static_columns]
    assert specification.frame_rate_hertz == 10.0
    assert (specification.task, specification.sport) == (common_pb2.TASK_PASSING, common_pb2.SPORT_AMERICAN_FOOTBALL)


@pytest.mark.parametrize("task", [common_pb2.TASK_UNSPECIFIED, 99])
async def test_the_features_of_a_task_that_is_not_served_are_refused(
    client: FeaturizerClient, task: common_pb2.Task.ValueType
) -> None:
    with pytest.raises(PlayscoreError, match="must be one of TASK_PASSING") as caught:
        await client.describe_features(task)
    assert caught.value.reason is Reason.TASK_UNSUPPORTED
    assert caught.value.fields[0].field == "task"
