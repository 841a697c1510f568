"""Repeating what failed, within a budget: so that retries never multiply the load of a server that is down."""

from __future__ import annotations


class RetryBudget:
    """Tokens that failures spend and successes earn back slowly; with at most half of them left nothing is repeated.

    The rule of gRPC's retry throttling (proposal A6), for clients that must tell failures of one status code apart.
    """

    def __init__(self, tokens: float = 10.0, earned_by_success: float = 0.1) -> None:
        self._capacity = tokens
        self._tokens = tokens
        self._earned = earned_by_success

    def succeeded(self) -> None:
        """Earns a part of a token back."""
        self._tokens = min(self._capacity, self._tokens + self._earned)

    def failed(self) -> bool:
        """Spends a token; answers whether the budget allows a retry."""
        self._tokens = max(0.0, self._tokens - 1.0)
        return self._tokens > self._capacity / 2.0
