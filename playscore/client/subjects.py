"""Find a subject by what a person types."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from playscore.client.aggregator import AggregatorClient
from playscore.client.words import ROLES
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason

_NAMES_LISTED: Final = 10


async def find_subject(
    aggregator: AggregatorClient,
    league: str,
    text: str,
    *,
    role: common.Role.ValueType = common.ROLE_PASSER,
    model: common.ModelVersion | None = None,
    as_of: common.RevisionToken | datetime | None = None,
) -> common.Subject:
    """The subject that has `text` as its identifier, else as its name, else as a part of its name, in any case.

    Raises SUBJECT_NOT_FOUND where there is none, or where there are several, with their identifiers; FIELD_INVALID
    where the text is empty.
    """
    words = ROLES[role]
    if not text.strip():
        raise PlayscoreError(Reason.FIELD_INVALID, "the subject is empty; give an identifier or a name")
    try:
        found = await aggregator.get_rating(league, text, role=role, model=model, as_of=as_of)
    except PlayscoreError as refusal:
        if refusal.reason not in (Reason.SUBJECT_NOT_FOUND, Reason.FIELD_INVALID):  # a name need not be an identifier
            raise
    else:
        if found.rating.plays:
            return found.rating.subject
    listing = aggregator.list_subjects(league, role=role, name_contains=text, model=model, as_of=as_of)
    listed = [each.subject async for each in listing]
    match [each for each in listed if each.subject_name.casefold() == text.casefold()] or listed:
        case []:
            detail = f"no {words.subject} of {league} has the identifier or name {text!r}"
        case [only]:
            return only
        case several:
            names = map(described, several[:_NAMES_LISTED])
            more = f" and {len(several) - _NAMES_LISTED} more" if len(several) > _NAMES_LISTED else ""
            detail = f"{text!r} matches {len(several)} {words.subjects}: {', '.join(names)}{more}; give an identifier"
    raise PlayscoreError(Reason.SUBJECT_NOT_FOUND, detail)


def described(subject: common.Subject) -> str:
    """A subject's name, identifier and team: "Jordan Swift (p1, KC)"; only the identifier where it has no name."""
    if not subject.subject_name:
        return subject.subject_id
    return f"{subject.subject_name} ({subject.subject_id}, {subject.team_id or 'no team'})"
