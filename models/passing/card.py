"""The model card, written from a release's figures: nothing in it is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.passing.contestants import BASE_RATES, BOOSTED, GAUSSIAN, GLUONTS, ORACLE, RELEASED, UNTUNED
from models.passing.pictures import SMALL_GAMES, SMALL_PLAYS, small
from models.passing.run import HIDDEN_TARGETS, SPLICED
from models.ratings import study_page
from playscore.release import Release

_CONTESTANTS = {
    RELEASED: "**released**",
    SPLICED: "ours",
    UNTUNED: "ours, not tuned",
    GAUSSIAN: "(a) Gaussian head",
    BOOSTED: "(b) XGBoost",
    BASE_RATES: "(c) base rates",
    GLUONTS: "(d) GluonTS's loss",
    ORACLE: "oracle",
}
_FIGURES = {
    "median_absolute_error": ("MAE of the median, yd", 3),
    "crps": ("CRPS, yd", 3),
    "log_score": ("log score, nats", 3),
    "pit_ks": ("PIT, KS distance from uniform", 4),
    "pit_ks_lower": ("the same below 5%", 4),
    "pit_ks_upper": ("the same above 95%", 4),
    "below_lower_tail": ("PIT below 5%", 3),
    "above_upper_tail": ("PIT above 95%", 3),
    "coverage_50": ("in the 50% interval", 3),
    "coverage_80": ("in the 80% interval", 3),
    "coverage_95": ("in the 95% interval", 3),
    "mean_play_score": ("mean play score", 3),
}
_OF_GROUPS = ("crps", "mean_play_score", "pit_ks", "coverage_80")

_CARD = """# {model} {version}

Released {released}. Every figure below was written by the commands that made the run and the release, from
`release.json` beside it. Brackets are 95% intervals by bootstrap over games, of passers over seasons where ratings are
concerned; differences within them are noise.

## What it answers

The law of the yards that a pass gains, from the frames between the snap and the release and the situation before the
snap, for a league-average passer: no passer, team or season is among its columns, and a test swaps all identities and
finds the same law. The rank of the official yards in that law is the play's score; `docs/score.md` goes from there to
the 50 to 99 rating.

**Intended use.** Grading and comparing passers on plays with tracking of all players, and research on such grades.

**It must not be used** for contracts, wagers, discipline or health decisions; for other sports or levels of play; for
runs, sacks and scrambles; to grade anyone but the passer; or to compare passers whose intervals overlap as if they
differed.

## How it was made

A temporal convolutional network over the play and a set encoder of the release, with a spliced binned Pareto head:
{parameters:,} parameters. The ONNX graph differs from the trained network by at most {parity:.0e}.
{training}

## Data and their terms

{data}

## On simulated plays it has not seen

{simulated_plays} passes of {simulated_games} games, of seeds apart from training's. All contestants learnt from the
same plays. *Ours* is the network as simulated plays taught it, *released* the same after tuning on real plays. The
oracle is the law that the outcomes were drawn from; nothing beats it but by luck. A calibrated forecast of so many
plays has a PIT distance above {simulated_chance:.4f} in one case of 20.

{simulated_table}
{points}
CRPS regret against the oracle, in expectation over outcomes:

{regrets}

CRPS of the alternatives less that of *ours*, yards:

{simulated_differences}

{real}## By group

Of the released network on simulated plays, of *ours* in folds on real ones. Groups of fewer than {few_plays} plays or
{few_games} games are marked with a star: their intervals say little.

### Simulated

{simulated_groups}
{real_groups}
## Ratings

{population}

| | |
|---|---|
| qualified passer seasons | {passers} |
| plays that qualify | {min_plays} |
| mean | {mean:.4f} |
| standard deviation of shrunk means | {deviation:.4f} |
| standard deviation of a play's score about its passer's mean | {within:.4f} |
| shrinkage, plays at the mean | {shrinkage:.0f} |
| rating at the mean; points a standard deviation | {median:g}; {per_deviation:g} |
{ratings}
## Limits

- The simulator is not football. What the model knows of real passes it knows from a few hundred, most of them
  highlights weighted to common base rates; the intervals above say how little that settles.
- The reference population is simulated: a real passer's number is comparable with other real passers', while
  {median:g} is not yet the median of a real league.
- Plays without orientation, target or situation are answered with masks in their place, on less evidence. Targets were
  hidden from {hidden:.0%} of the plays while it learnt, so that such plays are expected to be average, not thrown away.
- Real plays are judged in {folds} folds by networks tuned on the other games; the released one is tuned on all of them,
  so no real play of this project is new to it.
"""

_REAL = """## On real plays of games it has not seen

{plays} passes of {games} games, weighted to the base rates of an unselected play table (completions by bands of yards,
incompletions, interceptions), judged in {folds} folds by game. "Base rates" is the law of yards of that whole table,
the same for every play. Luck alone moves the PIT distance by more than {chance:.3f} in one case of 20. Weights are
unequal: these games tell as much as {effective:.1f} of equal weight would, so even the intervals are too narrow.

{table}
{points}
CRPS of the alternatives less that of *ours*, yards:

{differences}

{verdict}

