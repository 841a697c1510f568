"""`pip install playscore`: clients, contracts, distributions, releases and the command line, and little else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import HERE, Environment

LEFT_OUT = (
    "grpc_health",
    "grpc_reflection",
    "lark",
    "nats",
    "onnxruntime",
    "polars",
    "prometheus_client",
    "pydantic_settings",
    "rich",
    "structlog",
    "torch",
    "tritonclient",
    "uvloop",
    "yaml",
)
EXTRA_OF_COMMAND = {
    "backfill": "services",
    "board": "services",
    "demo": "services",
    "evaluate": "train",
    "feed": "services",
    "loadtest": "loadtest",
    "publish": "services",
    "release": "train",
    "replay": "services",
    "report": "services",
    "simulate": "services",
    "stack": "services",
    "store": "services",
    "train": "train",
    "work": "services",
}

_IMPORT_EVERYTHING = """
import importlib, pkgutil, playscore
for module in pkgutil.walk_packages(playscore.__path__, "playscore."):
    if not module.name.endswith("__main__"):
        print(importlib.import_module(module.name).__name__)
"""
_LOAD_RELEASES = """
from playscore.release import list_releases
from playscore.shipped import RELEASES
for model in RELEASES.iterdir():
    for release in list_releases(RELEASES, model.name):
        print(release.model, release.version)
"""


def output(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_what_only_services_and_training_need_is_left_out(base: Environment) -> None:
    found = output(
        base.run("python", "-c", f"from importlib.util import find_spec; print(*filter(find_spec, {LEFT_OUT}))")
    )
    assert found.split() == []


def test_every_module_is_imported(base: Environment, tracked: tuple[Path, ...]) -> None:
    modules = set(output(base.run("python", "-W", "error", "-c", _IMPORT_EVERYTHING)).split())
    written = {
        ".".join(name.with_suffix("").parts).removesuffix(".__init__")
        for name in tracked
        if name.parts[0] == "playscore" and name.suffix == ".py"
    }
    assert modules == written - {"playscore", "playscore.__main__"}


def test_the_command_line_tells_its_version(base: Environment, wheel: Path) -> None:
    assert output(base.run("playscore", "--version")).split() == ["playscore", wheel.name.split("-")[1]]


def test_help_lists_each_command_and_the_extra_that_it_needs(base: Environment) -> None:
    listed = output(base.run("playscore", "--help")).partition("Commands:\n")[2]
    lines = dict(line.split(maxsplit=1) for line in listed.splitlines())
    needing = {
        command: extra[1] for command, line in lines.items() if (extra := re.search(r"playscore\[(\w+)\]", line))
    }
    assert needing == EXTRA_OF_COMMAND
    for command in lines.keys() - needing.keys():
        output(base.run("playscore", command, "--help"))


@pytest.mark.parametrize(("command", "extra"), EXTRA_OF_COMMAND.items())
def test_a_command_that_cannot_run_says_in_a_line_what_to_install(base: Environment, command: str, extra: str) -> None:
    done = base.run("playscore", command, "--help")
    assert done.returncode == 1
    assert done.stderr == f"Error: {command} needs pip install 'playscore[{extra}]'\n"


def test_the_releases_that_come_with_it_are_whole(base: Environment, tracked: tuple[Path, ...]) -> None:
    loaded = output(base.run("python", "-c", _LOAD_RELEASES)).splitlines()
    released = [name.parts[2:4] for name in tracked if name.parts[:2] == ("models", "releases")]
    assert {tuple(line.split()) for line in loaded} == set(released)


def test_code_of_another_language_can_be_generated_from_what_is_installed(base: Environment, tmp_path: Path) -> None:
    contracts = sorted(str(path) for path in base.packages.glob("playscore/**/*.proto"))
    protoc = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{base.packages}",
        f"--descriptor_set_out={tmp_path / 'all'}",
    ]
    output(subprocess.run([*protoc, *contracts], capture_output=True, text=True, check=False))


def test_callers_are_checked_against_its_types(base: Environment, tmp_path: Path) -> None:
    checked = ["--strict", "--config-file=", f"--cache-dir={tmp_path}", f"--python-executable={base.python}"]
    command = [sys.executable, "-m", "mypy", *checked, str(HERE / "caller.py")]
    done = subprocess.run(command, cwd=base.elsewhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
