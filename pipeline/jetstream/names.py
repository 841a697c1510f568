"""The subjects of games: how leagues and games, whose identifiers may hold anything, are named to NATS."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import Final, Self

from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason

FEED: Final = "feed"
"""The first token of the subjects that sources publish to."""
WORK: Final = "work"
"""The first token of the subjects of the work queue."""

_PLAIN: Final = frozenset((string.ascii_letters + string.digits + "-_").encode())
_ESCAPED: Final = re.compile(rb"=([0-9A-F]{2})")


@dataclass(frozen=True, slots=True, order=True)
class GameName:
    """A game of a league, and its subjects."""

    league: str
    game_id: str

    def __post_init__(self) -> None:
        if not (self.league and self.game_id):
            raise PlayscoreError(Reason.FIELD_INVALID, "a game is named by its league and its identifier; one is empty")

    @property
    def key(self) -> common.GameKey:
        """As messages have it."""
        return common.GameKey(league=self.league, game_id=self.game_id)

    @property
    def tokens(self) -> str:
        """League and game as two tokens: keys and subjects are made of them."""
        return f"{token(self.league)}.{token(self.game_id)}"

    @property
    def feed(self) -> str:
        """The subject of its feed."""
        return f"{FEED}.{self.tokens}"

    def work(self, epoch: int) -> str:
        """The subject of the work that there is after its state of `epoch`."""
        return f"{WORK}.{self.tokens}.{epoch}"

    @classmethod
    def of_tokens(cls, league: str, game: str) -> Self:
        """The game of two tokens. Raises FIELD_INVALID for tokens that `token` does not make."""
        return cls(text_of(league), text_of(game))

    @classmethod
    def of_feed(cls, subject: str) -> Self:
        """The game whose feed a subject is. Raises FIELD_INVALID."""
        parts = subject.split(".")
        if len(parts) != 3 or parts[0] != FEED:
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"{subject!r} is no subject of a feed: these are {FEED}.<league>.<game>"
            )
        return cls.of_tokens(*parts[1:])

    def __str__(self) -> str:
        return f"{self.league} {self.game_id}"


def work_of(subject: str) -> tuple[GameName, int]:
    """The game and the epoch of a subject of the work queue."""
    _, league, game, epoch = subject.split(".")
    return GameName.of_tokens(league, game), int(epoch)


def token(text: str) -> str:
    """A text as one token of a subject: letters, digits, - and _ as they are, other bytes of its UTF-8 as =XX."""
    return "".join(chr(byte) if byte in _PLAIN else f"={byte:02X}" for byte in text.encode())


def text_of(told: str) -> str:
    """The text of a token. Raises FIELD_INVALID for one that `token` does not make."""
    try:
        text = _ESCAPED.sub(lambda escaped: bytes([int(escaped[1], 16)]), told.encode()).decode()
    except UnicodeDecodeError:
        text = ""
    if not text or token(text) != told:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{told!r} is no token of a name: bytes other than letters, digits, - and _ are written =XX, in capitals",
        )
    return text
