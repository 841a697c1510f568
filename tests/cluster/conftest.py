"""`make test-cluster`: what needs a Kubernetes cluster. Everything here is skipped without KUBECONFIG."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import cluster
from tests.cluster.cluster import NAMESPACE, kubectl
from tests.unit.deploy.manifests import ROOT

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("PLAYSCORE_TEST_CLUSTER"):
        return
    skip = pytest.mark.skip(reason="needs a cluster: make test-cluster")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(skip)


@pytest.fixture(scope="module")
def empty() -> Iterator[None]:
    """A cluster without the namespace."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=600s", namespace="default")
    yield
    kubectl("delete", "namespace", NAMESPACE, "--timeout=600s", namespace="default")


@pytest.fixture(scope="module")
def namespace(empty: None) -> str:
    """An empty namespace with the keys that an installation has to bring."""
    kubectl("apply", "--filename=-", given=(ROOT / "deploy/kubernetes/base/namespace.yaml").read_text())
    kubectl(
        "create",
        "secret",
        "generic",
        "featurizer-token-keys",
        "--from-literal=keys=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    )
    return NAMESPACE


@pytest.fixture(scope="module")
def volumes(empty: None, images: None) -> Iterator[None]:
    """Empty volumes on the node, for clusters that make none: they have no storage class."""
    made = not kubectl("get", "storageclasses", "--output=name", namespace="default").strip()
    if made:
        _make_volumes()
    yield
    if made:
        kubectl("delete", "persistentvolumes", "--selector=playscore-test=volume", "--wait=false", namespace="default")


def _make_volumes() -> None:
    kubectl("delete", "persistentvolumes", "--selector=playscore-test=volume", namespace="default")
    kubectl("delete", "pod", "volumes", "--ignore-not-found", namespace="default")
    kubectl("apply", "--filename=-", namespace="default", given=(HERE / "volumes.yaml").read_text())
    cluster.until(
        "folders of volumes",
        lambda: cluster.get("pod", "volumes", "default")["status"].get("phase") == "Succeeded",
    )


@pytest.fixture(scope="session")
def images() -> None:
    """All images, built and in the cluster."""
    if not os.environ.get("PLAYSCORE_IMAGES_LOADED"):
        cluster.provide(list(cluster.IMAGES))
