"""`playscore ratings`, `compare`, `plays`, `coverage` and `watch`: the aggregator's answers on the command line.

They ask a running service, or one of their own over a store file (`aggregator.local`), by the same calls. Asking a
running service needs the base install only; what needs more is imported when it is used.
"""

from aggregator.commands.compare import compare
from aggregator.commands.coverage import coverage
from aggregator.commands.plays import plays
from aggregator.commands.ratings import ratings
from aggregator.commands.watch import watch

__all__ = ["compare", "coverage", "plays", "ratings", "watch"]
