"""The audit log: one line for each call that writes, whoever made it and whatever it came to."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Final

import structlog

from playscore.errors import PlayscoreError
from servicekit.authorization import Access
from servicekit.callers import current_caller
from servicekit.calls import Call, Proceed, observed

MAX_LEAGUES: Final = 16
"""Named in a line."""
MAX_CHARACTERS: Final = 128
"""Of a text that a caller chose."""

_log = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET))
"""Logs whatever the log level is."""
_details: ContextVar[dict[str, Any]] = ContextVar("audit_details")


def audited(*, leagues: Iterable[str] = (), **what: str | int) -> None:
    """Says, for its line, what the call in progress writes, as far as its handler knows. Never whom it is about."""
    details = _details.get(None)
    if details is None:
        return
    details |= {name: value[:MAX_CHARACTERS] if isinstance(value, str) else value for name, value in what.items()}
    if named := sorted(set(leagues)):
        details["leagues"] = [league[:MAX_CHARACTERS] for league in named[:MAX_LEAGUES]]
        details["leagues_in_all"] = len(named)


class Audit:
    """Writes the lines. What a refused call was to write is known only where the refusal came after its request.

    Calls for which there was no room are counted only (`servicekit.limits`): nobody has looked at them.
    """

    def __init__(self, accesses: Mapping[str, Access]) -> None:
        self._writing = frozenset(name for name, access in accesses.items() if access.writes)

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Around one call."""
        if str(call.method) not in self._writing:
            return await proceed()
        details: dict[str, Any] = {}
        _details.set(details)
        return await observed(proceed, lambda error: self._write(call, error, details))

    @staticmethod
    def _write(call: Call, error: BaseException | None, details: Mapping[str, Any]) -> None:
        if call.is_refused:
            return
        caller = current_caller.get()
        _log.info(
            "write",
            logger="audit",
            method=str(call.method),
            caller=caller.identity,
            address=caller.address,
            outcome=error.reason.name if isinstance(error, PlayscoreError) else call.code(error).name,
            **details,
        )
