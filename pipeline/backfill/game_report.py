"""The results of a backfill, by game."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from pipeline.results import Ending, PlayResult

UNKNOWN_REASON = "UNKNOWN"
"""Stands for a reason of a newer contract."""


class Status(enum.StrEnum):
    """The state of a game after a backfill."""

    DONE = "done"
    """Every play of it is recorded: scored, or not scored for a reason."""
    ALREADY_DONE = "already done"
    """Done by an earlier run, and the store still has it."""
    OTHER_SEASON = "other season"
    """Left out by the seasons asked for."""
    INCOMPLETE = "incomplete"
    """A play is not recorded, or a message was refused. The next run plays it again."""
    FAILED = "failed"
    """It could not be read or played. The next run tries again."""


@dataclass(frozen=True, slots=True)
class PlayCounts:
    """plays = scored + waiting + superseded + the sum of `rejected` + not_recorded."""

    plays: int = 0
    """Plays that the source names."""
    scored: int = 0
    """Scored and graded: they are in ratings."""
    waiting: int = 0
    """Scored; their official results are pending."""
    superseded: int = 0
    """The store has a later revision or official result."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Plays not scored, by reason."""
    not_recorded: int = 0
    """Plays that the aggregator has not confirmed."""

    @classmethod
    def of(cls, plays: Iterable[str], results: Iterable[PlayResult]) -> Self:
        """Counts the results of the plays that a source names."""
        became = {result.play_id: result for result in results}
        endings: Counter[Ending] = Counter()
        rejected: Counter[str] = Counter()
        named = not_recorded = 0
        for play_id in plays:
            named += 1
            result = became.get(play_id)
            if result is None or not result.recorded:
                not_recorded += 1
            elif result.ending is Ending.REJECTED:
                rejected[UNKNOWN_REASON if result.reason is None else result.reason.name] += 1
            else:
                endings[result.ending] += 1
        return cls(
            plays=named,
            scored=endings[Ending.SCORED],
            waiting=endings[Ending.UNGRADED],
            superseded=endings[Ending.SUPERSEDED],
            rejected=dict(rejected.most_common()),
            not_recorded=not_recorded,
        )

    def __add__(self, other: PlayCounts) -> PlayCounts:
        return PlayCounts(
            self.plays + other.plays,
            self.scored + other.scored,
            self.waiting + other.waiting,
            self.superseded + other.superseded,
            dict((Counter(self.rejected) + Counter(other.rejected)).most_common()),
            self.not_recorded + other.not_recorded,
        )


@dataclass(frozen=True, slots=True)
class GameReport:
    """The result of one game."""

    game_id: str
    status: Status
    league: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    """The model that scored each task's plays."""
    counts: PlayCounts = PlayCounts()
    covered: Mapping[str, int] = field(default_factory=dict)
    """Plays of the game in the store afterwards, by role, as answered by GetCoverage."""
    refused_messages: Sequence[str] = ()
    """Why messages were refused."""
    detail: str = ""
    """Why it failed."""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As a JSON object."""
        members = asdict(self)
        return {"game_id": members.pop("game_id"), "status": members.pop("status"), **members.pop("counts"), **members}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Reads what `as_json` returns. Raises ValueError, TypeError or KeyError for anything else."""
        counts = {name: document[name] for name in PlayCounts.__dataclass_fields__}
        others = {name: document[name] for name in cls.__dataclass_fields__ if name not in ("counts", "status")}
        others["refused_messages"] = tuple(others["refused_messages"])
        return cls(status=Status(document["status"]), counts=PlayCounts(**counts), **others)
