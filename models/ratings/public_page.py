"""The rating study's section on the real league, written from the figures of `models.ratings.public_study`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from models.ratings.markdown import gain, interval, listed, table
from models.ratings.resampling import difference, lengthened, ratio

INTRODUCTION = "https://www.nfl.com/news/next-gen-stats-intro-to-passing-score-metric"
RANKING = "https://nfl.com/_amp/ranking-the-14-playoff-quarterbacks-based-on-ngs-new-passing-score-metric"
SCIENCE = "https://www.amazon.science/blog/the-science-behind-nfl-next-gen-stats-new-passing-metric"
REPORT = "https://lambdascientifica.com/rodgers-burrow-and-mahomes-lead-new-qb-stat-from-aws-and-nfl/"

_NAMES = {
    "rating": "rating",
    "passer_rating": "passer rating",
    "yards_per_attempt": "yards per attempt",
    "cpoe": "CPOE",
    "epa_per_attempt": "EPA per attempt",
    "qbr": "QBR",
    "epa_per_play": "EPA per play (ESPN)",
}
_IN_BOTH = ("passer_rating", "yards_per_attempt", "cpoe")
_UNITS = {"passer_rating": "points", "yards_per_attempt": "yards", "cpoe": "percentage points"}
_RESULTS = {
    "points": "points, same games",
    "points_of_other_games": "points, other games",
    "won": "wins, same games",
    "won_of_other_games": "wins, other games",
    "playoffs": "playoffs",
}
_DIGITS = 2

_SECTION = """## The real league's public measures

No real season with tracking is available, so the rating cannot be measured in the real league. Other measures of
passers are public. This section measures them in the regular seasons of {first} to {last}, next to the simulated
seasons above.

**Tables.** Schedules, passers' weekly lines with expected points added (EPA) and Next Gen Stats come from nflverse, QBR
from ESPN. The project does not contain their rows. The {games} games have {starts} starts. The league's id joins a
start with the passer's line and with Next Gen Stats of that week; the game's number and the passer's first initial and
surname join it with QBR.

|  | joined | not joined |
|---|---|---|
| starters in the schedule with a line of passing | {named} | {threw_no_pass} threw no pass that week |
| starts with Next Gen Stats | {tracked} | {untracked}; games of fewer than 15 attempts are not listed |
| starts with QBR, {first_qbr} to {last_qbr} | {graded} | {ungraded}; games of few plays are not listed |
| lines of passing that belong to a start | {joined} | {other_lines}, of backups and others: {other_share} of attempts |
| Next Gen Stats that belong to a start | {tracked} | {tracked_of_no_start} |
| QBR that belongs to a start | {graded} | {graded_of_no_start} |

If the schedule's starter threw no pass, the start belongs to the teammate with the most attempts.
{without_a_passer}
QBR ends in {last_qbr}, so it is compared with the other measures in the seasons that have it.

**A passer's season** is the games they started, for any team. It qualifies with {attempts_a_game} attempts in them for
each game that a team plays, which is what the league asks of its passing leaders:
{least}. That makes {seasons} seasons
of {passers} passers, with {plays} attempts in the median. Wins and points are those of the games they started; a tie is
half a win. If two passers share a game, only the starter's passes count, and the result is theirs. A team made the
playoffs if it has a game after the regular season. Passers who changed teams count with the one for which they started
more games. Playoff games count for nothing else.

**Measures** are sums over games divided by sums over games. CPOE is published by game, so it is weighted by attempts.
*EPA per attempt* is the EPA of passes and sacks divided by attempts, because the table does not count sacks. *EPA per
play* is ESPN's, of passes, sacks, runs and penalties. QBR exists only by game; its mean is weighted by plays. ESPN's
own QBR of a season is not such a mean.

Everything is relative to the mean of the season's qualified passers, so that a good season of the whole league does not
count as skill. All seasons of passers weigh the same. Brackets are 95% intervals by bootstrap over passers with all of
their seasons, because the seasons of one passer are alike. There are {resamples} resamples and {repeats} random splits.
*Same games* and *other games* are as above: even weeks against odd weeks.

