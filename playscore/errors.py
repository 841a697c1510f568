"""The domain's errors: what is wrong, where, and what would be right."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Reason(enum.Enum):
    """Why something was refused. `playscore.common.v1.Reason` explains each; this is for code without protobuf."""

    FIELD_INVALID = 1
    DEADLINE_REQUIRED = 2
    OVERLOADED = 3
    MESSAGE_TOO_LARGE = 4
    UNAUTHENTICATED = 5
    PERMISSION_DENIED = 6
    NOT_IMPLEMENTED = 7
    INTERNAL = 8
    IDEMPOTENCY_KEY_REUSED = 9
    NOT_SERVING = 10
    TASK_UNSUPPORTED = 11

    STREAM_ORDER = 20
    GAME_MISMATCH = 21
    COORDINATES_UNDECLARED = 22
    RESUME_TOKEN_INVALID = 23
    SPORT_UNSUPPORTED = 24
    FRAME_RATE_UNSUPPORTED = 25

    NOT_A_PASS = 40
    NO_RELEASE = 41
    NO_SNAP = 42
    NO_FRAMES = 43
    TOO_SHORT = 44
    TOO_LONG = 45
    GAP_TOO_LONG = 46
    TOO_FEW_PLAYERS = 47
    TOO_MANY_PLAYERS = 48
    PASSER_UNKNOWN = 49
    PASSER_NOT_IN_ROSTER = 50
    PASSER_NOT_TRACKED = 51
    SAMPLE_NOT_FINITE = 52
    POSITION_OFF_FIELD = 53
    DIRECTION_UNKNOWN = 54
    COLUMNS_INCONSISTENT = 55
    PLAYER_NOT_IN_ROSTER = 56
    OFFENSE_UNKNOWN = 57
    PLAY_NULLIFIED = 58
    SITUATION_CONTRADICTED = 59
    PLAY_WITHDRAWN = 60
    TRACKING_UNAVAILABLE = 61
    SPIKE = 62
    KNEEL = 63
    CONVERSION_TRY = 64
    SPECIAL_TEAMS = 65
    MOTION_CONTRADICTED = 66
    SAMPLES_CONTRADICTED = 67
    TIMES_CONTRADICTED = 68
    PLAYER_JUMPED = 69

    FEATURE_SPECIFICATION_MISMATCH = 70
    TENSOR_SHAPE_INVALID = 71
    TENSOR_NOT_FINITE = 72
    YARDS_OUT_OF_RANGE = 73
    MODEL_NOT_FOUND = 74
    INFERENCE_UNAVAILABLE = 75
    DISTRIBUTION_INVALID = 76
    OUTCOME_CONTRADICTORY = 77
    OUTCOME_UNKNOWN = 78

    FILTER_INVALID = 90
    FILTER_FIELD_UNKNOWN = 91
    FILTER_TYPE_MISMATCH = 92
    SUBJECT_NOT_FOUND = 93
    PAGE_TOKEN_INVALID = 94
    NOT_FRESH_ENOUGH = 95
    REVISION_TOKEN_INVALID = 96
    SCORE_OUT_OF_RANGE = 97
    STORE_UNAVAILABLE = 98
    REVISION_CONFLICT = 99
    ROLE_UNSUPPORTED = 100
    LEAGUE_NOT_FOUND = 101
    GAME_NOT_FOUND = 102
    REVISION_NOT_KEPT = 103
    MODEL_CHANGED = 104
    SUBJECT_ERASED = 105

    SHOT_BLOCKED = 110
    PENALTY_SHOT = 111
    SHOOTOUT = 112
    AFTER_WHISTLE = 113
    LOCATION_UNKNOWN = 115
    RELEASE_NOT_FOUND = 116
    TAKERS_UNKNOWN = 117


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of a request that is wrong, by its path (`plays[3].context.passer_id`), and what would be right."""

    field: str
    description: str


class PlayscoreError(Exception):
    """Something was refused, for a reason out of the one list.

    `fields` names the fields at fault, `retry_after_seconds` says when coming back makes sense.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str,
        *,
        fields: tuple[FieldViolation, ...] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.fields = fields
        self.retry_after_seconds = retry_after_seconds
