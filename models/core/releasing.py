"""The folders of releases: a new one appears complete or not at all, and one that exists is never changed."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.core.atomic import whole
from playscore.errors import PlayscoreError, Reason
from playscore.release import ReferencePopulation, Release, list_releases, load_release

CARD = "card.md"


def folder_of_new(root: Path, model: str, version: int) -> Path:
    """The folder of a release that does not exist yet. Raises FIELD_INVALID if it does."""
    folder = root / model / str(version)
    if folder.exists():
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{folder} exists, and released files never change; use the next version"
        )
    return folder


@contextmanager
def in_the_making(folder: Path) -> Iterator[Path]:
    """A folder to make a release in. At the end of the block the release is checked and copied to `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / folder.name
        made.mkdir()
        yield made
        load_release(made)
        with whole(folder) as partial:
            shutil.copytree(made, partial)


def newest(root: Path, model: str) -> Release:
    """The newest release of a model under `root`. Raises MODEL_NOT_FOUND if there is none."""
    found = list_releases(root, model)
    if not found:
        raise PlayscoreError(
            Reason.MODEL_NOT_FOUND, f"no release of {model} in {root}; playscore release {model} makes one"
        )
    return found[-1]


def population_of(release: Release) -> ReferencePopulation:
    """The reference population of a release. Raises FIELD_INVALID if it has none."""
    if release.reference_population is None:
        raise PlayscoreError(Reason.FIELD_INVALID, f"{release.key} has no reference population")
    return release.reference_population


def sha256(path: Path) -> str:
    """The hexadecimal digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
