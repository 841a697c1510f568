"""From a run to a release: the graph, the reference population, the figures, the card; nothing is typed by hand."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from featurizer.core.columns import PASSING
from models.passing import evaluation, graph, training
from models.passing.atomic import whole
from models.passing.card import card
from models.passing.contestants import BOOSTED, NETWORKS, Networks
from models.passing.heads import EDGES, LOWER_TAIL, UPPER_TAIL
from models.passing.plays import PassPlays
from models.passing.run import EVALUATION, Progress, Run
from models.ratings import study
from models.ratings.population import SEASON_GAMES, reference_population
from models.ratings.seasons import STUDY_GAMES, STUDY_SEED, play
from playscore.errors import PlayscoreError, Reason
from playscore.features import Column
from playscore.release import (
    DESCRIPTION,
    GRAPH,
    Release,
    ReleasedColumn,
    ReleasedFeatures,
    ReleasedLaw,
    list_releases,
    load_release,
)

MODEL = "passing"
BUCKET_LENGTHS = (32, 64, 128)
MAX_BATCH_SIZE = 64
CARD = "card.md"
POPULATION = (
    "SIMULATED. {passers} qualified passer seasons out of {seasons} seasons of the simulated league, in which true "
    "skill is normal with standard deviation 0.2 of the simulator's scale. No season of a real league with tracking "
    "is at hand to take its place: ratings of real passers compare with each other, not with a real league's median."
)
POPULATION_SEED = 1_000_100
"""Of the first season of the reference population: apart from those of plays learnt from, judged or studied."""
_KEPT = (
    "plays",
    "games",
    "folds",
    "effective_games",
    "shown",
    "pit_ks_by_chance",
    "figures",
    "crps_less_ours",
    "crps_regret",
    "crps_regret_realised",
    "groups",
    "unweighted",
    "points_absolute_error",
)
"""Of an evaluation: what a release keeps. Histograms and examples stay on the run's page."""


def release(run: Run, version: int, root: Path, *, seasons: int, study_seasons: int, progress: Progress) -> Path:
    """Make release `version` of the run's network under `root`. Refuses to touch a release that exists.

    `seasons` are played for the reference population, `study_seasons` others to see how well ratings tell skill.
    Raises PlayscoreError: FIELD_INVALID for a version that exists, for seasons that run into those of the study, or
    where the run's network as it is was not judged beside the alternatives; INTERNAL where the exported graph does not
    say what the network says.
    """
    if seasons > STUDY_SEED - POPULATION_SEED:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{seasons} seasons of the reference population run into those of the study: take at most "
            f"{STUDY_SEED - POPULATION_SEED}",
        )
    folder = root / MODEL / str(version)
    if folder.exists():
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{folder} exists, and released files never change; take the next version"
        )
    found = _evaluation(run)
    checkpoint = Networks(run, progress).released_path()
    _check_judged(run, found, checkpoint)
    network = training.load(checkpoint)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / str(version)
        made.mkdir()
        example = _example(run.simulated[1])
        graph.export(network, example, made / GRAPH)
        parity = graph.largest_difference(network, made / GRAPH, example)
        if parity > graph.PARITY:
            raise PlayscoreError(Reason.INTERNAL, f"the exported graph differs from the network by {parity:.1e}")
        session = graph.session(made / GRAPH)

        def laws(plays: PassPlays) -> evaluation.Array:
            return evaluation.graph_cdf(session, plays)

        league = play(laws, seasons=seasons, games=SEASON_GAMES, seed=POPULATION_SEED, progress=progress)
        reference = reference_population(league.passes.play_score, league.passes.passer, seasons, POPULATION)
        studied = play(laws, seasons=study_seasons, games=STUDY_GAMES, progress=progress)
        described = Release(
            model=MODEL,
            version=version,
            released=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            features=ReleasedFeatures(
                id=PASSING.id,
                frame_columns=_columns(PASSING.frame_columns),
                static_columns=_columns(PASSING.static_columns),
            ),
            bucket_lengths=BUCKET_LENGTHS,
            max_batch_size=MAX_BATCH_SIZE,
            law=ReleasedLaw(edges=EDGES, lower_tail=LOWER_TAIL, upper_tail=UPPER_TAIL),
            reference_population=reference,
            graph_sha256=_sha256(made / GRAPH),
            figures={
                "training": run.settings,
                "parameters": sum(parameter.numel() for parameter in network.parameters()),
                "parity": parity,
                **_kept(found),
                "ratings": study.figures(studied, reference),
            },
        )
        (made / DESCRIPTION).write_text(json.dumps(described.model_dump(mode="json"), indent=1) + "\n")
        (made / CARD).write_text(card(described))
        load_release(made)
        with whole(folder) as partial:
            shutil.copytree(made, partial)
    return folder


def newest(root: Path) -> Release:
    """The newest release under `root`. Raises PlayscoreError (MODEL_NOT_FOUND) where there is none."""
    found = list_releases(root, MODEL)
    if not found:
        raise PlayscoreError(
            Reason.MODEL_NOT_FOUND, f"no release of {MODEL} in {root}; playscore release passing makes one"
        )
    return found[-1]


def _evaluation(run: Run) -> dict[str, Any]:
    """What a release's card says was judged: every part of it, against every alternative."""
    path = run.folder / EVALUATION
    parts = ("simulated", "real") if run.has_real else ("simulated",)
    if not path.exists():
        raise _unjudged(run, f"{run.folder} was not evaluated, and a release carries its figures")
    found: dict[str, Any] = json.loads(path.read_text())
    for part in parts:
        missing = {*NETWORKS, BOOSTED} - found.get(part, {}).get("figures", {}).keys()
        if missing:
            raise _unjudged(
                run, f"{path} has no figures of {', '.join(sorted(missing))} on {part} plays, which a release carries"
            )
    return found


def _check_judged(run: Run, found: dict[str, Any], checkpoint: Path) -> None:
    judged = found.get("network", {}).get("sha256")
    if not checkpoint.exists() or judged != _sha256(checkpoint):
        raise _unjudged(run, f"{run.folder / EVALUATION} is of another network than {checkpoint}; evaluate again")


def _unjudged(run: Run, what: str) -> PlayscoreError:
    return PlayscoreError(Reason.FIELD_INVALID, f"{what}: playscore evaluate passing --compare --run {run.folder}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _kept(found: dict[str, Any]) -> dict[str, Any]:
    return {
        part: {name: found[part][name] for name in _KEPT if name in found[part]}
        for part in ("simulated", "real")
        if part in found
    }


def _columns(columns: tuple[Column, ...]) -> tuple[ReleasedColumn, ...]:
    return tuple(ReleasedColumn(name=column.name, unit=column.unit) for column in columns)


def _example(plays: PassPlays) -> tuple[torch.Tensor, ...]:
    chosen = np.flatnonzero(plays.lengths <= BUCKET_LENGTHS[1])[:MAX_BATCH_SIZE]
    frames, mask, statics = plays.padded(chosen, BUCKET_LENGTHS[1])
    return torch.from_numpy(frames), torch.from_numpy(mask), torch.from_numpy(statics)
