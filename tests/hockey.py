"""Releases of shots and face-offs with graphs of a few nodes, and plays made for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper

from featurizer.faceoffs.columns import SPECIFICATION as FACEOFF_COLUMNS
from featurizer.shots.factors import FACTORS
from featurizer.shots.factors import SPECIFICATION as SHOT_COLUMNS
from featurizer.shots.values import statics
from playscore.common.v1 import common_pb2 as common
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import DESCRIPTION, GRAPH, Release, ReleasedFactor, ReleasedFeatures, ReleasedTensor
from playscore.scorer.v1 import scorer_pb2 as scorer

HUNDREDTHS = 101
Weights = NDArray[np.float32]


def release_shots(root: Path, *, version: int = 1, seed: int = 0, spread: float = 0.02) -> Release:
    """Contributions = w x where a value is known, u where it is not; w and u are drawn. `weights` draws them again."""
    slope, unknown = weights(seed, spread)
    count = len(FACTORS)
    constants = [
        helper.make_tensor("slope", TensorProto.FLOAT, [count], slope),
        helper.make_tensor("unknown", TensorProto.FLOAT, [count], unknown),
        helper.make_tensor("halves", TensorProto.INT64, [2], [count, count]),
        helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
    ]
    nodes = [
        helper.make_node("Split", ["static", "halves"], ["values", "known"], axis=1),
        helper.make_node("Mul", ["values", "slope"], ["weighed"]),
        helper.make_node("Greater", ["known", "half"], ["is_known"]),
        helper.make_node("Where", ["is_known", "weighed", "unknown"], ["contributions"]),
    ]
    quantiles = tuple(np.linspace(0.0, 100.0, HUNDREDTHS).tolist())
    return _released(
        root / "shots" / str(version),
        _graph(nodes, constants, 2 * count, "contributions", count),
        features=ReleasedFeatures.of(SHOT_COLUMNS),
        outputs=(ReleasedTensor(name="contributions", shape=(count,)),),
        thresholds=(0.06, 0.15),
        intercept_logit=-2.7,
        factors=tuple(
            ReleasedFactor(
                name=factor.name,
                unit=factor.unit,
                learned_from="simulation",
                quantiles=quantiles if factor.ordered else (),
            )
            for factor in FACTORS
        ),
    )


def weights(seed: int = 0, spread: float = 0.02) -> tuple[Weights, Weights]:
    """(F,) w and u of `release_shots`. Every third factor says nothing where it is not known."""
    random = np.random.default_rng(seed)
    slope, unknown = random.normal(0.0, spread, (2, len(FACTORS))).astype(np.float32)
    unknown[::3] = 0.0
    return slope, unknown


def release_faceoffs(root: Path, *, version: int = 1) -> Release:
    """Logit = taker's record less the opponent's."""
    count = len(FACEOFF_COLUMNS.static_columns)
    slope = np.zeros((count, 1), np.float32)
    slope[0], slope[1] = 1.0, -1.0
    constants = [helper.make_tensor("slope", TensorProto.FLOAT, [count, 1], slope)]
    return _released(
        root / "faceoffs" / str(version),
        _graph([helper.make_node("MatMul", ["static", "slope"], ["logit"])], constants, count, "logit", 1),
        features=ReleasedFeatures.of(FACEOFF_COLUMNS),
        outputs=(ReleasedTensor(name="logit", shape=(1,)),),
    )


def shot_to_score(
    release: Release, play_id: str = "1", values: Mapping[str, float] | None = None, **outcome: Any
) -> scorer.ShotToScore:
    """A shot of which `values` are known."""
    tensor = _tensor(release, play_id, statics(values or {"puck_distance_feet": 20.0}))
    tensor.subjects.add(role=common.ROLE_SHOOTER, subject_id="sh", team_id="HOME")
    tensor.shot_attributes.shooting_team_id = "HOME"
    return scorer.ShotToScore(tensor=tensor, outcome=hockey.ShotOutcome(**outcome) if outcome else None)


def faceoff_to_score(release: Release, play_id: str = "1", edge: float = 0.1, **outcome: Any) -> scorer.FaceoffToScore:
    """A face-off of a taker whose record is better by `edge`."""
    row = np.zeros(len(release.features.static_columns), np.float32)
    row[0], row[1] = 0.5 + edge / 2, 0.5 - edge / 2
    tensor = _tensor(release, play_id, row)
    tensor.subjects.add(role=common.ROLE_FACEOFF_TAKER, subject_id="taker", team_id="HOME")
    return scorer.FaceoffToScore(tensor=tensor, outcome=hockey.FaceoffOutcome(**outcome) if outcome else None)


def _tensor(release: Release, play_id: str, row: NDArray[np.float32]) -> featurizer.PlayTensor:
    return featurizer.PlayTensor(
        key=common.PlayKey(league="SIM", game_id="1", play_id=play_id),
        revision=1,
        feature_specification_id=release.features.id,
        shape=[0, 0],
        statics=row.astype("<f4").tobytes(),
    )


def _graph(nodes: list[NodeProto], constants: list[TensorProto], columns: int, output: str, size: int) -> bytes:
    taken = helper.make_tensor_value_info("static", TensorProto.FLOAT, ["N", columns])
    given = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", size])
    graph = helper.make_graph(nodes, output, [taken], [given], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _released(folder: Path, graph: bytes, **described: Any) -> Release:
    folder.mkdir(parents=True)
    (folder / GRAPH).write_bytes(graph)
    model = folder.parent.name
    release = Release(
        model=model,
        version=int(folder.name),
        task=model,
        released="2030-01-01",
        bucket_lengths=(0,),
        max_batch_size=64,
        graph_sha256=hashlib.sha256(graph).hexdigest(),
        figures={},
        **described,
    )
    (folder / DESCRIPTION).write_text(release.to_json())
    return release
