"""What remains of records once a player is erased. Pure, so that every store erases alike."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from aggregator.core.records import PlayRecord, Scored, Unscored
from playscore.subjects import Subject

_ERASED: Final = "(erased)"


@dataclass(frozen=True, slots=True)
class ErasedPlayer:
    """An erased player."""

    league: str
    subject_id: str
    mentions: frozenset[str]
    """The attributes that name players."""

    def remains(self, record: PlayRecord) -> PlayRecord | None:
        """The record without the player: itself if it does not name them, None if it is one of their scores."""
        if record.play.league != self.league:
            return record
        if isinstance(record, Unscored):
            detail, subjects = self.redacted(record.detail, record.subjects)
            unchanged = (detail, subjects) == (record.detail, record.subjects)
            return record if unchanged else replace(record, detail=detail, subjects=subjects)
        score = record.score
        if score.subject.subject_id == self.subject_id:
            return None
        kept = {
            name: value
            for name, value in score.attributes.items()
            if name not in self.mentions or value != self.subject_id
        }
        whole = len(kept) == len(score.attributes)
        return record if whole else Scored(replace(score, attributes=kept), record.distribution)

    def redacted(self, detail: str, subjects: tuple[Subject, ...]) -> tuple[str, tuple[Subject, ...]]:
        """A detail and its subjects without the player. A subject keeps its role and team."""
        them = [subject for subject in subjects if subject.subject_id == self.subject_id]
        detail = detail.replace(repr(self.subject_id), _ERASED)
        if them:
            names = {self.subject_id, *(subject.subject_name for subject in them)} - {""}
            detail = re.sub(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)", _ERASED, detail)
        kept = tuple(
            replace(subject, subject_id="", subject_name="") if subject.subject_id == self.subject_id else subject
            for subject in subjects
        )
        return detail, kept