### Reliability and winning

Reliability is the correlation of random halves of a passer's games, extended to the season. *Playoffs* is 1 if the team
made them and 0 if not.

{measures}

Passer rating minus the other, for the same passers and games. Bold: the interval excludes 0.

{gains}

The same for the {seasons_with_qbr} seasons of {passers_with_qbr} passers from {first_qbr} to {last_qbr}, with QBR:

{measures_with_qbr}

{gains_with_qbr}

In the same games, EPA and QBR contain the points that were scored. Passer rating contains touchdowns.

### Next to the simulated league

The same measures in both leagues, with reliability from random halves of games in both. The leagues are independent
samples; the intervals of the differences follow from theirs. Bold: the interval excludes 0.

{both}

Simulated teams differ in their passers only. In the real league, good passers also have good or bad teammates, coaches
and defenses, and the results include them.

### How widely skill is spread

What two halves of a season have in common is what repeats: skill, and everything else that stays the same. Its standard
deviation does not depend on the number of passes. The simulated league's comes from a `skill_spread` of {skill_spread}.

{deviations}

{deviation_words}

Three things blur this comparison. In the real league, teammates, coaches and schedules repeat, too: for the passers
alone the spread is smaller, unless good passers have worse teammates. Real passers who play badly lose the job before
they qualify: among all who start, the spread is larger. And the two leagues' CPOE comes from different models of
completion; the other two measures have the same formulas.

### What can be compared, and what cannot

Fair comparisons:

- The rating with passer rating, yards per attempt and CPOE, in simulated seasons: they are measured on the same passes.
- The public measures with each other, in the real league: they are measured on the same games.
- Passer rating, yards per attempt and CPOE in the real league with the same three in the simulated league. This checks
  the simulated league, not the measures. Formulas, halves and qualification are the same. Real passers throw more,
  which the row for {simulated_plays} attempts allows for. Results are those of the games that the passer started in the
  real league, and of all games of the team in the simulated one.

Unfair comparisons:

- The rating in the simulated league with any measure in the real one. The simulated league has skill of one kind, which
  is the kind that the rating measures. Nothing here shows that the rating would be more reliable than passer rating in
  the real league, or that it would go better with winning.
- The rating with EPA or QBR. Those are not measured in the simulated league, nor is the rating in the real one.
- The rating with the league's own passing score. Only a few of its values are public.
- Playoffs. The simulated league has none.
- Any correlation with winning as the effect of the passer. Coaches choose who starts, and those who play badly lose the
  job before they qualify. Good teams make their passers look better.

### What the league says about its own score

The league presented its passing score on January 13, 2022 ([introduction]({introduction})). The
[article about the science behind it]({science}) says that earlier measures, such as passer rating and QBR, are
criticized for being unrelated to winning, and that the new score seeks to improve on them. That it correlates better
with the share of wins and with the playoffs than passer rating, CPOE or EPA is known here at second hand only. Only the
beginnings of these pages could be read, and they give no correlations. So no figure of that claim could be checked. The
tables above show what such a score has to exceed.

One count is public: of the first {places} passers of {first_season} by that score,
[13 made the playoffs]({ranking}). For the public measures it is, with {in_playoffs} of the {first_qualified} qualified
passers in the playoffs:

{first_table}

