"""Domain types and the messages of the contracts, both ways.

What comes from outside is checked here, once, against the limits that the contracts state
(`playscore.wire.validation`). A message that is wrong raises a PlayscoreError which names every field at fault by its
path.
"""
