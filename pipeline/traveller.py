"""A play on its way from its first frame to its record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from playscore.game_messages import passer_to_message, rejection_to_message

from pipeline.results import Ending, PlayResult, known_reason
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.game import GameHeader, PlayContext
from playscore.passing import PassOutcome, situation_of
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.tracking.v1 import tracking_pb2 as tracking


@dataclass(slots=True, eq=False)
class Traveller:
    """A play on its way. Times are seconds of `time.perf_counter`; 0: not yet."""

    header: GameHeader
    context: PlayContext
    outcome: PassOutcome | None
    leave: Callable[[], None]
    """Called once, when the play no longer holds up others: it is finished, or waits for its official yards."""
    official: Awaitable[PassOutcome] | None = None
    """Gives the outcome of a play whose yards are not known yet; None: they will not be."""
    has_left: bool = False
    finished: asyncio.Future[PlayResult] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    tensor: tracking.PlayTensor | None = None
    rejection: tracking.PlayRejection | None = None
    score: scorer.PassScore | None = None
    sent_at: float = 0.0
    """The last of its frames so far was sent."""
    release_sent_at: float = 0.0
    """The last frame that the source calls a release was sent."""
    closed_at: float = 0.0
    """The frame was sent that closed it."""
    stage_at: float = 0.0
    """The stage it is in began."""

    def sent(self, release: bool) -> None:
        """Frames of it, or its end, are being sent; a release is among them or not."""
        self.sent_at = time.perf_counter()
        if release:
            self.release_sent_at = self.sent_at

    def close(
        self, *, tensor: tracking.PlayTensor | None = None, rejection: tracking.PlayRejection | None = None
    ) -> bool:
        """Takes the featurizer's answer; False if there is one already: a resumed stream answers again."""
        if self.tensor is not None or self.rejection is not None:
            return False
        self.tensor, self.rejection = tensor, rejection
        self.closed_at = self.stage_at = self.release_sent_at or self.sent_at
        return True

    def pass_through(self) -> None:
        """No longer holds up others."""
        if not self.has_left:
            self.has_left = True
            self.leave()

    @property
    def key(self) -> tracking.PlayKey:
        """The play among all plays."""
        return tracking.PlayKey(league=self.header.league, game_id=self.header.game_id, play_id=self.context.play_id)

    @property
    def yards(self) -> float | None:
        """The official yards, once they are known."""
        return None if self.outcome is None else self.outcome.yards_gained

    def reject(self, reason: int, detail: str) -> None:
        """Ends the journey without a score. `reason` is the contract's number, which may be a newer one."""
        self.rejection = rejection_to_message(self.key, self.context.revision, reason, detail, self._subjects())

    def _subjects(self) -> Sequence[tracking.Subject]:
        if self.tensor is not None:
            return self.tensor.subjects
        return [passer_to_message(situation_of(self.context).passer_id, "", self.context.attacking_team_id)]

    def record(self) -> aggregator.ScoreRecord:
        """What the aggregator keeps of a scored play."""
        assert self.tensor is not None
        assert self.score is not None
        return aggregator.ScoreRecord(
            key=self.score.key,
            subject=next(subject for subject in self.tensor.subjects if subject.role == tracking.ROLE_PASSER),
            model=self.score.model,
            revision=self.score.revision,
            outcome_revision=self.score.outcome_revision,
            pass_measure=aggregator.PassMeasure(
                play_score=self.score.play_score,
                yards_gained=self.score.yards_gained,
                expected_yards=self.score.expected_yards,
            ),
            pass_attributes=self.tensor.pass_attributes,
        )

    def result(self) -> PlayResult:
        """How it ended."""
        result = PlayResult(
            game_id=self.header.game_id,
            play_id=self.context.play_id,
            ending=Ending.SCORED,
            passer_id=situation_of(self.context).passer_id,
            yards=self.yards,
            score=self.score,
        )
        if self.rejection is None:
            return result
        number, detail = self.rejection.reason, self.rejection.detail
        reason = known_reason(number)
        return replace(
            result,
            ending=Ending.of(reason),
            reason=reason,
            detail=detail if reason else f"reason {number}, which this release does not know: {detail}",
            score=None,
        )
