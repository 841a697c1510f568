"""How far the stream of a game has got, and the token that tells it to another stream."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.features import FeatureSpecification
from playscore.game import GameHeader
from playscore.limits import is_identifier

_DIGEST_BYTES: Final = 8

Game = tuple[str, ...]
"""What a token belongs to: league, game, and the feature specifications that its plays are made to."""


def _play_id(value: str) -> str:
    if value and not is_identifier(value):
        raise ValueError("no play has such an identifier")
    return value


_Count = Annotated[int, Field(ge=0, le=2**53)]
_Revision = Annotated[int, Field(ge=0, lt=2**31)]
_PlayId = Annotated[str, AfterValidator(_play_id)]


@dataclass(slots=True)
class Progress:
    """Counts since the beginning of a game, over all its streams."""

    last_play_id: _PlayId = ""
    """The play finished last; empty if none was."""
    last_revision: _Revision = 0
    """The revision it was finished at."""
    tensors: _Count = 0
    rejections: _Count = 0
    frames_dropped: _Count = 0
    contexts_ignored: _Count = 0

    @property
    def plays_finished(self) -> int:
        """Plays that became a tensor or a rejection. A play that is closed again at a higher revision counts again."""
        return self.tensors + self.rejections

    def token(self, game: Game) -> str:
        """Opens the game again after the last play finished. Holds all it needs, and a digest against damage."""
        payload = _PAYLOAD.dump_json((game, self))
        return base64.urlsafe_b64encode(_digest(payload) + payload).decode()

    @classmethod
    def from_token(cls, token: str, game: Game) -> Progress:
        """What `token` wrote.

        Raises:
            PlayscoreError: RESUME_TOKEN_INVALID if the token is damaged, or of another game or specification.
        """
        try:
            data = base64.b64decode(token, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _invalid("it is not one that a checkpoint of this service gave") from None
        digest, payload = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        if digest != _digest(payload):
            raise _invalid("it is damaged, or not one that a checkpoint of this service gave")
        try:
            of, progress = _PAYLOAD.validate_json(payload)
        except ValidationError:
            raise _invalid("it is not one that a checkpoint of this service gave") from None
        if of != game:
            raise _invalid(f"it belongs to (league, game, features) {of}, not {game}")
        return progress


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a game had got after one of its plays. Counts as in `Progress`."""

    resume_token: str
    """Opens the game again from here."""
    last_play_id: str
    plays_finished: int
    tensors: int
    rejections: int
    frames_dropped: int
    contexts_ignored: int

    @classmethod
    def of(cls, progress: Progress, game: Game) -> Checkpoint:
        """The state of a game's progress."""
        return cls(
            progress.token(game),
            progress.last_play_id,
            progress.plays_finished,
            progress.tensors,
            progress.rejections,
            progress.frames_dropped,
            progress.contexts_ignored,
        )


def game_of(header: GameHeader, specifications: Sequence[FeatureSpecification]) -> Game:
    """What the tokens of a game belong to."""
    return header.league, header.game_id, *sorted(specification.id for specification in specifications)


_PAYLOAD = TypeAdapter(tuple[Game, Progress])


def _digest(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest()[:_DIGEST_BYTES]


def _invalid(why: str) -> PlayscoreError:
    return PlayscoreError(
        Reason.RESUME_TOKEN_INVALID,
        f"the resume token cannot be used: {why}; send the last checkpoint's, or none to begin again",
        fields=(FieldViolation("open.resume_token", "must be the last checkpoint's of this game, or absent"),),
    )
