"""What a rating is worth, measured where true skill is known: recovery, reliability, points and wins, coverage.

Every figure is [value, lower, upper] with a 95% interval by bootstrap over passers' seasons, unless stated otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ratings import box_score
from models.ratings.population import SEASON_GAMES, SKILL_SPREAD
from models.ratings.resampling import compared, correlations, figure, of_halves, resampled, split
from models.ratings.seasons import Passes, Seasons
from playscore.errors import PlayscoreError, Reason
from playscore.ratings import HIGHEST, rate
from playscore.release import ReferencePopulation
from simulator.games import GAMES_A_WEEK

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

RATING = "rating"
MEASURES = (RATING, "oracle", "passer_rating", "yards_per_attempt", "cpoe")
"""The rating, the same by the true distributions (nothing beats it except by luck), and what it is compared with."""
PLAYS = (20, 100, 300, 500)

PEERS = 31
"""Qualified passers of the season whose ratings are publicly known."""
PUBLIC = {"first": (1, 92), "fifth": (5, 89), "thirteenth": (13, 83), "best": (1, 99)}
"""Rank and rating: three of 2021, and the best of 2020. The scale's constants were chosen with them."""
MORE_PUBLIC = {"2021 tenth": (10, 87, 31), "2019 thirteenth": (13, 88, 32), "2018 nineteenth": (19, 85, 33)}
"""Rank, rating, and the number of qualified passers of the season. The scale's constants were chosen without them."""
_DRAWN_SEASONS = 20_000


@dataclass(frozen=True, eq=False)
class _Totals:
    """Sums over sets of plays, all of the same shape."""

    plays: Array
    play_score: Array
    oracle_score: Array
    yards: Array
    complete: Array
    intercepted: Array
    touchdown: Array
    over_expected: Array

    def measures(self, population: ReferencePopulation) -> dict[str, Array]:
        """The measures by name, in the order of MEASURES."""
        return {
            RATING: rate(self.plays.astype(np.intp), self.play_score, population).rating,
            "oracle": self.oracle_score / self.plays,
            "passer_rating": box_score.passer_rating(
                self.plays, self.complete, self.yards, self.touchdown, self.intercepted
            ),
            "yards_per_attempt": self.yards / self.plays,
            "cpoe": 100 * self.over_expected / self.plays,
        }


