"""A release appears complete or not at all, and one that exists does not change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.core.releasing import folder_of_new, in_the_making, newest, population_of
from playscore.errors import PlayscoreError, Reason
from playscore.release import DESCRIPTION, GRAPH, Release, load_release

MODEL = "passing"


def copied(passing_release: Release, releases: Path, folder: Path) -> None:
    """Put graph and description of the newest release into a folder."""
    for name in (GRAPH, DESCRIPTION):
        shutil.copy(releases / MODEL / str(passing_release.version) / name, folder / name)


def test_a_release_appears_at_the_end(passing_release: Release, releases: Path, tmp_path: Path) -> None:
    folder = folder_of_new(tmp_path, MODEL, passing_release.version)
    with in_the_making(folder) as made:
        copied(passing_release, releases, made)
        assert not folder.exists()
    assert load_release(folder) == passing_release == newest(tmp_path, MODEL)
    with pytest.raises(PlayscoreError, match="never change"):
        folder_of_new(tmp_path, MODEL, passing_release.version)


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    folder = folder_of_new(tmp_path, MODEL, 1)
    with pytest.raises(KeyboardInterrupt), in_the_making(folder):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_is_not_the_described_one_is_not_released(
    passing_release: Release, releases: Path, tmp_path: Path
) -> None:
    folder = folder_of_new(tmp_path, MODEL, 1)
    with pytest.raises(PlayscoreError, match="SHA-256"), in_the_making(folder) as made:
        copied(passing_release, releases, made)
        (made / GRAPH).write_bytes(b"another graph")
    assert not folder.exists()


def test_ratings_need_a_reference_population(passing_release: Release) -> None:
    assert population_of(passing_release) == passing_release.reference_population
    with pytest.raises(PlayscoreError) as refused:
        population_of(passing_release.model_copy(update={"reference_population": None}))
    assert refused.value.reason is Reason.FIELD_INVALID
