"""Tensors in, scores out: what was to be expected of a play, and how what happened compares."""
