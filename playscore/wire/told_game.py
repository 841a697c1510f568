"""A game as a feed tells it: the rules by which messages add up, and what a message must be to be taken in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1 import feed_pb2 as feed
from playscore.field_limits import FIELD_LIMITS
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.feed import is_later, is_settled, merged
from playscore.wire.validation import check, invalid

MAX_PLAYERS: Final = FIELD_LIMITS["playscore.tracking.v1.Roster.players"].max_items
"""In all rosters of a game together."""

_SEGMENT_ID: Final = FIELD_LIMITS["playscore.tracking.v1.FrameBatch.segment_id"].text
_FRAME_NUMBERS: Final = FIELD_LIMITS["playscore.tracking.v1.FrameBatch.frame_numbers"]
_NO_FRAME: Final = -1
"""Less than any frame number."""


@dataclass(slots=True)
class SegmentTracking:
    """The tracking of one segment, in the order in which it arrived, without repeated batches."""

    frames: list[tracking.FrameBatch] = field(default_factory=list)
    tracks: list[tracking.TrackBatch] = field(default_factory=list)
    last_frame_number: int = _NO_FRAME
    """The greatest that has arrived; -1 if none has."""
    _starts: dict[tuple[int, int], list[Any]] = field(default_factory=dict, repr=False, compare=False)
    """Batches by the object they follow (-1: players) and their first number, to find repeats."""

    def __len__(self) -> int:
        return len(self.frames) + len(self.tracks)

    def add_frames(self, batch: tracking.FrameBatch) -> bool:
        """Add a batch of frames; False if an equal batch was added before."""
        if self._repeats(batch, -1, batch.frame_numbers):
            return False
        self.frames.append(batch)
        if batch.frame_numbers:
            self.last_frame_number = max(self.last_frame_number, *batch.frame_numbers)
        return True

    def add_track(self, batch: tracking.TrackBatch) -> bool:
        """Add samples of the ball or puck; False if an equal batch was added before."""
        if self._repeats(batch, batch.object, batch.sample_numbers):
            return False
        self.tracks.append(batch)
        return True

    def _repeats(self, batch: Any, tracked: int, numbers: Any) -> bool:
        start = (tracked, numbers[0] if numbers else _NO_FRAME)
        known = self._starts.setdefault(start, [])
        if batch in known:
            return True
        known.append(batch)
        return False


@dataclass(slots=True)
class ToldPlay:
    """What a feed has said of one play."""

    play_id: str
    contexts: dict[int, feed.PlayContext] = field(default_factory=dict)
    """By revision."""
    end: feed.EndPlay | None = None
    _merged: dict[int, feed.PlayContext] = field(default_factory=dict, repr=False, compare=False)

    def add(self, context: feed.PlayContext) -> bool:
        """Add a context; False if its revision is known already: the first context of a revision counts."""
        if context.revision in self.contexts:
            return False
        self.contexts[context.revision] = context
        self._merged.clear()
        return True

    def add_end(self, end: feed.EndPlay) -> bool:
        """Add where the play's tracking ends. The latest end counts; False if a known one is as late."""
        if self.end is not None and _last_frame(self.end) >= _last_frame(end):
            return False
        self.end = end
        return True

    def revision(self, *, whole: bool) -> int:
        """The highest revision that can be put together from the contexts, 0 if none can.

        Contexts state what changed, so a revision needs all revisions before it, back to one that is complete. If the
        feed is `whole`, nothing more will arrive, and missing revisions are not waited for.
        """
        if whole:
            return max(self.contexts, default=0)
        known = 0
        for revision in sorted(self.contexts):
            if revision == known + 1 or self.contexts[revision].complete:
                known = revision
        return known

    def context(self, revision: int) -> feed.PlayContext:
        """What is known of the play at a revision. Shared between calls: do not change it."""
        known = self._merged.get(revision)
        if known is None:
            known = merged(context for number, context in self.contexts.items() if number <= revision)
            self._merged[revision] = known
        return known


