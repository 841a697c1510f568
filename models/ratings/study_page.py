"""docs/rating_study.md and its picture, written from the figures of `models.ratings.study`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from models.ratings import public_page
from models.ratings.markdown import interval, listed, table

PICTURE = "rating_study.svg"
"""Name of the picture, next to the page."""

_NAMES = {
    "rating": "rating",
    "oracle": "rating by the true distributions",
    "skill": "true skill itself",
    "passer_rating": "passer rating",
    "yards_per_attempt": "yards per attempt",
    "cpoe": "CPOE",
}
_ALTERNATIVES = ("passer_rating", "yards_per_attempt", "cpoe")
_COLORS = {
    "rating": "#0b5fa5",
    "passer_rating": "#c2571a",
    "yards_per_attempt": "#4f8a3c",
    "cpoe": "#8a4fa3",
    "oracle": "#888888",
}

_RESULTS = {
    "points": "points, same games",
    "points_of_other_games": "points, other games",
    "won": "wins, same games",
    "won_of_other_games": "wins, other games",
}

_PAGE = """# What the rating is worth

<!-- Written by `{command}` from its figures. Do not edit: write the page anew. -->

Nobody knows how good a real passer is. In the simulator everyone does: each passer has a true skill that tilts every
distribution their outcomes are drawn from ([the simulator](simulator.md)). So here we can measure how much of a rating
is skill. `{command}` wrote this page and measured every number in it.

**Played:** {seasons} seasons of {games} games, seeds from {seed} on, {passes} passes. No model was trained on them, and
no reference population was made from them. The first {season_games} games make a season; {qualified} passers had the
{min_plays} passes in it that qualify. Later games only lengthen the samples. Release {model} scored the plays, and
`playscore.ratings`, which the aggregator uses too, rated them against its reference population. Brackets are 95%
intervals by bootstrap over passers' seasons, with {resamples} resamples. Draws of plays and of halves are repeated
{repeats} times and averaged.

**Against what.** *Passer rating* is the league's formula. *Yards per attempt* counts incompletions and interceptions
as 0. *CPOE* is the completion percentage over expected. The expectation comes from a logistic regression with
squares, fitted on the other seasons. Its inputs are what the tracking shows at the release (the receiver's depth, speed
downfield, and distances to the nearest defender, the sideline and the passer; the passer's distance to the nearest
rusher) and down, distance and field position: more than models of the play-by-play can see. *Rating by the true
distributions* is the ceiling: the mean rank in the distributions that the outcomes were drawn from.

**What favors the rating.** True skill here shifts the ranks of outcomes in their distributions, and the rating is made
of mean ranks. The simulator has no passer whose skill is of another kind, of completions alone, for example. The
comparison shows how much luck each measure lets in. It does not show that skill in football is of this kind.

![Recovery by number of plays, and coverage of the interval]({picture})

## How well it recovers true skill

Correlation with true skill over passers, after this many of each passer's passes, drawn at random:

{recovery}

How much higher the rating's correlation is, resample by resample:

{recovery_gains}

{recovery_words}

When everyone has the same number of plays, shrinkage does not change the order. It changes the error, shown below.

## Split-half reliability

The passes of a season are split into random halves. This is the correlation of the two halves' measures over
{reliability_passers} passers, extended to the whole season by the Spearman-Brown formula, $2r/(1 + r)$:

{reliability}

## Points and wins

Correlation over {results_passers} passers' seasons with their team's points per game and share of wins. *Same games*
asks how much the measure says about what happened: the points were scored on the same passes, so luck is on both sides.
*Other games* asks how much it says about what comes next: the measure is from every other week, the results are from
the weeks between.

{results}

{results_words}
Passer rating counts touchdowns, which are points in the same games.

The last row is what a perfect measure of the passer would show. The rest is the other team, backup passers, runs, kicks
and luck. The simulator's possessions start at random spots and last five plays.

## The interval

The 90% interval against the true rating, which is the scale at the passer's true mean score on the passes of the whole
league. Plays are divided into disjoint sets. The error is the root mean square of rating minus true rating, in points.

{coverage}

{coverage_words}

## The population and its scale

{league}

{league_words}

## Compared with what is publicly known

