"""`playscore train`, `evaluate` and `release`. Torch is imported when a command runs, not when help is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_FOLDER = click.Path(file_okay=False, path_type=Path)
_RUN = Path("runs/passing")
_RELEASES = Path("models/releases")

_COUNT = click.IntRange(min=1)

_simulated = click.option(
    "--simulated",
    default=50_000,
    show_default=True,
    type=_COUNT,
    metavar="N",
    help="Simulated passes to learn from, about.",
)
_real = click.option(
    "--real",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of real games with tracking, and of the play table the base rates come from.",
)
_device = click.option("--device", default="cpu", show_default=True, type=click.Choice(["cpu", "cuda"]))
_releases = click.option(
    "--releases", default=_RELEASES, show_default=True, type=_FOLDER, help="Folder of all releases."
)


@click.group()
def train() -> None:
    """Train a model."""


@train.command("passing")
@_simulated
@_real
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of everything that is drawn.")
@click.option("--epochs", default=12, show_default=True, type=_COUNT, help="On simulated plays.")
@click.option(
    "--patience", default=4, show_default=True, type=_COUNT, help="Epochs without a better one before teaching stops."
)
@click.option(
    "--tuning-steps", default=300, show_default=True, type=_COUNT, help="With real plays mixed in, after the epochs."
)
@_device
@click.option("--processes", default=1, show_default=True, type=_COUNT, help="That share each batch (DDP): one a GPU.")
@click.option("--out", default=_RUN, show_default=True, type=_FOLDER, metavar="DIR", help="Folder of the run.")
def train_passing(
    simulated: int,
    real: Path | None,
    seed: int,
    epochs: int,
    patience: int,
    tuning_steps: int,
    device: str,
    processes: int,
    out: Path,
) -> None:
    """Train the passing model on simulated plays, then tune it on real ones.

    The same command again goes on where an interrupted one stopped. The folder holds settings, plays, checkpoints,
    curves and, after `playscore evaluate passing`, all figures.
    """
    from models.passing import parallel
    from models.passing.network import Size
    from models.passing.run import Run
    from models.passing.training import Schedule

    parallel.check(processes, device)
    schedule = Schedule(seed=seed, epochs=epochs, patience=patience, tuning_steps=tuning_steps)
    Run.start(out, schedule, Size(), simulated, real, _progress)
    parallel.launch(partial(_train, out), processes, device)
    click.echo(f"the run is in {out}; judge it with: playscore evaluate passing --run {out}")


def _train(folder: Path, device: str) -> None:
    """Teach and tune the network of a run; in a group of processes the first one shows how it goes."""
    from models.passing import parallel
    from models.passing.contestants import Networks
    from models.passing.pictures import training_curves
    from models.passing.run import SPLICED, Run

    run = Run(folder)

    def show(history: list[dict[str, Any]]) -> None:
        if parallel.leads():
            last = history[-1]
            kept = "  kept" if last["kept"] else ""
            _CONSOLE.print(
                f"epoch {len(history)}  loss {last['loss']:.4f}  validation {last['validation']:.4f}  "
                f"{last['seconds']:.0f} s{kept}"
            )
            (run.contestant(SPLICED) / "curves.svg").write_text(training_curves(history))

    Networks(run, _progress if parallel.leads() else _silent, device=device, on_epoch=show).released()


@click.group()
def evaluate() -> None:
    """Judge a model on plays it has not learnt from."""


@evaluate.command("passing")
@click.option("--run", "folder", default=_RUN, show_default=True, type=_FOLDER, help="The run; made if there is none.")
@click.option("--compare", is_flag=True, help="Against a Gaussian head, GluonTS's loss, XGBoost and the base rates.")
@click.option("--test-plays", default=20_000, show_default=True, type=_COUNT, help="Simulated passes to be judged on.")
@click.option("--json", "as_json", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
@_device
@_simulated
@_real
def evaluate_passing(
    folder: Path, compare: bool, test_plays: int, as_json: Path | None, device: str, simulated: int, real: Path | None
) -> None:
    """Judge the passing model of a run, on simulated and on real plays, and write a page of pictures.

    What the run does not hold yet is trained first, the alternatives of --compare among it, and kept: with them it
    takes several times as long as training alone. --simulated and --real count only where there is no run yet.
    """
    from models.passing import comparison, parallel
    from models.passing.atomic import whole
    from models.passing.network import Size
    from models.passing.page import write_page
    from models.passing.run import EVALUATION, PAGE, SETTINGS, Run
    from models.passing.training import Schedule

    parallel.check(1, device)
    if as_json:
        as_json.parent.mkdir(parents=True, exist_ok=True)
    if (folder / SETTINGS).exists():
        run = Run(folder)
    else:
        tuned = f"real ones of {real}" if real else "no real ones"
        click.echo(f"no run in {folder}: training one on about {simulated:,} simulated passes and {tuned}", err=True)
        run = Run.start(folder, Schedule(), Size(), simulated, real, _progress)
    found = comparison.evaluate(run, test_plays, compare=compare, progress=_progress, device=device)
    text = json.dumps(found, indent=1)
    for path in filter(None, (folder / EVALUATION, as_json)):
        with whole(path) as partial:
            partial.write_text(text)
    write_page(found, folder / PAGE)
    for line in comparison.summary(found):
        click.echo(line)
    click.echo(f"figures: {as_json or folder / EVALUATION}   pictures: {folder / PAGE}")


@evaluate.command("ratings")
@click.option("--version", type=_COUNT, help="Of the passing model; the newest unless told.")
@_releases
@click.option("--seasons", default=12, show_default=True, type=_COUNT, help="Simulated seasons to be played.")
@click.option(
    "--games",
    default=208,
    show_default=True,
    type=_COUNT,
    help="Of each; 136 make a season, the others add passes.",
)
@click.option(
    "--page",
    default=Path("out/rating_study.md"),
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the study there, its picture and its figures beside it.",
)
def evaluate_ratings(version: int | None, releases: Path, seasons: int, games: int, page: Path) -> None:
    """How well ratings tell true skill, from simulated seasons, in which it is known."""
    from models.passing import graph
    from models.passing.evaluation import graph_cdf
    from models.passing.release import MODEL, newest
    from models.ratings import study, study_page
    from models.ratings.seasons import play
    from playscore.release import GRAPH, load_release

    release = load_release(releases / MODEL / str(version)) if version else newest(releases)
    session = graph.session(releases / MODEL / str(release.version) / GRAPH)
    played = play(partial(graph_cdf, session), seasons=seasons, games=games, progress=_progress)
    found = study.figures(played, release.reference_population)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        study_page.page(found, f"passing {release.version}", f"playscore evaluate ratings --seasons {seasons}")
    )
    (page.parent / study_page.PICTURE).write_text(study_page.picture(found))
    page.with_suffix(".json").write_text(json.dumps(found, indent=1))
    click.echo(f"the study is in {page}")


@click.group(short_help="Release a trained model.")
def release() -> None:
    """Make a release of a trained model: graph, reference population, figures, card."""


@release.command("passing")
@click.option("--run", "folder", default=_RUN, show_default=True, type=_FOLDER, help="The run, evaluated.")
@click.option("--version", required=True, type=_COUNT, help="Of the release; must not exist yet.")
@_releases
@click.option(
    "--seasons", default=16, show_default=True, type=_COUNT, help="Simulated seasons for the reference population."
)
@click.option(
    "--study-seasons", default=12, show_default=True, type=_COUNT, help="Simulated seasons for the rating study."
)
def release_passing(folder: Path, version: int, releases: Path, seasons: int, study_seasons: int) -> None:
    """Release the passing model of a run that was evaluated."""
    from models.passing.release import release as make
    from models.passing.run import Run

    made = make(Run(folder), version, releases, seasons=seasons, study_seasons=study_seasons, progress=_progress)
    click.echo(f"released {made}")


_CONSOLE = Console(stderr=True)


def _progress(name: str, items: Iterable[Any], total: int) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_CONSOLE) as bars:
        yield from bars.track(items, total=total, description=name)


def _silent(_name: str, items: Iterable[Any], _total: int) -> Iterable[Any]:
    return items
