"""What the settings of the shot model are worth: docs/shot_model.md has the figures.

    python -m benchmarks.shot_schedules --run runs/shots

Models are fitted to the real shots of a run, and judged by the season before the last one of each listing: the last one
judges the model, and must not have been used to choose its settings. Differences are of log loss, paired, in 10,000ths.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from models.core.chances import GameResamples, log_losses
from models.shots.boosting import BoostingSchedule
from models.shots.fitting import FitSchedule, fit, known_factors
from models.shots.rows import ON_GOAL, UNBLOCKED, Shots, earlier_and_last
from models.shots.run import Run

PART = 10_000
AS_RELEASED = FitSchedule()
SETTINGS: Mapping[str, FitSchedule] = {
    "as released": AS_RELEASED,
    "no pairs": FitSchedule(pairs=0),
    "20 pairs": FitSchedule(pairs=20),
    "learning rate 0.03": FitSchedule(boosting=BoostingSchedule(rate=0.03)),
    "cuts at the best places from the start": FitSchedule(boosting=BoostingSchedule(blind_rounds=0)),
    "leaves of 4": FitSchedule(boosting=BoostingSchedule(min_information=4.0)),
    "a tenth of the ridges": FitSchedule(boosting=BoostingSchedule(ridge=0.05, code_ridge=0.5)),
    "codes with the ridge of the others": FitSchedule(boosting=BoostingSchedule(code_ridge=0.5)),
}


@click.command(help=__doc__)
@click.option("--run", "folder", type=click.Path(exists=True, path_type=Path), default=Path("runs/shots"))
@click.option("--bags", default=5, show_default=True, help="Models whose mean is judged.")
@click.option("--seeds", default=2, show_default=True, help="Of each setting.")
@click.option("--processes", default=1, show_default=True)
def main(folder: Path, bags: int, seeds: int, processes: int) -> None:
    """Fit, judge, print."""
    run = Run(folder)
    shots = run.men.subset(earlier_and_last(run.men)[0])
    earlier, last = earlier_and_last(shots)
    click.echo(f"| settings | {UNBLOCKED} | {ON_GOAL} |\n|---|---|---|")
    released: dict[tuple[str, int], np.ndarray] = {}
    for name, schedule in SETTINGS.items():
        cells = []
        for listing in (UNBLOCKED, ON_GOAL):
            mine = shots.of("listing") == listing
            training, test = shots.subset(mine & earlier), shots.subset(mine & last)
            found = []
            for seed in range(seeds):
                boosting = replace(schedule.boosting, bags=bags, seed=seed, processes=processes)
                losses = _losses(training, test, replace(schedule, boosting=boosting), run.of_events)
                base = released.setdefault((listing, seed), losses)
                found.append(GameResamples(test.games).mean(losses if losses is base else losses - base))
            value, low, high = (float(np.mean([each[place] for each in found])) for place in range(3))
            spread = float(np.ptp([each[0] for each in found]))
            cells.append(f"{value:.5f}" if schedule is AS_RELEASED else _cell(value, low, high, spread))
        click.echo(f"| {name} | {' | '.join(cells)} |")


def _cell(value: float, low: float, high: float, spread: float) -> str:
    value, low, high, spread = (PART * each for each in (value, low, high, spread))
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}], {spread:.1f} between seeds"


def _losses(training: Shots, test: Shots, schedule: FitSchedule, events: Collection[int]) -> np.ndarray:
    used = tuple(place for place in known_factors(training.statics) if place in events)
    model = fit(training.statics, training.goals, training.games, schedule, used=used)
    return log_losses(model.chances(test.statics), test.goals)


if __name__ == "__main__":
    main()
