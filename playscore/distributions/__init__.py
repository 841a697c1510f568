"""Probability laws over the array API: the same lines train under torch and serve under numpy."""

from playscore.distributions.spliced_binned_pareto import SplicedBinnedPareto

__all__ = ["SplicedBinnedPareto"]
