"""Filters built from values and from other filters."""

from __future__ import annotations


def equals(field: str, text: str) -> str:
    """A filter for exactly this text. `=` would read an asterisk as any characters; order does not."""
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{field} >= {quoted} AND {field} <= {quoted}" if "*" in text else f"{field} = {quoted}"


def both(*filters: str) -> str:
    """A filter for the plays that are in all of these; an empty one selects all plays."""
    return " AND ".join(f"({each})" for each in filters if each.strip())
