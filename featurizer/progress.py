"""How far the stream of a game has got, and the token that says so to another stream."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from featurizer.core.columns import PASSING
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.game import GameHeader
from playscore.game_messages import is_identifier

_DIGEST_BYTES: Final = 8


def _play_id(value: str) -> str:
    if value and not is_identifier(value):
        raise ValueError("no play has such an identifier")
    return value


_Count = Annotated[int, Field(ge=0, le=2**53)]
_Revision = Annotated[int, Field(ge=0, lt=2**31)]
_PlayId = Annotated[str, AfterValidator(_play_id)]


@dataclass(slots=True)
class Progress:
    """Counts since the beginning of the game, over all its streams."""

    last_play_id: _PlayId = ""
    last_revision: _Revision = 0
    tensors: _Count = 0
    rejections: _Count = 0
    frames_passed_over: _Count = 0
    contexts_passed_over: _Count = 0

    @property
    def plays_finished(self) -> int:
        """Plays that became a tensor or a rejection; a corrected play counts again."""
        return self.tensors + self.rejections

    def token(self, header: GameHeader) -> str:
        """Opens the game again after the last play finished. Holds all it needs, and a digest against damage."""
        payload = _PAYLOAD.dump_json((_game(header), self))
        return base64.urlsafe_b64encode(_digest(payload) + payload).decode()

    @classmethod
    def from_token(cls, token: str, header: GameHeader) -> Progress:
        """What `token` wrote. Raises RESUME_TOKEN_INVALID where it is damaged or of another game or specification."""
        try:
            data = base64.b64decode(token, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _invalid("it is not one that a checkpoint of this service gave") from None
        digest, payload = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        if digest != _digest(payload):
            raise _invalid("it is damaged, or not one that a checkpoint of this service gave")
        try:
            game, progress = _PAYLOAD.validate_json(payload)
        except ValidationError:
            raise _invalid("it is not one that a checkpoint of this service gave") from None
        if game != _game(header):
            raise _invalid(f"it belongs to (league, game, features) {game}, not {_game(header)}")
        return progress


_PAYLOAD = TypeAdapter(tuple[tuple[str, str, str], Progress])


def _game(header: GameHeader) -> tuple[str, str, str]:
    return header.league, header.game_id, PASSING.id


def _digest(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest()[:_DIGEST_BYTES]


def _invalid(why: str) -> PlayscoreError:
    return PlayscoreError(
        Reason.RESUME_TOKEN_INVALID,
        f"the resume token cannot be used: {why}; send the last checkpoint's, or none to begin again",
        fields=(FieldViolation("open.resume_token", "must be the last checkpoint's of this game, or empty"),),
    )
