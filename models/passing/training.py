"""Training: pretraining on simulated plays, fine-tuning on real ones. Reproducible by seed on one machine, resumable.

A `Trainer` has its own folder: `pretrained.pt` is the best epoch on simulated plays, `fine_tuned.pt` the same network
after fine-tuning, `state.pt` what is needed to continue after an interruption, `history.json` the figures of every
epoch.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featurizer.passing.columns import SPECIFICATION
from models.core import parallel
from models.core.atomic import whole
from models.passing.columns import orientation, roles
from models.passing.contestants import SPLICED
from models.passing.heads import Outputs
from models.passing.network import Design, PassingNetwork, Scaling, Size
from models.passing.plays import PassPlays, yard_rates
from models.passing.support import EDGES
from playscore.errors import PlayscoreError, Reason

PRETRAINED, FINE_TUNED = "pretrained.pt", "fine_tuned.pt"
HISTORY = "history.json"
_STATE = "state.pt"


@dataclass(frozen=True)
class Schedule:
    """The settings of training."""

    seed: int = 1
    epochs: int = 12
    """On simulated plays."""
    patience: int = 4
    """Pretraining stops after this many epochs without a better one on the held-out simulated plays."""
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    fine_tuning_steps: int = 300
    """Steps with real plays mixed in, after pretraining. Their number is fixed: no real play chooses a checkpoint."""
    fine_tuning_rate: float = 3e-4
    real_share: float = 0.3
    """The share of real plays in the loss of fine-tuning."""
    fine_tuning_blind: float = 0.5
    """The share of simulated plays that are shown without orientation in fine-tuning.

    One source of real plays has no orientation, and another one is selected by outcome: what separates the sources must
    not reveal outcomes.
    """


@dataclass(frozen=True, eq=False)
class RealPlays:
    """Real plays to fine-tune on, and how much each counts."""

    plays: PassPlays
    weights: NDArray[np.float32]


def design(plays: PassPlays, size: Size, head: str) -> Design:
    """The network's constants: the scaling of these plays' known values, and their base rates."""
    columns = roles(SPECIFICATION)
    known = np.ones(plays.frames.shape, bool)
    for lengths, masks in zip(columns.lengths, columns.masks, strict=True):
        known[:, list(lengths)] = plays.frames[:, [masks[0]]] > 0
    static_known = np.ones(plays.statics.shape, bool)
    static_known[:, list(columns.values)] = plays.statics[:, list(columns.value_masks)] > 0
    return Design(
        Scaling(*_moments(plays.frames, known), *_moments(plays.statics, static_known)),
        yard_rates(plays.yards).tolist(),
        size,
        head,
    )


def _moments(values: NDArray[np.float32], known: NDArray[np.bool_]) -> tuple[list[float], list[float]]:
    mean = values.mean(axis=0, where=known, dtype=np.float64)
    deviation = values.std(axis=0, where=known, dtype=np.float64)
    steady = deviation > 1e-3
    return np.where(known.any(axis=0), mean, 0.0).tolist(), np.where(steady, deviation, 1.0).tolist()


OnEpoch = Callable[[list[dict[str, Any]]], None]
"""Is called with the figures of all epochs so far: loss, validation (log score, nats), seconds, kept or not."""


class Trainer:
    """Pretrains and fine-tunes one network. In a group of processes all take part, and the first one writes."""

    def __init__(
        self,
        simulated: PassPlays,
        validation: PassPlays,
        schedule: Schedule,
        folder: Path,
        *,
        size: Size | None = None,
        head: str = SPLICED,
        network: str = Design.network,
        device: str = "cpu",
    ) -> None:
        torch.manual_seed(schedule.seed)
        self._simulated, self._validation = simulated, validation
        self._schedule, self._folder, self._device = schedule, folder, torch.device(device)
        self._design = replace(design(simulated, size or Size(), head), network=network)
        self._mirror = np.ones(len(SPECIFICATION.frame_columns), np.float32)
        self._mirror[list(roles(SPECIFICATION).mirrored)] = -1
        self._blind = np.ones(len(SPECIFICATION.frame_columns), np.float32)
        self._blind[list(orientation(SPECIFICATION))] = 0
        self.network = self._design.build(SPECIFICATION).to(self._device)

    @property
    def pretraining_steps(self) -> int:
        """Steps of all epochs."""
        return self._schedule.epochs * self._epoch_steps

    @property
    def fine_tuning_steps(self) -> int:
        """Steps of one fine-tuning."""
        return self._schedule.fine_tuning_steps

    def pretrain(self, on_epoch: OnEpoch) -> Iterator[None]:
        """Train on simulated plays, a step at a time, continuing where an earlier call was interrupted.

        Saves the best epoch in `pretrained.pt`. Once complete, another call changes nothing.
        """
        chosen = self._schedule
        optimizer, scheduler = self._optimizer(chosen.learning_rate, chosen.epochs * self._epoch_steps)
        rng = np.random.default_rng(chosen.seed)
        history: list[dict[str, Any]] = []
        if (self._folder / _STATE).exists():
            state = torch.load(self._folder / _STATE, weights_only=True, map_location="cpu")
            self.network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
            scheduler.load_state_dict(state["scheduler"])
            rng.bit_generator.state = state["drawn"]
            parallel.restore_dropout(state["dropped"], self._device)
            history = state["history"]
            yield from repeat(None, len(history) * self._epoch_steps)
        network = parallel.shared(self.network)
        while not _ended(history, chosen):
            began, losses = time.perf_counter(), []
            self.network.train()
            for batch in batches(self._simulated, chosen.batch, rng):
                loss = self._loss(network, [(self._simulated, batch, 1.0)], rng)
                losses.append(self._step(loss, optimizer, scheduler))
                yield
            validation = parallel.agreed(float(log_scores(self.network, self._validation).mean()))
            better = validation < min((epoch["validation"] for epoch in history), default=math.inf)
            if better:
                self._save(PRETRAINED)
            history.append(
                {
                    "loss": float(np.mean(losses)),
                    "validation": validation,
                    "seconds": time.perf_counter() - began,
                    "kept": better,
                }
            )
            self._keep_state(
                network=self.network.state_dict(),
                optimizer=optimizer.state_dict(),
                scheduler=scheduler.state_dict(),
                drawn=rng.bit_generator.state,
                dropped=parallel.dropout_state(self._device),
                history=history,
            )
            on_epoch(history)

    def adopt(self, network: PassingNetwork) -> None:
        """Take over a network of the same design that was pretrained elsewhere; fine-tuning continues from it."""
        self.network.load_state_dict(network.state_dict())
        self._save(PRETRAINED)

    def fine_tune(self, real: RealPlays, name: str = FINE_TUNED) -> Iterator[None]:
        """Continue from `pretrained.pt` with real plays mixed in, a step at a time; save the network as `name`.

        Every call draws the same random numbers, whatever was trained before it.
        """
        chosen = self._schedule
        torch.manual_seed(chosen.seed)
        self.network.load_state_dict(load(self._folder / PRETRAINED).state_dict())
        optimizer, scheduler = self._optimizer(chosen.fine_tuning_rate, chosen.fine_tuning_steps)
        rng = np.random.default_rng([chosen.seed, 2])
        network = parallel.shared(self.network)
        self.network.train()
        odds = real.weights / real.weights.sum(dtype=np.float64)
        reals, share = round(chosen.batch * chosen.real_share), chosen.real_share
        endless = _endless_batches(self._simulated, chosen.batch, rng)
        for batch in islice(endless, chosen.fine_tuning_steps):
            drawn = rng.choice(len(real.plays), reals, p=odds / odds.sum())
            parts = [(self._simulated, batch, 1 - share), (real.plays, drawn, share)]
            loss = self._loss(network, parts, rng, blind=chosen.fine_tuning_blind)
            self._step(loss, optimizer, scheduler)
            yield
        self._save(name)

    @property
    def _epoch_steps(self) -> int:
        return math.ceil(len(self._simulated) / self._schedule.batch)

    def _optimizer(self, rate: float, steps: int) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
        # Biases are not decayed: those of the head would pull every distribution toward equal bins.
        kinds: dict[bool, list[torch.nn.Parameter]] = {True: [], False: []}
        for parameter in self.network.parameters():
            kinds[parameter.ndim > 1].append(parameter)
        decay = self._schedule.weight_decay
        optimizer = torch.optim.AdamW(
            [{"params": kinds[True], "weight_decay": decay}, {"params": kinds[False], "weight_decay": 0.0}], lr=rate
        )
        return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.15)

    def _loss(
        self,
        network: torch.nn.Module,
        parts: Sequence[tuple[PassPlays, NDArray[np.int64], float]],
        rng: np.random.Generator,
        blind: float = 0.0,
    ) -> Tensor:
        """The mean log score of a batch in parts, each with its share of the loss. Plays are mirrored at random.

        The share `blind` of the plays is shown without orientation. A process of a group takes its plays of each part.
        """
        losses = []
        for plays, batch, share in parts:
            turned = rng.random(len(batch)) < 0.5
            mine = parallel.part(len(batch))
            frames, mask, statics = plays.padded(batch[mine])
            frames *= np.where(turned[mine, None, None], self._mirror, np.float32(1))
            if blind:
                hidden = rng.random(len(batch)) < blind
                frames *= np.where(hidden[mine, None, None], self._blind, np.float32(1))
            inputs = (torch.from_numpy(array).to(self._device) for array in (frames, mask, statics))
            outputs: Outputs = network(*inputs)
            yards, ceiling = (torch.from_numpy(array).to(self._device) for array in plays.outcomes(batch[mine]))
            scores = self.network.head.log_score(outputs, yards, ceiling)
            losses.append(scores.sum() * share * parallel.world() / len(batch))
        return torch.stack(losses).sum()

    def _step(
        self,
        loss: Tensor,
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
    ) -> float:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        return loss.item()

    def _save(self, name: str) -> None:
        if parallel.leads():
            state = {
                "design": self._design.to_dict(),
                "weights": self.network.state_dict(),
                "features": SPECIFICATION.id,
            }
            with whole(self._folder / name) as partial:
                torch.save(state, partial)
        parallel.wait()

    def _keep_state(self, **state: Any) -> None:
        if parallel.leads():
            with whole(self._folder / _STATE) as partial:
                torch.save(state, partial)
            with whole(self._folder / HISTORY) as partial:
                partial.write_text(json.dumps(state["history"], indent=1))
        parallel.wait()


def is_pretrained(folder: Path, schedule: Schedule) -> bool:
    """Whether pretraining in this folder is complete."""
    path = folder / HISTORY
    return path.exists() and _ended(json.loads(path.read_text()), schedule)


def _ended(history: Sequence[dict[str, Any]], schedule: Schedule) -> bool:
    late = history[-schedule.patience :]
    return len(history) >= schedule.epochs or (len(late) == schedule.patience and not any(e["kept"] for e in late))


@torch.no_grad()
def outputs_of(network: PassingNetwork, plays: PassPlays) -> Iterator[tuple[NDArray[np.int64], Outputs]]:
    """The network's outputs, in batches of plays of similar length, with the places of the plays."""
    network.eval()
    device = next(network.parameters()).device
    for batch in batches(plays, 512, None):
        yield batch, network(*(torch.from_numpy(array).to(device) for array in plays.padded(batch)))


