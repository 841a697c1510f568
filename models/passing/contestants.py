"""The networks of a run: ours and those it is compared with, each trained when it is first asked for.

All learn from the same simulated plays; from there each is tuned on real plays, which count alike for all. What the
run's folder does not hold yet is trained when it is asked for, and kept, so that what was interrupted goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.passing import training
from models.passing.network import PassingNetwork
from models.passing.run import SPLICED, Progress, Run
from models.passing.training import TAUGHT, TUNED, OnEpoch, Trainer

Integers = NDArray[np.int64]

GAUSSIAN, GLUONTS = "gaussian", "gluonts"
NETWORKS = (SPLICED, GAUSSIAN, GLUONTS)
"""By their heads."""
RELEASED, UNTUNED = "released", f"{SPLICED}_untuned"
"""Our network as it is released, and before real plays tuned it."""
BOOSTED, BASE_RATES, ORACLE = "boosted", "base_rates", "oracle"
"""Those that are no networks."""


class Networks:
    """The networks of a run."""

    def __init__(
        self, run: Run, progress: Progress, *, device: str = "cpu", on_epoch: OnEpoch = lambda history: None
    ) -> None:
        self._run, self._progress, self._device, self._on_epoch = run, progress, device, on_epoch
        self._trainers: dict[str, Trainer] = {}

    def released_path(self) -> Path:
        """Where our released network is kept."""
        return self._run.contestant(SPLICED) / (TUNED if self._run.has_real else TAUGHT)

    def released(self) -> PassingNetwork:
        """Our network, tuned on all real plays where there are any: what is released."""
        if not self._run.has_real:
            return self.taught(SPLICED)
        return self.tuned(SPLICED, np.arange(len(self._run.real.plays)), TUNED)

    def taught(self, head: str) -> PassingNetwork:
        """The network with this head, as simulated plays taught it."""
        folder = self._run.contestant(head)
        if not training.is_taught(folder, self._run.schedule):
            self._trainer(head)
        return training.load(folder / TAUGHT)

    def tuned(self, head: str, learnt: Integers, file: str) -> PassingNetwork:
        """The network with this head, tuned on these real plays; kept under that name."""
        path = self._run.contestant(head) / file
        if not path.exists():
            trainer = self._trainer(head)
            steps = trainer.tune(self._run.real_to_learn(learnt), file)
            self._watch(f"tuning {head}, {path.stem}", steps, trainer.tuning_steps)
        return training.load(path)

    def _trainer(self, head: str) -> Trainer:
        if head not in self._trainers:
            trainer = self._trainers[head] = self._run.trainer(head, self._device)
            self._watch(f"teaching {head}", trainer.teach(self._on_epoch), trainer.teaching_steps)
        return self._trainers[head]

    def _watch(self, what: str, steps: Iterator[None], total: int) -> None:
        for _ in self._progress(what, steps, total):
            pass
