"""The locks agree with what `pyproject.toml` asks for, with each other, and with the page of licenses."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement

from deploy.local.triton_environment import pinned
from locks.licenses import PAGE, license_of
from locks.lock import ALONE, EXTRAS, ROOT, TRITON, WHOLE, normalized, path_of, read

LOCKS = {lock: path_of(lock) for lock in (*EXTRAS, *ALONE)} | {"triton": TRITON}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def asked_for(extras: tuple[str, ...]) -> Iterator[Requirement]:
    """What an install with these extras asks for by name, through playscore's own extras."""
    for text in (
        *PYPROJECT["project"]["dependencies"],
        *(each for extra in extras for each in PYPROJECT["project"]["optional-dependencies"][extra]),
    ):
        requirement = Requirement(text)
        if requirement.name == "playscore":
            yield from asked_for(tuple(requirement.extras))
        else:
            yield requirement


@pytest.mark.parametrize("lock", EXTRAS)
def test_a_lock_has_what_its_extras_ask_for_in_a_version_that_is_allowed(lock: str) -> None:
    locked = read(path_of(lock))
    for requirement in asked_for(tuple(EXTRAS[lock])):
        name = normalized(requirement.name)
        assert name in locked, f"{lock} lacks {requirement}: run make locks"
        assert requirement.specifier.contains(locked[name].version, prereleases=True), f"{requirement}: run make locks"


@pytest.mark.parametrize("lock", EXTRAS)
def test_a_lock_has_what_its_packages_need(lock: str) -> None:
    locked = read(path_of(lock))
    for each in locked.values():
        try:
            needed = importlib.metadata.requires(each.name) or ()
        except importlib.metadata.PackageNotFoundError:  # of another use than the tests
            continue
        for text in needed:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                found = locked.get(normalized(requirement.name))
                assert found is not None, f"{each.name} needs {requirement}, which {lock} lacks: run make locks"
                assert requirement.specifier.contains(found.version, prereleases=True), f"{each.name}: {requirement}"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes_and_no_index_is_named(lock: str) -> None:
    text = LOCKS[lock].read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=sha256:", ""), re.MULTILINE)
    packages = read(LOCKS[lock])
    assert packages
    assert all(each.hashes for each in packages.values())


def test_no_package_is_locked_twice_in_different_versions() -> None:
    whole = read(path_of(WHOLE))
    for lock in EXTRAS:
        for name, each in read(path_of(lock)).items():
            assert whole[name] == each


def test_what_lists_the_contents_of_an_image_is_locked_alone() -> None:
    (asked,) = map(Requirement, PYPROJECT["project"]["optional-dependencies"]["sbom"])
    (locked,) = read(path_of("sbom")).values()
    assert locked.name == asked.name
    assert asked.specifier.contains(locked.version)
    assert read(path_of(WHOLE))[locked.name] == locked


def test_what_builds_the_package_is_locked() -> None:
    locked = read(path_of("build"))
    for text in PYPROJECT["build-system"]["requires"]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(locked[requirement.name].version)


def test_tritons_lock_pins_what_triton_is_checked_for() -> None:
    asked = (ROOT / "locks" / "triton.in").read_text().splitlines()
    assert pinned() == {name: each.version for name, each in read(TRITON).items()}
    assert sorted(f"{name}=={version}" for name, version in pinned().items()) == sorted(
        line for line in asked if not line.startswith("#")
    )


def test_the_page_of_licenses_lists_everything_that_is_locked() -> None:
    rows = re.findall(r"^\| ([\w.-]+) \| (\d[\w.+-]*) \| (.+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    shown = {(name, version): (stated, uses.split(", ")) for name, version, stated, uses in rows}
    locked: dict[tuple[str, str], list[str]] = {}
    for lock, path in LOCKS.items():
        for each in read(path).values():
            locked.setdefault((each.name, each.version), []).append(lock)
    assert {key: set(uses) for key, (_, uses) in shown.items()} == {key: set(uses) for key, uses in locked.items()}
    for (name, version), (stated, uses) in shown.items():
        assert stated != "not stated", name
        if "development" in uses:
            installed = importlib.metadata.distribution(name)
            assert (installed.version, license_of(installed)) == (version, stated), "run make locks"
