"""`playscore train`, `evaluate` and `release`. Torch is imported when a command runs, not for its help."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from playscore.shipped import RELEASES

_FOLDER = click.Path(file_okay=False, path_type=Path)
_RUN = Path("runs/passing")
_SHOTS_RUN, _FACEOFFS_RUN = Path("runs/shots"), Path("runs/faceoffs")
_OWN_RELEASES = Path("models/releases")

_COUNT = click.IntRange(min=1)

_simulated = click.option(
    "--simulated",
    default=50_000,
    show_default=True,
    type=_COUNT,
    metavar="N",
    help="Approximate number of simulated passes to train on.",
)
_real = click.option(
    "--real",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of real games with tracking, and of the play table that the base rates are taken from.",
)
_device = click.option("--device", default="cpu", show_default=True, type=click.Choice(["cpu", "cuda"]))


@click.group()
def train() -> None:
    """Train a model."""


@train.command("passing")
@_simulated
@_real
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Seed of all random numbers.")
@click.option("--epochs", default=12, show_default=True, type=_COUNT, help="Of pretraining on simulated plays.")
@click.option(
    "--patience",
    default=4,
    show_default=True,
    type=_COUNT,
    help="Pretraining stops after this many epochs without a better one.",
)
@click.option(
    "--fine-tuning-steps",
    default=300,
    show_default=True,
    type=_COUNT,
    help="Steps with real plays mixed in, after pretraining.",
)
@_device
@click.option(
    "--processes", default=1, show_default=True, type=_COUNT, help="Processes that share each batch (DDP), one per GPU."
)
@click.option("--out", default=_RUN, show_default=True, type=_FOLDER, metavar="DIR", help="Folder of the run.")
def train_passing(
    simulated: int,
    real: Path | None,
    seed: int,
    epochs: int,
    patience: int,
    fine_tuning_steps: int,
    device: str,
    processes: int,
    out: Path,
) -> None:
    """Pretrain the passing model on simulated plays, then fine-tune it on real ones.

    Repeat the command to continue after an interruption. The folder contains settings, plays, checkpoints, curves and,
    after `playscore evaluate passing`, all figures.
    """
    from models.core import parallel
    from models.passing.network import Size
    from models.passing.run import Run
    from models.passing.training import Schedule

    parallel.check(processes, device)
    schedule = Schedule(seed=seed, epochs=epochs, patience=patience, fine_tuning_steps=fine_tuning_steps)
    Run.start(out, schedule, Size(), simulated, real, _progress)
    parallel.launch(partial(_train, out), processes, device)
    click.echo(f"the run is in {out}; evaluate it with: playscore evaluate passing --run {out}")


_shot_games = click.option(
    "--simulated",
    "games",
    default=1_400,
    show_default=True,
    type=_COUNT,
    metavar="N",
    help="Simulated games to learn from what film tells; about 90 shots each.",
)
_shot_test_games = click.option(
    "--test-games", default=300, show_default=True, type=_COUNT, help="Simulated games to test on, of another seed."
)
_real_shots = click.option(
    "--real",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of real games with their shots.",
)
_seed = click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Seed of all random numbers.")
_processes = click.option("--processes", default=1, show_default=True, type=_COUNT, help="Processes to work in.")


@train.command("shots")
@_shot_games
@_shot_test_games
@_real_shots
@_seed
@click.option("--bags", default=10, show_default=True, type=_COUNT, help="Models whose mean is the model.")
@click.option("--pairs", default=60, show_default=True, type=click.IntRange(0), help="Pairs of factors that get terms.")
@_processes
@click.option("--out", default=_SHOTS_RUN, show_default=True, type=_FOLDER, metavar="DIR", help="Folder of the run.")
def train_shots(
    games: int, test_games: int, real: Path | None, seed: int, bags: int, pairs: int, processes: int, out: Path
) -> None:
    """Fit the shot model: of events to real shots, of film to simulated ones.

    Repeat the command to continue after an interruption. The folder contains settings, shots, models and, after
    `playscore evaluate shots`, all figures.
    """
    from models.shots.boosting import BoostingSchedule
    from models.shots.fitting import FitSchedule
    from models.shots.run import Run

    schedule = FitSchedule(pairs=pairs, boosting=BoostingSchedule(bags=bags, seed=seed, processes=processes))
    Run.start(out, schedule, games, test_games, real, _progress).shipped()
    click.echo(f"the run is in {out}; evaluate it with: playscore evaluate shots --run {out}")


@train.command("faceoffs")
@_real_shots
@click.option("--out", default=_FACEOFFS_RUN, show_default=True, type=_FOLDER, metavar="DIR", help="Folder of the run.")
def train_faceoffs(real: Path | None, out: Path) -> None:
    """Fit the face-off model to real face-offs, and judge it by the last season."""
    from models.faceoffs import run

    if real is None:
        raise click.UsageError("--real DIR is needed: face-offs are learned from real ones")
    for line in run.summary(run.start(out, real)):
        click.echo(line)
    click.echo(f"the run is in {out}; release it with: playscore release faceoffs --run {out} --version 1")


def _train(folder: Path, device: str) -> None:
    """Pretrain and fine-tune the network of a run. In a group of processes the first one shows the progress."""
    from models.core import parallel
    from models.core.progress import silent
    from models.passing.contestants import SPLICED
    from models.passing.networks import Networks
    from models.passing.pictures import training_curves
    from models.passing.run import Run

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

    Networks(run, _progress if parallel.leads() else silent, device=device, on_epoch=show).released()


@click.group()
def evaluate() -> None:
    """Judge a model on plays that it was not trained on."""


@evaluate.command("passing")
@click.option(
    "--run", "folder", default=_RUN, show_default=True, type=_FOLDER, help="The run; it is started if there is none."
)
@click.option("--compare", is_flag=True, help="Compare with a Gaussian head, GluonTS's loss, XGBoost and base rates.")
@click.option("--test-plays", default=20_000, show_default=True, type=_COUNT, help="Simulated passes to test on.")
@click.option("--json", "as_json", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here too.")
@_device
@_simulated
@_real
def evaluate_passing(
    folder: Path, compare: bool, test_plays: int, as_json: Path | None, device: str, simulated: int, real: Path | None
) -> None:
    """Judge the passing model of a run on simulated and real plays, and write a page of pictures.

    Networks that the run does not have yet are trained first, including those of --compare, and kept. That takes
    several times as long as training alone. --simulated and --real are used only if there is no run yet.
    """
    from models.core import parallel
    from models.core.atomic import whole
    from models.passing import comparison
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
        others = f"the real ones in {real}" if real else "no real ones"
        click.echo(f"no run in {folder}: training one on about {simulated:,} simulated passes and {others}", err=True)
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


@evaluate.command("shots")
@click.option(
    "--run",
    "folder",
    default=_SHOTS_RUN,
    show_default=True,
    type=_FOLDER,
    help="The run; it is started if there is none.",
)
@click.option("--compare", is_flag=True, help="Compare with logistic regression, XGBoost, an EBM and the last release.")
@click.option("--json", "as_json", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here too.")
@click.option(
    "--releases",
    default=RELEASES,
    show_default="those that come with playscore",
    type=_FOLDER,
    help="Folder of all releases.",
)
@_shot_games
@_shot_test_games
@_real_shots
@_processes
def evaluate_shots(
    folder: Path,
    compare: bool,
    as_json: Path | None,
    releases: Path,
    games: int,
    test_games: int,
    real: Path | None,
    processes: int,
) -> None:
    """Judge the shot model of a run on the last season and on simulated shots, and write a page of pictures.

    --simulated, --test-games and --real are used only if there is no run yet, but for --real, where real shots with
    everybody's places are looked for, too.
    """
    from dataclasses import replace

    from models.core.atomic import whole
    from models.shots import comparison, tracked
    from models.shots.boosting import BoostingSchedule
    from models.shots.fitting import FitSchedule
    from models.shots.page import write_page
    from models.shots.release import previous
    from models.shots.run import EVALUATION, PAGE, SETTINGS, Run

    if as_json:
        as_json.parent.mkdir(parents=True, exist_ok=True)
    if (folder / SETTINGS).exists():
        run = Run(folder)
    else:
        click.echo(f"no run in {folder}: training one", err=True)
        run = Run.start(folder, FitSchedule(boosting=BoostingSchedule(seed=1)), games, test_games, real, _progress)
    run = replace(run, processes=processes)
    found = comparison.evaluate(
        run,
        compare=compare,
        progress=_progress,
        previous=previous(releases) if compare else None,
        filmed=tracked.read(real) if real else None,
    )
    text = json.dumps(found, indent=1)
    for path in filter(None, (folder / EVALUATION, as_json)):
        with whole(path) as partial:
            partial.write_text(text)
    write_page(found, folder / PAGE)
    for line in comparison.summary(found):
        click.echo(line)
    click.echo(f"figures: {as_json or folder / EVALUATION}   pictures: {folder / PAGE}")


@evaluate.command("faceoffs")
@click.option("--run", "folder", default=_FACEOFFS_RUN, show_default=True, type=_FOLDER, help="A run that was trained.")
@click.option("--json", "as_json", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here too.")
def evaluate_faceoffs(folder: Path, as_json: Path | None) -> None:
    """Show how good the face-off model of a run is on the last season, beside the base rate and takers' averages."""
    from models.faceoffs import run

    found = run.evaluation(folder)
    if as_json:
        as_json.parent.mkdir(parents=True, exist_ok=True)
        as_json.write_text(json.dumps(found, indent=1))
    for line in run.summary(found):
        click.echo(line)


