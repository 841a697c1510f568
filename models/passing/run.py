"""The folder of a run: settings, plays and what they may be used for, networks, evaluation.

run.json                          settings: what the run was started with
simulated.npz  test-<plays>.npz   simulated plays: to train on, and from other seeds to test on
real.npz  untargeted.npz          real plays; the same with their targets hidden
league.npz                        outcomes of an unselected season, for the base rates
<contestant>/                     what training saves; `spliced` is the network that is released
evaluation.json  evaluation.html  what `playscore evaluate passing` finds
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.core.atomic import whole
from models.core.progress import Progress
from models.passing import sources
from models.passing.network import Size
from models.passing.plays import PassPlays, digest, joined, split_by_game, weights
from models.passing.sources import LeagueOutcomes
from models.passing.training import RealPlays, Schedule, Trainer, describe
from playscore.errors import PlayscoreError, Reason

SETTINGS = "run.json"
EVALUATION, PAGE = "evaluation.json", "evaluation.html"
PASSES_PER_GAME = 52
"""In a simulated game of 70 plays, on average."""
HIDDEN_TARGETS = 0.08
"""Share of the training plays whose target is hidden, because some sources do not name it."""
TEST_SEED = 1_000_001
"""Of simulated plays to test on; a run's own seed is below it."""
_VALIDATION_SHARE = 0.06
_MIN_GAMES = math.floor(0.5 / _VALIDATION_SHARE) + 1
"""With this many, one game falls into the validation share."""


