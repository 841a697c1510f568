"""The folder of a run: its settings, its plays and who may see which, its networks, its evaluation.

run.json                          settings: what the run was started with
simulated.npz  test-<plays>.npz   simulated plays to learn from, and of other seeds to be judged on
real.npz  untargeted.npz          real plays; the same, their targets hidden
league.npz                        outcomes of an unselected season, for the base rates
<contestant>/                     what training leaves; `spliced` is the network that is released
evaluation.json  evaluation.html  what `playscore evaluate passing` finds
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.passing import sources
from models.passing.atomic import whole
from models.passing.network import Size
from models.passing.plays import PassPlays, digest, joined, league_rates, split_by_game, weights
from models.passing.sources import LeagueOutcomes
from models.passing.training import RealPlays, Schedule, Trainer, describe
from playscore.errors import PlayscoreError, Reason

SETTINGS = "run.json"
EVALUATION, PAGE = "evaluation.json", "evaluation.html"
SPLICED = "spliced"
PASSES_PER_GAME = 52
"""Of a simulated game of 70 plays, about."""
HIDDEN_TARGETS = 0.08
"""Share of the plays whose target is not told to the network while it learns: some sources do not tell it."""
TEST_SEED = 1_000_001
"""Of simulated plays to be judged on; a run's own seed is below it."""
_VALIDATION_SHARE = 0.06
_LEAST_GAMES = math.floor(0.5 / _VALIDATION_SHARE) + 1
"""Of which one falls into the validation share."""

Progress = Callable[[str, Iterable[Any], int], Iterable[Any]]
"""Shows how far an iteration of that length has come, under that name."""


@dataclass(frozen=True)
class Run:
    """A run's folder."""

    folder: Path

    @classmethod
    def start(
        cls, folder: Path, schedule: Schedule, size: Size, simulated: int, real: Path | None, progress: Progress
    ) -> Run:
        """Start a run, or go on with the one in the folder if it was started with the same settings and real plays.

        Raises PlayscoreError (FIELD_INVALID) for other settings, a seed of the plays to be judged on, so few simulated
        plays that none would choose the epoch that is kept, or a folder `real` without real games.
        """
        run = cls(folder)
        _check_range(schedule.seed, simulated)
        settings = {**describe(schedule, size), "simulated": simulated, "real": real is not None}
        if real:
            league, (plays, untargeted) = sources.league_outcomes(real), sources.real(real)
            _check_aligned(plays, untargeted)
            settings["real_sha256"] = digest(league.results, league.yards, *vars(plays).values())
        if (folder / SETTINGS).exists():
            run._check_same(settings)
            return run
        if real:
            plays.save(folder / "real.npz")
            untargeted.save(folder / "untargeted.npz")
            with whole(folder / "league.npz") as partial, partial.open("wb") as file:
                np.savez(file, results=league.results, yards=league.yards)
        games = range(math.ceil(simulated / PASSES_PER_GAME))
        made = _simulated(schedule.seed, games, HIDDEN_TARGETS, "simulating plays", progress)
        joined(made).save(folder / "simulated.npz")
        with whole(folder / SETTINGS) as partial:
            partial.write_text(json.dumps(settings, indent=1))
        return run

    def _check_same(self, settings: dict[str, Any]) -> None:
        told = json.loads(json.dumps(settings))
        other = sorted(name for name in told | self.settings if told.get(name) != self.settings.get(name))
        if other:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"{self.folder} holds a run with other settings ({', '.join(other)}; see its {SETTINGS}); repeat them "
                "to go on with it, or name another folder",
            )

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What the run was started with."""
        try:
            read: dict[str, Any] = json.loads((self.folder / SETTINGS).read_text())
        except FileNotFoundError:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"{self.folder} holds no run; playscore train passing --out {self.folder} makes one",
            ) from None
        return read

    @property
    def schedule(self) -> Schedule:
        """How the networks are trained."""
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
        """Of the network with this head."""
        size = Size(**{**self.settings["size"], "dilations": tuple(self.settings["size"]["dilations"])})
        learnt, held = self.simulated
        return Trainer(learnt, held, self.schedule, self.contestant(head), size=size, head=head, device=device)

    @cached_property
    def simulated(self) -> tuple[PassPlays, PassPlays]:
        """Simulated plays to learn from, and those set aside that choose the epoch that is kept."""
        plays = PassPlays.load(self.folder / "simulated.npz")
        learnt, held = split_by_game(plays, (1 - _VALIDATION_SHARE, _VALIDATION_SHARE), self.schedule.seed)
        return plays.subset(learnt), plays.subset(held)

    def test(self, plays: int, progress: Progress) -> PassPlays:
        """So many simulated plays to be judged on, of seeds apart from those learnt from, every target known."""
        path = self.folder / f"test-{plays}.npz"
        if not path.exists():
            made: list[PassPlays] = []
            while missing := max(0, plays - sum(map(len, made))):
                games = range(len(made), len(made) + math.ceil(missing / PASSES_PER_GAME))
                made += _simulated(TEST_SEED, games, 0.0, "simulating plays to be judged on", progress)
            joined(made).subset(np.arange(plays)).save(path)
        return PassPlays.load(path)

    @cached_property
    def league(self) -> LeagueOutcomes:
        """Outcomes of an unselected season."""
        with np.load(self.folder / "league.npz") as arrays:
            return LeagueOutcomes(arrays["results"], arrays["yards"])

    @cached_property
    def real(self) -> RealPlays:
        """All real plays, weighted to the base rates of the league."""
        plays = PassPlays.load(self.folder / "real.npz")
        return RealPlays(plays, weights(plays, league_rates(self.league.results, self.league.yards)))

    @cached_property
    def _untargeted(self) -> PassPlays:
        plays = PassPlays.load(self.folder / "untargeted.npz")
        _check_aligned(self.real.plays, plays)
        return plays

    def real_to_learn(self, chosen: NDArray[np.int64]) -> RealPlays:
        """These real plays to tune on: each with its target, and for a small part of its weight without.

        Nobody's orientation is shown: of the sources, one that is selected by outcome has it and complete games have
        none, so that it would tell outcomes.
        What a play weighs depends on how passes end among all real plays, those that were not chosen too; of these
        nothing else is told. Raises PlayscoreError (INTERNAL) where the plays without targets are not the same ones.
        """
        told, share = self.real.weights[chosen], np.float32(HIDDEN_TARGETS)
        plays = joined([self.real.plays.subset(chosen), self._untargeted.subset(chosen)])
        return RealPlays(
            plays.without_orientation(np.ones(len(plays), bool)),
            np.concatenate([(1 - share) * told, share * told]),
        )

    def folds(self, count: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Of the real plays, those to tune on and those to be judged on, `count` times; no game is on both sides."""
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
            f"seed {seed} is not from 0 to {TEST_SEED - 1}; those above are of plays to be judged on",
        )
    least = (_LEAST_GAMES - 1) * PASSES_PER_GAME + 1
    if simulated < least:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"of {simulated} simulated plays none would be set aside to choose the epoch that is kept; take at least "
            f"{least}",
        )


def _check_aligned(told: PassPlays, untold: PassPlays) -> None:
    if not (np.array_equal(told.games, untold.games) and np.array_equal(told.yards, untold.yards)):
        raise PlayscoreError(
            Reason.INTERNAL,
            f"real plays are other ones without their targets: {len(untold)}, with them {len(told)}",
        )
