"""What a backfill came to, a game and as a whole."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from pipeline.results import Ending, PlayResult

UNKNOWN_REASON = "UNKNOWN"
"""Of a play that was rejected for a reason of a newer contract."""


class Status(enum.StrEnum):
    """How a game stands."""

    DONE = "done"
    """Every play of it is recorded: scored, or not scored for a reason."""
    ALREADY_DONE = "already done"
    """By an earlier run, and the store still has it."""
    OTHER_SEASON = "other season"
    """It was not asked for."""
    INCOMPLETE = "incomplete"
    """A play is not recorded, or a message could not be taken in. It is played again next time."""
    FAILED = "failed"
    """It could not be read or played. It is tried again next time."""


@dataclass(frozen=True, slots=True)
class PlayCounts:
    """plays = scored + waiting + superseded + the sum of `rejected` + not_recorded."""

    plays: int = 0
    """That the source names."""
    scored: int = 0
    """And graded: they count in ratings."""
    waiting: int = 0
    """Scored; their official results are not known."""
    superseded: int = 0
    """A later revision, or a later official result, stands in the store."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Not scored, by reason."""
    not_recorded: int = 0
    """The aggregator does not answer for them."""

    @classmethod
    def of(cls, plays: Iterable[str], results: Iterable[PlayResult]) -> Self:
        """What became of the plays that a source names."""
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
    """What came of one game."""

    game_id: str
    status: Status
    league: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    """By which model each task's plays were scored."""
    counts: PlayCounts = PlayCounts()
    covered: Mapping[str, int] = field(default_factory=dict)
    """Plays of the game that the store had afterwards, by role: what GetCoverage answered."""
    refused_messages: Sequence[str] = ()
    """What was wrong with messages that could not be taken in."""
    detail: str = ""
    """Why it failed."""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """A line of JSON, less the line."""
        told = asdict(self)
        return {"game_id": told.pop("game_id"), "status": told.pop("status"), **told.pop("counts"), **told}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What `as_json` told. Raises ValueError, TypeError or KeyError for anything else."""
        counts = {name: told[name] for name in PlayCounts.__dataclass_fields__}
        others = {name: told[name] for name in cls.__dataclass_fields__ if name not in ("counts", "status")}
        others["refused_messages"] = tuple(others["refused_messages"])
        return cls(status=Status(told["status"]), counts=PlayCounts(**counts), **others)
