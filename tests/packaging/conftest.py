"""The distributions of this checkout, and environments outside it that hold nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from locks.lock import path_of, read

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is of the marker `packaging`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.packaging)


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment, used from a folder that has nothing to do with playscore."""

    folder: Path
    elsewhere: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Its site-packages."""
        return next(self.folder.glob("lib/python3.*/site-packages"))

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one of its programs."""
        command = [str(self.folder / "bin" / program), *arguments]
        return subprocess.run(
            command, cwd=self.elsewhere, env=surroundings(), capture_output=True, text=True, check=False
        )


def surroundings() -> dict[str, str]:
    """The variables of this process, but for those by which Python could find this checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PLAYSCORE_"))}


@pytest.fixture(scope="session")
def tracked() -> tuple[Path, ...]:
    """The files of the project, relative to its root: those in git, and new ones that git does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(Path(name) for name in sorted(set(listed.split("\0")) - {""}) if (ROOT / name).is_file())


@pytest.fixture(scope="session")
def wheel(tracked: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive, built from a copy of the project."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(built), str(source)]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(built.glob("*.tar.gz"))) == 1
    (made,) = built.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """What `pip install playscore` makes."""
    with _installed(wheel, "", tmp_path_factory) as environment:
        yield environment


@pytest.fixture(scope="session")
def services(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """What `pip install 'playscore[services]'` makes."""
    with _installed(wheel, "[services]", tmp_path_factory) as environment:
        yield environment


@contextmanager
def _installed(wheel: Path, extras: str, folders: pytest.TempPathFactory) -> Iterator[Environment]:
    folder, elsewhere = folders.mktemp("environment"), folders.mktemp("elsewhere")
    (elsewhere / "models").mkdir()  # A stranger's folder of that name must not hide the releases.
    venv.create(folder)
    environment = Environment(folder, elsewhere)
    pins = folders.mktemp("pins") / "constraints.txt"  # of a lock, which has no hash for the wheel
    pins.write_text("".join(f"{each.name}=={each.version}\n" for each in read(path_of("services")).values()))
    wanted = ("-c", str(pins), f"playscore{extras} @ {wheel.as_uri()}")
    # By the pip of these tests: another one a folder, and bytecode of modules that nobody imports, cost half a minute.
    command = [sys.executable, "-m", "pip", "--python", str(environment.python), "install", "--no-compile", "--quiet"]
    done = subprocess.run(
        [*command, *wanted], cwd=elsewhere, env=surroundings(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    yield environment
    shutil.rmtree(folder)
