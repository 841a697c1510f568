"""Triton on this machine, without a container: the server that the nvidia-pytriton package carries.

It serves through the Python backend: on the CPU, or on GPUs where its environment has onnxruntime-gpu.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from deploy.local.http import status
from deploy.local.process import ServerError, ServerProcess
from deploy.local.triton_environment import ON_CPU, ON_GPU, VARIABLE, environment_folder, pinned, python_of
from deploy.triton.repository import Device

_SHARED_MEMORY = Path("/dev/shm")

_DESCRIBE = """
import importlib.metadata, importlib.util, json, sys, sysconfig
print(json.dumps({
    "package": importlib.util.find_spec("pytriton").submodule_search_locations[0],
    "versions": {each.name: each.version for each in importlib.metadata.distributions() if each.name in sys.argv[1:]},
    "python": f"{sys.version_info.major}.{sys.version_info.minor}",
    "libdir": sysconfig.get_config_var("LIBDIR"),
    "multiarch": sysconfig.get_config_var("MULTIARCH"),
}))
"""


def triton_server(
    repository: Path,
    grpc_port: int,
    http_port: int,
    metrics_port: int,
    log: Path,
    control: Sequence[str] = ("--model-control-mode=none",),
) -> ServerProcess:
    """A Triton that serves `repository`, not started yet. By its options of `control` it never changes what it serves.

    It is stopped by SIGKILL: it keeps no state, and a graceful exit takes three seconds.

    Raises:
        ServerError: the environment is missing or cannot run Triton here; the message says what to do.
    """
    environment = environment_folder().resolve()
    server, libraries, backends = _installation(environment)
    on_gpu = "true" if device() is Device.GPU else "false"
    shared_memory = f"playscore-{uuid.uuid4().hex}"

    async def ready() -> bool:
        return await status(f"http://127.0.0.1:{http_port}/v2/health/ready") == 200

    return ServerProcess(
        name="triton",
        command=[
            str(server),
            f"--model-repository={repository}",
            f"--backend-directory={backends}",
            f"--backend-config=python,shm-region-prefix-name={shared_memory}",
            *control,
            "--exit-on-error=true",
            "--grpc-address=127.0.0.1",
            f"--grpc-port={grpc_port}",
            "--http-address=127.0.0.1",
            f"--http-port={http_port}",
            "--metrics-address=127.0.0.1",
            f"--metrics-port={metrics_port}",
            f"--allow-gpu-metrics={on_gpu}",
            "--disable-auto-complete-config",
            "--exit-timeout-secs=5",
        ],
        environment={
            "LD_LIBRARY_PATH": ":".join(libraries),
            "PATH": f"{environment / 'bin'}:{os.environ.get('PATH', '')}",
            "VIRTUAL_ENV": str(environment),
            "PYTHONHOME": "",
        },
        log=log,
        ready=ready,
        ports=(grpc_port, http_port, metrics_port),
        stop_with=signal.SIGKILL,
        discard=partial(_discard, shared_memory),
    )


def device() -> Device:
    """Where this machine's Triton runs its graphs. Raises ServerError as `triton_server` does."""
    versions = _described(environment_folder().resolve())["versions"]
    return Device.GPU if ON_GPU in versions else Device.CPU


def _discard(shared_memory: str) -> None:
    for region in _SHARED_MEMORY.glob(f"{shared_memory}*"):
        region.unlink(missing_ok=True)


@cache
def _installation(environment: Path) -> tuple[Path, tuple[str, ...], Path]:
    """The server, its library folders and its backends, with the stub of the environment's Python in place."""
    found = _described(environment)
    triton = Path(found["package"]) / "tritonserver"
    stub = triton / "python_backend_stubs" / found["python"] / "triton_python_backend_stub"
    if not stub.exists():
        known = sorted(folder.name for folder in (triton / "python_backend_stubs").iterdir())
        raise ServerError(
            f"this Triton has no Python backend for Python {found['python']}, only for {', '.join(known)}"
        )
    libpython = _shared_python(found)
    beside = triton / "backends" / "python" / "triton_python_backend_stub"
    if not beside.exists() or beside.stat().st_size != stub.stat().st_size:
        copied = beside.with_name(f"{beside.name}.{uuid.uuid4().hex}")
        shutil.copy2(stub, copied)
        copied.rename(beside)  # never half there for another Triton that starts now
    carried = triton.parent.parent / "nvidia_pytriton.libs"
    return triton / "bin" / "tritonserver", (str(carried), str(libpython)), triton / "backends"


@cache
def _described(environment: Path) -> dict[str, Any]:
    """What the environment says of itself."""
    python = python_of(environment)
    if not python.exists():
        raise ServerError(
            f"Triton is not installed in {environment}: run `playscore triton install`, or set {VARIABLE} to "
            "the folder that has it; `playscore stack --inference onnxruntime` does without Triton"
        )
    wanted = pinned()
    asked = [*wanted, ON_GPU]
    described = subprocess.run([python, "-c", _DESCRIBE, *asked], capture_output=True, text=True, check=False)
    if described.returncode:
        raise ServerError(
            f"Triton in {environment} is broken: remove it and run `playscore triton install`\n{described.stderr}"
        )
    found: dict[str, Any] = json.loads(described.stdout)
    versions = found["versions"]
    if ON_GPU in versions:  # it takes the place of the one for CPUs, in the same version
        wanted = {ON_GPU if name == ON_CPU else name: version for name, version in wanted.items()}
    stale = [
        f"{name} {versions.get(name, 'nowhere')} instead of {version}"
        for name, version in wanted.items()
        if versions.get(name) != version
    ]
    if stale:
        raise ServerError(f"Triton in {environment} has {', '.join(stale)}: run `playscore triton install`")
    return found


def _shared_python(found: dict[str, Any]) -> Path:
    """The folder of libpython3.x.so, which Triton's stub is linked to."""
    name = f"libpython{found['python']}.so.1.0"
    folders = [
        Path(found["libdir"]),
        Path(found["libdir"]) / (found["multiarch"] or ""),
        Path("/usr/lib/x86_64-linux-gnu"),
    ]
    for folder in folders:
        if (folder / name).exists():
            return folder
    raise ServerError(
        f"Triton's Python backend needs {name}, which this Python does not have: "
        f"on Debian and Ubuntu run `apt-get install libpython{found['python']}`"
    )