{known}: for 2021 the first of {peers} qualified passers with 92, the fifth
with 89 and the thirteenth with 83, and for 2020 the best with 99. {drawn} seasons of {peers} passers each were drawn
from the reference population (normal true means, plays as in the seasons above) and rated:

{scale}

{scale_words}
{more}{public}"""

_MORE = """
Three more of the league's ratings are public. The scale was chosen without them, so they are a check. Those of 2018 and
2019 are earlier seasons of the first of 2021, from
[the league's article on the playoff quarterbacks]({ranking}).
That the tenth of 2021 had 87 follows from that article and
[a report on the new score]({report}):
eight passers had more, and the next three had 87. As many passers as qualified in the season were drawn:

{more}

{more_words}
"""


def page(figures: Mapping[str, Any], model: str, command: str, public: Mapping[str, Any] | None = None) -> str:
    """The page in Markdown. `model` names the release that scored the plays, `command` what writes the page.

    `public`: the figures of `models.ratings.public_study`; without them the page has no section on the real league.
    """
    settings, league, scale = figures["settings"], figures["league"], figures["scale"]
    return _PAGE.format(
        command=command,
        model=model,
        picture=PICTURE,
        seasons=settings["seasons"],
        games=settings["games"],
        seed=f"{settings['seed']:,}",
        passes=f"{league['passes']:,}",
        season_games=settings["season_games"],
        qualified=league["qualified"],
        min_plays=settings["min_plays"],
        resamples=f"{settings['resamples']:,}",
        repeats=settings["repeats"],
        recovery=recovery_table(figures["recovery"]),
        recovery_gains=_recovery_gains(figures["recovery"]),
        recovery_words=_recovery_words(figures["recovery"]),
        reliability_passers=figures["reliability"]["passers"],
        reliability=reliability_table(figures["reliability"]),
        results_passers=figures["results"]["passers"],
        results=results_table(figures["results"]),
        results_words=_results_words(figures["results"]),
        coverage=coverage_table(figures["coverage"]),
        coverage_words=_coverage_words(figures["coverage"]),
        league=_league(league),
        league_words=_league_words(league),
        peers=scale["peers"],
        drawn=f"{scale['seasons']:,}",
        known=_known(scale),
        scale=scale_table(scale),
        scale_words=_scale_words(scale),
        more=_more(scale),
        public="\n" + public_page.section(public, figures) if public else "",
    )


def picture(figures: Mapping[str, Any]) -> str:
    """Recovery and coverage by number of plays, as SVG text. The same figures give the same text."""
    with mpl.rc_context({"svg.hashsalt": "rating study", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        recovery, coverage = figure.subplots(1, 2)
        plays = list(figures["recovery"])
        for place, (name, color) in enumerate(_COLORS.items()):
            found = [figures["recovery"][n]["measures"][name] for n in plays]
            places = [spot + 0.08 * (place - 2) for spot in range(len(plays))]
            style = "--" if name == "oracle" else "-"
            recovery.errorbar(
                places, [v for v, _, _ in found], _bars(found), color=color, ls=style, marker="o", ms=3, lw=1.2,
                capsize=2, label=_NAMES[name],
            )  # fmt: skip
        recovery.set_xticks(range(len(plays)), plays)
        recovery.set(xlabel="plays", ylabel="correlation with true skill", ylim=(None, 1))
        recovery.legend(frameon=False, fontsize=8, loc="lower right")
        sets = [name for name in figures["coverage"] if name != "all"]
        covered = [figures["coverage"][name]["covered"] for name in sets]
        coverage.axhline(0.9, color="#888888", lw=1, ls="--")
        coverage.errorbar(
            range(len(sets)), [v for v, _, _ in covered], _bars(covered), color=_COLORS["rating"], ls="", marker="o",
            capsize=3,
        )  # fmt: skip
        coverage.set_xticks(range(len(sets)), sets)
        coverage.set(xlabel="plays", ylabel="share of 90% intervals that contain the true rating", ylim=(0.7, 1.01))
        for axes in (recovery, coverage):
            axes.spines[["top", "right"]].set_visible(False)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _bars(found: Sequence[Sequence[float]]) -> list[list[float]]:
    """Lengths of the error bars. A bootstrap interval may exclude its own estimate."""
    return [[max(v - low, 0) for v, low, _ in found], [max(high - v, 0) for v, _, high in found]]


def recovery_table(found: Mapping[str, Any]) -> str:
    """Correlation of every measure with true skill, by number of plays."""
    rows = [
        [plays, of_plays["passers"], *(interval(of_plays["measures"][name]) for name in _COLORS)]
        for plays, of_plays in found.items()
    ]
    return table(["plays", "passers", *(_NAMES[name] for name in _COLORS)], rows)


def _recovery_gains(found: Mapping[str, Any]) -> str:
    rows = [
        [plays, *(interval(of_plays["rating_less"][name], signed=True) for name in _ALTERNATIVES)]
        for plays, of_plays in found.items()
    ]
    return table(["plays", *(f"than {_NAMES[name]}" for name in _ALTERNATIVES)], rows)


def _recovery_words(found: Mapping[str, Any]) -> str:
    """Which differences the seasons settle, and which they do not."""
    lines = []
    for name in _ALTERNATIVES:
        gains = {plays: of_plays["rating_less"][name] for plays, of_plays in found.items()}
        better = [plays for plays, (_, low, _) in gains.items() if low > 0]
        worse = [plays for plays, (_, _, high) in gains.items() if high < 0]
        unsettled = [plays for plays in gains if plays not in better + worse]
        parts = [
            f"{verdict} after {listed(plays)} plays"
            for verdict, plays in (
                ("The rating is better", better),
                ("the rating is **worse**", worse),
                ("the interval of the difference holds 0", unsettled),
            )
            if plays
        ]
        lines.append(f"- Against {_NAMES[name]}: " + "; ".join(parts) + ".")
    return "\n".join(lines)


def reliability_table(found: Mapping[str, Any]) -> str:
    """Split-half reliability of every measure."""
    rows = [
        [
            _NAMES[name],
            interval(value),
            interval(found["rating_less"][name], signed=True) if name in found["rating_less"] else "",
        ]
        for name, value in found["measures"].items()
    ]
    return table(["measure", "reliability", "rating minus this"], rows)


def results_table(found: Mapping[str, Any]) -> str:
    """Correlation of every measure with points and wins."""
    order = ("rating", *_ALTERNATIVES, "oracle", "skill")
    rows = [[_NAMES[name], *(interval(found[key]["measures"][name]) for key in _RESULTS)] for name in order]
    return table(["measure", *_RESULTS.values()], rows)


def _results_words(found: Mapping[str, Any]) -> str:
    """Where the interval of a difference between the rating and an alternative excludes 0."""
    gains = [
        (_NAMES[name], title, found[key]["rating_less"][name])
        for key, title in _RESULTS.items()
        for name in _ALTERNATIVES
    ]
    more = [f"{name} ({title}: {interval(gain, signed=True)})" for name, title, gain in gains if gain[1] > 0]
    less = [f"{name} ({title}: {interval(gain, signed=True)})" for name, title, gain in gains if gain[2] < 0]
    words = [
        f"The rating's correlation is {verdict} than that of {listed(named)}."
        for verdict, named in (("higher", more), ("**lower**", less))
        if named
    ]
    return " ".join([*words, "The intervals of all other differences from these three contain 0."])


def coverage_table(found: Mapping[str, Any]) -> str:
    """How often the interval contains the true rating, by number of plays."""
    rows = [
        [
            plays,
            of_plays["passers"],
            f"{of_plays['intervals']:,}",
            interval(of_plays["covered"]),
            f"{of_plays['points_wide'][0]:.1f}",
            interval(of_plays["error"], digits=1),
            interval(of_plays["error_without_shrinkage"], digits=1),
        ]
        for plays, of_plays in found.items()
        if plays != "all"
    ]
    rows.append(["mean of these", "", "", interval(found["all"]["covered"]), "", "", ""])
    heads = ["plays", "passers", "intervals", "covered", "width, points", "error", "error without shrinkage"]
    return table(heads, rows)


def _coverage_words(found: Mapping[str, Any]) -> str:
    missed = [plays for plays, of_plays in found.items() if not of_plays["covered"][1] <= 0.9 <= of_plays["covered"][2]]
    if not missed:
        return "In every row, 90% lies within the interval of the share covered."
    named = listed(["the mean" if plays == "all" else plays for plays in missed])
    return f"The interval of the share covered excludes 90% for: {named}. In the other rows it contains 90%."


def _league(found: Mapping[str, Any]) -> str:
    median, least, most = found["plays_of_a_season"]
    rows = [
        ["passes of a qualified passer in a season: median, least, most", f"{median:.0f}, {least:.0f}, {most:.0f}"],
        [
            f"median rating of the qualified (set to {found['scale_median']:g})",
            interval(found["median_rating"], digits=1),
        ],
        [
            f"standard deviation of their ratings (set to {found['scale_deviation']:g})",
            interval(found["deviation_of_ratings"], digits=1),
        ],
        ["rating minus true rating, mean", interval(found["rating_less_true"], digits=2, signed=True)],
        ["mean play score of a league-average passer", interval(found["average_passer"], digits=4)],
        ["the release's mean", f"{found['released_mean']:.4f}"],
        ["rating of a league-average passer", interval(found["average_passer_rating"], digits=1)],
        ["standard error of the release's mean, in points of rating", f"{found['luck_in_released_mean']:.2f}"],
        ["standard deviation of true mean play scores, here", f"{found['true_deviation']:.4f}"],
        ["the same according to the release, $s/\\sqrt{k}$", f"{found['released_true_deviation']:.4f}"],
        ["the release's shrinkage, plays", f"{found['shrinkage_plays']:.1f}"],
    ]
    return table(["", ""], rows)


def _league_words(found: Mapping[str, Any]) -> str:
    apart = found["average_passer_rating"][0] - found["scale_median"]
    errors = abs(apart) / found["luck_in_released_mean"]
    verdict = "luck explains it" if errors < 2 else "**more than luck**"
    return (
        f"The league-average passer, whose skill is 0, is {apart:+.1f} points from the population's mean. That is "
        f"{errors:.1f} standard errors of the release's mean: {verdict}. "
        "By the true distributions their mean play score is exactly 0.5. The difference is the model's error, and "
        "measuring against the population's mean removes it. That a real league's median passer would be there is not "
        "established: no season of a real league with tracking is available."
    )


def scale_table(found: Mapping[str, Any]) -> str:
    """Publicly known ratings compared with drawn seasons."""
    return _placed(_points(found))


def _placed(points: Sequence[tuple[str, Any]]) -> str:
    rows = [
        [
            title,
            f"{point['public']:.0f}",
            f"{point['median']:.1f}",
            "{:.1f} to {:.1f}".format(*point["band"]),
            f"{point['percentile']:.1f}%",
            "inside" if point["inside"] else "**outside**",
        ]
        for title, point in points
    ]
    return table(["", "public", "median season", "95% of seasons", "percentile of the public one", ""], rows)


def _verdict(points: Sequence[tuple[str, Any]]) -> str:
    outside = [title for title, point in points if not point["inside"]]
    return f"**Outside the band of 95%: {listed(outside)}.**" if outside else "All lie inside the band of 95%."


def _more_words(points: Sequence[tuple[str, Any]]) -> str:
    wrong = any(not point["inside"] for _, point in points)
    return _verdict(points) + (" So the scale is not that of the league's score in every season." if wrong else "")


def _known(found: Mapping[str, Any]) -> str:
    if "more" in found:
        return "The scale was chosen with four of the league's own ratings that are public"
    return "Four of the league's own ratings are publicly known"


def _more(found: Mapping[str, Any]) -> str:
    """The publicly known ratings that the scale was not chosen with; figures of early releases lack them."""
    if "more" not in found:
        return ""
    points = [(name.replace(" ", ", "), point) for name, point in found["more"].items()]
    return _MORE.format(
        ranking=public_page.RANKING, report=public_page.REPORT, more=_placed(points), more_words=_more_words(points)
    )


def _scale_words(found: Mapping[str, Any]) -> str:
    return (
        f"{_verdict(_points(found))} The scale's two constants were chosen so that these four lie inside. "
        "That is a fit, not a check. "
        f"In {found['seasons_with_a_99']:.0%} of the seasons the first has 99."
    )


def _points(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    titles = {
        "first": "2021, first",
        "fifth": "2021, fifth",
        "thirteenth": "2021, thirteenth",
        "first less thirteenth": "2021, first minus thirteenth",
        "best": "2020, best",
    }
    return [(title, found[name]) for name, title in titles.items()]
