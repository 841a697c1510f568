"""What was played of a game before, and what of its feed can be played over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

from pipeline.game_record import GameRecord
from pipeline.jetstream.names import GameName
from playscore.errors import PlayscoreError
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.wire.told_game import ToldPlay, segment_of

_NOTHING = -1
"""Less than any frame or sample number."""


class Archive:
    """The part of a game's feed whose plays are recorded.

    Args:
        messages: that could be taken in.
        record: which has taken them in.
    """

    def __init__(self, messages: Sequence[FeedMessage], record: GameRecord) -> None:
        self.messages = messages
        self._record = record
        self._filmed_in_part = {
            segment_of(play.context(play.revision(whole=True)))
            for play in record.plays.values()
            if play.contexts and not _is_filmed_whole(record, play)
        }
        """Segments of plays that more film may change."""
        self._last_samples: dict[tuple[str, int], int] = {}
        for segment_id, segment in record.segments.items():
            for track in segment.tracks:
                key = segment_id, track.object
                self._last_samples[key] = max([self._last_samples.get(key, _NOTHING), *track.sample_numbers])

    @classmethod
    def of(cls, name: GameName, messages: Iterable[FeedMessage]) -> Self:
        """That of a game. What is wrong with messages that cannot be taken in was told when they were new."""
        record, taken_in = GameRecord.of(name.key), []
        for message in messages:
            try:
                record.add(message)
            except PlayscoreError:
                continue
            taken_in.append(message)
        return cls(taken_in, record)

    @property
    def ended(self) -> bool:
        """Whether the end of the game was told."""
        return self._record.ended

    @property
    def play_ids(self) -> frozenset[str]:
        """The plays that it names."""
        return frozenset(self._record.plays)

    def can_go_on_with(self, message: FeedMessage) -> bool:
        """Whether a message can be played over it. Else the whole game is to be played again.

        A header, a roster, or film of a time that was filmed before may change plays that are recorded. Corrections and
        results can be taken in, and film that goes on.
        """
        if not self.messages:
            return True
        match message.WhichOneof("message"):
            case "header" | "roster":
                return not self._is_news(message)
            case "frames":
                frames = message.frames
                segment = self._record.segments.get(frames.segment_id)
                last = _NOTHING if segment is None else segment.last_frame_number
                return self._goes_on(frames.segment_id, frames.frame_numbers, last)
            case "track":
                track = message.track
                last = self._last_samples.get((track.segment_id, track.object), _NOTHING)
                return self._goes_on(track.segment_id, track.sample_numbers, last)
        return True

    def _goes_on(self, segment_id: str, numbers: Sequence[int], last: int) -> bool:
        """Whether film is of a time after all that was filmed, and of no play that it may change."""
        return segment_id not in self._filmed_in_part and min(numbers, default=last + 1) > last

    def _is_news(self, message: FeedMessage) -> bool:
        try:
            return self._record.add(message)
        except PlayscoreError:
            return False  # nothing of it is taken in


def _is_filmed_whole(record: GameRecord, play: ToldPlay) -> bool:
    """Whether the source has said where a play's film ends, and it has come up to there."""
    context = play.context(play.revision(whole=True))
    is_stated = play.end is not None and play.end.HasField("last_frame_number")
    return is_stated and record.tracking_has_ended(play, context)
