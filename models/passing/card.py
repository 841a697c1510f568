"""The model card: text around the figures of a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.core.graph import MAX_DIFFERENCE
from models.core.releasing import population_of
from models.passing.contestants import BOOSTED, CONTESTANTS, ORACLE, SPLICED, ordered
from models.passing.evaluation import LONG_GAIN
from models.passing.figures import FIGURES, MIN_GAMES, MIN_PLAYS, Written, is_small, number, percent
from models.passing.run import HIDDEN_TARGETS
from models.ratings import study_page
from playscore.release import Release

_SHARE = percent(1)
_OF_GROUPS = ("crps", "mean_play_score", "pit_ks", "coverage_80")

_CARD = """# {model} {version}

Released {released}. The commands that made the run and the release wrote every figure below; they are also in
`release.json`. Brackets are 95% intervals by bootstrap over games, or over passers' seasons for ratings. Differences
within them are noise.

## What it predicts

The distribution of the yards that a pass gains, for a league-average passer, from the frames between the snap and the
release and the situation before the snap. No passer, team or season is among its columns, and a test swaps all
identities and gets the same distribution. The rank of the official yards in that distribution is the play's score;
`docs/score.md` continues from there to the rating of 50 to 99.

**Intended use.** Grading and comparing passers on plays with tracking of all players, and research on such grades.

**It must not be used** for contracts, wagers, discipline or health decisions; for other sports or levels of play; for
runs, sacks and scrambles; to grade anyone but the passer; or to call passers different whose intervals overlap.

## How it was made

A temporal convolutional network over the play and a set encoder of the release, with a spliced binned Pareto head:
{parameters:,} parameters. The ONNX graph differs from the trained network by at most {parity:.0e}; {max_parity:.0e} is
allowed.

{training}

## Data and their terms

{data}

## On simulated plays that it was not trained on

{simulated_plays} passes of {simulated_games} games, from seeds that no training uses. All contestants were trained on
the same plays:

{contestants}

A calibrated forecast of this many plays has a PIT distance above {simulated_chance:.4f} in one case of 20.

{simulated_table}
{points}
Touchdowns by yards to the end zone: the share that was scored, and what each contestant expected. The oracle's is
exact.

{simulated_touchdowns}

CRPS regret against the oracle: how much higher the expected CRPS is.

{regrets}

CRPS of the others minus ours, yards:

{simulated_differences}

{real}## By group

{groups_of}. A star marks groups with fewer than {min_plays_of_group} plays or {min_games_of_group} games: their
intervals say little.

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
| standard deviation of a play's score around its passer's mean | {within:.4f} |
| shrinkage, plays at the mean | {shrinkage:.0f} |
| rating at the mean; points per standard deviation | {median:g}; {per_deviation:g} |
{ratings}
## Limits

- The simulator is not football. {known_of_real}
- The reference population is simulated: ratings of real passers compare with each other, but {median:g} is not yet the
  median of a real league.
- Plays without orientation, target or situation are scored with masks in their place, on less evidence. Targets were
  hidden in {hidden:.0%} of the training plays, so that the model can handle such plays.
{real_limit}"""

_REAL = """## On real plays of games that it was not trained on

{plays} passes of {games} games, weighted to the base rates of an unselected play table (completions by bands of yards,
those to the end zone apart; incompletions; interceptions), judged in {folds} folds by game. The base rates are the
distribution of yards of that whole table, the same for every play. Luck alone moves the PIT distance by more than
{chance:.3f} in one case of 20.
Weights are unequal: these games are worth {effective:.1f} games of equal weight, so even the intervals are too narrow.

{table}
{points}
CRPS of the others minus ours, yards:

{differences}

{verdict}

Of the {long_gains} gains of {long_gain} yards or more, the least expected was given a chance of {least_chance:.0e}.

### Touchdowns

The share of passes that reached the end zone, by yards to it, and what each contestant expected. Weighted:

{touchdowns}
{complete}
"""

_COMPLETE = """
### Complete games, unweighted

