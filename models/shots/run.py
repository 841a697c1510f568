"""The folder of a run: settings, shots, models, evaluation.

run.json                          settings: what the run was started with
real.npz  simulated.npz           shots to train on; test-<games>.npz simulated ones of another seed, to test on
models/                           additive models: of events by listing, of film beside them, of everything
evaluation.json  evaluation.html  what `playscore evaluate shots` finds
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from featurizer.shots.factors import NAMES, PLACE, SPECIFICATION
from models.core.atomic import whole
from models.core.progress import Progress
from models.shots import sources
from models.shots.additive import Additive, ByListing, Model
from models.shots.binning import Bins
from models.shots.boosting import BoostingSchedule
from models.shots.fitting import ORDERED, FitSchedule, fit, fit_beside, known_factors
from models.shots.rows import ON_GOAL, UNBLOCKED, Shots, earlier_and_last, joined
from playscore.errors import PlayscoreError, Reason

SETTINGS, EVALUATION, PAGE = "run.json", "evaluation.json", "evaluation.html"
LISTING = "listed_on_goal"
"""The factor that tells listings apart."""
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
    processes: int = 1
    """To work in; they change no figure."""

    @classmethod
    def start(
        cls,
        folder: Path,
        schedule: FitSchedule,
        games: int,
        test_games: int,
        real: Path | None,
        progress: Progress,
    ) -> Run:
        """Start a run of so many simulated games, or continue the one in the folder if it has the same settings.

        Raises FIELD_INVALID if its settings or its real shots differ, for a seed of the test shots, and if the folder
        `real` has no shots.
        """
        if schedule.boosting.seed >= TEST_SEED:
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"seed {schedule.boosting.seed} is not below {TEST_SEED}, where test shots begin"
            )
        shots = None if real is None else sources.real(real)
        counts = {"simulated_games": games, "test_games": test_games}
        run = cls(folder, schedule.boosting.processes)
        if (folder / SETTINGS).exists():
            run._check_same(_settings(schedule, shots, counts))
            return run

        def simulated(name: str, seed: int, count: int) -> Shots:
            parts = sources.simulated(seed, range(count), processes=run.processes)
            return joined(list(progress(f"simulating shots {name}", parts, sources.parts_of(count))))

        return cls.of_shots(
            folder,
            schedule,
            simulated("to train on", schedule.boosting.seed, games),
            simulated("to test on", TEST_SEED, test_games),
            shots,
            **counts,
        )

    @classmethod
    def of_shots(
        cls, folder: Path, schedule: FitSchedule, simulated: Shots, test: Shots, real: Shots | None, **counts: int
    ) -> Run:
        """Start a run with these shots. `counts` are settings that say where they are from."""
        for name, shots in (("real", real), ("simulated", simulated), ("test", test)):
            if shots is not None:
                shots.save(folder / f"{name}.npz")
        with whole(folder / SETTINGS) as partial:
            partial.write_text(json.dumps(_settings(schedule, real, counts), indent=1))
        return cls(folder, schedule.boosting.processes)

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
        return FitSchedule(**{**content, "boosting": BoostingSchedule(**content["boosting"], processes=self.processes)})

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
    def reference(self) -> Shots:
        """The shots that others are compared with: all unblocked ones where a source lists these."""
        unblocked = self._base.subset(self._base.of("listing") == UNBLOCKED)
        return unblocked if len(unblocked) else self._base

    @property
    def of_events(self) -> tuple[int, ...]:
        """The factors that are learned from events: of real shots if there are any."""
        return tuple(place for place in known_factors(self._base.statics, _LEAST_KNOWN) if NAMES[place] in OF_EVENTS)

    @property
    def filmed(self) -> tuple[int, ...]:
        """The other factors that simulated shots know: of these it learns from simulation."""
        events = set(self.of_events)
        return tuple(place for place in known_factors(self.simulated.statics) if place not in events)

    def of_seasons(self, *, last: bool) -> Model:
        """Of events: from all seasons, or from all but the last of each listing, which is judged by those before it."""
        shots = self._base
        if not last and self.has_real:
            shots = shots.subset(earlier_and_last(shots)[0])
        when = "all" if last else "earlier"
        models = {}
        for listing in (UNBLOCKED, ON_GOAL):
            mine = shots.subset(shots.of("listing") == listing)
            if len(mine):
                models[listing] = self.kept(f"{when}_{listing}", partial(self.fit, mine, bins=self._bins))
        if len(models) == 2:
            return ByListing(models[UNBLOCKED], models[ON_GOAL], PLACE[LISTING])
        return next(iter(models.values()))

    def of_everything(self) -> Additive:
        """Of all factors, from simulated shots: what is judged against the truth."""
        return self.kept("simulated", partial(self.fit, self.simulated))

    def shipped(self) -> Model:
        """Of events from all seasons, and beside them what film tells in simulated shots."""
        return self.of_seasons(last=True).plus(self._beside())

    def kept(self, name: str, made: Callable[[], Additive]) -> Additive:
        """A model by its name, made if it is not there yet."""
        path = self.folder / "models" / f"{name}.npz"
        if not path.exists():
            made().save(path)
        return Additive.load(path)

    def fit(self, shots: Shots, *, bins: Bins | None = None) -> Additive:
        """An additive model of these shots, as the run's schedule says; with `bins` of events alone."""
        used = known_factors(shots.statics)
        if bins is not None:
            events = set(self.of_events)
            used = tuple(place for place in used if place in events)
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

    def _beside(self) -> Additive:
        shots = self.simulated
        told = self.kept("simulated_events", partial(self.fit, shots, bins=self._bins))
        return self.kept(
            "beside", partial(fit_beside, told, shots.statics, shots.goals, shots.games, self.schedule, self.filmed)
        )

    def _check_same(self, settings: dict[str, Any]) -> None:
        asked = json.loads(json.dumps(settings))
        other = sorted(name for name in asked | self.settings if asked.get(name) != self.settings.get(name))
        if other:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"the run in {self.folder} was started with other settings ({', '.join(other)}); use another folder",
            )


def _settings(schedule: FitSchedule, real: Shots | None, counts: Mapping[str, int]) -> dict[str, Any]:
    described = asdict(schedule)
    del described["boosting"]["processes"]
    return {
        "schedule": described,
        "specification": SPECIFICATION.id,
        **counts,
        "real": real is not None,
        **({} if real is None else {"real_sha256": real.digest}),
    }
