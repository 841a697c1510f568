"""Records as rows, alike in every store's tables: plain columns, and JSON text for what has no fixed columns."""

from __future__ import annotations

import functools
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.core.erasing import ErasedPlayer
from aggregator.core.operations import Effect, Erasure, ModelSwitch
from aggregator.core.recording import Rejected, Stale, Write, Written
from aggregator.core.records import Distribution, PlayKey, Score, Scored, Unscored
from aggregator.core.revision import Revision
from aggregator.core.store import LeagueModel, ScoreColumns
from playscore.errors import Reason
from playscore.release import ModelVersion
from playscore.subjects import Role, Subject

SCORE_COLUMNS: Final = (
    *("league", "game_id", "play_id", "task", "role", "model", "model_version", "subject_id"),
    *("revision", "outcome_revision", "subject_name", "team_id", "measures", "attributes", "outcome"),
)
"""Columns of a score, in the order of `score_row`. The last three are JSON objects; measures NULL: ungraded."""
UNSCORED_COLUMNS: Final = (
    *("league", "game_id", "play_id", "task", "revision", "outcome_revision", "reason", "detail", "subjects"),
)
"""Columns of a play that was not scored, in the order of `unscored_row`. For subjects see `subjects_json`."""
ANSWER_COLUMNS: Final = ("inserted", "replaced", "unchanged", "withdrawn", "stale", "rejected")
"""Columns of the answer to a write, without its revision. The last two are JSON lists, see `answer_row`."""
STATE_COLUMNS: Final = (
    *("id", "league", "game_id", "play_id", "role", "model", "model_version", "subject_id", "subject_name", "team_id"),
    *("measures", "attributes", "outcome"),
)
"""Columns that `score_columns` takes, the store's number for the score first; those of JSON_COLUMNS as bytes."""
JSON_COLUMNS: Final = ("measures", "attributes", "outcome")

Row = Sequence[Any]
_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class RowReader:
    """Makes records from rows.

    Args:
        roles: of subjects. Rows hold the numbers of roles; an unknown number makes a role without a name.
    """

    def __init__(self, roles: Iterable[Role]) -> None:
        self._roles = {role.number: role for role in roles}

    def score(self, row: Row) -> tuple[int, Score]:
        """A score and the store's number for it, from that number and its SCORE_COLUMNS."""
        item, league, game_id, play_id, task, role, model, version, subject_id, *rest = row
        revision, outcome_revision, name, team_id, measures, attributes, outcome = rest
        return item, Score(
            play=PlayKey(league, game_id, play_id),
            task=task,
            subject=Subject(self._role(role), subject_id, name, team_id),
            model=_model(model, version),
            revision=revision,
            outcome_revision=outcome_revision,
            measures=None if measures is None else json.loads(measures),
            attributes=json.loads(attributes),
            outcome=json.loads(outcome) if outcome != "{}" else {},
        )

    def scored(self, row: Row) -> tuple[int, Scored]:
        """A score with its distribution, from what `score` takes and its `content` (None without one), `support_id`."""
        *row, content, support_id = row
        item, score = self.score(row)
        return item, Scored(score, None if content is None else Distribution(content, support_id))

    def unscored(self, row: Row) -> Unscored:
        """A play that was not scored, from its UNSCORED_COLUMNS."""
        league, game_id, play_id, task, revision, outcome_revision, reason, detail, subjects = row
        return Unscored(
            play=PlayKey(league, game_id, play_id),
            task=task,
            revision=revision,
            outcome_revision=outcome_revision,
            reason=reason,
            detail=detail,
            subjects=self._subjects(json.loads(subjects)),
        )

    def written(self, row: Row, revision: Revision) -> Written:
        """The answer to a write, from its ANSWER_COLUMNS."""
        inserted, replaced, unchanged, withdrawn, stale, rejected = row
        return Written(
            inserted=inserted,
            replaced=replaced,
            unchanged=unchanged,
            withdrawn=withdrawn,
            stale=[Stale(*each) for each in json.loads(stale)],
            rejected=[
                Rejected(index, play and PlayKey(*play), task, number, Reason[reason], detail, self._subjects(subjects))
                for index, play, task, number, reason, detail, subjects in json.loads(rejected)
            ],
            revision=revision,
        )

    def _subjects(self, rows: Sequence[Row]) -> tuple[Subject, ...]:
        return tuple(Subject(self._role(role), *rest) for role, *rest in rows)

    def _role(self, number: int) -> Role:
        return self._roles.get(number) or Role(number, f"role {number}")


