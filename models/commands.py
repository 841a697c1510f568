"""`playscore train` and `playscore release`. Torch is imported when a command runs, not when help is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@click.group()
def train() -> None:
    """Train a model."""


@train.command("passing")
@click.option("--simulated", default=25_000, show_default=True, metavar="N", help="Simulated passes, about.")
@click.option(
    "--real",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of real games with tracking, and of the play table the base rates come from.",
)
@click.option("--seed", default=1, show_default=True, help="Of everything that is drawn.")
@click.option("--epochs", default=12, show_default=True, help="On simulated plays.")
@click.option("--tuning-epochs", default=2, show_default=True, help="With real plays mixed in, after the others.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder of the run, new.")
def train_passing(simulated: int, real: Path | None, seed: int, epochs: int, tuning_epochs: int, out: Path) -> None:
    """Train the passing model on simulated plays, then tune it on real ones."""
    from models.passing import plays
    from models.passing.network import Size
    from models.passing.run import PASSES_PER_GAME, Run
    from models.passing.training import Schedule, Trainer, describe

    schedule, size = Schedule(seed=seed, epochs=epochs, tuning_epochs=tuning_epochs), Size()
    games = -(-simulated // PASSES_PER_GAME)
    made = _progress("simulating plays", plays.simulated(seed, range(games)), games)
    settings = {**describe(schedule, size), "simulated": simulated, "real": real is not None}
    run = Run.create(out, settings, made, real)
    trainer = Trainer(run.material(), schedule, out, size)

    with _bars() as bars:
        task = bars.add_task("training")

        def show(figures: dict[str, Any]) -> None:
            numbers = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if isinstance(value, float))
            bars.console.print(f"{figures['phase']:9}  {numbers}{'  kept' if figures.get('kept') else ''}")

        trainer.fit(lambda batch, batches: bars.update(task, completed=batch, total=batches), show)
    click.echo(f"the run is in {out}; release it with: playscore release passing --run {out} --version N")


@click.group(short_help="Release a trained model.")
def release() -> None:
    """Make a release of a trained model: graph, reference population, figures, card."""


@release.command("passing")
@click.option("--run", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--version", required=True, type=click.IntRange(min=1), help="Of the release; must not exist yet.")
@click.option(
    "--releases",
    default=Path("models/releases"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of all releases.",
)
@click.option("--test-games", default=100, show_default=True, help="Simulated games for the figures.")
@click.option("--seasons", default=8, show_default=True, help="Simulated seasons for the reference population.")
def release_passing(run: Path, version: int, releases: Path, test_games: int, seasons: int) -> None:
    """Release the passing model of a run."""
    from models.passing.release import release as make
    from models.passing.run import Run

    folder = make(Run(run), version, releases, test_games=test_games, seasons=seasons, progress=_progress)
    click.echo(f"released {folder}")


def _bars() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _progress(name: str, items: Iterable[Any], total: int) -> Iterator[Any]:
    with _bars() as bars:
        yield from bars.track(items, total=total, description=name)
