"""What the aggregator keeps: plays that were scored, and plays that were not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from playscore.release import ModelVersion
from playscore.subjects import Subject

Value: TypeAlias = bool | int | float | str

NO_TASK: Final = 0
"""Of what is not known to be of one task."""


class PlayKey(NamedTuple):
    """Names a play among all plays of all leagues."""

    league: str
    game_id: str
    play_id: str


@dataclass(frozen=True, slots=True)
class Score:
    """One play's score for one subject."""

    play: PlayKey
    task: int
    """Number of the task that scored it, in the contract's Task."""
    subject: Subject
    model: ModelVersion
    revision: int
    """The play's."""
    outcome_revision: int
    """The official result's; 0 where the source does not count, or there is none yet."""
    measures: Mapping[str, float] | None
    """All that the task's schema names. None: the score is *ungraded*, the official result is not known yet."""
    attributes: Mapping[str, Value]
    """Those of the task's schema that are known."""
    outcome: Mapping[str, str] = field(default_factory=dict)
    """What else is known of the official result, of what the task's schema names."""

    @property
    def graded(self) -> bool:
        """Whether it counts in ratings."""
        return self.measures is not None


@dataclass(frozen=True, slots=True)
class Distribution:
    """What was expected of a play. It is kept and answered as it came."""

    content: bytes
    support_id: str = ""
    """The support it needs, if any."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A play that was scored for a subject, with what was expected of it where that is known."""

    score: Score
    distribution: Distribution | None = None

    @property
    def play(self) -> PlayKey:
        """Which play."""
        return self.score.play

    @property
    def revision(self) -> int:
        """The play's."""
        return self.score.revision

    @property
    def key(self) -> RecordKey:
        """Tells its place from that of any other record."""
        score = self.score
        return score.play, score.subject.role.number, score.model, score.subject.subject_id


@dataclass(frozen=True, slots=True)
class Unscored:
    """A play that opened and was not scored."""

    play: PlayKey
    task: int
    """Number of the task that would have graded it; 0 where it is not known, or more than one."""
    revision: int
    outcome_revision: int
    """The official result's for which it is not scored; 0 where no result was the reason."""
    reason: int
    """A number of the contract's Reason, perhaps of a later release's."""
    detail: str
    subjects: tuple[Subject, ...]
    """As far as known: without an identifier where only the team is."""

    @property
    def key(self) -> RecordKey:
        """Tells its place from that of any other record."""
        return self.play, self.task


PlayRecord: TypeAlias = Scored | Unscored
RecordKey: TypeAlias = tuple[PlayKey, int, ModelVersion, str] | tuple[PlayKey, int]
"""Play, number of the role, model and subject of a scored play; play and number of the task of another."""
