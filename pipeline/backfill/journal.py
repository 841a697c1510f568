"""The games that a backfill has completed, kept in a folder, so that a later run skips them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.backfill.game_report import GameReport
from pipeline.backfill.share import Share


class Journal:
    """A line for each completed game, in a file for each share; workers may share the folder.

    A line is on disk before `note` returns. One that cannot be read, such as the last line of a killed worker, is
    ignored: its game is played again, which changes nothing.

    Args:
        folder: created if missing.
        share: the share whose lines are written. Lines of all shares are read, so their number may change between runs.
        data: what is backfilled. Lines about other data are ignored.
    """

    def __init__(self, folder: Path, share: Share, data: str) -> None:
        """Raises OSError for a folder that cannot be read or written."""
        self._data = data
        folder.mkdir(parents=True, exist_ok=True)
        self._done = {
            report.game_id: report for file in sorted(folder.glob("*.jsonl")) for report in self._reports(file)
        }
        self._file = folder / f"{share.index}-of-{share.of}.jsonl"
        if self._file.exists() and not self._file.read_bytes().endswith(b"\n"):
            self._append(b"\n")  # ends the line of a worker that was killed

    def done(self, game_id: str) -> GameReport | None:
        """The last report of a completed game."""
        return self._done.get(game_id)

    def note(self, report: GameReport) -> None:
        """Records a completed game. Raises OSError where that cannot be written."""
        self._append(json.dumps({"data": self._data, **report.as_json()}).encode() + b"\n")
        self._done[report.game_id] = report

    def _append(self, line: bytes) -> None:
        with self._file.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _reports(self, file: Path) -> Iterator[GameReport]:
        for line in file.read_bytes().splitlines():
            try:
                document: dict[str, Any] = json.loads(line)
                if document.pop("data") == self._data:
                    yield GameReport.from_json(document)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
