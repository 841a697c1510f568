"""Shots: the chance of a goal, and the factors that made it what it is."""
