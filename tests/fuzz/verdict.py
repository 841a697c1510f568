"""What becomes of a folder of games, and whether that may be, after damage."""

from __future__ import annotations

import hashlib
import signal
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from featurizer.core.whole_plays import featurize
from featurizer.messages import outcome_to_message
from featurizer.streams import MessageStream
from featurizer.tasks import TASKS
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import OpenGame, StreamPlaysRequest, StreamPlaysResponse
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.sources import Loss, Source, open_source, select_games
from playscore.steps import at_once
from playscore.wire.games import game_from_feed
from playscore.wire.told_game import ToldGame
from servicekit.tokens import Keyring
from tests.fuzz.blame import Blame, PlayKey
from tests.fuzz.corpus import Corpus
from tests.fuzz.damage import Case, damage

TENSOR: Final = "tensor"
MAX_SECONDS: Final = 30
"""A folder that takes longer hangs."""
MAX_DETAIL: Final = 4_000
"""Characters of an error or a rejection."""
_KEYRING: Final = Keyring.random()


class FaultError(AssertionError):
    """Something that may not be, whatever the damage."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a play."""

    what: str
    """`TENSOR`, or the reason of the rejection."""
    detail: str
    """What the rejection says, or a digest of the tensor."""


@dataclass(slots=True)
class Outcome:
    """What became of a folder."""

    refused: str = ""
    """Why nothing of it was read, if so."""
    games: dict[str, str] = field(default_factory=dict)
    """By game: why nothing of it was read; empty if it was."""
    endings: dict[PlayKey, Ending] = field(default_factory=dict)
    filmed: set[PlayKey] = field(default_factory=set)
    """Plays with frames."""
    losses: tuple[Loss, ...] = ()

    def counts(self) -> Counter[str]:
        """How many plays, games and folders ended how."""
        counts = Counter(ending.what for ending in self.endings.values())
        counts["game refused"] = sum(map(bool, self.games.values()))
        counts["folder refused"] = int(bool(self.refused))
        counts["folder with losses"] = int(bool(self.losses))
        return +counts


def outcome_of(folder: Path, *, twice: bool = False) -> Outcome:
    """Reads a folder as a replay does; if `twice`, makes its plays whole, too, which must end as in the stream.

    Raises:
        FaultError: for a traceback, a hang, or a play that does not end in one tensor or rejection.
    """
    outcome = Outcome()
    with _bounded(), _no_traceback():
        try:
            source = open_source(folder)
            game_ids = select_games(source, ())
        except PlayscoreError as error:
            outcome.refused = _checked_error(error, str(folder), "there is no game in the data")
            return outcome
        for game_id in game_ids:
            _read_game(source, game_id, folder, outcome, twice)
        outcome.losses = tuple(source.losses())
        for loss in outcome.losses:
            if loss.count < 1 or not loss.reason or not loss.example:
                raise FaultError(f"a loss that says nothing: {loss}")
    return outcome


def _read_game(source: Source, game_id: str, folder: Path, outcome: Outcome, twice: bool) -> None:
    outcome.games[game_id] = ""
    try:
        messages = list(source.feed(game_id))
    except PlayscoreError as error:
        outcome.games[game_id] = _checked_error(error, str(folder), game_id)
        return
    played = Played(messages)
    outcome.games[game_id] = played.refused
    for play_id, ending in played.endings.items():
        outcome.endings[game_id, play_id] = ending
    outcome.filmed |= {(game_id, segment) for segment in played.told.segments}
    if not played.refused:
        for play_id, play in played.told.plays.items():
            if play.contexts and play_id not in played.endings:
                raise FaultError(f"play {play_id} of game {game_id} ends in nothing")
            if not play.contexts and not (source.losses() or played.refused_messages):
                outcome.endings[game_id, play_id] = Ending("not told of", "")
        if twice and not played.refused_messages:
            _check_whole(messages, played)


class Played:
    """A feed as the featurizer's stream takes it from the pipeline: message by message."""

    def __init__(self, messages: Iterable[FeedMessage]) -> None:
        self.told = ToldGame()
        self.endings: dict[str, Ending] = {}
        self.refused = ""
        """Why the game was given up, if so."""
        self.refused_messages: list[str] = []
        self._revisions: set[tuple[str, int]] = set()
        self._stream: MessageStream | None = None
        waiting: list[StreamPlaysRequest] = []
        try:
            for message in messages:
                waiting += self._requests(message)
                if self._stream is not None:
                    for request in waiting:
                        self._take(at_once(self._stream.receive(request)))
                    waiting.clear()
            if self._stream is not None:
                self._take(at_once(self._stream.half_close()))
            else:
                self.refused = "the feed has no header"
        except PlayscoreError as error:
            self.refused = _checked_error(error)

    def _requests(self, message: FeedMessage) -> Iterator[StreamPlaysRequest]:
        """What the pipeline makes of a message of the feed."""
        try:
            if not self.told.add(message):
                return
        except PlayscoreError as error:
            self.refused_messages.append(_checked_error(error))
            return
        match message.WhichOneof("message"):
            case "header" if self._stream is None:
                opening = StreamPlaysRequest(open=OpenGame(header=message.header))
                self._stream, _ = MessageStream.open(opening, TASKS, _KEYRING)
            case "roster":
                yield StreamPlaysRequest(roster=self.told.roster())
            case "context":
                yield StreamPlaysRequest(context=message.context)
            case "frames":
                yield StreamPlaysRequest(frames=message.frames)
            case "track":
                yield StreamPlaysRequest(track=message.track)
            case "end_play" if self.told.play(message.end_play.play_id).contexts:
                yield StreamPlaysRequest(end_play=message.end_play)

    def _take(self, responses: Iterable[StreamPlaysResponse]) -> None:
        for response in responses:
            answer = response.tensor if response.HasField("tensor") else response.rejection
            if response.HasField("checkpoint"):
                continue
            key = answer.key.play_id, answer.revision
            if key in self._revisions:
                raise FaultError(f"play {key[0]} ends twice at revision {key[1]}")
            self._revisions.add(key)
            self.endings[answer.key.play_id] = ending_of(response)


