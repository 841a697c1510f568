"""The model card: text around the figures of a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from featurizer.shots.factors import FACTORS
from models.core.graph import MAX_DIFFERENCE
from models.shots import tables
from models.shots.contestants import CONTESTANTS, OURS, ordered
from models.shots.tables import interval, markdown
from playscore.release import Release

_CARD = """# {model} {version}

Released {released}. The commands that made the run and the release wrote every figure below; they are also in
`release.json`. Brackets are 95% intervals by bootstrap over games. Differences within them are noise.

## What it predicts

The probability that a shot is a goal: an unblocked attempt that the source would list, by an average shooter against an
average goalie, from what is known up to its release. No player, team or season is among its factors. Sources that list
only shots on goal are told apart from those that list misses as well.

The graph answers one contribution for each of {factors} factors. They and the intercept add up to the logit:
goal = 1 / (1 + exp(-(intercept + sum))). The model has a table for each factor and for each of {pairs} pairs of
factors, of which each has half; after purification these are exact Shapley values.

**Intended use.** Grading chances, shooters, goalies and teams in men's professional hockey, and research on such
grades.

**It must not be used** for contracts, wagers, discipline or health decisions; for penalty shots and shootouts; or to
call players different whose intervals overlap.

## How it was made

{training}

The ONNX graph differs from the tables by at most {parity:.0e}; {max_parity:.0e} is allowed.

## Data and their terms

{data}

## Where each factor comes from

{learned}

{learned_table}

## How good it is

{contestants}

{universes}{women}{tracked}## High, medium and low chances

{thresholds}

## Limits

- What film tells beside events was learned from simulated shots alone. The simulator is not hockey: how much a screen
  or a goalie out of position counts here is the simulator's, until real film of thousands of shots can be had.
- Events are placed and timed by hand, in whole feet and seconds.
{limits}"""

_REAL_DATA = """Real events of danmorse314/hockeyR-data (no terms stated; the package is MIT), of
dundat11/nhl-shot-goalie-explorer (MIT) and ap001AP/NHL-Shot-Data-API (MIT), and to be judged by alone
sportsdataverse/fastRhockey-pwhl-data (MIT). For research; no row of them is in the release. Simulated games of
`simulator/hockey`: no terms but the project's."""


def card(release: Release) -> str:
    """The card of a release of the shot model."""
    figures = release.figures
    real = figures["training"]["real"]
    return _CARD.format(
        model=release.model,
        version=release.version,
        released=release.released,
        factors=len(release.factors),
        pairs=figures["pairs"],
        training=_training(figures),
        parity=figures["parity"],
        max_parity=MAX_DIFFERENCE,
        data=_REAL_DATA if real else "Simulated games of `simulator/hockey`: no terms but the project's.",
        learned=_learned(release),
        learned_table=_learned_table(release),
        contestants=_contestants(figures),
        universes="".join(map(_universe, figures["universes"].items())),
        women=_women(figures["women"]) if "women" in figures else "",
        tracked=_tracked(figures["tracked"]) if "tracked" in figures else "",
        thresholds=_thresholds(figures["thresholds"]),
        limits=_REAL_LIMITS if real else "- No real shot was seen in training.\n",
    )


_REAL_LIMITS = """\
- The figures on real shots are of models that do not know the season they are judged by. The released one is fitted in
  the same way to all seasons, so no real shot of this project is new to it.
- The play-by-play is of the first weeks of three seasons.
- **A leak that is not closed.** In the lists of shots on goal, every shot without a type is a goal: some fifty of them,
  in all. They are read as shots of type OTHER, so that a missing type tells nothing. But with them among the bats and
  pokes, OTHER has about a fifth more goals than it should: chances of this type are too high by as much, and those that
  are judged get credit for a few goals that they were told. No other type is touched, and neither is the play-by-play.
"""


def _training(figures: Mapping[str, Any]) -> str:
    settings, simulated = figures["training"], figures["universes"]["simulated"]
    boosting = settings["schedule"]["boosting"]
    text = (
        f"Boosted in rounds over all factors, at a learning rate of {boosting['rate']:g}, then over the "
        f"{settings['schedule']['pairs']} pairs that explain most of what is left; each of {boosting['bags']} bags "
        f"stops by {boosting['held_out']:.0%} of the games, which it does not learn from; the tables are the mean of "
        "the bags, and then every mean is moved to where it belongs (functional ANOVA)."
    )
    if settings["real"]:
        text += " Events were learned from real shots: one set of tables for each listing, in one graph."
    return (
        f"{text} What film tells beside events was learned from {simulated['trained_on']['shots']:,} simulated shots, "
        "on top of a model of events of the same shots; where it is not known it contributes 0."
    )


def _learned(release: Release) -> str:
    simulated = sum(factor.learned_from == "simulation" for factor in release.factors)
    return (
        f"{len(release.factors) - simulated} factors were learned from real shots, {simulated} from simulation. In "
        "shots with film, what the first contribute beside the second was learned from simulation, too."
    )


def _learned_table(release: Release) -> str:
    rows = [
        [factor.name, factor.learned_from.replace("_", " "), described.description]
        for factor, described in zip(release.factors, FACTORS, strict=True)
    ]
    return markdown((["factor", "learned from", ""], rows))


