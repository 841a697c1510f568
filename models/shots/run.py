"""The folder of a run: settings, shots, models, evaluation.

run.json                          settings: what the run was started with
real.npz  simulated.npz           shots to train on; test-<games>.npz simulated ones of another seed, to test on
<model>.npz                       additive models, by the names in this module
evaluation.json  evaluation.html  what `playscore evaluate shots` finds
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from featurizer.shots.factors import NAMES, SPECIFICATION
from models.core.atomic import whole
from models.core.progress import Progress
from models.core.releasing import sha256
from models.shots import sources
from models.shots.additive import Additive
from models.shots.binning import Bins
from models.shots.boosting import BoostingSchedule
from models.shots.fitting import ORDERED, FitSchedule, fit, fit_beside, known_factors
from models.shots.rows import Shots, earlier_and_last, joined
from playscore.errors import PlayscoreError, Reason

SETTINGS, EVALUATION, PAGE = "run.json", "evaluation.json", "evaluation.html"
JUDGED = "earlier_seasons"
"""Of events, from all but the last season of each listing: what is judged on the last ones."""
EVENTS = "events"
"""Of events, from all seasons."""
WHOLE = "simulated"
"""Of everything, from simulated shots: what is judged against the truth."""
BESIDE = "beside"
"""What film tells beside events, from simulated shots."""
SHIPPED = "shipped"
"""EVENTS and BESIDE."""
WOMEN = "PWHL"
"""The league that is judged apart and not trained on."""
OF_EVENTS = frozenset(
    {
        "puck_distance_feet",
        "puck_angle_degrees",
        "lateral_offset_feet",
        "rush",
        "rebound",
        "rebound_seconds",
        "rebound_angle_change_degrees",
        "seconds_since_faceoff",
        "faceoff_won",
        "seconds_since_event",
        "event_distance_feet",
        "event_speed_feet_per_second",
        "event_angle_change_degrees",
        "event_kind",
        "skater_advantage",
        "skaters",
        "empty_net",
        "score_difference",
        "game_clock_seconds",
        "period",
        "shooter_seconds_on_ice",
        "shooting_seconds_on_ice",
        "defending_seconds_on_ice",
        "shot_type",
        "listed_on_goal",
    }
)
"""The factors that leagues' lists of events tell; the others take film."""
_LEAST_KNOWN = 0.01
"""Share of the real shots in which a factor must be known to be learned from them."""
TEST_SEED = 1_000_001
"""Of simulated shots to test on; a run's own seed is below it."""


