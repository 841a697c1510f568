"""Starts what an image is for, and says OK once it answers as it should and has ended as it was told.

`python - featurizer <isolated.py`, in a container of that image without a network, with a root that cannot be written
and without capabilities. It needs nothing but what the image has.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

SECONDS = 120.0
HEALTH = "127.0.0.1:9090"
SBOM = Path("/opt/playscore/share/sbom.spdx.json")
ECHO = """
import triton_python_backend_utils as pb

class TritonPythonModel:
    def execute(self, requests):
        return [pb.InferenceResponse([pb.Tensor("OUT", each.inputs()[0].as_numpy())]) for each in requests]
"""
CONFIGURATION = """
name: "echo"
backend: "python"
input [{ name: "IN" data_type: TYPE_FP32 dims: [1] }]
output [{ name: "OUT" data_type: TYPE_FP32 dims: [1] }]
instance_group [{ count: 1 kind: KIND_CPU }]
"""


def check_confinement() -> None:
    """Raises AssertionError where the container may do more than it was started for."""
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    said = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    assert {int(said[each], 16) for each in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}, said
    assert said["NoNewPrivs"] == "1"
    assert os.getuid() == 65532
    try:
        Path("/opt/written").touch()
    except OSError:
        return
    raise AssertionError("the root can be written")


def check_service(command: Sequence[str], settings: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Runs a service until its health says what is wanted, by name, and ends it."""
    import grpc  # noqa: PLC0415 - Triton's image has none
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

    listed = json.loads(SBOM.read_text())["packages"]
    assert "playscore" in {each["name"] for each in listed}
    service = subprocess.Popen([sys.executable, *command], env={**os.environ, **settings})
    with grpc.insecure_channel(HEALTH) as channel:
        health = health_pb2_grpc.HealthStub(channel)

        def told(name: str) -> str:
            try:
                answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5.0)
            except grpc.RpcError as error:
                return str(error.code().name)
            return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

        until(service, lambda: {name: told(name) for name in wanted} == wanted)
    end(service)


def check_triton() -> None:
    """Runs Triton with a model of its Python backend, asks that, and ends it."""
    model = Path("/tmp/models/echo")
    (model / "1").mkdir(parents=True)
    (model / "1" / "model.py").write_text(ECHO)
    (model / "config.pbtxt").write_text(CONFIGURATION)
    server = subprocess.Popen(
        [
            "tritonserver",
            "--model-repository=/tmp/models",
            "--backend-directory=/opt/tritonserver/backends",
            "--exit-timeout-secs=20",
        ]
    )
    request = {"inputs": [{"name": "IN", "shape": [1], "datatype": "FP32", "data": [3.0]}]}

    def echoes() -> bool:
        try:
            asked = urllib.request.Request("http://127.0.0.1:8000/v2/models/echo/infer", json.dumps(request).encode())
            with urllib.request.urlopen(asked, timeout=5.0) as answer:
                return bool(json.load(answer)["outputs"][0]["data"] == [3.0])
        except OSError:
            return False

    until(server, echoes)
    end(server)


def until(process: subprocess.Popen[bytes], ask: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not ask():
        assert process.poll() is None, f"exit code {process.returncode}"
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.2)


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0, f"exit code {process.returncode}"


def settings(name: str, **more: str) -> dict[str, str]:
    return {f"PLAYSCORE_{name}_{key.upper()}": value for key, value in {"health_listen": HEALTH, **more}.items()}


CHECKS = {
    "featurizer": lambda: check_service(
        ["-m", "featurizer"],
        settings("FEATURIZER"),
        {"liveness": "SERVING", "playscore.featurizer.v1.FeaturizerService": "SERVING"},
    ),
    # There is no Triton to score with.
    "scorer": lambda: check_service(
        ["-m", "scorer"],
        settings("SCORER"),
        {"liveness": "SERVING", "playscore.scorer.v1.ScorerService": "NOT_SERVING"},
    ),
    "aggregator": lambda: check_service(
        ["-m", "aggregator"],
        settings("AGGREGATOR", store="sqlite:////tmp/scores.sqlite"),
        {"liveness": "SERVING", "playscore.aggregator.v1.AggregatorService": "SERVING"},
    ),
    # There is no broker to take games from.
    "worker": lambda: check_service(
        ["-m", "playscore", "work", "--listen", HEALTH],
        {},
        {"liveness": "SERVING", "": "NOT_SERVING"},
    ),
    "triton-cpu": check_triton,
}

if __name__ == "__main__":
    check_confinement()
    CHECKS[sys.argv[1]]()
    print("OK")
