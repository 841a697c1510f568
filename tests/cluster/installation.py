"""An installation on the cluster, and what is done to it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from simulator.games import game_id_of
from simulator.source import SEASON
from tests.cluster.cluster import (
    NAMESPACE,
    RELEASE,
    Document,
    apply,
    documents,
    forwarded,
    get,
    kubectl,
    pods,
    rolled_out,
    run,
    tool,
    until,
)

SERVICES: Final = ("featurizer", "scorer", "aggregator")
_INDEXES = itertools.count(1)  # 0 is the game of docs/operations.md


def without_custom_resources(manifests: str) -> str:
    """Those that Kubernetes itself knows."""
    return yaml.safe_dump_all([each for each in documents(manifests) if each["kind"] != "ServiceMonitor"])


def small(manifests: str) -> str:
    """The same for a node of two cores: requests of CPU cut to 50m."""
    found = documents(manifests)
    for each in found:
        if each["kind"] in {"Deployment", "StatefulSet", "Job"}:
            pod = each["spec"]["template"]["spec"]
            for container in [*pod.get("initContainers", ()), *pod["containers"]]:
                container["resources"]["requests"]["cpu"] = "50m"
    return yaml.safe_dump_all(found)


def install_over_postgresql(manifests: str, one_of: Iterable[str]) -> None:
    """Installs an overlay with a database of its own, and waits until all runs.

    Requests of CPU are small, there is one pod each of the Deployments in `one_of`, and nothing scales by itself.
    """
    apply(Path(__file__).with_name("postgresql.yaml").read_text())
    rolled_out("deployment/postgresql")
    apply(small(manifests))
    kubectl("delete", "horizontalpodautoscaler", "--all")
    for name in one_of:
        scale(name, 1)
    kubectl("wait", "--for=condition=complete", "job/migration", "--timeout=300s")
    rolled_out("statefulset/nats", *(f"deployment/{name}" for name in (*SERVICES, "triton", "worker")))


def publish(plays: int) -> str:
    """Publishes a simulated game that the feed does not have yet, and returns its identifier."""
    index = next(_INDEXES)
    game_id = game_id_of(SEASON, index)
    with forwarded("service/nats", 4222) as broker:
        simulated = ["--simulate", str(index + 1), "--games", game_id, "--plays", str(plays), "--speed", "max"]
        run(tool("playscore"), "publish", "--broker", f"nats://{broker}", *simulated)
    return game_id


def all_is_played(games: int, seconds: float = 600.0) -> dict[str, Any]:
    """Waits until so many games are played to the end; returns what `playscore feed status` says."""
    with forwarded("service/nats", 4222) as broker:

        def status() -> dict[str, Any]:
            said = run(tool("playscore"), "feed", "status", "--broker", f"nats://{broker}", "--json", check=False)
            found: dict[str, Any] = json.loads(said) if said.startswith("{") else {}
            standings = [game["standing"] for game in found.get("games", ())]
            return found if standings.count("played") >= games else {}

        return until(f"{games} games played", status, seconds)


def rated() -> list[dict[str, Any]]:
    """The ratings of the simulated league."""
    with forwarded("service/aggregator", 50053) as aggregator:
        asked = ["--league", "SIM", "--min-plays", "1", "--json"]
        said = run(tool("playscore"), "ratings", "--aggregator", aggregator, *asked)
    found: list[dict[str, Any]] = json.loads(said)["ratings"]
    return found


def coverage() -> dict[str, Any]:
    """How many plays of the simulated league were scored."""
    with forwarded("service/aggregator", 50053) as aggregator:
        said = run(tool("playscore"), "coverage", "--aggregator", aggregator, "--league", "SIM", "--json")
    found: dict[str, Any] = json.loads(said)
    return found


@contextmanager
def called(service: str) -> Iterator[None]:
    """A client in the cluster calls a service all the time inside the block; no call may fail."""
    name = f"caller-{service}"
    script = Path(__file__).with_name("caller.py").read_text()
    apply(
        yaml.safe_dump_all(
            [
                {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": name, "namespace": NAMESPACE},
                    "data": {"caller.py": script},
                },
                _caller(name, service),
            ]
        )
    )
    try:
        until(f"calls of {service}", lambda: _told(name).get("answered", 0) > 0)
        yield
        before = _told(name)["answered"]
        until(f"more calls of {service}", lambda: _told(name)["answered"] > before + 20)
        told = _told(name)
        assert told["failed"] == {}, told
    finally:
        kubectl("delete", "pod", name, "--grace-period=1")


def _told(name: str) -> dict[str, Any]:
    lines = kubectl("logs", name, "--tail=1", check=False).strip().splitlines()
    return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}


def _caller(name: str, service: str) -> Document:
    labels = {"app.kubernetes.io/name": "worker-test", "playscore/calls": "aggregator"}
    if service != "aggregator":
        labels["app.kubernetes.io/name"] = "worker"  # whom they let in
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"playscore-test": name, **labels}},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "caller",
                    "image": f"playscore-aggregator:{RELEASE}",
                    "command": ["python", "/caller/caller.py", service],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": "caller", "mountPath": "/caller"}],
                }
            ],
            "volumes": [{"name": "caller", "configMap": {"name": name}}],
        },
    }


def roll(workload: str) -> None:
    """Replaces all pods of a workload, as an upgrade does."""
    kubectl("rollout", "restart", workload)
    rolled_out(workload)


def evict(pod: str) -> bool:
    """Asks for a pod to leave, as a drain of its node does. Returns whether its budget allowed it."""
    versions = kubectl("api-versions")
    body = {
        "apiVersion": "policy/v1" if "\npolicy/v1\n" in versions else "policy/v1beta1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": NAMESPACE},
    }
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    said = run(tool("kubectl"), "create", "--raw", path, "--filename=-", given=json.dumps(body), check=False)
    return "Success" in said


def replicas(name: str) -> int:
    """How many pods a Deployment wants."""
    return int(get("deployment", name)["spec"]["replicas"])


def scale(name: str, count: int) -> list[str]:
    """Has a Deployment run so many pods; returns their names."""
    kubectl("scale", f"deployment/{name}", f"--replicas={count}")
    rolled_out(f"deployment/{name}")
    return until(f"{count} pods of {name}", lambda: found if len(found := pods(name)) == count else [])