{plays} passes of {games} complete games, which no one selected by how they ended. A few games cannot be resampled, so
the intervals take plays as independent.

{table}

CRPS of the others minus ours, yards:

{differences}

Touchdowns:

{touchdowns}
"""

_GROUPS = "On simulated plays"
_GROUPS_WITH_REAL = "On simulated plays for the network that is released, on real ones for ours in folds"
_NOTHING_REAL = "The model was trained on no real pass, and nothing here shows how good it is on them."
_KNOWN_OF_REAL = """What the model knows of real passes comes from a few hundred, most of them highlights
  weighted to common base rates. The intervals above show how little that settles."""


def card(release: Release) -> str:
    """The card of a release of the passing model. Raises FIELD_INVALID if it has no reference population."""
    figures, population = release.figures, population_of(release)
    simulated, real, settings = figures["simulated"], figures.get("real"), figures["training"]
    return _CARD.format(
        model=release.model,
        version=release.version,
        released=release.released,
        parameters=figures["parameters"],
        parity=figures["parity"],
        max_parity=MAX_DIFFERENCE,
        training=_training(settings),
        data=_data(settings),
        simulated_plays=f"{simulated['plays']:,}",
        simulated_games=simulated["games"],
        simulated_chance=simulated["pit_ks_by_chance"],
        contestants=_contestants([*simulated["figures"], *(real["figures"] if real else ())]),
        simulated_table=_figures_table(simulated["figures"]),
        points=_points(simulated),
        simulated_touchdowns=_touchdowns_table(simulated["touchdowns"]),
        regrets=_list(
            {name: figure for name, figure in simulated["crps_regret"].items() if name != ORACLE}, percent(2), "%"
        ),
        simulated_differences=_list(simulated["crps_less_ours"], number(3, "+")),
        real=_real(real) if real else "",
        groups_of=_GROUPS_WITH_REAL if real else _GROUPS,
        min_plays_of_group=MIN_PLAYS,
        min_games_of_group=MIN_GAMES,
        simulated_groups=_groups_table(simulated["groups"]),
        real_groups=f"\n### Real, weighted\n\n{_groups_table(real['groups'])}\n" if real else "",
        population=population.description,
        passers=population.subjects,
        min_plays=population.min_plays,
        mean=population.mean,
        deviation=population.standard_deviation,
        within=population.play_standard_deviation,
        shrinkage=population.shrinkage_plays,
        median=population.median_rating,
        per_deviation=population.rating_per_standard_deviation,
        ratings=_ratings(figures["ratings"]),
        hidden=HIDDEN_TARGETS,
        known_of_real=_KNOWN_OF_REAL if real else _NOTHING_REAL,
        real_limit=_real_limit(real) if real else "",
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
        verdict.append("Ours is lower than every other, beyond the interval.")
    return _REAL.format(
        plays=real["plays"],
        games=real["games"],
        folds=real["folds"],
        chance=real["pit_ks_by_chance"],
        effective=real["effective_games"],
        table=_figures_table(real["figures"]),
        points=_points(real),
        differences=_list(real["crps_less_ours"], number(3, "+")),
        verdict=" ".join(verdict),
        long_gain=LONG_GAIN,
        long_gains=real["long_gains"]["plays"],
        least_chance=real["long_gains"]["least_chance"][SPLICED],
        touchdowns=_touchdowns_table(real["touchdowns"]),
        complete=_complete(real["complete"]) if "complete" in real else "",
    )


def _complete(complete: Mapping[str, Any]) -> str:
    return _COMPLETE.format(
        plays=complete["plays"],
        games=complete["games"],
        table=_figures_table(complete["figures"]),
        differences=_list(complete["crps_less_ours"], number(3, "+")),
        touchdowns=_touchdowns_table(complete["touchdowns"]),
    )


def _touchdowns_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    if not found:
        return "No source of these plays says where the end zone was."
    names = ordered(next(iter(found.values()))["expected"])
    heads = ["yards to the end zone", "plays", "scored, %", *(CONTESTANTS[name].name for name in names)]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for position, part in found.items():
        cells = [_SHARE(part["expected"][name]) for name in names]
        lines.append(
            f"| {position} | {part['plays']:,} | {_interval(part['scored'], _SHARE)} | " + " | ".join(cells) + " |"
        )
    return "\n".join(lines)


def _real_limit(real: Mapping[str, Any]) -> str:
    return (
        f"- Real plays are judged in {real['folds']} folds by networks that were fine-tuned on the other games. The\n"
        "  released one is fine-tuned on all of them, so no real play of this project is new to it.\n"
    )


def _training(settings: Mapping[str, Any]) -> str:
    schedule = settings["schedule"]
    pretraining = (
        f"It was pretrained on about {settings['simulated']:,} simulated passes for at most {schedule['epochs']} "
        f"epochs, seed {schedule['seed']}, on outcomes only, never on the distributions they were drawn from. The "
        "epoch with the lowest log score on held-out simulated games was kept."
    )
    if not settings["real"]:
        return pretraining
    return (
        f"{pretraining} It was then fine-tuned for {schedule['fine_tuning_steps']} steps in which real plays make up "
        f"{schedule['real_share']:.0%} of the loss. No real play chose when to stop."
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


def _contestants(names: Sequence[str]) -> str:
    return "\n".join(f"- **{CONTESTANTS[name].name}**: {CONTESTANTS[name].description}" for name in ordered(names))


def _points(part: Mapping[str, Any]) -> str:
    if "points_absolute_error" not in part:
        return ""
    error = _interval(part["points_absolute_error"], number(3))
    return f"\nMAE of the point predictions of {CONTESTANTS[BOOSTED].name}: {error} yd.\n"


def _ratings(found: Mapping[str, Any]) -> str:
    return f"""
