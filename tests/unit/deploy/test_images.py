"""What images are made of: linted, pinned, without what no service needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from locks.lock import path_of, read
from tests.unit.deploy.manifests import ROOT

IMAGES = ROOT / "deploy" / "images"
FILES = sorted(IMAGES.glob("*ontainerfile"))
OURS = ("featurizer", "scorer", "aggregator", "worker")


def lint(text: str) -> str:
    hadolint = Path(sys.executable).with_name("hadolint")
    return subprocess.run([hadolint, "-"], input=text, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_containerfile_has_nothing_to_lint(file: Path) -> None:
    assert lint(file.read_text()) == ""


def test_the_linter_finds_what_is_wrong() -> None:
    assert "DL3007" in lint("FROM python:latest\n")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_base_image_can_be_pinned_from_outside(file: Path) -> None:
    """To a digest, which changes with each of its security updates, so that it is not written here."""
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", file.read_text(), re.MULTILINE)
    named = {name for _, name in stages}
    assert {base for base, _ in stages} - named <= {"${PYTHON}", "${DEBIAN}"}


def stages_of(file: Path) -> dict[str, tuple[str, str]]:
    """By name, what a stage is from and what it does."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", file.read_text(), flags=re.MULTILINE)[1:]
    return {name: (base, text) for base, name, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)}


def whole(stages: dict[str, tuple[str, str]], name: str) -> str:
    """What a stage and those that it is from do."""
    base, text = stages[name]
    return (whole(stages, base) if base in stages else "") + text


FINAL = [(IMAGES / "Containerfile", name) for name in (*OURS, "models")] + [
    (IMAGES / "triton-cpu.Containerfile", "triton-cpu")
]


@pytest.mark.parametrize(("file", "name"), FINAL, ids=[name for _, name in FINAL])
def test_an_image_runs_as_a_user_with_a_number_and_says_what_it_is(file: Path, name: str) -> None:
    does = whole(stages_of(file), name)
    assert re.findall(r"^USER (.+)$", does, re.MULTILINE) == ["65532:65532"]
    assert not re.search(r"^RUN ", does, re.MULTILINE), "what is built belongs to a stage that is left behind"
    labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", does))
    assert labels >= {"title", "description", "version", "revision", "source", "licenses", "vendor"}


@pytest.mark.parametrize("name", OURS)
def test_an_image_installs_its_lock_and_nothing_that_it_does_not_import(name: str) -> None:
    does = whole(stages_of(IMAGES / "Containerfile"), f"{name}-installed")
    assert f"COPY locks/{name}.txt" in does
    installed = read(path_of(name)).keys()
    assert not installed & {"torch", "onnx", "matplotlib", "pip", "setuptools"}
    assert ("onnxruntime" in installed) == ("tritonclient" in installed) == (name == "scorer")
    assert ("polars" in installed) == (name == "aggregator")
    assert ("nats-py" in installed) == (name == "worker")


def test_what_is_installed_is_checked_by_hashes() -> None:
    _, build = stages_of(IMAGES / "Containerfile")["build"]
    assert "PIP_REQUIRE_HASHES=1" in build
    assert "PIP_ONLY_BINARY=:all:" in build
    assert "--require-hashes" in (IMAGES / "install-triton").read_text()
