"""Images start where there is no network, nothing can be written, and nothing is allowed."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.cluster import cluster
from tests.cluster.cluster import RELEASE, run

NAMES = ("featurizer", "scorer", "aggregator", "worker", "triton-cpu")


@pytest.mark.parametrize("name", NAMES)
def test_an_image_starts_and_ends_with_loopback_alone(images: None, name: str) -> None:
    program, *options = (word.format(tag=f"playscore-{name}:{RELEASE}") for word in shlex.split(cluster.RUN))
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing: set PLAYSCORE_IMAGE_RUN to a command that runs an image")
    script = Path(__file__).with_name("isolated.py").read_text()
    assert run(program, *options, name, given=script).splitlines()[-1] == "OK"
