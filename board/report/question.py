"""What a report is asked about its scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from playscore.common.v1 import common_pb2 as common


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a scope."""

    league: str
    role: common.Role.ValueType
    filter: str = ""
    """Narrows everything; empty: all plays."""
    as_of: common.RevisionToken | datetime | None = None
    """The state that is asked for; None: the present one."""
    max_plays: int = 1_000
    max_standings: int = 100
