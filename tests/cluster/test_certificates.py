"""Certificates on every call: the overlay of `cpu` with those of an authority, as cert-manager would lay them down."""

from __future__ import annotations

import json
import os
import textwrap

import pytest
import yaml

from tests.authority import Authority, dns
from tests.cluster.cluster import NAMESPACE, apply, get, kubectl, run, tool, until
from tests.cluster.installation import all_is_played, install_over_postgresql, publish
from tests.unit.deploy.manifests import KUBERNETES

PLAYS = 6
WORKLOADS = ("featurizer", "scorer", "aggregator", "worker")
ASK = textwrap.dedent("""
    import asyncio, json, sys
    from pathlib import Path
    from playscore.client import AggregatorClient, Tls

    async def main():
        folder = Path("/etc/playscore/tls")
        files = [folder / name for name in ("ca.crt", "tls.crt", "tls.key")]
        tls = Tls(*files[: int(sys.argv[1])])
        async with AggregatorClient("dns:///aggregator:50053", tls=tls, timeout_seconds=20) as ratings:
            covered = await ratings.get_coverage("SIM")
        print(json.dumps(covered.graded + covered.ungraded + sum(each.plays for each in covered.unscored)))

    asyncio.run(main())
""")
EXPIRY = textwrap.dedent("""
    import urllib.request
    shown = urllib.request.urlopen("http://127.0.0.1:9100/metrics").read().decode().splitlines()
    name = "playscore_tls_certificate_expiry_timestamp_seconds"
    print(max(float(line.rpartition(" ")[2]) for line in shown if line.startswith(name)))
""")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "files")


def certify(authority: Authority, workload: str) -> None:
    """Gives a workload a new certificate."""
    certificate, key = authority.sign(dns(workload), dns(f"{workload}.{NAMESPACE}.svc"))
    files = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority.certificate}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{workload}-tls", "namespace": NAMESPACE},
        "stringData": {name: path.read_text() for name, path in files.items()},
    }
    apply(yaml.safe_dump(secret))


@pytest.fixture(scope="module", autouse=True)
def installed(namespace: str, volumes: None, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The overlay of `cpu` with `mutual-tls`, over a database of its own; one of each."""
    folder = tmp_path_factory.mktemp("overlay")
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(KUBERNETES / "overlays" / "cpu", folder)],
        "components": [os.path.relpath(KUBERNETES / "components" / "mutual-tls", folder)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    for workload in WORKLOADS:
        certify(authority, workload)
    install_over_postgresql(run(tool("kubectl"), "kustomize", folder), one_of=(*WORKLOADS, "triton"))


def ask(files: int) -> str:
    """What the worker's pod hears of the aggregator with so many of its files: authority, certificate, key."""
    return kubectl("exec", "deployment/worker", "--", "python", "-c", ASK, str(files), check=files == 3)


def plays() -> int:
    """How many plays are recorded, as the worker may read them."""
    return int(json.loads(ask(3)))


def test_a_game_becomes_ratings_over_calls_that_all_have_certificates() -> None:
    publish(PLAYS)
    all_is_played(1)
    assert plays() == PLAYS


def test_nobody_is_answered_without_a_certificate() -> None:
    assert ask(1) == ""


def test_a_renewed_certificate_is_taken_over_while_games_are_played(authority: Authority) -> None:
    before = expiry()
    started = get("deployment", "aggregator")["status"]["observedGeneration"]
    for workload in WORKLOADS:
        certify(authority, workload)
    publish(PLAYS)
    until("the new certificate", lambda: expiry() > before)
    publish(PLAYS)
    all_is_played(3)
    assert plays() == 3 * PLAYS
    assert get("deployment", "aggregator")["status"]["observedGeneration"] == started


def expiry() -> float:
    """When the certificate ends that the aggregator shows, seconds."""
    return float(kubectl("exec", "deployment/aggregator", "--", "python", "-c", EXPIRY))
