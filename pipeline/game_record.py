"""What a feed has said of one game so far: whatever the order of its messages, the same record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.tracking.v1 import tracking_pb2 as tracking
from playscore.wire.feed import is_settled, latest, merged


@dataclass(slots=True)
class Film:
    """What was filmed of one segment, in the order in which it came."""

    frames: list[tracking.FrameBatch] = field(default_factory=list)
    tracks: list[tracking.TrackBatch] = field(default_factory=list)
    last_frame_number: int = -1

    def __len__(self) -> int:
        return len(self.frames) + len(self.tracks)


@dataclass(slots=True)
class ToldPlay:
    """What was said of one play."""

    play_id: str
    contexts: dict[int, feed.PlayContext] = field(default_factory=dict)
    """By revision."""
    end: feed.EndPlay | None = None

    def add(self, context: feed.PlayContext) -> bool:
        """Take in a context; False if its revision is known already."""
        if context.revision in self.contexts:
            return False
        self.contexts[context.revision] = context
        return True

    def add_end(self, end: feed.EndPlay) -> bool:
        """Take in where its film ends: of several ends the latest counts; False if an earlier one is as late."""
        if self.end is not None and _last_frame(self.end) >= _last_frame(end):
            return False
        self.end = end
        return True

    def revision(self, *, whole: bool) -> int:
        """The highest revision that can be told from the contexts, 0 if none can.

        Contexts state what changed, so that all revisions up to one are needed to tell it, back to one that is
        complete; unless the feed is `whole`: nothing more comes, and what is missing is not waited for.
        """
        if whole:
            return max(self.contexts, default=0)
        known = 0
        for revision in sorted(self.contexts):
            if revision == known + 1 or self.contexts[revision].complete:
                known = revision
        return known

    def context(self, revision: int) -> feed.PlayContext:
        """What is known of the play at a revision."""
        return merged(context for number, context in self.contexts.items() if number <= revision)


@dataclass(slots=True)
class GameRecord:
    """One game as it was told."""

    header: tracking.GameHeader | None = None
    rosters: list[tracking.Roster] = field(default_factory=list)
    films: defaultdict[str, Film] = field(default_factory=lambda: defaultdict(Film))
    """By segment."""
    plays: dict[str, ToldPlay] = field(default_factory=dict)
    """By identifier, in the order in which they were first named by a context."""
    results: dict[str, feed.OfficialResult] = field(default_factory=dict)
    """By play: the latest."""
    ended: bool = False
    unknown_messages: int = 0
    """Of a later contract: nothing that this one knows is set in them."""

    def add(self, message: feed.FeedMessage) -> bool:
        """Take in one message; False if it says nothing new.

        Raises GAME_MISMATCH for a header that is another game's.
        """
        match message.WhichOneof("message"):
            case "header":
                return self._add_header(message.header)
            case "roster":
                self.rosters.append(message.roster)
            case "frames":
                film = self.films[message.frames.segment_id]
                film.frames.append(message.frames)
                film.last_frame_number = max(film.last_frame_number, *message.frames.frame_numbers, -1)
            case "track":
                self.films[message.track.segment_id].tracks.append(message.track)
            case "context":
                return self.play(message.context.play_id).add(message.context)
            case "end_play":
                return self.play(message.end_play.play_id).add_end(message.end_play)
            case "official_result":
                return is_settled(message.official_result) and latest(self.results, message.official_result)
            case "end_game":
                self.ended = True
            case _:
                self.unknown_messages += 1
                return False
        return True

    def add_all(self, messages: Iterable[feed.FeedMessage]) -> None:
        """Take in a feed."""
        for message in messages:
            self.add(message)

    def play(self, play_id: str) -> ToldPlay:
        """What was said of a play; of one that nothing was said of yet, nothing."""
        return self.plays.setdefault(play_id, ToldPlay(play_id))

    def roster(self) -> tracking.Roster:
        """Everybody who may appear: of two entries of one player that of the higher revision counts."""
        rosters = sorted(self.rosters, key=lambda roster: roster.revision)
        players = {player.player_id: player for roster in rosters for player in roster.players}
        return tracking.Roster(players=players.values())

    def film_of(self, context: feed.PlayContext) -> Film:
        """The film of the segment that a play is in."""
        return self.films[segment_of(context)]

    def whole_play(self, context: feed.PlayContext) -> featurizer.WholePlay:
        """A play with all of its segment's film."""
        film = self.film_of(context)
        return featurizer.WholePlay(context=context, frames=film.frames, tracks=film.tracks)

    def film_has_ended(self, play: ToldPlay, context: feed.PlayContext) -> bool:
        """Whether the source has said that a play's film is complete, and it is."""
        if play.end is None:
            return False
        if not play.end.HasField("last_frame_number"):
            return True
        return self.film_of(context).last_frame_number >= play.end.last_frame_number

    def _add_header(self, header: tracking.GameHeader) -> bool:
        known = self.header
        if known is not None and header.key != known.key:
            raise PlayscoreError(
                Reason.GAME_MISMATCH,
                f"a header of game {header.key.game_id!r} came in the feed of game {known.key.game_id!r}",
            )
        if known is None or header.revision > known.revision:
            self.header = header
            return True
        return False


def _last_frame(end: feed.EndPlay) -> int:
    return end.last_frame_number if end.HasField("last_frame_number") else -1


def segment_of(context: feed.PlayContext) -> str:
    """The segment that a play is in."""
    return context.segment_id or context.play_id