@dataclass(frozen=True)
class Run:
    """A run's folder."""

    folder: Path

    @classmethod
    def start(
        cls, folder: Path, schedule: Schedule, size: Size, simulated: int, real: Path | None, progress: Progress
    ) -> Run:
        """Start a run, or continue the one in the folder if it has the same settings and real plays.

        Raises FIELD_INVALID if its settings differ, if the seed is one of the test plays', if there are too few
        simulated plays to hold any out, and if the folder `real` has no real games.
        """
        run = cls(folder)
        _check_range(schedule.seed, simulated)
        settings = {**describe(schedule, size), "simulated": simulated, "real": real is not None}
        if real:
            league, (plays, untargeted) = sources.league_outcomes(real), sources.real(real)
            _check_aligned(plays, untargeted)
            settings["real_sha256"] = digest(*vars(league).values(), *vars(plays).values())
        if (folder / SETTINGS).exists():
            run._check_same(settings)
            return run
        if real:
            plays.save(folder / "real.npz")
            untargeted.save(folder / "untargeted.npz")
            with whole(folder / "league.npz") as partial, partial.open("wb") as file:
                np.savez(file, **vars(league))
        games = range(math.ceil(simulated / PASSES_PER_GAME))
        made = _simulated(schedule.seed, games, HIDDEN_TARGETS, "simulating plays", progress)
        joined(made).save(folder / "simulated.npz")
        with whole(folder / SETTINGS) as partial:
            partial.write_text(json.dumps(settings, indent=1))
        return run

    def _check_same(self, settings: dict[str, Any]) -> None:
        asked = json.loads(json.dumps(settings))
        other = sorted(name for name in asked | self.settings if asked.get(name) != self.settings.get(name))
        if other:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"{self.folder} has a run with other settings ({', '.join(other)}; see its {SETTINGS}); repeat them to "
                "continue it, or name another folder",
            )

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings that the run was started with."""
        try:
            read: dict[str, Any] = json.loads((self.folder / SETTINGS).read_text())
        except FileNotFoundError:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"{self.folder} has no run; playscore train passing --out {self.folder} makes one",
            ) from None
        return read

    @property
    def schedule(self) -> Schedule:
        """The settings of training."""
        return Schedule(**self.settings["schedule"])

    @property
    def has_real(self) -> bool:
        """Whether there are real plays."""
        return bool(self.settings["real"])

    def contestant(self, name: str) -> Path:
        """The folder of a contestant."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def trainer(self, head: str, device: str) -> Trainer:
        """A trainer of the network with this head."""
        training, held_out = self.simulated
        folder, size = self.contestant(head), Size.from_dict(self.settings["size"])
        return Trainer(training, held_out, self.schedule, folder, size=size, head=head, device=device)

    @cached_property
    def simulated(self) -> tuple[PassPlays, PassPlays]:
        """Simulated plays to train on, and those held out to choose the epoch that is kept."""
        plays = PassPlays.load(self.folder / "simulated.npz")
        training, held_out = split_by_game(plays, (1 - _VALIDATION_SHARE, _VALIDATION_SHARE), self.schedule.seed)
        return plays.subset(training), plays.subset(held_out)

    def test(self, plays: int, progress: Progress) -> PassPlays:
        """This many simulated plays to test on, from seeds that no run trains on, with all targets known."""
        path = self.folder / f"test-{plays}.npz"
        if not path.exists():
            made: list[PassPlays] = []
            while missing := max(0, plays - sum(map(len, made))):
                games = range(len(made), len(made) + math.ceil(missing / PASSES_PER_GAME))
                made += _simulated(TEST_SEED, games, 0.0, "simulating test plays", progress)
            joined(made).subset(np.arange(plays)).save(path)
        return PassPlays.load(path)

    @cached_property
    def league(self) -> LeagueOutcomes:
        """Outcomes of an unselected season."""
        with np.load(self.folder / "league.npz") as arrays:
            return LeagueOutcomes(**arrays)

    @cached_property
    def real(self) -> RealPlays:
        """All real plays, weighted to the base rates of the league."""
        plays = PassPlays.load(self.folder / "real.npz")
        return RealPlays(plays, weights(plays.kinds, self.league.rates))

    @cached_property
    def _untargeted(self) -> PassPlays:
        plays = PassPlays.load(self.folder / "untargeted.npz")
        _check_aligned(self.real.plays, plays)
        return plays

    def fine_tuning_plays(self, chosen: NDArray[np.int64]) -> RealPlays:
        """These real plays to fine-tune on: each with its target, and with a small part of its weight without it.

        No orientation is shown: a source that is selected by outcome has it and complete games do not, so it would
        reveal outcomes. A play's weight depends on how passes end among all real plays, chosen or not; nothing else of
        the plays that are not chosen is used. Raises INTERNAL if the plays without targets are not the same plays.
        """
        weight, share = self.real.weights[chosen], np.float32(HIDDEN_TARGETS)
        plays = joined([self.real.plays.subset(chosen), self._untargeted.subset(chosen)])
        return RealPlays(
            plays.without_orientation(np.ones(len(plays), bool)),
            np.concatenate([(1 - share) * weight, share * weight]),
        )

    def folds(self, count: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Real plays to fine-tune on and real plays to test on, `count` times; no game is on both sides."""
        parts = split_by_game(self.real.plays, [1 / count] * count, self.schedule.seed)
        for fold in range(count):
            yield np.concatenate([part for other, part in enumerate(parts) if other != fold]), parts[fold]


def _simulated(seed: int, games: range, hidden_targets: float, what: str, progress: Progress) -> list[PassPlays]:
    made = sources.simulated(seed, games, skill_spread=0.0, hidden_targets=hidden_targets)
    return list(progress(what, made, len(games)))


def _check_range(seed: int, simulated: int) -> None:
    if not 0 <= seed < TEST_SEED:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"seed {seed} is not from 0 to {TEST_SEED - 1}; those above are for test plays",
        )
    minimum = (_MIN_GAMES - 1) * PASSES_PER_GAME + 1
    if simulated < minimum:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{simulated} simulated plays are too few to hold any out to choose the epoch that is kept; the minimum is "
            f"{minimum}",
        )


def _check_aligned(plays: PassPlays, untargeted: PassPlays) -> None:
    if not (np.array_equal(plays.games, untargeted.games) and np.array_equal(plays.yards, untargeted.yards)):
        raise PlayscoreError(
            Reason.INTERNAL,
            f"the {len(untargeted)} real plays without targets are not the {len(plays)} with them",
        )
