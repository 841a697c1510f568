"""The folder of a training run: its settings, its plays and who may see which, its checkpoint and history.

run.json   simulated.npz   real.npz   rates.npy   taught.pt   checkpoint.pt   history.json
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.passing import plays
from models.passing.plays import PassPlays
from models.passing.training import Material
from playscore.errors import PlayscoreError, Reason

SETTINGS = "run.json"
_SIMULATED, _REAL, _RATES = "simulated.npz", "real.npz", "rates.npy"
PASSES_PER_GAME = 50
"""Of a simulated game of 70 plays, about."""
_VALIDATION_SHARE = 0.08
_REAL_SHARES = (0.7, 0.3)
"""Of the games of each layout: to tune on, to test on. Too few to choose anything by."""


@dataclass(frozen=True)
class Run:
    """A run's folder."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, settings: dict[str, Any], simulated: Iterable[PassPlays], real: Path | None) -> Run:
        """Start a run: write its settings and gather its plays."""
        if (folder / SETTINGS).exists():
            raise PlayscoreError(Reason.FIELD_INVALID, f"{folder} holds a run already; name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        plays.joined(list(simulated)).save(folder / _SIMULATED)
        if real:
            plays.real(real).save(folder / _REAL)
            np.save(folder / _RATES, plays.base_rates(real))
        (folder / SETTINGS).write_text(json.dumps(settings, indent=1))
        return cls(folder)

    @property
    def settings(self) -> dict[str, Any]:
        """What the run was started with."""
        try:
            read: dict[str, Any] = json.loads((self.folder / SETTINGS).read_text())
        except FileNotFoundError:
            raise PlayscoreError(Reason.FIELD_INVALID, f"{self.folder} holds no training run") from None
        return read

    def simulated(self) -> PassPlays:
        """All its simulated plays."""
        return PassPlays.load(self.folder / _SIMULATED)

    def material(self) -> Material:
        """What the network learns from and is chosen by."""
        simulated = self.simulated()
        learnt, held = plays.split_by_game(simulated, (1 - _VALIDATION_SHARE, _VALIDATION_SHARE), self._seed)
        if not self._has_real:
            return Material(simulated.subset(learnt), simulated.subset(held))
        return Material(simulated.subset(learnt), simulated.subset(held), *self.real_training())

    def real_training(self) -> tuple[PassPlays, NDArray[np.float32]]:
        """The real plays that the network learns from, and their weights."""
        return self._real_parts()[0]

    def real_test(self) -> tuple[PassPlays, NDArray[np.float32]] | None:
        """The real plays of games that nothing was learnt from, and their weights; None without real plays."""
        return self._real_parts()[1] if self._has_real else None

    @property
    def _seed(self) -> int:
        return int(self.settings["schedule"]["seed"])

    @property
    def _has_real(self) -> bool:
        return (self.folder / _REAL).exists()

    def _real_parts(self) -> list[tuple[PassPlays, NDArray[np.float32]]]:
        real, rates = PassPlays.load(self.folder / _REAL), np.load(self.folder / _RATES)
        parts = [real.subset(chosen) for chosen in plays.split_by_game(real, _REAL_SHARES, self._seed)]
        return [(part, plays.weights(part, rates)) for part in parts]
