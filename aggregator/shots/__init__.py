"""Shots: what splits can be made by, and goals above expected."""
