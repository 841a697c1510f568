"""Keys, subjects and rejections."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from playscore.errors import PlayscoreError
from playscore.field_limits import FIELD_LIMITS
from playscore.game import GameHeader
from playscore.subjects import Subject

_MAX_DETAIL = FIELD_LIMITS["playscore.common.v1.Rejection.detail"].max_characters


def number(member: enum.Enum | None) -> Any:
    """The number of an enum's member: the domain's enums carry the contract's numbers."""
    return 0 if member is None else member.value


def subject_to_message(subject: Subject) -> common.Subject:
    """Whose play it is, as it travels."""
    return common.Subject(
        role=common.Role.ValueType(subject.role.number),
        subject_id=subject.subject_id,
        subject_name=subject.subject_name,
        team_id=subject.team_id,
    )


def play_key(header: GameHeader, play_id: str) -> common.PlayKey:
    """The key of a play of a game."""
    return common.PlayKey(league=header.league, game_id=header.game_id, play_id=play_id)


def rejection(
    key: common.PlayKey | None,
    revision: int,
    reason: int,
    detail: str,
    subjects: Iterable[common.Subject] = (),
    *,
    index: int | None = None,
    task: int = common.TASK_UNSPECIFIED,
) -> common.Rejection:
    """An item that was refused. `reason` and `task` are the contract's numbers, which may be newer ones.

    `key` is None, or empty, for an item that names no play.
    """
    return common.Rejection(
        index=index,
        key=None if key == common.PlayKey() else key,
        revision=revision,
        task=common.Task.ValueType(task),
        reason=reason_pb2.Reason.ValueType(reason),
        detail=detail if len(detail) <= _MAX_DETAIL else f"{detail[: _MAX_DETAIL - 1]}…",
        subjects=subjects,
    )


def rejected(
    error: PlayscoreError, key: common.PlayKey, revision: int, *, index: int | None = None
) -> common.Rejection:
    """The rejection of an item for an error."""
    return rejection(key, revision, error.reason.value, error.detail, index=index)
