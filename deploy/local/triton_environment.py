"""The Python environment that Triton runs in on this machine: where it is, and how it is made.

Triton has its own because it needs numpy below 2 and its own libraries; in production it has its own image. This
module uses only the standard library: `python -m deploy.local.triton_environment FOLDER` makes the environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

VARIABLE = "PLAYSCORE_TRITON"
REQUIREMENTS = Path(__file__).with_name("triton-requirements.txt")
ON_CPU = "onnxruntime"
ON_GPU = "onnxruntime-gpu"
"""Takes the place of `ON_CPU` in an environment that serves on GPUs."""
_CHECKOUT = Path(__file__).resolve().parents[2] / ".triton"


def environment_folder() -> Path:
    """Where Triton's environment is, or would be installed.

    The folder that PLAYSCORE_TRITON names; else `.triton` of the checkout, if it exists; else `playscore/triton` in the
    user's cache folder.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    if _CHECKOUT.is_dir():
        return _CHECKOUT
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "playscore" / "triton"


def python_of(folder: Path) -> Path:
    """The environment's Python."""
    return folder / "bin" / "python"


def pinned() -> dict[str, str]:
    """Its packages and their versions."""
    lines = (line.partition(" ")[0] for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines())
    return dict(line.split("==", 1) for line in lines if "==" in line)


def install(folder: Path) -> None:
    """Makes the environment with this Python, or brings an existing one to the pinned versions.

    Raises:
        subprocess.CalledProcessError: venv or pip failed; the reason is on standard error.
    """
    if not python_of(folder).exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python_of(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--require-hashes", "-r", str(REQUIREMENTS)], check=True)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