def cdf(network: PassingNetwork, plays: PassPlays) -> NDArray[np.float64]:
    """The network's forecast: (N, K + 1) distribution functions at EDGES."""
    found = np.empty((len(plays), len(EDGES)))
    for batch, outputs in outputs_of(network, plays):
        _, ceiling = plays.outcomes(batch)
        cdf = network.head.cdf(tuple(output.cpu() for output in outputs), torch.from_numpy(ceiling))
        found[batch] = cdf.numpy()
    return found


def log_scores(network: PassingNetwork, plays: PassPlays) -> NDArray[np.float64]:
    """(N,) minus the log-likelihood of the yards."""
    scores = np.empty(len(plays))
    for batch, outputs in outputs_of(network, plays):
        yards, ceiling = (torch.from_numpy(array).to(outputs[0].device) for array in plays.outcomes(batch))
        scores[batch] = network.head.log_score(outputs, yards, ceiling).cpu().numpy()
    return scores


def batches(plays: PassPlays, size: int, rng: np.random.Generator | None) -> Iterator[NDArray[np.int64]]:
    """Places of the plays in batches of similar length, so that little is padded; in random order if `rng` is given."""
    jitter = rng.uniform(0, 3, len(plays)) if rng else 0.0
    order = np.argsort(plays.lengths + jitter, kind="stable")
    cut = [order[start : start + size] for start in range(0, len(order), size)]
    if rng:
        rng.shuffle(cut)
    yield from cut


def _endless_batches(plays: PassPlays, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    while True:
        yield from batches(plays, size, rng)


def load(path: Path) -> PassingNetwork:
    """A network that a `Trainer` saved, on the CPU.

    Raises FEATURE_SPECIFICATION_MISMATCH if it was trained on other features than the featurizer makes.
    """
    state = torch.load(path, weights_only=True, map_location="cpu")
    if state["features"] != SPECIFICATION.id:
        raise PlayscoreError(
            Reason.FEATURE_SPECIFICATION_MISMATCH,
            f"{path} was trained on features {state['features']}; the featurizer makes {SPECIFICATION.id}: train again",
        )
    network = Design.from_dict(state["design"]).build(SPECIFICATION)
    network.load_state_dict(state["weights"])
    return network.eval()


def describe(schedule: Schedule, size: Size) -> dict[str, Any]:
    """The settings of a run, as its folder keeps them."""
    return {"schedule": asdict(schedule), "size": asdict(size), "features": SPECIFICATION.id}
