"""Triton on this machine, without a container: the server that the nvidia-pytriton package carries.

It lives in an environment of its own (`.triton/`, made by `make .triton`), as it lives in an image of its own in
production: it needs numpy below 2 and its own libraries. It serves on the CPU, through the Python backend.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from deploy.local.http import status
from deploy.local.process import ServerError, ServerProcess

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".triton"

_DESCRIBE = """
import importlib.util, json, sys, sysconfig
print(json.dumps({
    "package": importlib.util.find_spec("pytriton").submodule_search_locations[0],
    "python": f"{sys.version_info.major}.{sys.version_info.minor}",
    "libdir": sysconfig.get_config_var("LIBDIR"),
    "multiarch": sysconfig.get_config_var("MULTIARCH"),
}))
"""


def triton_server(repository: Path, grpc_port: int, http_port: int, metrics_port: int, log: Path) -> ServerProcess:
    """A Triton that serves `repository`, not started yet.

    Raises:
        ServerError: the environment is missing or cannot run Triton here; the message says what to do.
    """
    server, libraries, backends = _installation(ENVIRONMENT)

    async def ready() -> bool:
        return await status(f"http://127.0.0.1:{http_port}/v2/health/ready") == 200

    return ServerProcess(
        name="triton",
        command=[
            str(server),
            f"--model-repository={repository}",
            f"--backend-directory={backends}",
            "--model-control-mode=none",
            "--exit-on-error=true",
            "--grpc-address=127.0.0.1",
            f"--grpc-port={grpc_port}",
            "--http-address=127.0.0.1",
            f"--http-port={http_port}",
            "--metrics-address=127.0.0.1",
            f"--metrics-port={metrics_port}",
            "--allow-gpu-metrics=false",
            "--disable-auto-complete-config",
            "--exit-timeout-secs=5",
        ],
        environment={
            "LD_LIBRARY_PATH": ":".join(libraries),
            "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ.get('PATH', '')}",
            "VIRTUAL_ENV": str(ENVIRONMENT),
            "PYTHONHOME": "",
        },
        log=log,
        ready=ready,
    )


@cache
def _installation(environment: Path) -> tuple[Path, tuple[str, ...], Path]:
    """The server, its library folders and its backends, with the stub of the environment's Python in place."""
    python = environment / "bin" / "python"
    if not python.exists():
        raise ServerError(f"Triton is not installed in {environment}: run `make .triton`")
    described = subprocess.run([python, "-c", _DESCRIBE], capture_output=True, text=True, check=False)
    if described.returncode:
        raise ServerError(
            f"Triton in {environment} is broken, run `rm -r {environment}; make .triton`:\n{described.stderr}"
        )
    found = json.loads(described.stdout)
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
        shutil.copy2(stub, beside)
    carried = triton.parent.parent / "nvidia_pytriton.libs"
    return triton / "bin" / "tritonserver", (str(carried), str(libpython)), triton / "backends"


def _shared_python(found: dict[str, str]) -> Path:
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
