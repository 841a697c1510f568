"""Frames in, play tensors out."""
