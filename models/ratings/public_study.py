"""What public measures of passers are worth in the real league: reliability, points, wins and playoffs.

Halves, other games and formulas are those of `models.ratings.study`, so that both leagues can stand side by side. Three
things differ, because a real league is not dealt. Measures and results are relative to the mean of the season's
passers, resamples draw a passer with all of their seasons, and only the games that a passer started count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ratings import box_score
from models.ratings.public import PublicSeasons, Starts
from models.ratings.resampling import compared, correlations, of_halves, resampled, split
from playscore.errors import PlayscoreError, Reason

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

REFERENCE = "passer_rating"
"""What the other measures are compared with."""
MEASURES = (REFERENCE, "yards_per_attempt", "cpoe", "epa_per_attempt")
ESPN_MEASURES = ("qbr", "epa_per_play")
"""These end earlier."""
ATTEMPTS_A_GAME = 14
"""For each game of the team: what the league asks of its passing leaders."""
FIRST_OF_2021 = 15
"""The league published how many of its first 15 passers of 2021 made the playoffs."""


def figures(
    public: PublicSeasons, *, repeats: int = 20, resamples: int = 1000, seed: int = 0, season: int = 2021
) -> dict[str, Any]:
    """All figures of the public measures, ready for JSON.

    `repeats`: how often games are split in random halves. `season`: for which the first passers are listed, if it is
    there. Raises FIELD_INVALID if fewer than three passers qualify.
    """
    study = _Study(public, np.random.default_rng(seed), repeats, resamples)
    return {
        "settings": {
            "repeats": repeats,
            "resamples": resamples,
            "attempts_a_game": ATTEMPTS_A_GAME,
            "min_attempts": {str(year): ATTEMPTS_A_GAME * games for year, games in public.team_games.items()},
        },
        "joined": dict(public.joined),
        "all": study.within(min(public.team_games), max(public.team_games), MEASURES),
        "with_qbr": study.within(*public.qbr_seasons, MEASURES + ESPN_MEASURES),
        "first": study.first(season, FIRST_OF_2021),
    }


@dataclass(frozen=True, eq=False)
class Qualified:
    """P seasons of passers who qualify, and their N starts."""

    starts: Starts
    owner: Integers
    """(N,) row of the passer's season of each start."""
    passer: NDArray[np.str_]
    """(P,)"""
    season: Integers
    """(P,)"""

    def __len__(self) -> int:
        return len(self.passer)

    def total(self, values: NDArray[Any], chosen: Flags) -> Array:
        """(P,) the sums over the chosen starts (N,)."""
        sums: Array = np.bincount(self.owner, values * chosen, len(self)).astype(np.float64)
        return sums

    def measures(self, chosen: Flags) -> dict[str, Array]:
        """(P,) each measure on the chosen starts (N,); NaN where nothing is known."""
        of = self.starts

        def total(values: Array) -> Array:
            return self.total(values, chosen)

        with np.errstate(invalid="ignore", divide="ignore"):
            attempts, plays = total(of.attempts), total(of.plays)
            return {
                "passer_rating": box_score.passer_rating(
                    attempts, total(of.completions), total(of.yards), total(of.touchdowns), total(of.interceptions)
                ),
                "yards_per_attempt": total(of.yards) / attempts,
                "cpoe": 100 * total(of.over_expected) / total(of.expected_attempts),
                "epa_per_attempt": total(of.epa) / attempts,
                "qbr": total(of.qbr) / plays,
                "epa_per_play": total(of.play_epa) / plays,
            }

    def mean(self, values: NDArray[Any], chosen: Flags) -> Array:
        """(P,) the means over the chosen starts (N,); NaN where there are none."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Array = self.total(values, chosen) / self.total(np.ones(len(self.owner)), chosen)
        return means


def qualified(public: PublicSeasons) -> Qualified:
    """The passers' seasons with ATTEMPTS_A_GAME attempts, in games that they started, for each game of a team."""
    starts = public.starts
    names = np.char.add(np.char.add(starts.season.astype(np.str_), "/"), starts.passer)
    _, first, owner = np.unique(names, return_index=True, return_inverse=True)
    attempts = np.bincount(owner, starts.attempts)
    season = starts.season[first]
    least = ATTEMPTS_A_GAME * np.asarray([public.team_games[int(year)] for year in season])
    enough = attempts >= least
    kept = enough[owner]
    row = np.cumsum(enough) - 1
    return Qualified(starts.subset(kept), row[owner[kept]], starts.passer[first][enough], season[enough])


