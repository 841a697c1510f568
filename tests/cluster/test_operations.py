"""docs/operations.md, done in order on an empty cluster."""

from __future__ import annotations

import pytest

from tests.cluster.cluster import kubectl, rolled_out, until
from tests.cluster.installation import all_is_played, coverage, publish
from tests.cluster.page import Shell, commands

PLAYS = 6
FIRST = 20
"""Plays of the page's game."""


@pytest.fixture(scope="module")
def shell(empty: None, volumes: None, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("shell"))


def test_from_an_empty_cluster_to_the_first_rating(shell: Shell) -> None:
    _, *blocks = commands("From an empty cluster to the first rating")  # images are there: see the fixture
    *_, ratings = [shell.run(block) for block in blocks]
    assert "SIM passers · all plays" in ratings
    assert coverage()["plays"] == FIRST


def test_what_came_after_a_backup_is_played_again(shell: Shell) -> None:
    back_up, restore = commands("Backup and restore")
    shell.run(back_up)
    later = publish(PLAYS)
    all_is_played(2)
    assert coverage()["plays"] == FIRST + PLAYS

    shell.run(restore)
    rolled_out("statefulset/aggregator")
    assert coverage()["plays"] == FIRST

    shell.run(f"kubectl --namespace playscore port-forward service/nats 4222 &\nplayscore feed retry SIM/{later}")
    until("the later game in the store", lambda: coverage()["plays"] == FIRST + PLAYS)


def test_an_upgrade_and_the_way_back_lose_nothing(shell: Shell) -> None:
    [upgrade] = commands("Upgrade")
    [back] = commands("Roll back")
    publish(PLAYS)
    shell.run(upgrade)
    kubectl("rollout", "restart", "deployment/scorer")  # a release of which something is another
    rolled_out("deployment/scorer")
    publish(PLAYS)
    shell.run(back)
    rolled_out("deployment/scorer")
    all_is_played(4)
    assert coverage()["plays"] == FIRST + 3 * PLAYS


def test_a_pod_whose_node_is_lost_is_replaced(shell: Shell) -> None:
    publish(PLAYS)
    shell.run("kubectl --namespace playscore delete pod aggregator-0 --force")
    rolled_out("statefulset/aggregator")
    all_is_played(5)
    assert coverage()["plays"] == FIRST + 4 * PLAYS