def figures(
    played: Seasons, population: ReferencePopulation, *, repeats: int = 20, resamples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """All figures of the study, ready for JSON.

    `repeats`: how often plays are drawn, or seasons split in halves, to average out the luck of the draw.
    Raises FIELD_INVALID if the seasons are too short for three passers to qualify.
    """
    study = _Study(played, population, repeats, resamples, np.random.default_rng(seed))
    return {
        "settings": {
            "seed": played.seed,
            "seasons": played.seasons,
            "games": played.games,
            "season_games": min(played.games, SEASON_GAMES),
            "skill_spread": SKILL_SPREAD,
            "min_plays": population.min_plays,
            "repeats": repeats,
            "resamples": resamples,
        },
        "league": study.league(),
        "recovery": study.recovery(),
        "reliability": study.reliability(),
        "results": study.results(),
        "coverage": study.coverage(),
        "scale": study.scale(),
        "reliability_by_games": study.reliability_by_games(),
    }


class _Study:
    def __init__(
        self,
        played: Seasons,
        population: ReferencePopulation,
        repeats: int,
        resamples: int,
        rng: np.random.Generator,
    ) -> None:
        self.passes, self.played, self.population = played.passes, played, population
        self.repeats, self.resamples, self.rng = repeats, resamples, rng
        all_plays = [np.flatnonzero(self.passes.passer == row) for row in range(len(played.passers.skill))]
        in_season = [plays[self.passes.game[plays] < SEASON_GAMES] for plays in all_plays]
        self.qualified = np.flatnonzero([len(plays) >= population.min_plays for plays in in_season])
        if len(self.qualified) < 3:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"{len(self.qualified)} passers have {population.min_plays} plays in {played.games} games; "
                f"a season has {SEASON_GAMES}",
            )
        self.plays = [all_plays[row] for row in self.qualified]
        self.season = [in_season[row] for row in self.qualified]
        self.skill = played.passers.skill[self.qualified]
        average, gain = float(self.passes.average_score.mean()), float(self.passes.gain_of_skill.mean())
        self.true_mean = average + gain * self.skill
        """The expected score by the model of each passer on the passes of the whole league."""
        self.true_rating = self.on_the_scale(self.true_mean)

    def on_the_scale(self, mean: Array) -> Array:
        """The rating for a known mean."""
        known = self.population.model_copy(update={"shrinkage_plays": 0.0})
        return rate(np.ones(len(mean), np.intp), mean, known).rating

    def league(self) -> dict[str, Any]:
        """What was played, and whether the reference population is like it.

        `luck_in_released_mean` is the standard error of the release's mean, in rating points. It comes from the luck of
        plays only, because the skills of the population's passers are dealt and sum to 0.
        """
        population = self.population
        totals = _totals(self.passes, self.season)
        found = totals.measures(population)[RATING]
        weights = self._weights(np.arange(len(self.qualified)))
        counts = np.asarray([len(plays) for plays in self.plays])
        average = _means(np.asarray([self.passes.average_score[plays].sum() for plays in self.plays]), counts, weights)
        per_deviation = population.rating_per_standard_deviation / population.standard_deviation
        medians = [np.median(np.repeat(found, weight.astype(int))) for weight in weights]
        return {
            "passes": len(self.passes.yards),
            "qualified": len(self.qualified),
            "plays_of_a_season": [float(end) for end in np.quantile(totals.plays, [0.5, 0, 1])],
            "median_rating": figure(np.asarray(medians)),
            "deviation_of_ratings": figure(_deviations(found, weights)),
            "rating_less_true": figure(_means(found - self.true_rating, np.ones(len(found)), weights)),
            "average_passer": figure(average),
            "average_passer_rating": figure(population.median_rating + per_deviation * (average - population.mean)),
            "true_deviation": float(self.true_mean.std(ddof=1)),
            "released_true_deviation": population.play_standard_deviation / float(np.sqrt(population.shrinkage_plays)),
            "released_mean": population.mean,
            "luck_in_released_mean": per_deviation
            * population.play_standard_deviation
            / float(np.sqrt(population.subjects * np.median(totals.plays))),
            "shrinkage_plays": population.shrinkage_plays,
            "scale_median": population.median_rating,
            "scale_deviation": population.rating_per_standard_deviation,
        }

    def recovery(self) -> dict[str, Any]:
        """By number of plays: the correlation of every measure with true skill, and how much higher the rating's is."""
        found = {}
        for plays in PLAYS:
            enough = self._with_plays(plays)
            if len(enough) < 3:
                continue
            drawn = [self._drawn(enough, plays) for _ in range(self.repeats)]
            measures = _stacked([totals.measures(self.population) for totals in drawn])
            weights = self._weights(enough)
            found[str(plays)] = {
                "passers": len(enough),
                **compared(
                    {name: correlations(values, self.skill[enough], weights) for name, values in measures.items()},
                    RATING,
                ),
            }
        return found

    def reliability(self) -> dict[str, Any]:
        """The correlation of random halves of a season, extended to the whole by the Spearman-Brown formula."""
        halves: list[list[dict[str, Array]]] = [[], []]
        for _ in range(self.repeats):
            shuffled = [self.rng.permutation(plays) for plays in self.season]
            for half in (0, 1):
                chosen = [plays[half::2] for plays in shuffled]
                halves[half].append(_totals(self.passes, chosen).measures(self.population))
        one, other = (_stacked(half) for half in halves)
        weights = self._weights(np.arange(len(self.qualified)))
        return {"passers": len(self.qualified), **of_halves(one, other, weights, RATING)}

    def reliability_by_games(self) -> dict[str, Any]:
        """The same for random halves of each passer's games: tables of a real league know games, not passes."""
        plays = np.concatenate(self.season)
        owner = np.repeat(np.arange(len(self.season)), [len(mine) for mine in self.season])
        games, game_of = np.unique(np.stack([owner, self.passes.game[plays]]), axis=1, return_inverse=True)
        halves: list[list[dict[str, Array]]] = [[], []]
        for _ in range(self.repeats):
            first = split(self.rng, games[0])[game_of]
            for half, chosen in zip(halves, (first, ~first), strict=True):
                sets = [plays[chosen & (owner == row)] for row in range(len(self.season))]
                half.append(_totals(self.passes, sets).measures(self.population))
        one, other = (_stacked(half) for half in halves)
        weights = self._weights(np.arange(len(self.qualified)))
        return {
            "passers": len(self.qualified),
            "plays": float(np.median([len(mine) for mine in self.season])),
            **of_halves(one, other, weights, RATING),
        }

    def results(self) -> dict[str, Any]:
        """Correlation with a team's points per game and share of wins, in the same games and in other games.

        In other games: the measure from even weeks with the results of odd weeks, averaged with the reverse.
        """
        season = np.arange(SEASON_GAMES)
        even = season // GAMES_A_WEEK % 2 == 0
        halves = [[plays[even[self.passes.game[plays]] == half] for plays in self.season] for half in (True, False)]
        weights = self._weights(np.arange(len(self.qualified)))
        whole = self._with_skill(self.season)
        parts = _stacked([self._with_skill(half) for half in halves])
        found: dict[str, Any] = {"passers": len(self.qualified)}
        for name in ("points", "won"):
            of_season = self._results(name, season)
            of_others = np.stack([self._results(name, season[games]) for games in (~even, even)])
            found[name] = compared({key: correlations(whole[key], of_season, weights) for key in whole}, RATING)
            found[f"{name}_of_other_games"] = compared(
                {key: correlations(parts[key], of_others, weights) for key in parts}, RATING
            )
        return found

    def coverage(self) -> dict[str, Any]:
        """How often the 90% interval contains the true rating, and how far the rating is from it, by number of plays.

        A passer's plays are shuffled and divided into disjoint sets of that number. `season` is all plays of a season.
        """
        sets: dict[str, list[list[Integers]]] = {}
        for plays in PLAYS:
            shuffled = [self.rng.permutation(mine) for mine in self.plays]
            sets[str(plays)] = [
                [mine[start : start + plays] for start in range(0, len(mine) - plays + 1, plays)] for mine in shuffled
            ]
        sets["season"] = [[plays] for plays in self.season]
        weights = self._weights(np.arange(len(self.qualified)))
        found: dict[str, Any] = {}
        shares: list[Array] = []
        for name, of_passer in sets.items():
            owner = np.repeat(np.arange(len(of_passer)), [len(mine) for mine in of_passer])
            if len(np.unique(owner)) < 3:
                continue
            totals = _totals(self.passes, [plays for mine in of_passer for plays in mine])
            rated = rate(totals.plays.astype(np.intp), totals.play_score, self.population)
            truth = self.true_rating[owner]
            raw = self.on_the_scale(totals.play_score / totals.plays)
            counts = np.bincount(owner, minlength=len(of_passer))

            def share(values: Array, owner: Integers = owner, counts: Integers = counts) -> Array:
                return _means(np.bincount(owner, values, minlength=len(counts)).astype(np.float64), counts, weights)

            covered = (rated.low <= truth) & (truth <= rated.high)
            shares.append(share(covered.astype(np.float64)))
            found[name] = {
                "passers": len(np.unique(owner)),
                "intervals": len(owner),
                "covered": figure(shares[-1]),
                "points_wide": figure(share(rated.high - rated.low)),
                "error": figure(np.sqrt(share((rated.rating - truth) ** 2))),
                "error_without_shrinkage": figure(np.sqrt(share((raw - truth) ** 2))),
            }
        return {**found, "all": {"covered": figure(np.mean(shares, axis=0))}}

    def scale(self) -> dict[str, Any]:
        """How publicly known ratings compare with seasons of PEERS passers drawn from the population.

        `band` is the central 95% of the drawn seasons; `percentile` counts half of those with the same rating.
        """
        ratings = self._drawn_ratings(PEERS)
        found: dict[str, Any] = {"peers": PEERS, "seasons": _DRAWN_SEASONS}
        points = {name: (ratings[:, place - 1], float(public)) for name, (place, public) in PUBLIC.items()}
        points["first less thirteenth"] = (
            points["first"][0] - points["thirteenth"][0],
            points["first"][1] - points["thirteenth"][1],
        )
        found |= {name: _placed(drawn, public) for name, (drawn, public) in points.items()}
        found["seasons_with_a_99"] = float((ratings[:, 0] == HIGHEST).mean())
        found["more"] = {
            name: {"peers": peers, **_placed(self._drawn_ratings(peers)[:, place - 1], float(public))}
            for name, (place, public, peers) in MORE_PUBLIC.items()
        }
        return found

    def _drawn_ratings(self, peers: int) -> Array:
        """(_DRAWN_SEASONS, peers) the ratings of passers drawn from the population, each season from the best down."""
        population, rng, shape = self.population, self.rng, (_DRAWN_SEASONS, peers)
        deviation = population.play_standard_deviation
        plays = rng.choice([len(mine) for mine in self.season], shape)
        true = rng.normal(population.mean, deviation / np.sqrt(population.shrinkage_plays), shape)
        total = plays * true + np.sqrt(plays) * rng.normal(0, deviation, shape)
        ratings: Array = -np.sort(-rate(plays, total, population).rating, axis=1)
        return ratings

    def _with_skill(self, plays: list[Integers]) -> dict[str, Array]:
        return {**_totals(self.passes, plays).measures(self.population), "skill": self.skill}

    def _results(self, name: str, games: Integers) -> Array:
        """(P,) the mean result in these games of the teams of the qualified passers."""
        results = self.played.results
        chosen = np.isin(results.game, games)
        teams = int(results.team.max()) + 1
        sums = np.bincount(results.team[chosen], getattr(results, name)[chosen], minlength=teams)
        means: Array = sums / np.maximum(np.bincount(results.team[chosen], minlength=teams), 1)
        return means[self.played.passers.team[self.qualified]]

    def _with_plays(self, plays: int) -> Integers:
        return np.flatnonzero([len(mine) >= plays for mine in self.plays])

    def _drawn(self, passers: Integers, plays: int) -> _Totals:
        return _totals(self.passes, [self.rng.choice(self.plays[row], plays, replace=False) for row in passers])

    def _weights(self, passers: Integers) -> Array:
        """(B + 1, P) how often each passer counts: first everyone once, then B resamples."""
        return resampled(self.rng, passers, self.resamples)


