"""The networks of a run: ours and those it is compared with.

All are pretrained on the same simulated plays, and each is then fine-tuned on real plays with the same weights. What is
not in the run's folder yet is trained when it is first asked for, and kept. So an interrupted run continues.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.core.progress import Progress
from models.passing import training
from models.passing.contestants import SPLICED
from models.passing.network import PassingNetwork
from models.passing.run import Run
from models.passing.training import OnEpoch, Trainer

Integers = NDArray[np.int64]


class Networks:
    """The networks of a run."""

    def __init__(
        self, run: Run, progress: Progress, *, device: str = "cpu", on_epoch: OnEpoch = lambda history: None
    ) -> None:
        self._run, self._progress, self._device, self._on_epoch = run, progress, device, on_epoch
        self._trainers: dict[str, Trainer] = {}

    def released_path(self) -> Path:
        """The file of our network that is released."""
        return self._run.contestant(SPLICED) / (training.FINE_TUNED if self._run.has_real else training.PRETRAINED)

    def released(self) -> PassingNetwork:
        """Our network that is released: fine-tuned on all real plays if there are any."""
        if not self._run.has_real:
            return self.pretrained(SPLICED)
        return self.fine_tuned(SPLICED, np.arange(len(self._run.real.plays)), training.FINE_TUNED)

    def pretrained(self, head: str) -> PassingNetwork:
        """The network with this head, pretrained on simulated plays."""
        folder = self._run.contestant(head)
        if not training.is_pretrained(folder, self._run.schedule):
            self._trainer(head)
        return training.load(folder / training.PRETRAINED)

    def fine_tuned(self, head: str, chosen: Integers, file: str) -> PassingNetwork:
        """The network with this head, fine-tuned on these real plays and kept in a file of this name."""
        path = self._run.contestant(head) / file
        if not path.exists():
            trainer = self._trainer(head)
            steps = trainer.fine_tune(self._run.fine_tuning_plays(chosen), file)
            self._watch(f"fine-tuning {head}, {path.stem}", steps, trainer.fine_tuning_steps)
        return training.load(path)

    def _trainer(self, head: str) -> Trainer:
        """The trainer of this head, with its pretraining complete."""
        if head not in self._trainers:
            trainer = self._trainers[head] = self._run.trainer(head, self._device)
            self._watch(f"pretraining {head}", trainer.pretrain(self._on_epoch), trainer.pretraining_steps)
        return self._trainers[head]

    def _watch(self, what: str, steps: Iterator[None], total: int) -> None:
        for _ in self._progress(what, steps, total):
            pass
