"""A real API server takes every overlay, and refuses faults that schemas do not see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.cluster.cluster import Document, apply, documents
from tests.cluster.installation import without_custom_resources
from tests.unit.deploy.manifests import OVERLAYS, rendered, title


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_server_takes_an_overlay(namespace: str, name: str) -> None:
    said = apply(without_custom_resources(rendered(name)), "--dry-run=server")
    assert said.count("(server dry run)") == len(documents(without_custom_resources(rendered(name))))


def scorer(found: list[Document]) -> Any:
    (document,) = [each for each in found if title(each) == "Deployment/scorer"]
    return document["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize(
    "plant",
    [
        lambda d: scorer(d)["resources"]["requests"].update(memory="2Gi"),
        lambda d: scorer(d)["livenessProbe"].update(successThreshold=2),
        lambda d: scorer(d).update(volumeMounts=[{"name": "nowhere", "mountPath": "/x"}]),
        lambda d: scorer(d)["ports"][0].update(name="a-name-that-is-too-long"),
        lambda d: scorer(d)["resources"]["limits"].update({"nvidia.com/gpu": "0.5"}),
    ],
    ids=["requests above limits", "liveness twice", "no such volume", "a port's name", "half a GPU"],
)
def test_the_server_refuses_a_fault(namespace: str, plant: Callable[[list[Document]], object]) -> None:
    found = documents(rendered("local"))
    plant(found)
    with pytest.raises(AssertionError, match=r"Invalid value|invalid|Not found|must be"):
        apply(yaml.safe_dump_all(found), "--dry-run=server")
