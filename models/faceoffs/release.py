"""From a run to a release: the graph, the figures, the card."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from featurizer.faceoffs.columns import SPECIFICATION
from models.core.releasing import CARD, folder_of_new, in_the_making, sha256
from models.faceoffs.model import OUTPUT
from models.faceoffs.run import NAMES, evaluation
from models.shots.tables import interval, markdown
from playscore.errors import PlayscoreError, Reason
from playscore.release import DESCRIPTION, GRAPH, Release, ReleasedFeatures, ReleasedTensor

MODEL = TASK = "faceoffs"
MAX_BATCH_SIZE = 64

_CARD = """# {model} {version}

Released {released}. The commands that made the run and the release wrote every figure below; they are also in
`release.json`. Brackets are 95% intervals by bootstrap over games.

## What it predicts

The probability that the taker wins a face-off, from what is known before the drop: both takers' records of the season
so far, with 50 even face-offs added, their experience, on which side they are strong, the zone, who has more skaters,
who plays at home, and the score. Both takers are alike: their chances add up to one. No name is among its columns.

**Intended use.** Grading takers of face-offs, and research on such grades.

**It must not be used** for contracts, wagers, discipline or health decisions, or to call takers different whose
intervals overlap.

## How it was made

Logistic regression without an intercept, fitted to {trained:,} face-offs of {trained_games:,} games (seasons
{trained_seasons}) of danmorse314/hockeyR-data (no terms stated; the package is MIT). For research; no row of them is in
the release. Handedness is in no file of real face-offs here: what a strong side is worth was not learned, and its
weight is {forehand:.3f}.

Weights, in logits:

{weights}

## How good it is

Fitted to the seasons {judged_on}, judged by {faceoffs:,} face-offs of {games:,} games of {seasons}:

{figures}

Reliability by tenths:

{reliability}
{women}
## Limits

- Who wins a face-off is mostly luck: expect small differences between takers, and wide intervals.
- The play-by-play is of the first weeks of three seasons: records are short.
"""


def release(run: Path, version: int, root: Path) -> Path:
    """Make release `version` of a run's model under `root`, which must not exist yet.

    Raises:
        PlayscoreError: FIELD_INVALID for a version that exists, and if the run's graph is not the one it judged.
    """
    folder, found = folder_of_new(root, MODEL, version), evaluation(run)
    if sha256(run / GRAPH) != found["graph_sha256"]:
        raise PlayscoreError(Reason.FIELD_INVALID, f"{run / GRAPH} is not the graph that the run made; train again")
    with in_the_making(folder) as made:
        shutil.copy(run / GRAPH, made / GRAPH)
        described = Release(
            model=MODEL,
            version=version,
            task=TASK,
            released=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            features=ReleasedFeatures.of(SPECIFICATION),
            bucket_lengths=(0,),
            max_batch_size=MAX_BATCH_SIZE,
            outputs=(ReleasedTensor(name=OUTPUT, shape=(1,)),),
            graph_sha256=found["graph_sha256"],
            figures={name: part for name, part in found.items() if name not in {"graph_sha256", "specification"}},
        )
        (made / DESCRIPTION).write_text(described.to_json())
        (made / CARD).write_text(card(described))
    return folder


def card(described: Release) -> str:
    """The card of a release of the face-off model."""
    found = described.figures
    trained, judged = found["trained_on"], found["judged_by"]
    return _CARD.format(
        model=described.model,
        version=described.version,
        released=described.released,
        trained=trained["faceoffs"],
        trained_games=trained["games"],
        trained_seasons=_seasons(trained["seasons"]),
        forehand=found["weights"]["taker_forehand"],
        weights=markdown(
            (["column", "weight"], [[name, f"{weight:+.3f}"] for name, weight in found["weights"].items()])
        ),
        judged_on=_seasons(judged["trained_on"]),
        faceoffs=found["faceoffs"],
        games=found["games"],
        seasons=_seasons(judged["seasons"]),
        figures=_figures(found),
        reliability=markdown(
            (
                ["tenth", "face-offs", "expected, %", "won, %"],
                [
                    [
                        str(place),
                        f"{tenth['faceoffs']:,}",
                        f"{100 * tenth['expected']:.1f}",
                        interval([100 * value for value in tenth["won"]], 1),
                    ]
                    for place, tenth in enumerate(found["reliability"], start=1)
                ],
            )
        ),
        women=_women(found["women"]) if "women" in found else "",
    )


def _figures(found: Mapping[str, Any]) -> str:
    rows = []
    for name, figures in found["figures"].items():
        less = found["less_ours"].get(name)
        cells = [interval(figures["auc"], 4), interval(figures["log_loss"], 4)]
        cells += [interval(less["auc"], 4, "+"), interval(less["log_loss"], 4, "+")] if less else ["", ""]
        rows.append([NAMES[name], *cells])
    return markdown((["", "AUC", "log loss", "AUC less ours", "log loss less ours"], rows))


def _women(found: Mapping[str, Any]) -> str:
    return (
        f"\nThe women's league (sportsdataverse/fastRhockey-pwhl-data, MIT), not trained on, {found['faceoffs']:,} "
        f"face-offs of {found['games']:,} games:\n\n{_figures(found)}\n"
    )


def _seasons(seasons: Sequence[int]) -> str:
    return ", ".join(f"{season}-{(season + 1) % 100:02d}" for season in seasons)
