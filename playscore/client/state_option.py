"""The state of a store, as an argument of a command."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import click

from playscore.common.v1 import common_pb2 as common


class State(click.ParamType[common.RevisionToken | datetime]):
    """A state of the store: the revision token of an answer, or a time."""

    name = "token|time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> common.RevisionToken | datetime:
        """Reads a time in ISO 8601, of this machine's zone where it names none; anything else is a token."""
        if isinstance(value, common.RevisionToken | datetime):
            return value
        try:
            return datetime.fromisoformat(value).astimezone()
        except ValueError:
            return common.RevisionToken(value=value)


as_of_option: Final = click.option(
    "--as-of", type=State(), help="An earlier state: a revision token from JSON output, or a time in ISO 8601."
)
"""Gives a command the option --as-of, as its argument `as_of`."""
