"""Whose plays are graded, and for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """What somebody is rated for. Numbers are those of `playscore.common.v1.Role`; tasks define the roles they rate."""

    number: int
    name: str
    """As it is written, for example "passer"."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose play it is. Identifier, name and team are empty where they are not known."""

    role: Role
    subject_id: str
    subject_name: str
    team_id: str
