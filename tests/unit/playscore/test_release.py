"""What services know of a model is in its release, whichever format it was written in."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from playscore.errors import PlayscoreError, Reason
from playscore.features import Column, FeatureSpecification
from playscore.game import Sport
from playscore.release import (
    DESCRIPTION,
    GRAPH,
    ModelVersion,
    Release,
    ReleasedFeatures,
    ReleasedTensor,
    Support,
    list_releases,
    load_release,
)

EDGES = (-1.5, -0.5, 0.5, 1.5)


def support(edges: tuple[float, ...] = EDGES, lower: float = 0.05, upper: float = 0.05) -> Support:
    return Support(edges_yards=edges, lower_tail_probability=lower, upper_tail_probability=upper)


def test_format_1_is_read_as_a_passing_release(releases: Path) -> None:
    folder = releases / "passing" / "1"
    written = json.loads((folder / DESCRIPTION).read_text())
    read = load_release(folder)
    assert read.key == ModelVersion("passing", 1)
    assert read.task == "passing"
    assert read.outputs == (
        ReleasedTensor(name="logits", shape=(len(written["law"]["edges"]) - 1,)),
        ReleasedTensor(name="tails", shape=(4,)),
    )
    assert read.support is not None
    assert read.support.edges_yards == tuple(written["law"]["edges"])
    assert read.support.lower_tail_probability == written["law"]["lower_tail"]
    assert read.support.upper_tail_probability == written["law"]["upper_tail"]
    assert read.reference_population is not None
    assert read.reference_population.subjects == written["reference_population"]["passers"]
    assert read.reference_population.mean == written["reference_population"]["mean"]


def test_a_release_is_read_as_it_was_written(passing_release: Release) -> None:
    text = passing_release.to_json()
    assert json.loads(text)["format"] == 3
    assert Release.from_json(text) == passing_release


def test_format_2_is_read_as_it_is(passing_release: Release) -> None:
    written = json.loads(passing_release.to_json()) | {"format": 2}
    assert Release.from_json(json.dumps(written)) == passing_release.model_copy(update={"format": 2})


def test_a_task_may_have_no_support_no_levels_and_no_population(passing_release: Release) -> None:
    release = passing_release.model_copy(update={"support": None, "reference_population": None, "task": "sums"})
    assert Release.from_json(release.to_json()) == release


def test_a_release_of_a_later_format_is_refused_with_the_formats_that_are_read(passing_release: Release) -> None:
    later = json.loads(passing_release.to_json()) | {"format": 5}
    with pytest.raises(PlayscoreError, match=r"format 5.*formats 1 to 4") as refused:
        Release.from_json(json.dumps(later))
    assert refused.value.reason is Reason.MODEL_NOT_FOUND


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"bucket_lengths": [64, 32]}, "bucket_lengths must rise"),
        ({"thresholds": [0.2, 0.2]}, "thresholds must rise"),
        ({"outputs": []}, "outputs"),
        ({"outputs": [{"name": "a", "shape": [1]}] * 2}, "must differ"),
        ({"support": {"edges_yards": [1, 0], "lower_tail_probability": 0.1, "upper_tail_probability": 0.1}}, "rising"),
        ({"ceiling": "sideline"}, "ceiling"),
        ({"law": {}}, "law"),
    ],
)
def test_an_invalid_release_is_refused(passing_release: Release, change: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Release.from_json(json.dumps(json.loads(passing_release.to_json()) | change))


def test_releases_of_all_models_are_listed_by_name_and_version(passing_release: Release, tmp_path: Path) -> None:
    graph = b"not a graph"
    for model, version in (("b", 2), ("b", 10), ("a", 1)):
        folder = tmp_path / model / str(version)
        folder.mkdir(parents=True)
        (folder / GRAPH).write_bytes(graph)
        made = passing_release.model_copy(update={"model": model, "version": version, "graph_sha256": "0" * 64})
        (folder / DESCRIPTION).write_text(made.to_json())
    with pytest.raises(PlayscoreError, match="is not the graph that was released"):
        list_releases(tmp_path)
    for described in tmp_path.rglob(DESCRIPTION):
        made = Release.from_json(described.read_text())
        described.write_text(made.model_copy(update={"graph_sha256": hashlib.sha256(graph).hexdigest()}).to_json())
    assert [release.key for release in list_releases(tmp_path)] == [
        ModelVersion("a", 1),
        ModelVersion("b", 2),
        ModelVersion("b", 10),
    ]
    assert [release.version for release in list_releases(tmp_path, "b")] == [2, 10]


def test_a_release_keeps_names_units_and_identifier_of_its_features() -> None:
    specification = FeatureSpecification(
        Sport.AMERICAN_FOOTBALL, 10.0, (Column("x", "yd", "where"),), (Column("n", "1", "how many"),)
    )
    features = ReleasedFeatures.of(specification)
    assert features.id == specification.id
    assert (features.frame_names, features.static_names) == (("x",), ("n",))
    assert features.frame_columns[0].unit == "yd"


rising = st.lists(st.integers(-1000, 1000), min_size=2, max_size=8, unique=True).map(
    lambda numbers: tuple(sorted(float(number) for number in numbers))
)
tails = st.floats(0.001, 0.4)


@given(rising, tails, tails, rising, tails, tails)
def test_supports_have_the_same_identifier_only_if_they_are_the_same(
    edges: tuple[float, ...],
    lower: float,
    upper: float,
    other_edges: tuple[float, ...],
    other_lower: float,
    other_upper: float,
) -> None:
    one, other = support(edges, lower, upper), support(other_edges, other_lower, other_upper)
    assert (one.id == other.id) == (one == other)


def test_the_identifier_of_a_support_never_changes() -> None:
    assert support().id == "05f4ffc34c24b1af"
    assert support((0.0, 1.0)).id == support((-0.0, 1.0)).id


@pytest.mark.parametrize(
    "wrong",
    [
        support(()),
        support((0.5,)),
        support((-1.5, 0.5, -0.5)),
        support((-1.5, -0.5, -0.5)),
        support((-1.5, np.inf)),
        support((np.nan, 0.5)),
        support((-1e308, 1e308)),
        support(lower=0.0),
        support(lower=0.6, upper=0.6),
        support(upper=np.nan),
    ],
)
def test_an_invalid_support_is_refused(wrong: Support) -> None:
    with pytest.raises(PlayscoreError, match=r"edges_yards|leave a body") as refused:
        wrong.check()
    assert refused.value.reason is Reason.DISTRIBUTION_INVALID
