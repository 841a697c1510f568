"""The cluster that the tests run on: whatever KUBECONFIG names, and commands that say how images get there."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from tests.unit.deploy.manifests import ROOT

NAMESPACE: Final = "playscore"
RELEASE: Final = "0.1.0"
Found = TypeVar("Found")

BUILD: Final = os.environ.get(
    "PLAYSCORE_IMAGE_BUILD", "docker build --file {file} --target {target} --tag {tag} {context}"
)
"""Builds an image."""
LOAD: Final = os.environ.get("PLAYSCORE_IMAGE_LOAD", "kind load docker-image {tag}")
"""Gives the cluster an image that was built."""
RUN: Final = os.environ.get(
    "PLAYSCORE_IMAGE_RUN",
    "docker run --rm --interactive --network none --read-only --tmpfs /tmp --cap-drop ALL"
    " --security-opt no-new-privileges --entrypoint python {tag} -",
)
"""Runs Python in an image, confined, with what it is given as the program; arguments follow."""
MANIFESTS: Final = os.environ.get("PLAYSCORE_MANIFESTS", "")
"""A filter that manifests go through before they are applied, for clusters that need one; empty: none."""
FAKE_CPU: Final = os.environ.get("PLAYSCORE_FAKE_CPU", "")
"""Makes every container report a usage of CPU: `{cpu}`. Empty: the tests of autoscaling are skipped."""
FAKE_GPU: Final = os.environ.get("PLAYSCORE_FAKE_GPU", "")
"""Makes a node offer `{count}` GPUs. Empty: the test of GPU scheduling is skipped."""

OURS: Final = ("featurizer", "scorer", "aggregator", "worker", "models")
IMAGES: Final = {
    **{f"playscore-{name}:{RELEASE}": (ROOT / "deploy/images/Containerfile", name, ROOT) for name in OURS},
    f"playscore-triton-cpu:{RELEASE}": (ROOT / "deploy/images/triton-cpu.Containerfile", "triton-cpu", ROOT),
    "docker.io/library/nats:2.15.1-alpine": (
        ROOT / "tests/cluster/images/nats.Containerfile",
        "nats",
        ROOT / "tests/cluster/images",
    ),
    "playscore-test-postgresql:18": (
        ROOT / "tests/cluster/images/postgresql.Containerfile",
        "postgresql",
        ROOT / "tests/cluster/images",
    ),
}
"""By tag: the file, its target, and the context."""

Document = dict[str, Any]
_NO_CONNECTION: Final = "Unable to connect to the server"
_CONNECTIONS: Final = 10


def run(*command: str | Path, given: str | None = None, seconds: float = 1_200.0, check: bool = True) -> str:
    """What a command prints. Raises AssertionError with what it says where it fails."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=seconds, check=False)
    if check and done.returncode:
        raise AssertionError(
            f"{shlex.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def tool(name: str) -> Path:
    """A program of this environment."""
    return Path(sys.executable).with_name(name)


def kubectl(*arguments: str, given: str | None = None, namespace: str = NAMESPACE, check: bool = True) -> str:
    """What kubectl prints. It is run again while it cannot connect: the API server of a busy machine is slow to."""
    for _ in range(_CONNECTIONS - 1):
        try:
            return run(tool("kubectl"), "--namespace", namespace, *arguments, given=given, check=check)
        except AssertionError as failed:
            if _NO_CONNECTION not in str(failed):
                raise
    return run(tool("kubectl"), "--namespace", namespace, *arguments, given=given, check=check)


def provide(tags: Sequence[str]) -> None:
    """Builds images and gives them to the cluster."""
    for tag in tags:
        file, target, context = IMAGES[tag]
        for command in (BUILD, LOAD):
            words = shlex.split(command)
            run(
                *(word.format(file=file, target=target, tag=tag, context=context) for word in words),
                seconds=3_600.0,
            )


def converted(manifests: str) -> str:
    """Manifests as this cluster takes them."""
    return run(*shlex.split(MANIFESTS), given=manifests) if MANIFESTS else manifests


def apply(manifests: str, *options: str) -> str:
    """Applies manifests on the server's side."""
    return kubectl("apply", "--server-side", "--force-conflicts", *options, "--filename=-", given=converted(manifests))


def documents(manifests: str) -> list[Document]:
    """The manifests, one by one."""
    return [each for each in yaml.safe_load_all(manifests) if each]


def get(kind: str, name: str, namespace: str = NAMESPACE) -> Document:
    """What the cluster has."""
    found: Document = yaml.safe_load(kubectl("get", kind, name, "--output=yaml", namespace=namespace))
    return found


def nodes() -> list[str]:
    """By name."""
    return kubectl("get", "nodes", "--output=jsonpath={.items[*].metadata.name}", namespace="default").split()


def pods(name: str) -> list[str]:
    """The running pods of a workload, by name."""
    listed = yaml.safe_load(kubectl("get", "pods", f"--selector=app.kubernetes.io/name={name}", "--output=yaml"))
    return [each["metadata"]["name"] for each in listed["items"] if "deletionTimestamp" not in each["metadata"]]


def until(what: str, ask: Callable[[], Found], seconds: float = 600.0) -> Found:
    """Asks until the answer is true. Raises AssertionError where that takes too long."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s\n{kubectl('get', 'pods,events', check=False)}")
        time.sleep(1.0)
    return answer


def rolled_out(*workloads: str, seconds: int = 900) -> None:
    """Waits until workloads such as "deployment/scorer" run as they should."""
    for each in workloads:
        kubectl("rollout", "status", each, f"--timeout={seconds}s")


@contextmanager
def forwarded(target: str, port: int) -> Iterator[str]:
    """The address on this machine of a port of "service/nats", inside the block."""
    with subprocess.Popen(
        [tool("kubectl"), "--namespace", NAMESPACE, "port-forward", target, f":{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as forwarding:
        assert forwarding.stdout is not None
        line = forwarding.stdout.readline()
        assert "->" in line, f"{target} cannot be reached"
        try:
            yield line.split()[2]
        finally:
            forwarding.terminate()
