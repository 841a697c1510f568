"""Which tests go to the same worker when `pytest -n` runs several."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadFileScheduling

TOGETHER: Final = ("tests/clients/", "tests/packaging/")
"""Folders whose files share what takes long to make: services with games recorded, installed environments."""


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """A file at a time, so that its fixtures are made once; of `TOGETHER`, a folder at a time."""

    def _split_scope(self, nodeid: str) -> str:
        """The unit of work that a test belongs to."""
        return next(filter(nodeid.startswith, TOGETHER), super()._split_scope(nodeid))