From {found["settings"]["seasons"]} simulated seasons in which true skill is known; `docs/rating_study.md` has the whole
study. Correlation with true skill, by number of plays:

{study_page.recovery_table(found["recovery"])}

Split-half reliability of a season:

{study_page.reliability_table(found["reliability"])}

Correlation with the team's points and wins:

{study_page.results_table(found["results"])}

The 90% interval against the true rating:

{study_page.coverage_table(found["coverage"])}

Publicly known ratings compared with seasons drawn from the population. The scale's two constants were chosen so that
they lie inside:

{study_page.scale_table(found["scale"])}
"""


def _figures_table(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    shown = ordered(figures)
    lines = ["| | " + " | ".join(CONTESTANTS[name].name for name in shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for key, figure in FIGURES.items():
        cells = [_interval(figures[name][key], figure.written) for name in shown]
        lines.append(f"| {_title(key)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _groups_table(groups: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    heads = ["group", "plays", "games", *map(_title, _OF_GROUPS)]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for kind, parts in groups.items():
        for group, part in parts.items():
            star = " *" if is_small(part) else ""
            cells = [_interval(part["figures"][key], FIGURES[key].written) for key in _OF_GROUPS]
            lines.append(
                f"| {kind}: {group}{star} | {part['plays']:,} | {part['games']:,} | " + " | ".join(cells) + " |"
            )
    return "\n".join(lines)


def _title(key: str) -> str:
    figure = FIGURES[key]
    return f"{figure.title}, {figure.unit}" if figure.unit else figure.title


def _list(figures: Mapping[str, Sequence[float]], written: Written, unit: str = "") -> str:
    return "\n".join(
        f"- {CONTESTANTS[name].name}: {_interval(figures[name], written, unit)}" for name in ordered(figures)
    )


def _named(names: Sequence[str]) -> str:
    return ", ".join(CONTESTANTS[name].name for name in ordered(names))


def _interval(figure: Sequence[float], written: Written, unit: str = "") -> str:
    value, low, high = map(written, figure)
    return f"{value}{unit} [{low}, {high}]"
