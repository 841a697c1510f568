"""From a run to a release: the graph, the reference population, the figures, the card; nothing is typed by hand."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from featurizer.core.columns import PASSING
from models.passing import evaluation, graph, plays, training
from models.passing.card import card
from models.passing.network import EDGES, LOWER_TAIL, UPPER_TAIL
from models.passing.plays import PassPlays
from models.passing.population import SEASON_GAMES, SKILL_SPREAD, reference_population
from models.passing.run import Run
from playscore.errors import PlayscoreError, Reason
from playscore.features import Column
from playscore.release import (
    DESCRIPTION,
    GRAPH,
    ReferencePopulation,
    Release,
    ReleasedColumn,
    ReleasedFeatures,
    ReleasedLaw,
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
# Seeds of plays that no run trains on; a run's own seed is below them.
TEST_SEED = 1_000_001
POPULATION_SEED = 1_000_100

Progress = Callable[[str, Iterable[Any], int], Iterable[Any]]
"""Shows how far an iteration of that length has come, under that name."""


def release(run: Run, version: int, root: Path, *, test_games: int, seasons: int, progress: Progress) -> Path:
    """Make release `version` of the run's network under `root`. Refuses to touch a release that exists."""
    folder = root / MODEL / str(version)
    if folder.exists():
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{folder} exists, and released files never change; take the next version"
        )
    network, _ = training.load(run.folder)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / str(version)
        made.mkdir()
        test = plays.joined(
            list(progress("simulating plays to test on", plays.simulated(TEST_SEED, range(test_games)), test_games))
        )
        example = _example(test)
        graph.export(network, example, made / GRAPH)
        parity = graph.largest_difference(network, made / GRAPH, example)
        if parity > graph.PARITY:
            raise PlayscoreError(Reason.INTERNAL, f"the exported graph differs from the network by {parity:.1e}")
        session = graph.session(made / GRAPH)
        population = _population(session, seasons, progress)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        figures = _figures(session, _taught(run, Path(scratch) / "taught.onnx", example), run, test) | {
            "parity": parity,
            "parameters": parameters,
            "training": run.settings,
        }
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
            reference_population=population,
            graph_sha256=hashlib.sha256((made / GRAPH).read_bytes()).hexdigest(),
            figures=figures,
        )
        (made / DESCRIPTION).write_text(json.dumps(described.model_dump(mode="json"), indent=1) + "\n")
        (made / CARD).write_text(card(described))
        load_release(made)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, folder)
    return folder


def _columns(columns: tuple[Column, ...]) -> tuple[ReleasedColumn, ...]:
    return tuple(ReleasedColumn(name=column.name, unit=column.unit) for column in columns)


def _example(test: PassPlays) -> tuple[torch.Tensor, ...]:
    chosen = np.flatnonzero(test.lengths <= BUCKET_LENGTHS[1])[:MAX_BATCH_SIZE]
    frames, mask, statics = test.padded(chosen, BUCKET_LENGTHS[1])
    return torch.from_numpy(frames), torch.from_numpy(mask), torch.from_numpy(statics)


def _population(session: onnxruntime.InferenceSession, seasons: int, progress: Progress) -> ReferencePopulation:
    scores, passers = [], []
    for season in range(seasons):
        seed = POPULATION_SEED + season
        made = plays.simulated(seed, range(SEASON_GAMES), skill_spread=SKILL_SPREAD)
        for game in progress(f"reference season {season + 1} of {seasons}", made, SEASON_GAMES):
            scores.append(evaluation.ranks(session, game).play_scores)
            passers.append(np.char.add(f"{season}/", game.passers))
    return reference_population(np.concatenate(scores), np.concatenate(passers), seasons, POPULATION)


def _taught(run: Run, path: Path, example: tuple[torch.Tensor, ...]) -> onnxruntime.InferenceSession:
    """The network as it was before real plays tuned it."""
    graph.export(training.load(run.folder, training.TAUGHT)[0], example, path)
    return graph.session(path)


def _figures(
    session: onnxruntime.InferenceSession, taught: onnxruntime.InferenceSession, run: Run, test: PassPlays
) -> dict[str, Any]:
    rates = np.bincount((run.simulated().yards - plays.FIRST_YARD).astype(int), minlength=plays.BINS) + 0.5
    simulated = {
        "plays": len(test),
        "games": len(set(test.games.tolist())),
        "model": evaluation.figures(evaluation.ranks(session, test), test),
        "oracle": evaluation.figures(evaluation.oracle_ranks(test), test),
        "base_rates": evaluation.figures(evaluation.base_rate_ranks(rates / rates.sum(), test), test),
    }
    real = run.real_test()
    if real is None:
        return {"simulated": simulated}
    held_out, weights = real
    found = evaluation.ranks(session, held_out)
    # What is known of the league without any tracking: the yards of the plays that the network may see, weighted alike.
    learnt, learnt_weights = run.real_training()
    rates = np.bincount((learnt.yards - plays.FIRST_YARD).astype(int), learnt_weights, minlength=plays.BINS) + 0.5
    return {
        "simulated": simulated,
        "real": {
            "plays": len(held_out),
            "games": len(set(held_out.games.tolist())),
            "model": evaluation.figures(found, held_out, weights=weights),
            "before_tuning": evaluation.figures(evaluation.ranks(taught, held_out), held_out, weights=weights),
            "model_unweighted": evaluation.figures(found, held_out),
            "base_rates": evaluation.figures(
                evaluation.base_rate_ranks(rates / rates.sum(), held_out), held_out, weights=weights
            ),
        },
    }
