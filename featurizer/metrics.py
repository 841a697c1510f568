"""What the featurizer shows of its work."""

from __future__ import annotations

from typing import Final

from playscore.errors import Reason
from servicekit.metrics import PLAYS, latency_histogram

TENSOR_SECONDS: Final = latency_histogram(
    "playscore_featurizer_tensor_seconds", "From the frame that closes a play's window to its tensor, seconds."
)

_REJECTING = (
    Reason.FIELD_INVALID,
    Reason.TASK_UNSUPPORTED,
    Reason.COORDINATES_UNDECLARED,
    *(reason for reason in Reason if Reason.NOT_A_PASS.value <= reason.value <= Reason.PLAYER_JUMPED.value),
)


def announce() -> None:
    """Make every series present, at 0."""
    PLAYS.labels("tensor", "")
    for reason in _REJECTING:
        PLAYS.labels("rejected", reason.name)


def count_tensor() -> None:
    """Count a play that became a tensor."""
    PLAYS.labels("tensor", "").inc()


def count_rejection(reason: Reason) -> None:
    """Count a play that was rejected."""
    PLAYS.labels("rejected", reason.name).inc()
