"""Readers: recorded games in, feed messages out. Each module here is a layout, registered in pyproject.toml."""