"""


def card(release: Release) -> str:
    """The card's text."""
    figures, population = release.figures, release.reference_population
    simulated, real, settings = figures["simulated"], figures.get("real"), figures["training"]
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
        simulated_chance=simulated["pit_ks_by_chance"],
        simulated_table=_figures_table(simulated["figures"]),
        points=_points(simulated),
        regrets=_list(
            {name: figure for name, figure in simulated["crps_regret"].items() if name != ORACLE}, percent=True
        ),
        simulated_differences=_list(simulated["crps_less_ours"]),
        real=_real(real) if real else "",
        few_plays=SMALL_PLAYS,
        few_games=SMALL_GAMES,
        simulated_groups=_groups_table(simulated["groups"]),
        real_groups=f"\n### Real, weighted\n\n{_groups_table(real['groups'])}\n" if real else "",
        population=population.description,
        passers=population.passers,
        min_plays=population.min_plays,
        mean=population.mean,
        deviation=population.standard_deviation,
        within=population.play_standard_deviation,
        shrinkage=population.shrinkage_plays,
        median=population.median_rating,
        per_deviation=population.rating_per_standard_deviation,
        ratings=_ratings(figures["ratings"]),
        hidden=HIDDEN_TARGETS,
        folds=real["folds"] if real else 0,
    )


def _real(real: Mapping[str, Any]) -> str:
    unsettled = [name for name, (_, low, high) in real["crps_less_ours"].items() if low <= 0 <= high]
    worse = [name for name, (_, _, high) in real["crps_less_ours"].items() if high < 0]
    verdict = []
    if unsettled:
        verdict.append(f"So few plays do not separate ours from: {_named(unsettled)}.")
    if worse:
        verdict.append(f"**Ours is worse than: {_named(worse)}.**")
    if not verdict:
        verdict.append("Ours is lower than every other beyond the interval.")
    return _REAL.format(
        plays=real["plays"],
        games=real["games"],
        folds=real["folds"],
        chance=real["pit_ks_by_chance"],
        effective=real["effective_games"],
        table=_figures_table(real["figures"]),
        points=_points(real),
        differences=_list(real["crps_less_ours"]),
        verdict=" ".join(verdict),
    )


def _training(settings: Mapping[str, Any]) -> str:
    schedule = settings["schedule"]
    taught = (
        f"Trained on about {settings['simulated']:,} simulated passes for at most {schedule['epochs']} epochs, seed "
        f"{schedule['seed']}, from outcomes alone, never from the laws they were drawn from; the epoch with the lowest "
        "log score on simulated games set aside was kept."
    )
    if not settings["real"]:
        return taught
    return (
        f"{taught} It was then tuned for {schedule['tuning_steps']} steps in which real plays make "
        f"{schedule['real_share']:.0%} of the loss; no real play chose when to stop."
    )


def _data(settings: Mapping[str, Any]) -> str:
    simulated = "Simulated games of `simulator/`: no terms but the project's. "
    if not settings["real"]:
        return simulated + "No real plays."
    return simulated + (
        "Real passes of adnaans/NFL-Hackathon- (no terms stated), of asonty/ngs_highlights (no terms stated; "
        "highlights, weighted to base rates) with outcomes of derek-adair/nflgame (Unlicense), and of "
        "UnravelSports/unravelsports (MPL-2.0; competition data); base rates of nfl-football-ops/Big-Data-Bowl (no "
        "terms stated). For research; no row of them is in the release."
    )


def _points(part: Mapping[str, Any]) -> str:
    if "points_absolute_error" not in part:
        return ""
    return f"\nMAE of XGBoost's point predictions: {_interval(part['points_absolute_error'])} yd.\n"


def _ratings(found: Mapping[str, Any]) -> str:
    return f"""
From {found["settings"]["seasons"]} simulated seasons in which true skill is known; `docs/rating_study.md` has the whole
study. Correlation with true skill after so many plays:

{study_page.recovery_table(found["recovery"])}

Split-half reliability of a season:

{study_page.reliability_table(found["reliability"])}

Correlation with the team's points and victories:

{study_page.results_table(found["results"])}

The 90% interval against the true rating:

{study_page.coverage_table(found["coverage"])}

Publicly known ratings among those of seasons drawn from the population; the scale's two constants were chosen so that
they lie inside:

{study_page.scale_table(found["scale"])}
"""


def _figures_table(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    shown = [name for name in _CONTESTANTS if name in figures]
    lines = ["| | " + " | ".join(_CONTESTANTS[name] for name in shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for key, (title, digits) in _FIGURES.items():
        cells = [_interval(figures[name][key], digits) for name in shown]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _groups_table(groups: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    heads = ["group", "plays", "games", *(_FIGURES[key][0] for key in _OF_GROUPS)]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for kind, parts in groups.items():
        for group, part in parts.items():
            few = " *" if small(part) else ""
            cells = [_interval(part["figures"][key]) for key in _OF_GROUPS]
            lines.append(
                f"| {kind}: {group}{few} | {part['plays']:,} | {part['games']:,} | " + " | ".join(cells) + " |"
            )
    return "\n".join(lines)


def _list(figures: Mapping[str, Sequence[float]], *, percent: bool = False) -> str:
    written = "{:.2%} [{:.2%}, {:.2%}]" if percent else "{:+.3f} [{:+.3f}, {:+.3f}]"
    shown = [name for name in _CONTESTANTS if name in figures]
    return "\n".join(f"- {_CONTESTANTS[name]}: {written.format(*figures[name])}" for name in shown)


def _named(names: Sequence[str]) -> str:
    return ", ".join(_CONTESTANTS[name] for name in names)


def _interval(figure: Sequence[float], digits: int = 3) -> str:
    value, low, high = (f"{number:.{digits}f}" for number in figure)
    return f"{value} [{low}, {high}]"
