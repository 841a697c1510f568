"""The overlay with PostgreSQL and several of each: an update of the aggregator fails no call."""

from __future__ import annotations

import pytest

from tests.cluster.installation import all_is_played, called, coverage, install_over_postgresql, publish, roll
from tests.unit.deploy.manifests import rendered

PLAYS = 6


@pytest.fixture(scope="module", autouse=True)
def installed(namespace: str, volumes: None) -> None:
    """The overlay over a database of its own; one of each but the aggregator."""
    install_over_postgresql(rendered("cpu"), one_of=("featurizer", "scorer", "triton", "worker"))


def test_games_become_ratings_while_the_aggregator_is_updated() -> None:
    with called("aggregator"):
        publish(PLAYS)
        roll("deployment/aggregator")
        publish(PLAYS)
    all_is_played(2)
    assert coverage()["plays"] == 2 * PLAYS