This is one season, and it was chosen by those who presented the score. The league ranked 31 passers in 2021.
"""


def section(figures: Mapping[str, Any], simulated: Mapping[str, Any]) -> str:
    """The section in Markdown. `simulated`: the figures of `models.ratings.study`, to compare with."""
    joined, whole, with_qbr, first = figures["joined"], figures["all"], figures["with_qbr"], figures["first"]
    by_games = simulated["reliability_by_games"]
    tracked, lost = joined["starts"] - joined["without_next_gen_stats"], joined["starts_without_a_passer"]
    return _SECTION.format(
        first=whole["first_season"],
        last=whole["last_season"],
        games=f"{joined['games']:,}",
        starts=f"{2 * joined['games']:,}",
        named=f"{2 * joined['games'] - joined['starters_who_threw_no_pass']:,}",
        threw_no_pass=joined["starters_who_threw_no_pass"],
        without_a_passer=f"{lost} starts are of no passer and left out." if lost else "So every start has a passer.",
        joined=f"{joined['starts']:,}",
        tracked=f"{tracked:,}",
        untracked=joined["without_next_gen_stats"],
        tracked_of_no_start=joined["next_gen_stats_of_no_start"],
        first_qbr=with_qbr["first_season"],
        last_qbr=with_qbr["last_season"],
        graded=f"{joined['starts_in_seasons_with_qbr'] - joined['without_qbr']:,}",
        ungraded=joined["without_qbr"],
        graded_of_no_start=joined["qbr_of_no_start"],
        other_lines=f"{joined['other_lines']:,}",
        other_share=f"{joined['attempts_in_other_lines'] / joined['attempts']:.1%}",
        attempts_a_game=figures["settings"]["attempts_a_game"],
        least=_least(figures["settings"]["min_attempts"]),
        seasons=whole["passer_seasons"],
        passers=whole["passers"],
        plays=f"{whole['plays']:.0f}",
        first_season=first["season"],
        first_qualified=first["qualified"],
        resamples=f"{figures['settings']['resamples']:,}",
        repeats=figures["settings"]["repeats"],
        measures=measures_table(whole),
        gains=_gains(whole),
        seasons_with_qbr=with_qbr["passer_seasons"],
        passers_with_qbr=with_qbr["passers"],
        measures_with_qbr=measures_table(with_qbr),
        gains_with_qbr=_gains(with_qbr),
        both=_both(whole, simulated),
        skill_spread=simulated["settings"]["skill_spread"],
        deviations=_deviations(whole, simulated),
        deviation_words=_deviation_words(whole, simulated),
        simulated_plays=f"{by_games['plays']:.0f}",
        introduction=INTRODUCTION,
        science=SCIENCE,
        ranking=RANKING,
        places=first["places"],
        in_playoffs=first["in_playoffs"],
        first_table=table(
            ["measure", f"of the first {first['places']}, in the playoffs"],
            [[_NAMES[name], made] for name, made in first["measures"].items()],
        ),
    )


def measures_table(found: Mapping[str, Any]) -> str:
    """Reliability of every measure, and its correlation with points, wins and playoffs."""
    columns = [found["reliability"]["measures"], *(found["results"][key]["measures"] for key in _RESULTS)]
    rows = [[_NAMES[name], *(interval(column[name], _DIGITS) for column in columns)] for name in columns[0]]
    return table(["measure", "reliability", *_RESULTS.values()], rows)


def _gains(found: Mapping[str, Any]) -> str:
    columns = [found["reliability"], *(found["results"][key] for key in _RESULTS)]
    gains = [column["passer_rating_less"] for column in columns]
    rows = [[_NAMES[name], *(gain(column[name]) for column in gains)] for name in gains[0]]
    return table(["passer rating minus", "reliability", *_RESULTS.values()], rows)


def _both(real: Mapping[str, Any], simulated: Mapping[str, Any]) -> str:
    """Every quantity that both leagues have, measure by measure."""
    by_games = simulated["reliability_by_games"]
    rows: list[list[str]] = []
    of_real, of_simulated = real["reliability"]["measures"], by_games["measures"]
    quantities = [
        ("reliability", of_real, of_simulated),
        (
            f"reliability at {by_games['plays']:.0f} attempts",
            {name: _at(figure, by_games["plays"] / real["plays"]) for name, figure in of_real.items()},
            of_simulated,
        ),
        *(
            (title, real["results"][key]["measures"], simulated["results"][key]["measures"])
            for key, title in _RESULTS.items()
            if key in simulated["results"]
        ),
    ]
    for title, ours, theirs in quantities:
        for name in _IN_BOTH:
            apart = gain(difference(ours[name], theirs[name]), _DIGITS)
            rows.append([title, _NAMES[name], *(interval(of[name], _DIGITS) for of in (ours, theirs)), apart])
        rows.append([title, _NAMES["rating"], "unknown", interval(theirs["rating"], _DIGITS), ""])
    return table(["", "measure", "real", "simulated", "real minus simulated"], rows)


def _at(reliability: Sequence[float], times: float) -> list[float]:
    """A reliability with its interval for this many times as many passes."""
    return [lengthened(value, times) for value in reliability]


def _ratios(real: Mapping[str, Any], simulated: Mapping[str, Any]) -> dict[str, list[float]]:
    """How much more widely what repeats is spread in the real league than in the simulated one."""
    ours, theirs = real["reliability"]["deviations"], simulated["reliability_by_games"]["deviations"]
    return {name: ratio(ours[name], theirs[name]) for name in _IN_BOTH}


def _deviations(real: Mapping[str, Any], simulated: Mapping[str, Any]) -> str:
    ours, theirs = real["reliability"]["deviations"], simulated["reliability_by_games"]["deviations"]
    spread = simulated["settings"]["skill_spread"]
    rows = [
        [
            f"{_NAMES[name]}, {_UNITS[name]}",
            interval(ours[name], _DIGITS),
            interval(theirs[name], _DIGITS),
            interval(times, _DIGITS),
            interval([spread * value for value in times], _DIGITS),
        ]
        for name, times in _ratios(real, simulated).items()
    ]
    heads = ["what repeats, standard deviation", "real", "simulated", "real / simulated", "`skill_spread` that fits"]
    return table(heads, rows)


def _deviation_words(real: Mapping[str, Any], simulated: Mapping[str, Any]) -> str:
    """Whether the simulated spread is that of the real league, and what the rating would be worth with the real one."""
    ratios = _ratios(real, simulated)
    narrower = [_NAMES[name] for name, (_, _, high) in ratios.items() if high < 1]
    wider = [_NAMES[name] for name, (_, low, _) in ratios.items() if low > 1]
    parts = [
        f"The real league's passers differ **{verdict}** than the simulated ones in {listed(named)}."
        for verdict, named in (("less", narrower), ("more", wider))
        if named
    ]
    if len(narrower) + len(wider) < len(ratios):
        parts.append("The intervals of the other ratios contain 1." if parts else "All intervals contain 1.")
    values = [value for value, _, _ in ratios.values()]
    if not all(map(math.isfinite, values)):
        return " ".join(parts)
    least, most = min(values), max(values)
    spread, shrinkage = simulated["settings"]["skill_spread"], simulated["league"]["shrinkage_plays"]
    by_games = simulated["reliability_by_games"]
    plays, reliability = by_games["plays"], by_games["measures"]["rating"][0]
    luck = plays * (1 / reliability - 1)
    low, high = (plays / (plays + luck / times**2) for times in (least, most))
    parts += [
        f"The ratios correspond to a spread of {spread * least:.2f} to {spread * most:.2f} instead of {spread:g}.",
        f"With it, the rating's reliability over {plays:.0f} passes would be {low:.2f} to {high:.2f} instead of "
        f"{reliability:.2f},",
        f"and the shrinkage that fits would be {shrinkage / most**2:.0f} to {shrinkage / least**2:.0f} plays "
        f"instead of {shrinkage:.0f}.",
        f"The sections above and the release's reference population are for a spread of {spread:g}.",
    ]
    return " ".join(parts)


def _least(min_attempts: Mapping[str, int]) -> str:
    """`224 from 2016 to 2020 and 238 from 2021 to 2025`."""
    parts = []
    for least, years in groupby(min_attempts.items(), key=lambda item: item[1]):
        named = [year for year, _ in years]
        parts.append(f"{least} from {named[0]} to {named[-1]}" if len(named) > 1 else f"{least} in {named[0]}")
    return listed(parts)
