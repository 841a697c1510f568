"""Probability distributions over the array API: the same code trains under torch and serves under numpy."""

from playscore.distributions.censored import Censored
from playscore.distributions.spliced_binned_pareto import SplicedBinnedPareto

__all__ = ["Censored", "SplicedBinnedPareto"]