@evaluate.command("ratings")
@click.option("--version", type=_COUNT, help="Version of the passing model; the newest by default.")
@click.option(
    "--releases",
    default=RELEASES,
    show_default="those that come with playscore",
    type=_FOLDER,
    help="Folder of all releases.",
)
@click.option("--seasons", default=12, show_default=True, type=_COUNT, help="Simulated seasons to play.")
@click.option(
    "--games",
    default=208,
    show_default=True,
    type=_COUNT,
    help="Games of each; 136 make a season, the rest add passes.",
)
@click.option(
    "--page",
    default=Path("out/rating_study.md"),
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the study, with its picture and its figures next to it.",
)
@click.option(
    "--real",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of the real league's public tables; the study then has a section on them.",
)
def evaluate_ratings(
    version: int | None, releases: Path, seasons: int, games: int, page: Path, real: Path | None
) -> None:
    """Measure how well ratings recover true skill, in simulated seasons in which it is known.

    With --real, also measure how public measures of passers repeat and go with winning in the real league, for
    comparison with the same measures in the simulated seasons.
    """
    from models.core import graph
    from models.core.releasing import newest, population_of
    from models.passing.evaluation import graph_cdf
    from models.passing.release import MODEL
    from models.ratings import public, public_study, study, study_page
    from models.ratings.seasons import play
    from playscore.release import GRAPH, load_release

    release = load_release(releases / MODEL / str(version)) if version else newest(releases, MODEL)
    session = graph.session(releases / MODEL / str(release.version) / GRAPH)
    population = population_of(release)
    measured = public_study.figures(public.read(real)) if real else None
    played = play(
        partial(graph_cdf, session, censored=release.ceiling is not None),
        seasons=seasons,
        games=games,
        progress=_progress,
    )
    found = study.figures(played, population)
    page.parent.mkdir(parents=True, exist_ok=True)
    command = f"playscore evaluate ratings --seasons {seasons}" + (" --real DIR" if real else "")
    page.write_text(study_page.page(found, f"passing {release.version}", command, measured))
    (page.parent / study_page.PICTURE).write_text(study_page.picture(found))
    figures = found | ({"public": measured} if measured else {})
    page.with_suffix(".json").write_text(json.dumps(figures, indent=1))
    click.echo(f"the study is in {page}")


