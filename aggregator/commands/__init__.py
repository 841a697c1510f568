"""The aggregator on the command line: commands for ratings, and commands for operators.

They call a running service, or one of their own over a store (`aggregator.local`), in the same way. Calling a running
service needs the base install only; what needs more is imported when it is used.
"""

from aggregator.commands.compare import compare
from aggregator.commands.coverage import coverage
from aggregator.commands.leagues import leagues
from aggregator.commands.models import models
from aggregator.commands.operators import erase, operations
from aggregator.commands.plays import plays
from aggregator.commands.ratings import ratings
from aggregator.commands.watch import watch

__all__ = ["compare", "coverage", "erase", "leagues", "models", "operations", "plays", "ratings", "watch"]
