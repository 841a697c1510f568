"""Opaque tokens: how fresh a reader wants the state, and where a page goes on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from playscore.errors import FieldViolation, PlayscoreError, Reason

Json = str | int | float | bool | None | list["Json"]


def revision_token(store_id: str, seq: int) -> str:
    """Names a state of a store."""
    return _encoded([store_id, seq])


def read_revision_token(token: str, store_id: str, field: str) -> int:
    """The sequence number of the state that the token in a request's `field` names.

    Raises REVISION_TOKEN_INVALID where it is another store's, or no token at all.
    """
    match _decoded(token):
        case [str(store), int(seq)] if store == store_id and seq >= 0:
            return seq
    detail = f"{token[:80]!r} is not a revision token of this store; send one that it answered, or none"
    raise PlayscoreError(Reason.REVISION_TOKEN_INVALID, detail, fields=(FieldViolation(field, detail),))


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
