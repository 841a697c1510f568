"""The overlay with PostgreSQL and several of each: an update of the aggregator fails no call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.cluster import apply, kubectl, rolled_out
from tests.cluster.installation import all_is_played, called, coverage, publish, roll, scale, small
from tests.unit.deploy.manifests import rendered

PLAYS = 6


@pytest.fixture(scope="module", autouse=True)
def installed(namespace: str, volumes: None) -> None:
    """The overlay over a database of its own; one of each but the aggregator."""
    apply(Path(__file__).with_name("postgresql.yaml").read_text())
    rolled_out("deployment/postgresql")
    apply(small(rendered("cpu")))
    kubectl("delete", "horizontalpodautoscaler", "--all")
    for name in ("featurizer", "scorer", "triton", "worker"):
        scale(name, 1)
    kubectl("wait", "--for=condition=complete", "job/migration", "--timeout=300s")
    rolled_out("statefulset/nats", "deployment/aggregator", "deployment/scorer", "deployment/worker")


def test_games_become_ratings_while_the_aggregator_is_updated() -> None:
    with called("aggregator"):
        publish(PLAYS)
        roll("deployment/aggregator")
        publish(PLAYS)
    all_is_played(2)
    assert coverage()["plays"] == 2 * PLAYS