@dataclass(slots=True)
class ToldGame:
    """What a feed has said of one game so far.

    The order of the messages does not matter, nor do repeats:

    - The header of the highest revision counts.
    - Rosters add up. A player who is listed twice is the one of the higher roster revision.
    - A play is the merge of its contexts by revision, see `ToldPlay.context`.
    - The settled official result of the highest outcome revision counts. One that is not settled only announces a
      result, and is ignored.

    A source must not send two different messages of the same revision. If it does, the first one counts: that is the
    one case in which the order matters, apart from the order in which plays, players and tracking are listed.
    """

    header: tracking.GameHeader | None = None
    segments: dict[str, SegmentTracking] = field(default_factory=dict)
    """Tracking by segment."""
    plays: dict[str, ToldPlay] = field(default_factory=dict)
    """By identifier, in the order in which they were first named."""
    results: dict[str, feed.OfficialResult] = field(default_factory=dict)
    """By play: the one that counts."""
    ended: bool = False
    unknown_messages: int = 0
    """Messages of a later contract: no field known here is set in them."""
    roster_changes: int = 0
    """Rosters that changed who may appear."""
    _game: tuple[str, str] | None = None
    """League and identifier of the game, once a message has named it."""
    _players: dict[str, tuple[int, tracking.Player]] = field(default_factory=dict)
    """With the revision of the roster that each is from."""
    _teams_of_players: set[str] = field(default_factory=set)

    def add(self, message: feed.FeedMessage) -> bool:
        """Add one message; False if it says nothing new.

        The fields of headers, situations, outcomes and columns are not checked here: whoever reads them answers for
        them. A message without a game key is taken to be about this game.

        Raises:
            PlayscoreError: GAME_MISMATCH for a message about another game. FIELD_INVALID, or the reason that the
                contract states for the field, for a message that cannot be assigned to a play or segment or breaks the
                limits of its fields. Nothing of the message was added.
        """
        game = self._game_of(message)
        added = self._add(message)
        self._game = game
        return added

    def add_all(self, messages: Iterable[feed.FeedMessage]) -> None:
        """Add the messages of a feed. Raises as `add`."""
        for message in messages:
            self.add(message)

    def play(self, play_id: str) -> ToldPlay:
        """What was said of a play; an empty one if nothing was said of it yet."""
        return self.plays.setdefault(play_id, ToldPlay(play_id))

    @property
    def has_roster(self) -> bool:
        """Whether anyone may appear yet."""
        return bool(self._players)

    @property
    def has_both_rosters(self) -> bool:
        """Whether players of every team that the header names may appear."""
        return self.has_roster and self._teams() <= self._teams_of_players

    def roster(self) -> tracking.Roster:
        """Everyone who may appear, without `strangers`. If a player is listed twice, the higher revision wins."""
        teams = self._teams()
        return tracking.Roster(players=[player for _, player in self._players.values() if _is_of(player, teams)])

    def strangers(self) -> list[tracking.Player]:
        """Players who are listed with a team that does not play, as far as the header says who does."""
        teams = self._teams()
        return [player for _, player in self._players.values() if not _is_of(player, teams)]

    def _teams(self) -> set[str]:
        return set() if self.header is None else {self.header.home_team_id, self.header.away_team_id} - {""}

    def tracking_of(self, context: feed.PlayContext) -> SegmentTracking:
        """The tracking of the segment that a play is in; empty where none has come."""
        return self.segments.get(segment_of(context)) or SegmentTracking()

    def tracking_has_ended(self, play: ToldPlay, context: feed.PlayContext) -> bool:
        """Whether the source has said where a play's tracking ends, and it has arrived up to there."""
        if play.end is None:
            return False
        if not play.end.HasField("last_frame_number"):
            return True
        return self.tracking_of(context).last_frame_number >= play.end.last_frame_number

    def _game_of(self, message: feed.FeedMessage) -> tuple[str, str] | None:
        """The game as named so far, by this message if by none before it. Raises if it is another one."""
        game = self._game
        if message.HasField("game"):
            game = _same_game(game, message.game, "game")
        if message.HasField("header"):
            check(message.header.key, "header.key")
            game = _same_game(game, message.header.key, "header.key")
        return game

    def _add(self, message: feed.FeedMessage) -> bool:
        match message.WhichOneof("message"):
            case "header":
                news = self._add_header(message.header)
            case "roster":
                news = self._add_roster(message.roster)
            case "frames":
                segment = self._checked_segment(message.frames.segment_id, "frames")
                _check_frame_numbers(message.frames)
                news = self._segment(segment).add_frames(message.frames)
            case "track":
                segment = self._checked_segment(message.track.segment_id, "track")
                news = self._segment(segment).add_track(message.track)
            case "context":
                check(message.context, "context", leaving=("football", "shot", "faceoff"))
                news = self.play(message.context.play_id).add(message.context)
            case "end_play":
                check(message.end_play, "end_play")
                news = self.play(message.end_play.play_id).add_end(message.end_play)
            case "official_result":
                outcomes = ("pass_outcome", "shot_outcome", "faceoff_outcome")
                check(message.official_result, "official_result", leaving=outcomes)
                news = self._add_result(message.official_result)
            case "end_game":
                news, self.ended = not self.ended, True
            case _:
                self.unknown_messages += 1
                news = False
        return news

    def _add_header(self, header: tracking.GameHeader) -> bool:
        if self.header is not None and header.revision <= self.header.revision:
            return False
        self.header = header
        return True

    def _add_roster(self, roster: tracking.Roster) -> bool:
        changed: dict[str, tuple[int, tracking.Player]] = {}
        news = False
        for player in roster.players:
            known = self._players.get(player.player_id)
            if known is None or known[0] < roster.revision:
                changed[player.player_id] = (roster.revision, player)
                news = news or known is None or known[1] != player
        if not changed:
            return False
        _check_roster(roster)
        if len(changed.keys() | self._players.keys()) > MAX_PLAYERS:
            raise invalid(
                "roster.players",
                f"must be at most {MAX_PLAYERS} in all rosters of the game, not"
                f" {len(changed.keys() | self._players.keys())}",
            )
        self._players.update(changed)
        self._teams_of_players = {player.team_id for _, player in self._players.values()}
        self.roster_changes += news
        return news

    def _add_result(self, result: feed.OfficialResult) -> bool:
        if not (is_settled(result) and is_later(result, self.results.get(result.play_id))):
            return False
        self.results[result.play_id] = result
        return True

    def _checked_segment(self, segment_id: str, path: str) -> str:
        if segment_id not in self.segments and _SEGMENT_ID is not None and not _SEGMENT_ID.allows(segment_id):
            raise invalid(f"{path}.segment_id", f"must have {_SEGMENT_ID.value}")
        return segment_id

    def _segment(self, segment_id: str) -> SegmentTracking:
        segment = self.segments.get(segment_id)
        if segment is None:
            segment = self.segments[segment_id] = SegmentTracking()
        return segment


