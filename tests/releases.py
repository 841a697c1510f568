"""The released passing model, and plays made for it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from playscore.common.v1 import common_pb2
from playscore.featurizer.v1 import featurizer_pb2
from playscore.football.v1 import football_pb2
from playscore.release import Release, list_releases
from playscore.scorer.v1 import scorer_pb2
from playscore.shipped import RELEASES as SHIPPED

RELEASES = Path(os.environ.get("PLAYSCORE_RELEASES", SHIPPED))


@pytest.fixture(scope="session")
def releases() -> Path:
    """The folder of released models."""
    return RELEASES


@pytest.fixture(scope="session")
def newest_releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the newest release of each model: with fewer models to load, a Triton starts sooner."""
    return link_newest(tmp_path_factory.mktemp("newest"))


def link_newest(folder: Path) -> Path:
    """Makes a folder, with links to the newest release of each model."""
    for release in {release.model: release for release in list_releases(RELEASES)}.values():
        link = folder / release.model / str(release.version)
        link.parent.mkdir(parents=True)
        link.symlink_to((RELEASES / release.model / link.name).resolve())
    return folder


@pytest.fixture(scope="session")
def passing_release() -> Release:
    """The newest release of the passing model."""
    return list_releases(RELEASES, "passing")[-1]


def pass_to_score(
    release: Release,
    play_id: str = "1",
    *,
    frames: int = 30,
    yards: float | None = None,
    yards_to_go: float | None = 10.0,
    yards_to_end_zone: float | None = 45.0,
    seed: int = 0,
) -> scorer_pb2.PassToScore:
    """A play of random numbers in the shape the release asks for."""
    random = np.random.default_rng(seed)
    columns = len(release.features.frame_columns)
    tensor = featurizer_pb2.PlayTensor(
        key=common_pb2.PlayKey(league="SIM", game_id="1", play_id=play_id),
        revision=1,
        feature_specification_id=release.features.id,
        shape=[frames, columns],
        frames=_float32(random.normal(size=(frames, columns))),
        statics=_float32(random.normal(size=len(release.features.static_columns))),
        subjects=[
            common_pb2.Subject(role=common_pb2.ROLE_PASSER, subject_id="12", subject_name="A. Passer", team_id="HOME")
        ],
        pass_attributes=football_pb2.PassAttributes(yards_to_go=yards_to_go, yards_to_end_zone=yards_to_end_zone),
    )
    return scorer_pb2.PassToScore(tensor=tensor, outcome=football_pb2.PassOutcome(yards_gained=yards))


def _float32(values: NDArray[np.float64]) -> bytes:
    return values.astype("<f4").tobytes()
