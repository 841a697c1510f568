"""The overlay for one small cluster: a game goes through it, and what a cluster does to pods loses nothing."""

from __future__ import annotations

import shlex

import pytest
import yaml

from tests.cluster import cluster
from tests.cluster.cluster import apply, documents, kubectl, nodes, pods, rolled_out, run, until
from tests.cluster.installation import (
    all_is_played,
    called,
    coverage,
    evict,
    publish,
    rated,
    replicas,
    roll,
    scale,
)
from tests.unit.deploy.manifests import rendered

PLAYS = 6
WORKLOADS = ("statefulset/nats", "statefulset/aggregator", "deployment/featurizer", "deployment/triton")


@pytest.fixture(scope="module", autouse=True)
def installed(namespace: str, volumes: None) -> None:
    """The overlay, running."""
    apply(rendered("local"))
    rolled_out(*WORKLOADS, "deployment/scorer", "deployment/worker")


@pytest.fixture(scope="module")
def games() -> list[str]:
    """The games that were published."""
    return []


def test_a_game_becomes_ratings(games: list[str]) -> None:
    games.append(publish(PLAYS))
    all_is_played(len(games))
    assert rated() != []


@pytest.mark.parametrize("name", ["featurizer", "scorer"])
def test_an_update_fails_no_call_and_loses_no_play(games: list[str], name: str) -> None:
    with called(name):
        games.append(publish(PLAYS))
        roll(f"deployment/{name}")
        games.append(publish(PLAYS))
    all_is_played(len(games))


@pytest.mark.parametrize(
    "workload", ["deployment/worker", "deployment/triton", "statefulset/aggregator", "statefulset/nats"]
)
def test_an_update_loses_no_play(games: list[str], workload: str) -> None:
    games.append(publish(PLAYS))
    roll(workload)
    games.append(publish(PLAYS))
    all_is_played(len(games))


def test_a_killed_pod_loses_no_play(games: list[str]) -> None:
    games.append(publish(PLAYS))
    for name in ("worker", "scorer", "aggregator"):
        kubectl("delete", "pod", pods(name)[0], "--grace-period=0", "--force")
    all_is_played(len(games))


def test_every_play_was_scored_or_has_a_reason(games: list[str]) -> None:
    all_is_played(len(games))
    said = coverage()
    assert said["plays"] == PLAYS * len(games), said


def test_a_budget_lets_one_pod_leave_at_a_time() -> None:
    first, second = scale("featurizer", 2)
    assert evict(first)
    assert not evict(second)
    rolled_out("deployment/featurizer")
    until("a budget that allows it", lambda: evict(second))
    rolled_out("deployment/featurizer")
    scale("featurizer", 1)


@pytest.mark.skipif(not cluster.FAKE_CPU, reason="needs PLAYSCORE_FAKE_CPU, a command that makes pods report a usage")
def test_load_on_the_cpu_adds_pods() -> None:
    (scaler,) = [
        each
        for each in documents(rendered("cpu"))
        if each["kind"] == "HorizontalPodAutoscaler" and each["metadata"]["name"] == "featurizer"
    ]
    try:
        run(*shlex.split(cluster.FAKE_CPU.format(cpu="400m")))
        apply(yaml.safe_dump(scaler))
        until("more featurizers", lambda: replicas("featurizer") >= 3)
    finally:
        kubectl("delete", "horizontalpodautoscaler", "featurizer", "--ignore-not-found")
        run(*shlex.split(cluster.FAKE_CPU.format(cpu="10m")))
        scale("featurizer", 1)


@pytest.mark.skipif(not cluster.FAKE_GPU, reason="needs PLAYSCORE_FAKE_GPU, a command that makes a node offer GPUs")
def test_triton_goes_where_a_gpu_is() -> None:
    """Scheduling alone: what would run there is an image that this cluster cannot pull."""
    (triton,) = [
        each
        for each in documents(rendered("gpu"))
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "triton"
    ]
    triton["metadata"]["name"] = "triton-gpu"
    triton["spec"]["replicas"] = 1
    triton["spec"]["selector"]["matchLabels"]["playscore-test"] = "gpu"
    triton["spec"]["template"]["metadata"]["labels"]["playscore-test"] = "gpu"
    triton["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "50m"

    def scheduled() -> str:
        return kubectl(
            "get", "pods", "--selector=playscore-test=gpu", "--output=jsonpath={.items[*].spec.nodeName}"
        ).strip()

    node = nodes()[0]
    try:
        apply(yaml.safe_dump(triton))
        until(
            "a pod that finds no place",
            lambda: "Unschedulable" in kubectl("get", "pods", "--selector=playscore-test=gpu", "--output=yaml"),
        )
        run(*shlex.split(cluster.FAKE_GPU.format(count=1)))
        kubectl("label", "node", node, "nvidia.com/gpu.present=true", "--overwrite")
        until("a place on the node with a GPU", scheduled)
    finally:
        kubectl("delete", "deployment", "triton-gpu", "--ignore-not-found", "--wait=false")
        kubectl("label", "node", node, "nvidia.com/gpu.present-")
        run(*shlex.split(cluster.FAKE_GPU.format(count=0)))
