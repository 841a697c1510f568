"""Passes: what splits can be made by, and the passing score of 50 to 99."""
