"""How far the stream of a game has got, and the token that tells it to another stream."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.features import FeatureSpecification
from playscore.game import GameHeader
from servicekit.tokens import Keyring, TokenKind, TokenRefused

Game = tuple[str, ...]
"""What a token belongs to: league, game, and the feature specifications that its plays are made to."""


@dataclass(slots=True)
class Progress:
    """Counts since the beginning of a game, over all its streams."""

    last_play_id: str = ""
    """The play finished last; empty if none was."""
    last_revision: int = 0
    """The revision it was finished at."""
    tensors: int = 0
    rejections: int = 0
    frames_dropped: int = 0
    contexts_ignored: int = 0

    @property
    def plays_finished(self) -> int:
        """Plays that became a tensor or a rejection. A play that is closed again at a higher revision counts again."""
        return self.tensors + self.rejections

    def token(self, game: Game, keyring: Keyring) -> str:
        """Opens the game again after the last play finished. Holds all that it takes."""
        payload = json.dumps(astuple(self), ensure_ascii=False, separators=(",", ":"))
        return keyring.seal(TokenKind.GAME, _question(game), payload.encode())

    @classmethod
    def from_token(cls, token: str, game: Game, keyring: Keyring) -> Progress:
        """What `token` was made of.

        Raises:
            PlayscoreError: RESUME_TOKEN_INVALID if this service, and those that share its keys, did not make it for a
                game of that name and those features.
        """
        try:
            payload = keyring.open(TokenKind.GAME, _question(game), token)
        except TokenRefused as refused:
            raise _invalid(str(refused)) from None
        match json.loads(payload):
            case [str(play_id), int(revision), *counts] if len(counts) == 4:
                return cls(play_id, revision, *counts)
        raise _invalid("was made by another release")


def game_of(header: GameHeader, specifications: Sequence[FeatureSpecification]) -> Game:
    """What the tokens of a game belong to."""
    return header.league, header.game_id, *sorted(specification.id for specification in specifications)


def _invalid(why: str) -> PlayscoreError:
    return PlayscoreError(
        Reason.RESUME_TOKEN_INVALID,
        f"the resume token {why}; send the last checkpoint's, or none to begin again",
        fields=(FieldViolation("open.resume_token", "must be the last checkpoint's of this game, or absent"),),
    )


def _question(game: Game) -> bytes:
    return json.dumps(game).encode()
