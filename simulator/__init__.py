"""Games that never happened, with the distribution each outcome was drawn from."""

from simulator.defects import Defects
from simulator.distribution import YardsDistribution
from simulator.games import SimulatedGame, simulate, simulate_game

__all__ = ["Defects", "SimulatedGame", "YardsDistribution", "simulate", "simulate_game"]
