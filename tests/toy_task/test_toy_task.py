"""A third task goes from a feed to a rating through cores and the worker as they are."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from aggregator.sqlite import SqliteStore
from pipeline.batch_stages import BatchStages
from pipeline.game_run import GameRun
from pipeline.results import Ending
from playscore.common.v1 import common_pb2 as common
from playscore.errors import Reason
from playscore.feed.v1 import feed_pb2 as feed
from playscore.game import (
    CoordinateSystem,
    Frames,
    Game,
    GameHeader,
    LengthUnit,
    Origin,
    Play,
    PlayContext,
    Player,
    Sport,
)
from playscore.release import GRAPH, Release, ReleasedFeatures, ReleasedTensor
from playscore.wire.games import feed_of
from scorer.core.model import Model
from scorer.onnx import OnnxInference
from tests.toy_task.ports import InProcessFeaturizer, InProcessRatings
from tests.toy_task.toy import MODEL, TEAM, Advance, AdvancePlays, AdvanceScoring

HEADER = GameHeader(
    league="TOY",
    game_id="monday",
    sport=Sport.ICE_HOCKEY,
    season=None,
    home_team_id="cats",
    away_team_id="dogs",
    coordinates=CoordinateSystem(LengthUnit.FOOT, Origin.CENTER, None),
    frame_rate_hertz=30.0,
)
DEFENDERS_X = -50.0
ROSTER = tuple(Player(f"{team}-{number}", team) for team in HEADER.team_ids for number in range(3))


def released(root: Path) -> Release:
    """A linear model of the two columns, summed over the frames: `total` = Σ (mean x + 2 max x)."""
    folder = root / MODEL.name / str(MODEL.version)
    folder.mkdir(parents=True)
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [2, 1], [1.0, 2.0])
    axes = {name: helper.make_tensor(name, TensorProto.INT64, [1], [axis]) for name, axis in (("last", 2), ("time", 1))}
    nodes = [
        helper.make_node("MatMul", ["frames", "weights"], ["weighed"]),
        helper.make_node("Squeeze", ["weighed", "last"], ["rows"]),
        helper.make_node("Mul", ["rows", "mask"], ["real"]),
        helper.make_node("ReduceSum", ["real", "time"], ["total"], keepdims=0),
    ]
    shapes: dict[str, list[str | int | None]] = {"frames": ["N", "T", 2], "mask": ["N", "T"], "static": ["N", 1]}
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    output = helper.make_tensor_value_info("total", TensorProto.FLOAT, ["N"])
    graph = helper.make_graph(nodes, "advance", inputs, [output], [weights, *axes.values()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / GRAPH)
    return Release(
        model=MODEL.name,
        version=MODEL.version,
        task="advance",
        released="2030-01-01",
        features=ReleasedFeatures.of(Advance.specification),
        bucket_lengths=(8,),
        max_batch_size=4,
        outputs=(ReleasedTensor(name="total", shape=()),),
        graph_sha256=hashlib.sha256((folder / GRAPH).read_bytes()).hexdigest(),
        figures={},
    )


def play(play_id: str, team: str, x: float) -> Play:
    """Three frames in which the attacking team comes to stand at x, x + 1 and x + 2."""
    place = np.array([x + number if each == team else DEFENDERS_X for each in HEADER.team_ids for number in range(3)])
    rows = np.stack([place - 2, place - 1, place]).astype(np.float32)
    frames = Frames(np.arange(3, dtype=np.int32), tuple(each.player_id for each in ROSTER), rows, np.zeros_like(rows))
    return Play(PlayContext(play_id, team, situation=None), frames)


NOTHING = np.empty((0, 0), np.float32)
UNSEEN = Play(PlayContext("4", "cats", situation=None), Frames(np.empty(0, np.int32), (), NOTHING, NOTHING))


def advance(x: float) -> float:
    """What the model makes of a play."""
    return (x + 1) + 2 * (x + 2)


async def told(*messages: Iterable[feed.FeedMessage]) -> AsyncIterator[feed.FeedMessage]:
    for part in messages:
        for message in part:
            yield message


async def test_a_toy_task_goes_from_a_feed_to_a_rating_and_through_a_correction(tmp_path: Path) -> None:
    release = released(tmp_path / "releases")
    inference = OnnxInference(tmp_path / "releases", [release])
    await inference.open()
    game = Game(HEADER, ROSTER, [play("1", "cats", 10), play("2", "cats", 20), play("3", "dogs", 5), UNSEEN])
    key = common.GameKey(league="TOY", game_id="monday")
    correction = feed.FeedMessage(game=key, context=feed.PlayContext(play_id="2", revision=2, attacking_team_id="dogs"))

    async with (
        InProcessRatings(SqliteStore(tmp_path / "toy.sqlite", (TEAM,))) as ratings,
        BatchStages(ratings) as stages,
    ):
        tasks = (AdvancePlays(Model(release, AdvanceScoring(), inference)),)
        results = await GameRun(key, InProcessFeaturizer(Advance()), tasks, stages).run(told(feed_of(game)))
        assert [(each.play_id, each.ending) for each in results] == [
            ("1", Ending.SCORED),
            ("2", Ending.SCORED),
            ("3", Ending.SCORED),
            ("4", Ending.REJECTED),
        ]
        assert await ratings.get_rating("TOY", "cats") == advance(10) + advance(20)
        assert await ratings.get_rating("TOY", "dogs") == advance(5)
        assert ratings.reasons("TOY") == {Reason.NO_FRAMES.value: 1}

        run = GameRun(key, InProcessFeaturizer(Advance()), tasks, stages, archive=feed_of(game))
        (corrected,) = await run.run(told([correction]))
        assert (corrected.play_id, corrected.revision, corrected.ending) == ("2", 2, Ending.SCORED)
        assert await ratings.get_rating("TOY", "cats") == advance(10)
        assert await ratings.get_rating("TOY", "dogs") == advance(5) + 3 * DEFENDERS_X
    await inference.close()
