"""Logistic regression with a ridge, by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 50
_SETTLED = 1e-9


@dataclass(frozen=True, eq=False)
class Logistic:
    """logit = intercept + columns @ weights."""

    intercept: float
    weights: Array
    """(C,)"""

    @classmethod
    def fit(cls, columns: Array, outcomes: NDArray[np.bool_], ridge: float = 1.0) -> Logistic:
        """From rows (N, C) and whether each came true (N,). The ridge holds the weights of standardized columns."""
        mean, spread = columns.mean(axis=0), columns.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        rows = np.column_stack([np.ones(len(columns)), (columns - mean) / spread])
        penalty = np.full(rows.shape[1], ridge)
        penalty[0] = 0.0
        solution = np.zeros(rows.shape[1])
        for _ in range(_STEPS):
            chance = 1.0 / (1.0 + np.exp(-(rows @ solution)))
            slope = rows.T @ (outcomes - chance) - penalty * solution
            curve = (rows * (chance * (1.0 - chance))[:, None]).T @ rows + np.diag(penalty + _SETTLED)
            step = np.linalg.solve(curve, slope)
            solution += step
            if np.abs(step).max() < _SETTLED:
                break
        weights = solution[1:] / spread
        return cls(float(solution[0] - mean @ weights), weights)

    def logits(self, columns: Array) -> Array:
        """(N,) of rows (N, C)."""
        logits: Array = self.intercept + columns @ self.weights
        return logits