def ending_of(response: StreamPlaysResponse) -> Ending:
    """What an answer of the featurizer says of a play."""
    if response.HasField("rejection"):
        rejection = response.rejection
        if not rejection.detail or len(rejection.detail) > MAX_DETAIL or not rejection.reason:
            raise FaultError(f"a rejection that says nothing, or too much: {rejection}")
        return Ending(Reason(rejection.reason).name, rejection.detail)
    tensor = response.tensor
    for values in (tensor.frames, tensor.statics):
        if not np.isfinite(np.frombuffer(values, "<f4")).all():
            raise FaultError(f"the tensor of play {tensor.key.play_id} is not finite")
    return Ending(TENSOR, hashlib.sha256(tensor.SerializeToString(deterministic=True)).hexdigest()[:16])


def _check_whole(messages: Sequence[FeedMessage], played: Played) -> None:
    """The plays of a feed made whole must end as they did in the stream."""
    try:
        game = game_from_feed(messages)
    except PlayscoreError:
        return  # a batch is wrong in itself, and the stream rejected its plays
    roster = {player.player_id: player for player in game.roster}
    for play in game.plays:
        made = featurize(TASKS, game.header, roster, play.context, [play.frames], play.tracks)
        whole = ending_of(outcome_to_message(game.header, made))
        streamed = played.endings[play.context.play_id]
        if (whole.what, whole.what == TENSOR and whole.detail) != (
            streamed.what,
            streamed.what == TENSOR and streamed.detail,
        ):
            raise FaultError(f"play {play.context.play_id} ends as {streamed} in a stream, and as {whole} whole")


def faults(blame: Blame, before: Outcome, after: Outcome) -> list[str]:
    """What may not have become of a folder, by what was damaged."""
    if after.refused:
        return [] if blame.refused else [f"the folder is refused: {after.refused}"]
    found = [
        f"game {game_id} is refused: {why}"
        for game_id, why in after.games.items()
        if why and not blame.refused and before.games.get(game_id) != why
    ]
    told = any(
        loss.reason.startswith("the file") and name in loss.example for loss in after.losses for name in blame.files
    )
    for key, ending in before.endings.items():
        touched = blame.every or key in blame.plays
        now = after.endings.get(key)
        if after.games.get(key[0]):
            continue
        if now is None:
            if not (touched and (blame.takes or told or key not in before.filmed)):
                found.append(f"play {key} is gone; it was {ending}")
        elif now != ending and not touched:
            found.append(f"play {key} was not touched, was {ending} and is {now}")
    if blame.counts and not blame.every and not after.losses:
        found.append("a row cannot be read, and nothing is counted")
    for key in after.endings.keys() - before.endings.keys():
        ending = after.endings[key]
        if not blame.adds or (ending.what == TENSOR and not blame.every):
            found.append(f"play {key} is made up: {ending}")
    return found


def _checked_error(error: PlayscoreError, *names: str) -> str:
    """What an error says: it must name what it is about, and be short."""
    if not error.detail or len(error.detail) > MAX_DETAIL:
        raise FaultError(f"an error that says nothing, or too much: {error.detail[:200]!r}")
    if names and not any(name in error.detail for name in names):
        raise FaultError(f"an error that does not say where: {error.detail!r}")
    return error.detail


class _HangError(BaseException):
    """No handler of exceptions may catch it."""


@contextmanager
def _bounded() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _HangError

    handler = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MAX_SECONDS)
    try:
        yield
    except _HangError as hang:
        raise FaultError(f"hangs: {''.join(traceback.format_tb(hang.__traceback__)[-4:])}") from None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)


@contextmanager
def _no_traceback() -> Iterator[None]:
    """Whatever is raised besides `PlayscoreError` is a fault: panics of Polars are no Exceptions."""
    try:
        yield
    except (FaultError, KeyboardInterrupt, _HangError):
        raise
    except BaseException as error:
        raise FaultError(
            f"{type(error).__name__}: {error}\n{''.join(traceback.format_tb(error.__traceback__)[-5:])}"
        ) from error


# --- a case ---


@dataclass(frozen=True, slots=True)
class Trial:
    """A damaged folder that was read."""

    case: Case
    outcome: Outcome
    """As far as it is known."""
    faults: Sequence[str]

    def __str__(self) -> str:
        return "\n    ".join((str(self.case), *self.faults))


class Trials:
    """Damages a corpus, reads it, and judges."""

    def __init__(self, corpus: Corpus, scratch: Path) -> None:
        """Damaged copies go into the folder `scratch`."""
        self._corpus = corpus
        self._scratch = scratch
        self.sound = outcome_of(corpus.folder, twice=True)

    def trial(self, seed: int) -> Trial:
        """What becomes of the damage of a seed. Whole plays do not know the order of a feed's messages, streams do."""
        case = damage(self._corpus, seed, self._scratch)
        outcome = Outcome()
        try:
            outcome = outcome_of(self._scratch, twice=seed % 4 == 0 and not self._corpus.name.startswith("feed"))
            found = faults(case.blame, self.sound, outcome)
        except FaultError as fault:
            found = [str(fault)]
        return Trial(case, outcome, found)
