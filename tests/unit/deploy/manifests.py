"""Kubernetes manifests as the overlays give them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

ROOT: Final = Path(__file__).resolve().parents[3]
KUBERNETES: Final = ROOT / "deploy" / "kubernetes"
OVERLAYS: Final = sorted(folder.name for folder in (KUBERNETES / "overlays").iterdir())

Document: TypeAlias = dict[str, Any]
NAME: Final = "app.kubernetes.io/name"


@cache
def rendered(overlay: str) -> str:
    """What `kubectl kustomize` makes of an overlay."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run(
        [kubectl, "kustomize", KUBERNETES / "overlays" / overlay], capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    return done.stdout


def documents(overlay: str) -> list[Document]:
    """Its manifests, to be changed at will."""
    return list(yaml.load_all(rendered(overlay), yaml.CSafeLoader))


@dataclass(frozen=True)
class Container:
    """One container and what it is part of."""

    workload: str
    """Such as "Deployment/scorer"."""
    pod: Mapping[str, Any]
    content: Mapping[str, Any]
    runs_on: bool
    """It serves; the others end by themselves."""

    @property
    def name(self) -> str:
        return str(self.content["name"])

    def __str__(self) -> str:
        return f"{self.workload} container {self.name}"


class Manifests:
    """Those of one overlay, and how they refer to each other."""

    def __init__(self, found: Sequence[Document]) -> None:
        self.documents = found

    def of(self, *kinds: str) -> Iterator[Document]:
        return (each for each in self.documents if each["kind"] in kinds)

    def workloads(self) -> Iterator[tuple[str, Document, Document]]:
        """What each is called, itself, and the template of its pods."""
        for each in self.of("Deployment", "StatefulSet", "Job"):
            yield title(each), each, each["spec"]["template"]

    def containers(self) -> Iterator[Container]:
        for name, workload, template in self.workloads():
            pod = template["spec"]
            for content in pod.get("initContainers", ()):
                yield Container(name, pod, content, runs_on=False)
            for content in pod["containers"]:
                yield Container(name, pod, content, runs_on=workload["kind"] != "Job")

    def selected(self, selector: Mapping[str, Any]) -> list[Document]:
        """The pod templates that a label selector matches."""
        return [template for _, _, template in self.workloads() if matches(selector, template["metadata"]["labels"])]


def title(document: Document) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels are those that a selector asks for. One that asks for nothing matches everything."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        each["operator"] == "In" and labels.get(each["key"]) in each["values"]
        for each in selector.get("matchExpressions", ())
    )


def container_ports(template: Document) -> dict[str, int]:
    """The ports that a pod's containers serve, by name."""
    return {
        port["name"]: port["containerPort"]
        for container in template["spec"]["containers"]
        for port in container.get("ports", ())
    }


def quantity(text: str) -> float:
    """A Kubernetes quantity as a number: "500m" is a half, "1Gi" 2^30."""
    for suffix, factor in (("Ki", 2**10), ("Mi", 2**20), ("Gi", 2**30), ("m", 1e-3)):
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    return float(text)
