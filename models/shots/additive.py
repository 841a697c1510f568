"""A logit that is a sum: a constant, a table for each factor, and tables for some pairs of factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.core.atomic import whole
from models.shots.binning import Bins, Floats, Places
from playscore.errors import PlayscoreError, Reason

Array = NDArray[np.float64]

LISTED = 0.5
"""A flag above it is set."""
_SETTLED = 1e-12


@dataclass(frozen=True, eq=False)
class Pair:
    """A term of two factors, over their coarse bins: what it adds to the contribution of each."""

    first: int
    second: int
    to_first: Array
    """(B, C)"""
    to_second: Array
    """(B, C)"""

    def plus(self, other: Pair) -> Pair:
        """The sum with another term of the same factors."""
        return Pair(self.first, self.second, self.to_first + other.to_first, self.to_second + other.to_second)

    @classmethod
    def shared(cls, first: int, second: int, table: Array) -> Pair:
        """Half of a table for each of its factors."""
        return cls(first, second, table / 2.0, table / 2.0)


@dataclass(frozen=True, eq=False)
class Additive:
    """The model. Its contributions and the intercept add up to the logit."""

    bins: Bins
    intercept: float
    mains: tuple[Array, ...]
    """F tables, over the bins of each factor."""
    pairs: tuple[Pair, ...]

    def contributions(self, statics: Floats) -> Array:
        """(N, F) of the factors in statics (N, 2F)."""
        places = self.bins.places(statics)
        coarse = self.bins.coarse_places(places)
        found: Array = np.stack([table[mine] for table, mine in zip(self.mains, places, strict=True)], axis=1)
        for pair in self.pairs:
            cell = coarse[pair.first], coarse[pair.second]
            found[:, pair.first] += pair.to_first[cell]
            found[:, pair.second] += pair.to_second[cell]
        return found

    def logits(self, statics: Floats) -> Array:
        """(N,)"""
        logits: Array = self.intercept + self.contributions(statics).sum(axis=1)
        return logits

    def chances(self, statics: Floats) -> Array:
        """(N,) the probabilities of a goal."""
        return sigmoid(self.logits(statics))

    def plus(self, other: Additive) -> Additive:
        """The sum of both, which have the same bins. Terms of one pair of factors are one in it."""
        pairs = {(pair.first, pair.second): pair for pair in self.pairs}
        for pair in other.pairs:
            mine = pairs.get((pair.first, pair.second))
            pairs[pair.first, pair.second] = pair if mine is None else mine.plus(pair)
        return Additive(
            self.bins,
            self.intercept + other.intercept,
            tuple(one + two for one, two in zip(self.mains, other.mains, strict=True)),
            tuple(pairs.values()),
        )

    def save(self, path: Path) -> None:
        """Write it to a file, which appears complete or not at all."""
        content: dict[str, Any] = {"intercept": np.float64(self.intercept)}
        for place, table in enumerate(self.mains):
            content |= {
                f"edges.{place}": self.bins.edges[place],
                f"coarse.{place}": self.bins.coarse[place],
                f"main.{place}": table,
            }
        for pair in self.pairs:
            content[f"first.{pair.first}.{pair.second}"] = pair.to_first
            content[f"second.{pair.first}.{pair.second}"] = pair.to_second
        with whole(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **content)

    @classmethod
    def load(cls, path: Path) -> Additive:
        """Read what `save` wrote. Raises FIELD_INVALID if it is something else."""
        try:
            with np.load(path) as content:
                arrays = dict(content.items())
            factors = sum(name.startswith("main.") for name in arrays)
            edges, coarse, mains = (
                tuple(arrays[f"{kind}.{place}"] for place in range(factors)) for kind in ("edges", "coarse", "main")
            )
            named = [name.split(".") for name in arrays if name.startswith("first.")]
            pairs = tuple(
                Pair(int(one), int(two), arrays[f"first.{one}.{two}"], arrays[f"second.{one}.{two}"])
                for _, one, two in named
            )
            return cls(Bins(edges, coarse), float(arrays["intercept"]), mains, pairs)
        except (OSError, ValueError, KeyError) as fault:
            raise PlayscoreError(Reason.FIELD_INVALID, f"{path} is no saved additive model: {fault}") from fault


@dataclass(frozen=True, eq=False)
class ByListing:
    """Two models, for sources that list all unblocked attempts and for those that list shots on goal only.

    What is on goal anyway is likelier to go in: how much likelier is the contribution of `listing`, the factor that
    tells them apart.
    """

    unblocked: Additive
    on_goal: Additive
    listing: int
    """The place of the factor that is 1 where shots on goal only are listed."""

    @property
    def intercept(self) -> float:
        """To which contributions are added, whatever the listing."""
        return self.unblocked.intercept

    def contributions(self, statics: Floats) -> Array:
        """(N, F) of the factors in statics (N, 2F)."""
        on_goal = self.on_goal.contributions(statics)
        on_goal[:, self.listing] += self.on_goal.intercept - self.intercept
        listed = statics[:, self.listing] > LISTED
        return np.where(listed[:, None], on_goal, self.unblocked.contributions(statics))

    def chances(self, statics: Floats) -> Array:
        """(N,) the probabilities of a goal."""
        return sigmoid(self.intercept + self.contributions(statics).sum(axis=1))

    def plus(self, other: Additive) -> ByListing:
        """The same with another sum added to both."""
        return ByListing(self.unblocked.plus(other), self.on_goal.plus(other), self.listing)


Model = Additive | ByListing


def sigmoid(logits: Array) -> Array:
    """The probabilities of logits."""
    return 1.0 / (1.0 + np.exp(-logits))


def purified(
    bins: Bins,
    intercept: float,
    mains: Sequence[Array],
    tables: Mapping[tuple[int, int], Array],
    places: Places,
) -> Additive:
    """The same sum with every mean moved to where it belongs (functional ANOVA), by the density of bins (F, N).

    The rows and columns of a pair's table then have mean 0, weighted by how many rows have which bins, and so have the
    tables of single factors. Half of each pair's term goes to each factor, which makes contributions Shapley values.
    """
    moved = [table.copy() for table in mains]
    coarse = bins.coarse_places(places)
    pairs = []
    for (first, second), table in tables.items():
        weights = joint(bins, coarse, first, second)
        pure, rows, columns = pure_interaction(table, weights)
        moved[first] += rows[bins.coarse[first]]
        moved[second] += columns[bins.coarse[second]]
        pairs.append(Pair.shared(first, second, pure))
    means = [float(table[mine].mean()) for table, mine in zip(moved, places, strict=True)]
    centered = tuple(table - mean for table, mean in zip(moved, means, strict=True))
    return Additive(bins, intercept + sum(means), centered, tuple(pairs))


def joint(bins: Bins, coarse: Places, first: int, second: int) -> Array:
    """(B, C) how many rows of coarse bins (F, N) are in each cell of two factors."""
    shape = bins.coarse_counts[first], bins.coarse_counts[second]
    counts = np.bincount(coarse[first] * shape[1] + coarse[second], minlength=shape[0] * shape[1])
    return counts.astype(np.float64).reshape(shape)


def pure_interaction(
    table: Array, weights: Array, *, rows: bool = True, columns: bool = True
) -> tuple[Array, Array, Array]:
    """A table (B, C) as one whose weighted rows and columns have mean 0, plus (B,) of rows, plus (C,) of columns.

    Without `rows` or `columns` nothing is taken from these.
    """
    pure, of_rows, of_columns = table.copy(), np.zeros(table.shape[0]), np.zeros(table.shape[1])
    by_row, by_column = weights.sum(axis=1), weights.sum(axis=0)
    while True:
        row = np.divide((pure * weights).sum(axis=1), by_row, out=np.zeros_like(by_row), where=(by_row > 0) & rows)
        pure -= row[:, None]
        of_rows += row
        column = np.divide(
            (pure * weights).sum(axis=0), by_column, out=np.zeros_like(by_column), where=(by_column > 0) & columns
        )
        pure -= column
        of_columns += column
        if max(np.abs(row).max(), np.abs(column).max()) < _SETTLED:
            return pure, of_rows, of_columns
