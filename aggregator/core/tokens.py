"""Tokens of the aggregator: how fresh a reader wants the state, where a page goes on, and where a watch goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass

from aggregator.core.revision import MAX_MISSING, Revision
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.release import ModelVersion
from servicekit.tokens import Keyring, TokenKind, TokenRefused

Json = str | int | float | bool | None | list["Json"]
Arguments = tuple[Json, ...]
"""What tells a question from all others."""


@dataclass(frozen=True, slots=True)
class WatchedState:
    """What a watcher has: a state of a store, rated by a model."""

    revision: Revision
    model: ModelVersion


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads the tokens of a store."""

    keyring: Keyring
    store_id: str

    def revision(self, revision: Revision) -> str:
        """Names a state of the store."""
        return self._sealed(TokenKind.REVISION, (self.store_id,), _numbers_of(revision))

    def read_revision(self, token: str, field: str) -> Revision:
        """The state that the token in a request's `field` names. Raises REVISION_TOKEN_INVALID."""
        try:
            content = self._opened(TokenKind.REVISION, (self.store_id,), token)
        except TokenRefused as refused:
            raise _revision_token_invalid(str(refused), field) from None
        revision = _revision_of(content)
        if revision is None:
            raise _revision_token_invalid(_OTHER_RELEASE, field)
        return revision

    def page(self, arguments: Arguments, place: list[Json]) -> str:
        """Goes on after a place, for the question with the same arguments."""
        return self._sealed(TokenKind.PAGE, (self.store_id, *arguments), place)

    def read_page(self, token: str, arguments: Arguments) -> list[Json] | None:
        """The place to go on after; None for no token. Raises PAGE_TOKEN_INVALID."""
        if not token:
            return None
        try:
            return self._opened(TokenKind.PAGE, (self.store_id, *arguments), token)
        except TokenRefused as refused:
            raise page_token_invalid(str(refused)) from None

    def watch(self, arguments: Arguments, state: WatchedState) -> str:
        """Resumes the watch with the same arguments from a state."""
        content: list[Json] = [self.store_id, state.model.name, state.model.version, *_numbers_of(state.revision)]
        return self._sealed(TokenKind.WATCH, arguments, content)

    def read_watch(self, token: str, arguments: Arguments) -> WatchedState | None:
        """The state to resume from; None where that is another store's. Raises RESUME_TOKEN_INVALID."""
        try:
            content = self._opened(TokenKind.WATCH, arguments, token)
        except TokenRefused as refused:
            raise _resume_token_invalid(str(refused)) from None
        match content:
            case [str(store_id), str(name), int(version), *numbers]:
                revision = _revision_of(numbers)
                if revision is not None:
                    return WatchedState(revision, ModelVersion(name, version)) if store_id == self.store_id else None
        raise _resume_token_invalid(_OTHER_RELEASE)

    def _sealed(self, kind: TokenKind, arguments: Arguments, content: list[Json]) -> str:
        return self.keyring.seal(kind, _json(arguments), _json(content))

    def _opened(self, kind: TokenKind, arguments: Arguments, token: str) -> list[Json]:
        content: list[Json] = json.loads(self.keyring.open(kind, _json(arguments), token))
        return content


def page_token_invalid(why: str = "is of a page that cannot be gone on from") -> PlayscoreError:
    """What is raised for a page token that cannot be gone on from."""
    detail = f"the page token {why}; send the same arguments as for the page before, or start without a token"
    return PlayscoreError(Reason.PAGE_TOKEN_INVALID, detail, fields=(FieldViolation("page_token", detail),))


_OTHER_RELEASE = "was made by another release"


def _revision_token_invalid(why: str, field: str) -> PlayscoreError:
    detail = f"the revision token {why}; send one that this service answered, or name the state by its time"
    return PlayscoreError(Reason.REVISION_TOKEN_INVALID, detail, fields=(FieldViolation(field, detail),))


def _resume_token_invalid(why: str) -> PlayscoreError:
    detail = f"the resume token {why}; send the same arguments as for the watch before, or start without a token"
    return PlayscoreError(Reason.RESUME_TOKEN_INVALID, detail, fields=(FieldViolation("resume_token", detail),))


def _numbers_of(revision: Revision) -> list[Json]:
    """The end and the rows of missing numbers, downwards from it: how many that are not missing come before each row,
    and, if it is longer than one, its length.
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
    numbers: list[Json] = [revision.end]
    return numbers + [gap if size == 1 else [gap, size] for gap, size in rows]


def _revision_of(numbers: list[Json]) -> Revision | None:
    """What `_numbers_of` has written; None for what it cannot have."""
    match numbers:
        case [int(end), *rows] if end > 0:
            pass
        case _:
            return None
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
    return Revision(end, frozenset(missing))


def _json(content: Arguments | list[Json]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
