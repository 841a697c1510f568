"""Games that never happened, with the law each outcome was drawn from."""

from simulator.defects import Defects
from simulator.games import SimulatedGame, simulate, simulate_game
from simulator.law import YardsLaw

__all__ = ["Defects", "SimulatedGame", "YardsLaw", "simulate", "simulate_game"]
