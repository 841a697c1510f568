"""Opaque tokens: how fresh a reader wants the state, and where a page goes on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from aggregator.core.revision import MAX_MISSING, Revision
from playscore.errors import FieldViolation, PlayscoreError, Reason

Json = str | int | float | bool | None | list["Json"]


def revision_token(store_id: str, revision: Revision) -> str:
    """Names a state of a store."""
    return _encoded([store_id, revision.end, *_rows_of(revision)])


def read_revision_token(token: str, store_id: str, field: str) -> Revision:
    """The state that the token in a request's `field` names.

    Raises REVISION_TOKEN_INVALID where it is another store's, or no token at all.
    """
    match _decoded(token):
        case [str(store), int(end), *rows] if store == store_id and end > 0:
            missing = _missing(end, rows)
            if missing is not None:
                return Revision(end, missing)
    detail = f"{token[:80]!r} is not a revision token of this store; send one that it answered, or none"
    raise PlayscoreError(Reason.REVISION_TOKEN_INVALID, detail, fields=(FieldViolation(field, detail),))


def _rows_of(revision: Revision) -> list[Json]:
    """The rows of missing numbers, downwards from the end: how many that are not missing come before each row, and, if
    it is longer than one, its length.
    """
    rows: list[tuple[int, int]] = []
    below = revision.end
    for number in sorted(revision.missing, reverse=True):
        if rows and number == below - 1:
            gap, size = rows.pop()
            rows.append((gap, size + 1))
        else:
            rows.append((below - 1 - number, 1))
        below = number
    return [gap if size == 1 else [gap, size] for gap, size in rows]


def _missing(end: int, rows: list[Json]) -> frozenset[int] | None:
    """What `_rows_of` has written; None for what it cannot have."""
    missing = set[int]()
    below = end
    for row in rows:
        match row:
            case [int(gap), int(size)] if size > 1:
                pass
            case int(gap):
                size = 1
            case _:
                return None
        first = below - gap - size
        if gap < 0 or first < 1 or len(missing) + size > MAX_MISSING:
            return None
        missing.update(range(first, first + size))
        below = first
    return frozenset(missing)


def page_token(arguments: tuple[Json, ...], place: list[Json]) -> str:
    """Goes on after a place, for the call with the same arguments."""
    return _encoded([_digest(arguments), place])


def read_page_token(token: str, arguments: tuple[Json, ...]) -> list[Json] | None:
    """The place to go on after; None for no token. PAGE_TOKEN_INVALID for one of other arguments, or none at all."""
    if not token:
        return None
    match _decoded(token):
        case [str(digest), list(place)] if digest == _digest(arguments):
            return place
    raise page_token_invalid()


def page_token_invalid() -> PlayscoreError:
    """What is raised for a page token that cannot be gone on from."""
    detail = "the page token is not of this call with these arguments; send the same arguments, or start without one"
    return PlayscoreError(Reason.PAGE_TOKEN_INVALID, detail, fields=(FieldViolation("page_token", detail),))


def resume_token(arguments: tuple[Json, ...], state: list[Json]) -> str:
    """Resumes a watch from a state, for the call with the same arguments."""
    return _encoded([_digest(arguments), state])


def read_resume_token(token: str, arguments: tuple[Json, ...]) -> list[Json]:
    """The state to resume from. RESUME_TOKEN_INVALID for a token of other arguments, or none at all."""
    match _decoded(token):
        case [str(digest), list(state)] if digest == _digest(arguments):
            return state
    raise resume_token_invalid()


def resume_token_invalid() -> PlayscoreError:
    """What is raised for a token that no watch with these arguments can be resumed from."""
    detail = "the resume token is not of a watch with these arguments; send the same arguments, or start without one"
    return PlayscoreError(Reason.RESUME_TOKEN_INVALID, detail, fields=(FieldViolation("resume_token", detail),))


def _digest(arguments: tuple[Json, ...]) -> str:
    return hashlib.sha256(json.dumps(arguments).encode()).hexdigest()[:16]


def _encoded(content: list[Json]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def _decoded(token: str) -> Json:
    try:
        content: Json = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return content
