"""From a run to a release: the graph, thresholds, quantiles of the factors, the figures, the card."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featurizer.shots.factors import FACTORS, SPECIFICATION
from models.core.graph import MAX_DIFFERENCE
from models.core.graph import session as session_of
from models.core.releasing import CARD, folder_of_new, in_the_making, sha256
from models.shots import graph
from models.shots.additive import ByListing, sigmoid
from models.shots.binning import Floats
from models.shots.card import card
from models.shots.competitors import Chances
from models.shots.contestants import EXPLAINABLE, LOGISTIC, TUNED, UNTUNED
from models.shots.rows import Shots
from models.shots.run import EVALUATION, Run
from playscore.errors import PlayscoreError, Reason
from playscore.release import (
    DESCRIPTION,
    GRAPH,
    Release,
    ReleasedFactor,
    ReleasedFeatures,
    ReleasedTensor,
    list_releases,
)

MODEL = TASK = "shots"
MAX_BATCH_SIZE = 64
_ALTERNATIVES = frozenset({LOGISTIC, UNTUNED, TUNED, EXPLAINABLE})
_HUNDREDTHS = np.linspace(0.0, 1.0, 101)
_NOT_KEPT = frozenset({"settings", "model"})


def release(run: Run, version: int, root: Path) -> Path:
    """Make release `version` of the run's model under `root`, which must not exist yet.

    Raises:
        PlayscoreError: FIELD_INVALID for a version that exists, and if the run's current model was not compared with
            the alternatives; INTERNAL if the graph does not agree with the model.
    """
    folder = folder_of_new(root, MODEL, version)
    found, model = _evaluation(run), run.shipped()
    with in_the_making(folder) as made:
        graph.export(model, made / GRAPH)
        if found["model"]["sha256"] != sha256(made / GRAPH):
            raise _unjudged(run, f"{run.folder / EVALUATION} is of another model than the run's current one")
        parity = _parity(run, made / GRAPH)
        tables = model.unblocked if isinstance(model, ByListing) else model
        described = Release(
            model=MODEL,
            version=version,
            task=TASK,
            released=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            features=ReleasedFeatures.of(SPECIFICATION),
            bucket_lengths=(0,),
            max_batch_size=MAX_BATCH_SIZE,
            outputs=(ReleasedTensor(name=graph.OUTPUT, shape=(len(FACTORS),)),),
            thresholds=tuple(found["thresholds"]["values"]),
            intercept_logit=model.intercept,
            factors=tuple(_factors(run)),
            graph_sha256=sha256(made / GRAPH),
            figures={
                "training": run.settings,
                "parity": parity,
                "pairs": len(tables.pairs),
                **{name: part for name, part in found.items() if name not in _NOT_KEPT},
            },
        )
        (made / DESCRIPTION).write_text(described.to_json())
        (made / CARD).write_text(card(described))
    return folder


def previous(root: Path) -> Chances | None:
    """The chances that the newest release under `root` gives; None where there is none of these factors."""
    releases = [each for each in list_releases(root, MODEL) if each.features.id == SPECIFICATION.id]
    if not releases:
        return None
    intercept = releases[-1].intercept_logit
    assert intercept is not None
    session = session_of(root / MODEL / str(releases[-1].version) / GRAPH)

    def chances(shots: Shots) -> NDArray[np.float64]:
        (answered,) = session.run([graph.OUTPUT], {graph.INPUT: shots.statics})
        return sigmoid(intercept + answered.sum(axis=1, dtype=np.float64))

    return chances


def _factors(run: Run) -> Iterator[ReleasedFactor]:
    """Each factor, where the model knows from what it does, and its quantiles where that is known best."""
    events = set(run.of_events) if run.has_real else set()
    for place, factor in enumerate(FACTORS):
        real = place in events
        yield ReleasedFactor(
            name=factor.name,
            unit=factor.unit,
            learned_from="real_shots" if real else "simulation",
            quantiles=_quantiles(run.reference if real else run.simulated, place) if factor.ordered else (),
        )


def _quantiles(shots: Shots, place: int) -> tuple[float, ...]:
    known = shots.statics[shots.statics[:, len(FACTORS) + place] > 0, place]
    if not len(known):
        return ()
    return tuple(float(value) for value in np.quantile(known, _HUNDREDTHS).astype(np.float32))


def _parity(run: Run, path: Path) -> float:
    """How much the graph differs from the tables on real and simulated shots."""
    model = run.shipped()
    some: list[Floats] = [run.simulated.statics[:10_000]]
    if run.has_real:
        some += [run.men.statics[:10_000], run.men.statics[-10_000:]]
    parity = max(graph.difference(model, path, statics) for statics in some)
    if parity > MAX_DIFFERENCE:
        raise PlayscoreError(Reason.INTERNAL, f"the exported graph differs from the tables by {parity:.1e}")
    return parity


def _evaluation(run: Run) -> dict[str, Any]:
    """The run's evaluation. Raises FIELD_INVALID if it lacks an alternative."""
    path = run.folder / EVALUATION
    if not path.exists():
        raise _unjudged(run, f"{run.folder} was not evaluated, and a release contains the figures")
    found: dict[str, Any] = json.loads(path.read_text())
    for name, universe in found["universes"].items():
        if missing := _ALTERNATIVES - universe["figures"].keys():
            raise _unjudged(
                run, f"{path} has no figures of {', '.join(sorted(missing))} on {name} shots, and a release has them"
            )
    return found


def _unjudged(run: Run, what: str) -> PlayscoreError:
    return PlayscoreError(Reason.FIELD_INVALID, f"{what}: playscore evaluate shots --compare --run {run.folder}")