def _contestants(figures: Mapping[str, Any]) -> str:
    names = {name for universe in figures["universes"].values() for name in universe["figures"]}
    lines = [f"- **{CONTESTANTS[name].name}**: {CONTESTANTS[name].description}" for name in ordered(names)]
    return "All are fitted to the same shots and judged by the same shots, in one run.\n\n" + "\n".join(lines)


def _universe(named: tuple[str, Mapping[str, Any]]) -> str:
    name, part = named
    trained, seasons = part["trained_on"], ", ".join(part["tested_on"])
    text = f"### {tables.TITLES[name]}\n\n"
    if name == "simulated":
        text += (
            f"{part['shots']:,} shots with {part['goals']:,} goals of {part['games']:,} games of other seeds. The "
            "truth of each is known: regret is how much higher the expected log loss is than the truth's.\n\n"
        )
    else:
        text += (
            f"{part['shots']:,} shots with {part['goals']:,} goals of {part['games']:,} games of season {seasons}; "
            f"trained on {trained['shots']:,} shots of {', '.join(trained['seasons'])}.\n\n"
        )
    text += markdown(tables.figures(part)) + "\n\n"
    text += f"Verdict: {tables.verdict(part)}\n\n"
    for net in ("guarded", "empty"):
        apart = part[net]
        if "figures" in apart:
            title = "Empty nets apart" if net == "empty" else "Without empty nets"
            text += f"{title} ({apart['shots']:,} shots, {apart['goals']:,} goals):\n\n"
            text += markdown(tables.figures(apart)) + "\n\n"
        elif net == "empty" and apart["shots"]:
            text += f"Empty nets apart: {apart['goals']:,} of {apart['shots']:,} shots were goals.\n\n"
    text += f"Reliability by tenths:\n\n{markdown(tables.reliability(part))}\n\n"
    return text + f"By group:\n\n{markdown(tables.groups(part))}\n\n{tables.STARS}\n\n"


def _women(part: Mapping[str, Any]) -> str:
    ours = part["figures"][OURS]
    value, low, high = ours["goals_per_expected"]
    held = "the interval contains 1" if low <= 1 <= high else "**the interval leaves out 1**"
    text = (
        f"### The women's league, which it was not trained on\n\n{part['shots']:,} shots with {part['goals']:,} goals "
        f"of {part['games']:,} games. AUC {interval(ours['auc'], 4)}, log loss {interval(ours['log_loss'], 4)}, "
        f"goals per expected goal {interval(ours['goals_per_expected'], 3)}: {held}.\n\n"
    )
    if not low <= 1 <= high:
        text += (
            f"Chances of this league are {'higher' if value > 1 else 'lower'} than stated. Its players are compared "
            "with each other by goals above expected per shot less the league's own, not with 0.\n\n"
        )
    return text + markdown(tables.reliability(part)) + "\n\n"


def _tracked(part: Mapping[str, Any]) -> str:
    return (
        "### Real shots with everybody's places, against the vendor's model\n\n"
        f"{part['shots']:,} unblocked shots of {part['games']} games, never trained on. Rank correlation with the "
        f"vendor's expected goals: {interval(part['with_film'], 3)} with film, {interval(part['without_film'], 3)} "
        f"without; the difference is {interval(part['difference'], 3, '+')}: {_nearness(part['difference'])}. These "
        "intervals, unlike the others, are by bootstrap over shots: so few games cannot say how much games differ.\n\n"
        f"AUC against the results ({part['goals']} goals): {interval(part['auc_with_film'], 3)} with film, "
        f"{interval(part['auc_without_film'], 3)} without, {interval(part['auc_vendor'], 3)} of the vendor's.\n\n"
        "Do single factors of film point the vendor's way? What each contributes where it is known, against what the "
        "vendor's chance says beside ours without film (partial rank correlation; above 0: the same way):\n\n"
        f"{markdown(tables.beside(part['factors']))}\n\n"
        f"{_directions(part['factors'])} A factor that the vendor's model does not know brings the two no nearer, "
        "even where it is right.\n\n"
    )


def _nearness(difference: Sequence[float]) -> str:
    """What film does to how alike the ranks are."""
    _, low, high = difference
    if low > 0:
        return "film brings them nearer to each other"
    return "**film takes them farther from each other**" if high < 0 else "film makes no difference beyond chance"


def _directions(factors: Mapping[str, Any]) -> str:
    """How many point the same way, how many the other, and how many cannot be told."""
    bounds = [each["correlation"][1:] for each in factors.values()]
    same, other = sum(low > 0 for low, _ in bounds), sum(high < 0 for _, high in bounds)
    return (
        f"Of {len(bounds)} factors, {same} point the same way beyond doubt, {other} the other way, and "
        f"{len(bounds) - same - other} cannot be told from chance by so few shots."
    )


def _thresholds(part: Mapping[str, Any]) -> str:
    low, high = part["values"]
    return (
        f"High from {high:.4f}, medium from {low:.4f}: the best tenth and the next three tenths of {part['shots']:,} "
        "reference shots. About nine attempts of a game are then high chances, as many as a broadcast can dwell on. "
        "What each scored in the season that the judged model does not know:\n\n" + markdown(tables.levels(part))
    )