def made_playoffs(among: Qualified) -> Array:
    """(P,) 1 if the team for which the passer started more games made the playoffs, else 0."""
    share = among.mean(among.starts.playoffs, np.ones(len(among.owner), bool))
    return (share >= 0.5).astype(np.float64)


class _Study:
    def __init__(self, public: PublicSeasons, rng: np.random.Generator, repeats: int, resamples: int) -> None:
        self.public, self.rng, self.repeats, self.resamples = public, rng, repeats, resamples
        self.qualified = qualified(public)
        if len(self.qualified) < 3:
            least = {ATTEMPTS_A_GAME * games for games in public.team_games.values()}
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"{len(self.qualified)} seasons of passers have the {' or '.join(map(str, sorted(least)))} attempts in "
                "starts that qualify",
            )

    def within(self, first: int, last: int, names: tuple[str, ...]) -> dict[str, Any]:
        """Reliability and results of these measures from the first to the last season.

        Seasons of passers of whom a measure is unknown in one of the halves are left out of all, and counted.
        """
        among, starts = self.qualified, self.qualified.starts
        all_starts, even = np.ones(len(starts), bool), starts.week % 2 == 0
        splits = [split(self.rng, among.owner) for _ in range(self.repeats)]
        whole = among.measures(all_starts)
        halves = [[among.measures(chosen) for chosen in (half, ~half)] for half in (even, *splits)]
        known = np.isfinite([[part[name] for name in names] for pair in halves for part in pair]).all(axis=(0, 1))
        asked = (among.season >= first) & (among.season <= last)
        kept = np.flatnonzero(asked & known)
        if len(kept) < 3:
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"{len(kept)} passers' seasons from {first} to {last} have all of {names}"
            )
        weights = resampled(self.rng, among.passer[kept], self.resamples)

        def centered(values: Array) -> Array:
            return _centered(values[..., kept], among.season[kept])

        def results(found: NDArray[Any], chosen: Flags) -> Array:
            return centered(among.mean(found, chosen))

        one, other = (
            {name: centered(np.stack([pair[part][name] for pair in halves[1:]])) for name in names} for part in (0, 1)
        )
        by_weeks = {name: centered(np.stack([part[name] for part in halves[0]])) for name in names}
        against: dict[str, tuple[dict[str, Array], Array]] = {}
        for key, found in (("points", starts.points), ("won", starts.won)):
            against[key] = ({name: centered(whole[name]) for name in names}, results(found, all_starts))
            against[f"{key}_of_other_games"] = (by_weeks, np.stack([results(found, half) for half in (~even, even)]))
        against["playoffs"] = (against["won"][0], centered(made_playoffs(among)))
        attempts = among.total(starts.attempts, all_starts)[kept]
        return {
            "first_season": first,
            "last_season": last,
            "passer_seasons": len(kept),
            "left_out": int(asked.sum()) - len(kept),
            "passers": len(np.unique(among.passer[kept])),
            "plays": float(np.median(attempts)),
            "starts": int(among.total(np.ones(len(starts)), all_starts)[kept].sum()),
            "reliability": of_halves(one, other, weights, REFERENCE),
            "results": {
                key: compared({name: correlations(values[name], y, weights) for name in names}, REFERENCE)
                for key, (values, y) in against.items()
            },
        }

    def first(self, season: int, places: int) -> dict[str, Any]:
        """How many of the first passers of a season made the playoffs, for each measure."""
        among = self.qualified
        mine, played_on = np.flatnonzero(among.season == season), made_playoffs(among)
        measures = among.measures(np.ones(len(among.owner), bool))
        known = {
            name: values[mine] for name, values in measures.items() if len(mine) and np.isfinite(values[mine]).all()
        }
        return {
            "season": season,
            "places": places,
            "qualified": len(mine),
            "in_playoffs": int(played_on[mine].sum()),
            "measures": {
                name: int(played_on[mine[np.argsort(-values, kind="stable")[:places]]].sum())
                for name, values in known.items()
            },
        }


def _centered(values: Array, season: Integers) -> Array:
    """Values (..., P) minus the mean of their season (P,)."""
    _, member = np.unique(season, return_inverse=True)
    of_season = (np.arange(member.max() + 1)[:, None] == member).astype(np.float64)
    means = values @ (of_season / of_season.sum(axis=1, keepdims=True)).T
    found: Array = values - means[..., member]
    return found
