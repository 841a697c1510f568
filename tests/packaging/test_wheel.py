"""The wheel holds what the project holds."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.packaging.conftest import ROOT


@pytest.fixture(scope="module")
def contents(wheel: Path) -> frozenset[str]:
    with ZipFile(wheel) as archive:
        return frozenset(archive.namelist())


def test_every_file_of_every_package_is_in_the_wheel(contents: frozenset[str], tracked: tuple[Path, ...]) -> None:
    rooms = {name.parts[0] for name in tracked if len(name.parts) == 2 and name.name == "__init__.py"}
    assert {"playscore", "featurizer", "scorer", "aggregator", "pipeline", "servicekit", "models", "deploy"} <= rooms
    packages = {name.parent for name in tracked if name.name == "__init__.py" and name.parts[0] in rooms}
    expected = {
        str(name)
        for name in tracked
        if name.parent in packages
        or Path("models/releases") in name.parents
        or Path("board/pages") in name.parents
        or _is_code(name, rooms)
    }
    assert expected - contents == set()


def _is_code(name: Path, rooms: set[str]) -> bool:
    return name.parts[0] in rooms and name.suffix == ".py"


def test_every_contract_is_beside_its_code(contents: frozenset[str], tracked: tuple[Path, ...]) -> None:
    contracts = [name.relative_to("protos") for name in tracked if name.suffix == ".proto"]
    assert contracts
    for contract in contracts:
        assert {str(contract), str(contract.with_name(f"{contract.stem}_pb2.py"))} <= contents


def test_nothing_else_is_in_the_wheel(contents: frozenset[str]) -> None:
    others = {
        name
        for name in contents
        if not (ROOT / name).is_file() and not (ROOT / "protos" / name).is_file() and ".dist-info/" not in name
    }
    assert others == set()
    assert not any(name.startswith(("tests/", "benchmarks/", "docs/")) for name in contents)


def test_the_license_is_in_the_wheel(contents: frozenset[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in contents)
    assert any(name.endswith(".dist-info/licenses/board/pages/vendor/LICENSES.txt") for name in contents)