def segment_of(context: feed.PlayContext) -> str:
    """The segment that a play is in."""
    return context.segment_id or context.play_id


def _is_of(player: tracking.Player, teams: set[str]) -> bool:
    return not teams or player.team_id in teams


def _same_game(known: tuple[str, str] | None, key: common.GameKey, path: str) -> tuple[str, str]:
    named = (key.league, key.game_id)
    if known is None:
        check(key, path)
    elif named != known:
        what = "a header" if path == "header.key" else "a message"
        raise PlayscoreError(
            Reason.GAME_MISMATCH,
            f"{what} of game {named[1]!r} of league {named[0]!r} came in the feed of game {known[1]!r} of league"
            f" {known[0]!r}",
        )
    return named


def _check_frame_numbers(batch: tracking.FrameBatch) -> None:
    """The rest of a batch is checked where its columns are read; these decide when a play has ended."""
    numbers = batch.frame_numbers
    if numbers and not (_FRAME_NUMBERS.allows_number(min(numbers)) and _FRAME_NUMBERS.allows_number(max(numbers))):
        raise invalid("frames.frame_numbers", f"must be {_FRAME_NUMBERS.range}")


def _check_roster(roster: tracking.Roster) -> None:
    check(roster, "roster")
    seen: set[str] = set()
    for place, player in enumerate(roster.players):
        if player.player_id in seen:
            raise invalid(f"roster.players[{place}].player_id", f"must not come twice: {player.player_id!r}")
        seen.add(player.player_id)


def _last_frame(end: feed.EndPlay) -> int:
    return end.last_frame_number if end.HasField("last_frame_number") else _NO_FRAME
