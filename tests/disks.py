"""A small disk of one's own, that fills up and fails: a file system in a file, mounted where tests may mount."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class Disk:
    """A mounted file system of a few MiB.

    Attributes:
        path: where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, *, leaving: int = 0) -> None:
        """Leave at most that many bytes free."""
        with self._ballast.open("ab") as ballast:
            for step in (8 << 20, 1 << 20, 4096):
                with contextlib.suppress(OSError):  # it is full
                    while (state := os.statvfs(self.path)).f_bavail * state.f_frsize > leaving:
                        os.posix_fallocate(ballast.fileno(), ballast.seek(0, os.SEEK_END), step)

    def empty(self) -> None:
        """What filled it is gone."""
        self._ballast.unlink()

    def fail(self) -> None:
        """It turns read-only under those who write to it, as it does when its device fails."""
        _run("mount", "-o", "remount,abort", str(self.path))


@contextlib.contextmanager
def small_disk(folder: Path, mebibytes: int = 128) -> Iterator[Disk]:
    """A disk in a folder. The test is skipped where none can be mounted."""
    image, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(mebibytes << 20)
    try:
        _run("mkfs.ext4", "-q", "-m", "0", str(image))
        _run("mount", "-o", "loop", str(image), str(mounted))
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        pytest.skip(f"NOT TESTED: no disk that fills up or fails, because none can be mounted here: {error}")
    try:
        yield Disk(mounted)
    finally:
        _run("umount", "--lazy", str(mounted))
        image.unlink()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