@click.group(short_help="Release a trained model.")
def release() -> None:
    """Release a trained model: graph, reference population, figures, card."""


@release.command("passing")
@click.option("--run", "folder", default=_RUN, show_default=True, type=_FOLDER, help="A run that was evaluated.")
@click.option("--version", required=True, type=_COUNT, help="Version of the release; it must not exist yet.")
@click.option("--releases", default=_OWN_RELEASES, show_default=True, type=_FOLDER, help="Folder of all releases.")
@click.option(
    "--seasons", default=16, show_default=True, type=_COUNT, help="Simulated seasons for the reference population."
)
@click.option(
    "--study-seasons", default=12, show_default=True, type=_COUNT, help="Simulated seasons for the rating study."
)
def release_passing(folder: Path, version: int, releases: Path, seasons: int, study_seasons: int) -> None:
    """Release the passing model of a run that was evaluated with --compare."""
    from models.passing.release import release as make
    from models.passing.run import Run

    made = make(Run(folder), version, releases, seasons=seasons, study_seasons=study_seasons, progress=_progress)
    click.echo(f"released {made}")


_version = click.option("--version", required=True, type=_COUNT, help="Version of the release; it must not exist yet.")
_releases = click.option(
    "--releases", default=_OWN_RELEASES, show_default=True, type=_FOLDER, help="Folder of all releases."
)


@release.command("shots")
@click.option("--run", "folder", default=_SHOTS_RUN, show_default=True, type=_FOLDER, help="A run that was evaluated.")
@_version
@_releases
def release_shots(folder: Path, version: int, releases: Path) -> None:
    """Release the shot model of a run that was evaluated with --compare."""
    from models.shots.release import release as make
    from models.shots.run import Run

    click.echo(f"released {make(Run(folder), version, releases)}")


@release.command("faceoffs")
@click.option("--run", "folder", default=_FACEOFFS_RUN, show_default=True, type=_FOLDER, help="A run that was trained.")
@_version
@_releases
def release_faceoffs(folder: Path, version: int, releases: Path) -> None:
    """Release the face-off model of a run."""
    from models.faceoffs.release import release as make

    click.echo(f"released {make(folder, version, releases)}")


_CONSOLE = Console(stderr=True)


def _progress(name: str, items: Iterable[Any], total: int) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_CONSOLE) as bars:
        yield from bars.track(items, total=total, description=name)
