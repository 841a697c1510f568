"""Each room imports only what its extra installs, and callers install nothing that they do not need."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import grimp
import pytest
from packaging.requirements import Requirement

from tests.packaging.conftest import ROOT

EXTRAS_OF_ROOM = {
    "playscore": (),
    "featurizer": ("services",),
    "scorer": ("services",),
    "aggregator": ("services",),
    "pipeline": ("services",),
    "servicekit": ("services", "tracing"),
    "simulator": ("services",),
    "deploy": ("services",),
    "board": ("services",),
    "loadtest": ("services", "loadtest"),
    "models": ("train", "compare"),
}
INSIDE_TRITON = {"triton_python_backend_utils"}
"""What only Triton itself provides, to the models that it runs."""

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = packages_distributions()


def _distribution(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match
    return _normalized(match[0])


def _normalized(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def declared(*extras: str) -> set[str]:
    """The distributions that an install with these extras asks for by name."""
    return {_distribution(text) for text in PROJECT["dependencies"]}.union(*map(_of_extra, extras))


def _of_extra(extra: str) -> set[str]:
    found = set()
    for text in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        through = map(_of_extra, requirement.extras) if requirement.name == "playscore" else ()
        found |= {_normalized(requirement.name)}.union(*through)
    return found


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*EXTRAS_OF_ROOM, include_external_packages=True, cache_dir=None)


def imported(graph: grimp.ImportGraph, room: str) -> dict[str, set[str]]:
    """The packages of others that a room imports, each with the distributions that it may come from."""
    modules = graph.find_descendants(room) | {room}
    packages = {
        name.partition(".")[0] for module in modules for name in graph.find_modules_directly_imported_by(module)
    }
    others = packages - set(EXTRAS_OF_ROOM) - set(sys.stdlib_module_names) - INSIDE_TRITON
    return {package: {_normalized(name) for name in DISTRIBUTIONS[package]} for package in others}


@pytest.mark.parametrize("room", EXTRAS_OF_ROOM)
def test_what_a_room_imports_is_installed_with_its_extra(graph: grimp.ImportGraph, room: str) -> None:
    installed = declared(*EXTRAS_OF_ROOM[room])
    missing = {package for package, providers in imported(graph, room).items() if not providers & installed}
    assert missing == set()


def test_callers_install_only_what_playscore_imports(graph: grimp.ImportGraph) -> None:
    providers = set().union(*imported(graph, "playscore").values())
    assert declared() <= providers


@pytest.mark.parametrize(
    ("extra", "module"),
    {
        "featurizer": "featurizer.__main__",
        "scorer": "scorer.__main__",
        "aggregator": "aggregator.commands.store",
        "worker": "pipeline.jetstream.commands",
    }.items(),
)
def test_what_an_image_runs_imports_only_what_its_extra_installs(
    graph: grimp.ImportGraph, extra: str, module: str
) -> None:
    modules = {module, f"{module.partition('.')[0]}.__main__"} & graph.modules
    reached = modules.union(*map(graph.find_upstream_modules, modules))
    packages = {name.partition(".")[0] for name in reached} - set(EXTRAS_OF_ROOM) - set(sys.stdlib_module_names)
    installed = declared(extra, "tracing")  # as its lock does
    assert {name for name in packages if not {_normalized(d) for d in DISTRIBUTIONS[name]} & installed} == set()