def score_row(score: Score) -> tuple[Any, ...]:
    """A score's SCORE_COLUMNS."""
    subject = score.subject
    return (
        *(*score.play, score.task, subject.role.number, score.model.name, score.model.version, subject.subject_id),
        *(score.revision, score.outcome_revision, subject.subject_name, subject.team_id),
        None if score.measures is None else to_json(score.measures),
        to_json(score.attributes),
        to_json(score.outcome),
    )


def unscored_row(unscored: Unscored) -> tuple[Any, ...]:
    """An unscored play's UNSCORED_COLUMNS."""
    return (
        *(*unscored.play, unscored.task, unscored.revision, unscored.outcome_revision),
        *(unscored.reason, unscored.detail, subjects_json(unscored.subjects)),
    )


def answer_row(written: Written) -> tuple[Any, ...]:
    """An answer's ANSWER_COLUMNS."""
    return (
        *(written.inserted, written.replaced, written.unchanged, written.withdrawn),
        to_json([[each.index, each.revision, each.outcome_revision] for each in written.stale]),
        to_json([_rejected_list(each) for each in written.rejected]),
    )


def subjects_json(subjects: Iterable[Subject]) -> str:
    """A JSON list of [number of the role, subject_id, subject_name, team_id]."""
    return to_json([_subject_list(each) for each in subjects])


def score_columns(rows: Sequence[Row]) -> ScoreColumns:
    """Turns rows of STATE_COLUMNS, at least one, into columns, without making an object of each score."""
    return ScoreColumns(*zip(*rows, strict=True))


def effect_json(effect: Effect) -> str:
    """The effect of an operation, as a JSON object."""
    match effect:
        case ModelSwitch():
            return to_json({"switch": [effect.task, *_model_list(effect.previous), *_model_list(effect.model)]})
        case Erasure():
            counts = [effect.scores, effect.superseded, effect.unscored, effect.mentions]
            return to_json({"erasure": [effect.whole_league, effect.justification, *counts]})


def effect_from_json(text: str) -> Effect:
    """The effect that `effect_json` wrote."""
    match json.loads(text):
        case {"switch": [task, name, version, new_name, new_version]}:
            return ModelSwitch(task, _model(name, version), _model(new_name, new_version))
        case {"erasure": [whole_league, justification, *counts]}:
            return Erasure(whole_league, justification, *counts)
    raise ValueError(f"{text[:200]!r} is not an effect")


def league_model(row: Row) -> LeagueModel:
    """The model of a league, from its league, task, model and model_version."""
    league, task, name, version = row
    return LeagueModel(league, task, _model(name, version))


def tombstone(key: bytes, league: str, subject_id: str) -> bytes:
    """All that is kept of an erased player: a digest by which a store, which has the key, recognizes them."""
    return keyed(key, to_json([league, subject_id]).encode())


def keyed(key: bytes, content: bytes) -> bytes:
    """The digest of content that may name an erased player; without the store's key nobody can guess it."""
    return hmac.digest(key, content, "sha256")


@dataclass(frozen=True, slots=True)
class Tombstones:
    """What a store keeps of the players who were erased."""

    key: bytes
    mentions: Mapping[bytes, str]
    """By tombstone, a JSON list of the attributes that name players."""

    def named(self, write: Write) -> list[ErasedPlayer]:
        """Erased players whom a write may name."""
        if not self.mentions:
            return []
        names = ((league, name, tombstone(self.key, league, name)) for league, name in write.names)
        return [
            ErasedPlayer(league, name, frozenset(json.loads(self.mentions[digest])))
            for league, name, digest in names
            if digest in self.mentions
        ]


def to_json(content: Mapping[str, Any] | Sequence[Any]) -> str:
    """JSON with sorted keys and no spaces, so that equal content is equal text."""
    if not content:
        return "{}" if isinstance(content, Mapping) else "[]"
    return _encode(content)


@functools.lru_cache(maxsize=64)
def _model(name: str, version: int) -> ModelVersion:
    return ModelVersion(name, version)


def _model_list(model: ModelVersion) -> list[str | int]:
    return [model.name, model.version]


def _rejected_list(rejected: Rejected) -> list[Any]:
    return [
        *(rejected.index, rejected.play, rejected.task, rejected.revision, rejected.reason.name, rejected.detail),
        [_subject_list(each) for each in rejected.subjects],
    ]


def _subject_list(subject: Subject) -> list[int | str]:
    return [subject.role.number, subject.subject_id, subject.subject_name, subject.team_id]
