"""Tensors in, scores out: the law of yards gained, and how the yards that were gained rank in it."""
