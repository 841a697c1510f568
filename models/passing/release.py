"""From a run to a release: the graph, the reference population, the figures, the card."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from featurizer.passing.columns import SPECIFICATION
from models.core import graph
from models.core.bootstrap import Array
from models.core.progress import Progress
from models.core.releasing import CARD, folder_of_new, in_the_making, sha256
from models.passing import evaluation, training
from models.passing.card import card
from models.passing.contestants import BOOSTED, NETWORKS
from models.passing.networks import Networks
from models.passing.plays import PassPlays
from models.passing.run import EVALUATION, Run
from models.passing.support import OUTPUTS, SUPPORT
from models.ratings import study
from models.ratings.population import SEASON_GAMES, reference_population
from models.ratings.seasons import STUDY_GAMES, STUDY_SEED, play
from playscore.errors import PlayscoreError, Reason
from playscore.release import DESCRIPTION, GRAPH, Release, ReleasedFeatures, ReleasedTensor

MODEL = TASK = "passing"
BUCKET_LENGTHS = (32, 64, 128)
MAX_BATCH_SIZE = 64
POPULATION = (
    "SIMULATED. {passers} qualified passer seasons out of {seasons} seasons of the simulated league, in which true "
    "skill is normal with standard deviation 0.2 on the simulator's scale. No season of a real league with tracking is "
    "available to replace it: ratings of real passers compare with each other, not with a real league's median."
)
POPULATION_SEED = 1_000_100
"""Of the first season of the reference population; no play that is trained on, tested on or studied has its seeds."""
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
    "crps_regret_realized",
    "groups",
    "complete",
    "touchdowns",
    "long_gains",
    "points_absolute_error",
)
"""The part of an evaluation that a release keeps. Histograms and examples stay on the run's page."""


def release(run: Run, version: int, root: Path, *, seasons: int, study_seasons: int, progress: Progress) -> Path:
    """Make release `version` of the run's network under `root`, which must not exist yet.

    `seasons` are played for the reference population, and `study_seasons` others to measure how well ratings recover
    skill.

    Raises:
        PlayscoreError: FIELD_INVALID for a version that exists, for seasons that overlap with those of the study, and
            if the run's current network was not compared with the alternatives; INTERNAL if the exported graph does not
            agree with the network.
    """
    if seasons > STUDY_SEED - POPULATION_SEED:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{seasons} seasons of the reference population overlap with those of the study; the maximum is "
            f"{STUDY_SEED - POPULATION_SEED}",
        )
    folder = folder_of_new(root, MODEL, version)
    found = _evaluation(run)
    checkpoint = Networks(run, progress).released_path()
    _check_judged(run, found, checkpoint)
    network = training.load(checkpoint)
    with in_the_making(folder) as made:
        parity = _export(network, run.simulated[1], made / GRAPH)
        session = graph.session(made / GRAPH)

        def forecast(plays: PassPlays) -> Array:
            return evaluation.graph_cdf(session, plays)

        league = play(forecast, seasons=seasons, games=SEASON_GAMES, seed=POPULATION_SEED, progress=progress)
        reference = reference_population(league.passes.play_score, league.passes.passer, seasons, POPULATION)
        studied = play(forecast, seasons=study_seasons, games=STUDY_GAMES, progress=progress)
        described = Release(
            model=MODEL,
            version=version,
            task=TASK,
            released=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            features=ReleasedFeatures.of(SPECIFICATION),
            bucket_lengths=BUCKET_LENGTHS,
            max_batch_size=MAX_BATCH_SIZE,
            outputs=tuple(ReleasedTensor(name=name, shape=shape) for name, shape in OUTPUTS.items()),
            support=SUPPORT,
            ceiling="goal_line",
            reference_population=reference,
            graph_sha256=sha256(made / GRAPH),
            figures={
                "training": run.settings,
                "parameters": sum(parameter.numel() for parameter in network.parameters()),
                "parity": parity,
                **_kept(found),
                "ratings": study.figures(studied, reference),
            },
        )
        (made / DESCRIPTION).write_text(described.to_json())
        (made / CARD).write_text(card(described))
    return folder


def _export(network: torch.nn.Module, plays: PassPlays, path: Path) -> float:
    """Write the graph; how much it differs from the network on some of these plays."""
    chosen = np.flatnonzero(plays.lengths <= BUCKET_LENGTHS[1])[:MAX_BATCH_SIZE]
    example = tuple(map(torch.from_numpy, plays.padded(chosen, BUCKET_LENGTHS[1])))
    graph.export(network, example, path, list(OUTPUTS))
    parity = graph.difference(network, path, example)
    if parity > graph.MAX_DIFFERENCE:
        raise PlayscoreError(Reason.INTERNAL, f"the exported graph differs from the network by {parity:.1e}")
    return parity


def _evaluation(run: Run) -> dict[str, Any]:
    """The run's evaluation. Raises FIELD_INVALID if it lacks a part or an alternative."""
    path = run.folder / EVALUATION
    parts = ("simulated", "real") if run.has_real else ("simulated",)
    if not path.exists():
        raise _unjudged(run, f"{run.folder} was not evaluated, and a release contains the figures")
    found: dict[str, Any] = json.loads(path.read_text())
    for part in parts:
        missing = {*NETWORKS, BOOSTED} - found.get(part, {}).get("figures", {}).keys()
        if missing:
            raise _unjudged(
                run,
                f"{path} has no figures of {', '.join(sorted(missing))} on {part} plays, and a release contains them",
            )
    return found


def _check_judged(run: Run, found: dict[str, Any], checkpoint: Path) -> None:
    judged = found.get("network", {}).get("sha256")
    if not checkpoint.exists() or judged != sha256(checkpoint):
        raise _unjudged(run, f"{run.folder / EVALUATION} is of another network than {checkpoint}; evaluate again")


def _unjudged(run: Run, what: str) -> PlayscoreError:
    return PlayscoreError(Reason.FIELD_INVALID, f"{what}: playscore evaluate passing --compare --run {run.folder}")


def _kept(found: dict[str, Any]) -> dict[str, Any]:
    return {
        part: {name: found[part][name] for name in _KEPT if name in found[part]}
        for part in ("simulated", "real")
        if part in found
    }
