"""Hockey games that never happened, with the chance that each goal was drawn from."""

from simulator.hockey.games import ShotTruth, SimulatedHockeyGame, simulate_game, simulate_games, simulate_shots
from simulator.hockey.league import Spread

__all__ = ["ShotTruth", "SimulatedHockeyGame", "Spread", "simulate_game", "simulate_games", "simulate_shots"]