def _placed(drawn: Array, public: float) -> dict[str, Any]:
    """Where a publicly known rating lies among those of drawn seasons."""
    low, median, high = (float(end) for end in np.quantile(drawn, [0.025, 0.5, 0.975]))
    return {
        "public": public,
        "median": median,
        "band": [low, high],
        "percentile": 100 * float((drawn < public).mean() + (drawn == public).mean() / 2),
        "inside": bool(low <= public <= high),
    }


def _totals(passes: Passes, sets: list[Integers]) -> _Totals:
    """The sums over each of these sets of plays."""
    rows = np.concatenate(sets)
    starts = np.cumsum([0, *(len(plays) for plays in sets[:-1])])

    def total(values: NDArray[Any]) -> Array:
        return np.add.reduceat(values[rows].astype(np.float64), starts)

    return _Totals(
        plays=np.asarray([len(plays) for plays in sets], np.float64),
        play_score=total(passes.play_score),
        oracle_score=total(passes.oracle_score),
        yards=total(passes.yards),
        complete=total(passes.complete),
        intercepted=total(passes.intercepted),
        touchdown=total(passes.touchdown),
        over_expected=total(passes.complete - passes.expected_completion),
    )


def _stacked(parts: list[dict[str, Array]]) -> dict[str, Array]:
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def _means(sums: Array, counts: NDArray[Any], weights: Array) -> Array:
    """(B,) means of values with these sums and counts (P,), for each of the weights (B, P)."""
    means: Array = weights @ sums / np.maximum(weights @ counts, 1e-300)
    return means


def _deviations(values: Array, weights: Array) -> Array:
    """(B,) standard deviations of values (P,), for each of the weights (B, P)."""
    count = weights.sum(axis=1)
    centered = values - values.mean()
    variance = weights @ centered**2 / count - (weights @ centered / count) ** 2
    deviations: Array = np.sqrt(variance * count / (count - 1))
    return deviations
