"""Drives games through the services: readers of file layouts, and the worker that moves each play along."""
