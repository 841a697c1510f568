"""The graph of a shot model answers what its tables say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from featurizer.shots.factors import PLACE
from models.core import graph as core
from models.shots import graph
from models.shots.additive import Additive, ByListing, Model
from models.shots.binning import Floats
from tests.unit.models.shots import COUNT, random_model, random_statics

STATICS = random_statics(400)
MODELS: dict[str, Model] = {
    "additive": random_model(STATICS),
    "without pairs": random_model(STATICS, pairs=0),
    "by listing": ByListing(random_model(STATICS, 1), random_model(STATICS, 2), PLACE["listed_on_goal"]),
}


def on_the_edges(model: Model) -> Floats:
    """Rows whose values are edges of the bins, or next to them."""
    one = model.unblocked if isinstance(model, ByListing) else model
    rows = np.ones((300, 2 * COUNT), np.float32)
    rng = np.random.default_rng(0)
    for place, cut in enumerate(one.bins.edges):
        rows[:, place] = rng.choice(cut, len(rows))
    rows[100:200, :COUNT] = np.nextafter(rows[100:200, :COUNT], np.float32(np.inf))
    rows[200:, :COUNT] = np.nextafter(rows[200:, :COUNT], np.float32(-np.inf))
    return rows


def extremes() -> Floats:
    """Rows of the greatest and least floats, known and unknown."""
    limit = np.finfo(np.float32).max
    rows = np.zeros((6, 2 * COUNT), np.float32)
    rows[:3, COUNT:] = 1
    rows[0, :COUNT] = rows[3, :COUNT] = limit
    rows[1, :COUNT] = rows[4, :COUNT] = -limit
    return rows


@pytest.mark.parametrize("name", MODELS)
def test_the_graph_answers_the_contributions_of_the_tables(name: str, tmp_path: Path) -> None:
    model = MODELS[name]
    graph.export(model, tmp_path / "model.onnx")
    for statics in (STATICS, random_statics(50, 3, known=0.2), on_the_edges(model), extremes(), STATICS[:1]):
        assert graph.difference(model, tmp_path / "model.onnx", statics) < core.MAX_DIFFERENCE


def test_the_graph_takes_statics_alone_in_single_precision_for_any_number_of_shots(tmp_path: Path) -> None:
    graph.export(MODELS["additive"], tmp_path / "model.onnx")
    session = core.session(tmp_path / "model.onnx")
    assert [(each.name, each.type) for each in session.get_inputs()] == [("static", "tensor(float)")]
    assert [each.name for each in session.get_outputs()] == ["contributions"]
    assert session.run(None, {"static": STATICS[:0]})[0].shape == (0, COUNT)
    assert onnx.load(tmp_path / "model.onnx").opset_import[0].version == core.OPSET


def test_the_same_model_has_the_same_graph_and_another_one_another(tmp_path: Path) -> None:
    for name in ("one", "two"):
        graph.export(random_model(STATICS, 5), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    other: Additive = random_model(STATICS, 6)
    assert graph.digest_of(other) != graph.digest_of(random_model(STATICS, 5))
