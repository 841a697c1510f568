"""One play of a game under way: what was asked of the featurizer, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.in_flight_play import InFlightPlay
from pipeline.results import PlayResult
from playscore.feed.v1 import feed_pb2 as feed
from playscore.wire.feed import is_later
from playscore.wire.told_game import ToldPlay

Known = tuple[int, int, int]
"""How much was known of what a play is made from: the header's revision, changes of the roster, tracking messages."""


@dataclass(slots=True, eq=False)
class PlayRun:
    """Where one play stands."""

    told: ToldPlay
    asked: int = 0
    """The revision that the featurizer was asked for last; 0: none."""
    answered: int = 0
    """The revision of its last answer; 0: none."""
    refused: bool = False
    """That answer was no tensor."""
    remaking: bool = False
    """It is made again beside the stream, or is about to be."""
    end_told: bool = False
    """The featurizer was told that its tracking is complete."""
    overrun: bool = False
    """Tracking beyond its end was streamed before that end was known: it may have been taken for the play's."""
    known: Known | None = None
    """How much was known when its tracking was said to be complete, or it was made whole; None: neither was done."""
    closing_sent_at: float = 0.0
    """When the frames were sent that may have closed it, seconds of `time.perf_counter`."""
    may_close: bool = False
    """Film has come that may have closed it, or what is known of it says when it closes: any more film may."""
    official: feed.OfficialResult | None = None
    """The latest official result that is known."""
    current: InFlightPlay | None = None
    """The last revision that was answered, on its way or at its end."""
    held: bool = False
    """`current` is a rejection that waits for what may still come."""
    result: PlayResult | None = None

    @property
    def play_id(self) -> str:
        """Its identifier in the game."""
        return self.told.play_id

    @property
    def is_open(self) -> bool:
        """Its tracking is streamed, and the featurizer has not answered."""
        return self.asked > self.answered and not self.remaking

    def learn(self, result: feed.OfficialResult) -> None:
        """Take in an official result, unless a later one is known."""
        if is_later(result, self.official):
            self.official = result
            if self.current is not None:
                self.current.learn(result)