@dataclass(frozen=True)
class Run:
    """A run's folder."""

    folder: Path

    @classmethod
    def start(
        cls,
        folder: Path,
        schedule: FitSchedule,
        games: int,
        test_games: int,
        real: Path | None,
        progress: Progress,
        *,
        processes: int | None = None,
    ) -> Run:
        """Start a run of so many simulated games, or continue the one in the folder if it has the same settings.

        Raises FIELD_INVALID if its settings or its real shots differ, for a seed of the test shots, and if the folder
        `real` has no shots.
        """
        run = cls(folder)
        if schedule.boosting.seed >= TEST_SEED:
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"seed {schedule.boosting.seed} is not below {TEST_SEED}, where test shots begin"
            )
        settings: dict[str, Any] = {
            "schedule": asdict(schedule),
            "specification": SPECIFICATION.id,
            "simulated_games": games,
            "test_games": test_games,
            "real": real is not None,
        }
        del settings["schedule"]["boosting"]["processes"]
        shots = None
        if real:
            shots = sources.real(real)
            settings["real_sha256"] = shots.digest
        if (folder / SETTINGS).exists():
            run._check_same(settings)
            return run
        if shots is not None:
            shots.save(folder / "real.npz")
        for name, seed, count in (
            ("simulated", schedule.boosting.seed, games),
            ("test", TEST_SEED, test_games),
        ):
            parts = sources.simulated(seed, range(count), processes=processes)
            joined(list(progress(f"simulating shots ({name})", parts, sources.parts_of(count)))).save(
                folder / f"{name}.npz"
            )
        with whole(folder / SETTINGS) as partial:
            partial.write_text(json.dumps(settings, indent=1))
        return run

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What the run was started with. Raises FIELD_INVALID if there is no run."""
        path = self.folder / SETTINGS
        if not path.exists():
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"no run in {self.folder}: playscore train shots --out {self.folder} starts one"
            )
        settings: dict[str, Any] = json.loads(path.read_text())
        if settings["specification"] != SPECIFICATION.id:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"{self.folder} is of other factors ({settings['specification']}, now {SPECIFICATION.id}); start a new"
                " run",
            )
        return settings

    @property
    def schedule(self) -> FitSchedule:
        """How its models are fitted."""
        content = dict(self.settings["schedule"])
        return FitSchedule(**{**content, "boosting": BoostingSchedule(**content["boosting"])})

    @property
    def has_real(self) -> bool:
        """Whether it has real shots."""
        return bool(self.settings["real"])

    @cached_property
    def men(self) -> Shots:
        """The real shots that it is trained on and judged by, seasons apart."""
        return self._real.subset(self._real.of("league") != WOMEN)

    @cached_property
    def women(self) -> Shots:
        """The real shots of the league that is judged apart."""
        return self._real.subset(self._real.of("league") == WOMEN)

    @cached_property
    def simulated(self) -> Shots:
        """Simulated shots to train on."""
        return Shots.load(self.folder / "simulated.npz")

    @cached_property
    def test(self) -> Shots:
        """Simulated shots of another seed."""
        return Shots.load(self.folder / "test.npz")

    @property
    def of_events(self) -> tuple[int, ...]:
        """The factors that are learned from events: of real shots if there are any."""
        return tuple(place for place in known_factors(self._base.statics, _LEAST_KNOWN) if NAMES[place] in OF_EVENTS)

    @property
    def filmed(self) -> tuple[int, ...]:
        """The other factors that simulated shots know: of these it learns from simulation."""
        events = set(self.of_events)
        return tuple(place for place in known_factors(self.simulated.statics) if place not in events)

    def model(self, name: str) -> Additive:
        """A model of the run, fitted if it is not there yet."""
        path = self.folder / f"{name}.npz"
        if not path.exists():
            self._fitted(name).save(path)
        return Additive.load(path)

    def fitted(self, name: str, shots: Shots, made: Callable[[Shots], Additive]) -> Additive:
        """A model that is made of these shots, or that was made of them before, by its name."""
        path = self.folder / f"{name}.npz"
        if not path.exists():
            made(shots).save(path)
        return Additive.load(path)

    def digest(self, name: str) -> str:
        """The hexadecimal SHA-256 of a model of the run, fitted if it is not there yet."""
        self.model(name)
        return sha256(self.folder / f"{name}.npz")

    def fit(self, shots: Shots, *, used: tuple[int, ...] | None = None, bins: Bins | None = None) -> Additive:
        """An additive model of these shots, as the run's schedule says."""
        return fit(shots.statics, shots.goals, shots.games, self.schedule, bins=bins, used=used)

    @cached_property
    def _real(self) -> Shots:
        return Shots.load(self.folder / "real.npz")

    @cached_property
    def _bins(self) -> Bins:
        """Those of events from real shots, of film from simulated ones."""
        real, simulated = (Bins.of(shots.statics, ORDERED) for shots in (self._base, self.simulated))
        return real.with_those_of(simulated, self.filmed)

    @property
    def _base(self) -> Shots:
        return self.men if self.has_real else self.simulated

    def _fitted(self, name: str) -> Additive:
        match name:
            case "earlier_seasons":
                earlier, _ = earlier_and_last(self.men)
                return self.fit(self.men.subset(earlier), used=self.of_events)
            case "events":
                return self.fit(self._base, used=self.of_events, bins=self._bins)
            case "simulated":
                return self.fit(self.simulated)
            case "beside":
                shots = self.simulated
                told = self.fit(shots, used=self.of_events, bins=self._bins)
                return fit_beside(told, shots.statics, shots.goals, shots.games, self.schedule, self.filmed)
            case "shipped":
                return self.model(EVENTS).plus(self.model(BESIDE))
        raise ValueError(name)

    def _check_same(self, settings: dict[str, Any]) -> None:
        asked = json.loads(json.dumps(settings))
        other = sorted(name for name in asked | self.settings if asked.get(name) != self.settings.get(name))
        if other:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"the run in {self.folder} was started with other settings ({', '.join(other)}); use another folder",
            )
