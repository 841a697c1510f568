"""What the featurizer shows of its work."""

from __future__ import annotations

from typing import Final

from playscore.errors import Reason
from playscore.tracking.v1.tracking_pb2 import PlayRejection, PlayTensor
from servicekit.metrics import PLAYS, latency_histogram

TENSOR_SECONDS: Final = latency_histogram(
    "playscore_featurizer_tensor_seconds", "From the frame that closes a play's window to its tensor, seconds."
)

_REJECTING = (
    Reason.FIELD_INVALID,
    Reason.SPORT_UNSUPPORTED,
    Reason.COORDINATES_UNDECLARED,
    *(reason for reason in Reason if Reason.NOT_A_PASS.value <= reason.value <= Reason.SITUATION_CONTRADICTED.value),
)


def announce() -> None:
    """Make every series present, at 0."""
    PLAYS.labels("tensor", "")
    for reason in _REJECTING:
        PLAYS.labels("rejected", reason.name)


def count_play(outcome: PlayTensor | PlayRejection) -> None:
    """Count a play that is finished."""
    if isinstance(outcome, PlayTensor):
        PLAYS.labels("tensor", "").inc()
    else:
        PLAYS.labels("rejected", Reason(outcome.reason).name).inc()
