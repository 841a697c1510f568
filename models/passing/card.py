"""The model card, written from a release's figures."""

from __future__ import annotations

from typing import Any

from playscore.release import Release

_NAMES = {
    "crps": "CRPS, yd",
    "log_score": "log score, nats",
    "median_absolute_error": "MAE of the median, yd",
    "pit_ks": "PIT, KS distance from uniform",
    "coverage_50": "coverage of the 50% interval",
    "coverage_80": "coverage of the 80% interval",
    "coverage_95": "coverage of the 95% interval",
    "mean_play_score": "mean play score",
}

_CARD = """# {model} {version}

Released {released}. Every figure below was written by the command that made the release, from `release.json` beside it.

## What it answers

The law of the yards that a pass gains, from the frames between the snap and the release and the situation before the
snap, for a league-average passer: no passer, team or season is among its columns. The rank of the official yards in
that law is the play's score; `docs/score.md` goes from there to the 50 to 99 rating.

**Intended use.** Grading and comparing passers on plays with tracking of all players, and research on such grades.
**Not for** contracts, wagers or health decisions, for other sports or levels of play, or for runs, sacks and scrambles.

## How it was made

A temporal convolutional network over the play and a set encoder of the release: {parameters:,} parameters. The ONNX
graph differs from the trained network by at most {parity:.0e}.
{training}

**Data.** {data}

## On simulated plays it has not seen

{simulated_plays} passes of {simulated_games} games, seeds apart from training's. The oracle is the law that the
outcomes were drawn about; nothing can beat it but by luck. CRPS regret against the oracle: {regret}.

{simulated_table}

{real}
## Reference population of the ratings

{population}

| | |
|---|---|
| qualified passer seasons | {passers} |
| plays that qualify | {min_plays} |
| mean of shrunk mean play scores | {mean:.4f} |
| their standard deviation | {deviation:.4f} |
| standard deviation of a play's score about its passer's mean | {within:.4f} |
| shrinkage, plays at the mean | {shrinkage:.0f} |

## Limits

- The simulator is not football. What the model knows of real passes it knows from a few hundred, most of them
  highlights weighted down to common base rates; the intervals above say how little that settles.
- The reference population is simulated: a real passer's number is comparable with other real passers', while 84 is not
  yet the median of a real league.
- Plays without orientation, target or situation are answered with masks in their place, on less evidence.
- Brackets are 95% intervals by bootstrap over games. Differences within them are noise.
"""

_REAL = """## On real plays of games it has not seen

{plays} passes of {games} games, weighted to the base rates of an unselected play table (completions by bands of yards,
incompletions, interceptions). "Base rates" is the weighted law of yards of the real training plays, the same for
every play.

{table}

"""


def card(release: Release) -> str:
    """The card's text."""
    figures, population = release.figures, release.reference_population
    simulated, real = figures["simulated"], figures.get("real")
    model, oracle = simulated["model"]["crps"][0], simulated["oracle"]["crps"][0]
    settings = figures["training"]
    return _CARD.format(
        model=release.model,
        version=release.version,
        released=release.released,
        parameters=figures["parameters"],
        parity=figures["parity"],
        training=_training(settings),
        data=_data(settings),
        simulated_plays=f"{simulated['plays']:,}",
        simulated_games=simulated["games"],
        regret=f"{100 * (model / oracle - 1):.1f}%",
        simulated_table=_table(
            {"model": simulated["model"], "oracle": simulated["oracle"], "base rates": simulated["base_rates"]}
        ),
        real=_REAL.format(
            plays=real["plays"],
            games=real["games"],
            table=_table(
                {
                    "model": real["model"],
                    "before tuning": real["before_tuning"],
                    "base rates": real["base_rates"],
                    "model, unweighted": real["model_unweighted"],
                }
            ),
        )
        if real
        else "",
        population=population.description,
        passers=population.passers,
        min_plays=population.min_plays,
        mean=population.mean,
        deviation=population.standard_deviation,
        within=population.play_standard_deviation,
        shrinkage=population.shrinkage_plays,
    )


def _training(settings: dict[str, Any]) -> str:
    schedule = settings["schedule"]
    tuned = (
        f" It was then tuned for {schedule['tuning_epochs']} epochs in which real plays make "
        f"{schedule['real_share']:.0%} of the loss; no real play chose when to stop."
    )
    taught = (
        f"Trained on about {settings['simulated']:,} simulated passes for {schedule['epochs']} epochs, seed "
        f"{schedule['seed']}; the epoch with the lowest log score on simulated games set aside was kept."
    )
    return taught + tuned if settings["real"] else taught


def _data(settings: dict[str, Any]) -> str:
    simulated = "Simulated games of `simulator/`. "
    if not settings["real"]:
        return simulated + "No real plays."
    return simulated + (
        "Real passes of adnaans/NFL-Hackathon- (no terms stated), of asonty/ngs_highlights (no terms stated; "
        "highlights, weighted to base rates) with outcomes of derek-adair/nflgame (Unlicense), and of "
        "UnravelSports/unravelsports (MPL-2.0; competition data); base rates of nfl-football-ops/Big-Data-Bowl (no "
        "terms stated). For research; no row of them is in the release."
    )


def _table(columns: dict[str, dict[str, list[float]]]) -> str:
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for key, name in _NAMES.items():
        cells = ("{:.3f} [{:.3f}, {:.3f}]".format(*figures[key]) for figures in columns.values())
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
