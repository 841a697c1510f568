"""Training: simulated plays teach, real plays tune. Reproducible by seed on one kind of machine."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featurizer.core.columns import PASSING
from models.passing.columns import roles
from models.passing.network import EDGES, LOWER_TAIL, UPPER_TAIL, Design, PassingNetwork, Scaling, Size
from models.passing.plays import FIRST_YARD, PassPlays
from playscore.distributions import SplicedBinnedPareto
from playscore.errors import PlayscoreError, Reason

TAUGHT = "taught.pt"
"""The best epoch on simulated plays alone."""
CHECKPOINT = "checkpoint.pt"
"""What is released: tuned on real plays where there are any."""
HISTORY = "history.json"
FLOOR = 1e-6
"""Added to every probability in the loss: an outcome thought impossible costs 14 nats and not infinitely many."""


@dataclass(frozen=True)
class Schedule:
    """How long, how fast, on what."""

    seed: int = 1
    epochs: int = 12
    tuning_epochs: int = 2
    """Epochs that mix real plays in, after the others. Their number is fixed: no real play chooses a checkpoint."""
    batch: int = 256
    real_share: float = 0.15
    """Of the loss of the tuning epochs."""
    learning_rate: float = 3e-3
    tuning_rate: float = 2e-4
    weight_decay: float = 1e-2


@dataclass(frozen=True, eq=False)
class Material:
    """What is learnt from, and what decides which checkpoint is kept."""

    simulated: PassPlays
    simulated_validation: PassPlays
    real: PassPlays | None = None
    real_weights: NDArray[np.float32] | None = None


def law_of(logits: Tensor, tails: Tensor) -> SplicedBinnedPareto:
    """The laws that a network's answer stands for."""
    lower_shape, lower_scale, upper_shape, upper_scale = tails.unbind(-1)
    return SplicedBinnedPareto(
        EDGES, logits, lower_shape, lower_scale, upper_shape, upper_scale, LOWER_TAIL, UPPER_TAIL
    )


def log_score(law: SplicedBinnedPareto, yards: Tensor) -> Tensor:
    """-log of the probability of these whole yards, (N,): the mass of the law between half a yard less and more.

    Yards are whole numbers, so this is their likelihood: no dithering, and the same figure that the evaluation reports.
    """
    ends = torch.stack([yards - 0.5, yards + 0.5])
    cdf, sf = law.cdf(ends), law.sf(ends)
    mass = torch.where(cdf[1] < 0.5, cdf[1] - cdf[0], sf[0] - sf[1])
    return -torch.log(mass.clamp_min(0.0) + FLOOR)


def design(plays: PassPlays, size: Size) -> Design:
    """The network's constants: scaling over known values of these plays, and their base rates."""
    columns = roles(PASSING)
    known = np.ones(plays.frames.shape, bool)
    for lengths, masks in zip(columns.lengths, columns.masks, strict=True):
        known[:, list(lengths)] = plays.frames[:, [masks[0]]] > 0
    static_known = np.ones(plays.statics.shape, bool)
    static_known[:, list(columns.values)] = plays.statics[:, list(columns.value_masks)] > 0
    counts = np.bincount((plays.yards - FIRST_YARD).astype(int), minlength=len(EDGES) - 1) + 0.5
    return Design(
        Scaling(*_moments(plays.frames, known), *_moments(plays.statics, static_known)),
        (counts / counts.sum()).tolist(),
        size,
    )


def _moments(values: NDArray[np.float32], known: NDArray[np.bool_]) -> tuple[list[float], list[float]]:
    mean = values.mean(axis=0, where=known, dtype=np.float64)
    deviation = values.std(axis=0, where=known, dtype=np.float64)
    steady = deviation > 1e-3
    return np.where(known.any(axis=0), mean, 0.0).tolist(), np.where(steady, deviation, 1.0).tolist()


