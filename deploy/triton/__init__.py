"""Triton's model repository, made from releases."""