class Trainer:
    """One run: `fit` leaves the best checkpoint and the history in the folder."""

    def __init__(self, material: Material, schedule: Schedule, folder: Path, size: Size | None = None) -> None:
        torch.manual_seed(schedule.seed)
        self._rng = np.random.default_rng(schedule.seed)
        self._material, self._schedule, self._folder = material, schedule, folder
        self._design = design(material.simulated, size or Size())
        self._mirrored = torch.tensor(roles(PASSING).mirrored)
        self.network = PassingNetwork(PASSING, self._design)
        self.history: list[dict[str, Any]] = []
        self._best = math.inf

    def fit(self, on_batch: Callable[[int, int], None], on_epoch: Callable[[dict[str, Any]], None]) -> None:
        """Train. `on_batch` hears the batch and how many there are, `on_epoch` the figures of an epoch."""
        chosen = self._schedule
        tuning = chosen.tuning_epochs if self._material.real is not None else 0
        steps = math.ceil(len(self._material.simulated) / chosen.batch)
        batch = 0
        for phase, epochs, rate in (
            ("simulated", chosen.epochs, chosen.learning_rate),
            ("tuning", tuning, chosen.tuning_rate),
        ):
            if not epochs:
                continue
            if phase == "tuning":
                self.network.load_state_dict(load(self._folder, TAUGHT)[0].state_dict())
            optimizer = torch.optim.AdamW(self.network.parameters(), lr=rate, weight_decay=chosen.weight_decay)
            scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps, pct_start=0.15)
            for _ in range(epochs):
                began, losses = time.perf_counter(), []
                self.network.train()
                for loss in self._losses(phase == "tuning"):
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()  # type: ignore[no-untyped-call]
                    torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
                    optimizer.step()
                    scheduler.step()
                    losses.append(loss.item())
                    batch += 1
                    on_batch(batch, (chosen.epochs + tuning) * steps)
                self._close_epoch(phase, float(np.mean(losses)), time.perf_counter() - began, on_epoch)

    def _close_epoch(self, phase: str, loss: float, seconds: float, on_epoch: Callable[[dict[str, Any]], None]) -> None:
        validation = float(self._log_scores(self._material.simulated_validation).mean())
        figures: dict[str, Any] = {"phase": phase, "loss": loss, "seconds": seconds, "simulated_log_score": validation}
        if phase == "tuning":
            save(self.network, self._design, self._folder, CHECKPOINT)
        elif validation < self._best:
            self._best = validation
            figures["kept"] = True
            for name in (TAUGHT, CHECKPOINT):
                save(self.network, self._design, self._folder, name)
        self.history.append(figures)
        (self._folder / HISTORY).write_text(json.dumps(self.history, indent=1))
        on_epoch(figures)

    def _losses(self, tuning: bool) -> Iterator[Tensor]:
        material, chosen = self._material, self._schedule
        real = material.real if tuning else None
        reals = round(chosen.batch * chosen.real_share) if real is not None else 0
        for plays in _batches(material.simulated, chosen.batch, self._rng):
            losses = self._loss(material.simulated, plays)
            if real is None:
                yield losses.mean()
            else:
                assert material.real_weights is not None
                odds = material.real_weights / material.real_weights.sum(dtype=np.float64)
                drawn = self._rng.choice(len(real), reals, p=odds / odds.sum())
                share = chosen.real_share
                yield (1 - share) * losses.mean() + share * self._loss(real, drawn).mean()

    def _loss(self, plays: PassPlays, chosen: NDArray[np.int64]) -> Tensor:
        frames, mask, statics = (torch.from_numpy(array) for array in plays.padded(chosen))
        if self._rng.random() < 0.5:
            frames[:, :, self._mirrored] *= -1
        return log_score(law_of(*self.network(frames, mask, statics)), torch.from_numpy(plays.yards[chosen]))

    @torch.no_grad()
    def _log_scores(self, plays: PassPlays) -> NDArray[np.float32]:
        self.network.eval()
        scores = np.empty(len(plays), np.float32)
        for chosen in _batches(plays, 512, None):
            inputs = (torch.from_numpy(array) for array in plays.padded(chosen))
            scores[chosen] = log_score(law_of(*self.network(*inputs)), torch.from_numpy(plays.yards[chosen])).numpy()
        return scores


def _batches(plays: PassPlays, size: int, rng: np.random.Generator | None) -> Iterator[NDArray[np.int64]]:
    """Plays of about one length together, so that little is padded; in random order where `rng` is given."""
    jitter = rng.uniform(0, 3, len(plays)) if rng else 0.0
    order = np.argsort(plays.lengths + jitter, kind="stable")
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    if rng:
        rng.shuffle(batches)
    yield from batches


def save(network: PassingNetwork, built: Design, folder: Path, name: str = CHECKPOINT) -> None:
    """Write the network with all that it is built from."""
    state = {"design": built.to_dict(), "weights": network.state_dict(), "features": PASSING.id}
    torch.save(state, folder / name)


def load(folder: Path, name: str = CHECKPOINT) -> tuple[PassingNetwork, Design]:
    """The network that `save` wrote."""
    state = torch.load(folder / name, weights_only=True)
    if state["features"] != PASSING.id:
        raise PlayscoreError(
            Reason.FEATURE_SPECIFICATION_MISMATCH,
            f"{folder / name} was trained on features {state['features']}; the featurizer makes {PASSING.id}, "
            "so train again",
        )
    parts = state["design"]
    size = Size(**{**parts["size"], "dilations": tuple(parts["size"]["dilations"])})
    built = Design(Scaling(**parts["scaling"]), parts["base_rates"], size)
    network = PassingNetwork(PASSING, built)
    network.load_state_dict(state["weights"])
    return network.eval(), built


def describe(schedule: Schedule, built: Size) -> dict[str, Any]:
    """The settings of a run, as its folder keeps them."""
    return {"schedule": asdict(schedule), "size": asdict(built), "features": PASSING.id}
