"""Where a pass begins and ends: from the snap to the release, found from the source's events.

**Tags.** `playscore.tracking_events` says which events are snaps and releases. Tags set by hand and tags set by a
program are told apart; sources that have both set them a frame or two apart.

**Release.** The frame that the play's context states; else the first release after a snap. If a program tagged it and
the play's snap was tagged by hand, the tag set by hand is waited for, for half a second at most: a source that tags the
one by hand tags the other.

**Snap.** Tags set by hand win over those of a program. Of several before the release the last one counts at which the
players still stood: after a false start the second snap counts, and a repeated tag while everyone is running does not.
Players stand when their mean speed is below 1.75 yards a second. If they never stood, the first tag counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from playscore.game import TrackingEvent, TrackingEventKind
from playscore.tracking_events import is_automatic, kind_of

STANDING_YARDS_PER_SECOND: Final = 1.75
TAG_WAIT_FRAMES: Final = 5


@dataclass(frozen=True, slots=True)
class Window:
    """Frame numbers of the snap and the release, both included."""

    snap: int
    release: int

    def __len__(self) -> int:
        return self.release - self.snap + 1


@dataclass(slots=True)
class Tags:
    """The snaps and releases of a play, as far as they are known."""

    stated_release: int | None = None
    """The release by the play's context: it overrules every tag."""
    snaps_by_hand: set[int] = field(default_factory=set)
    snaps_by_program: set[int] = field(default_factory=set)
    releases_by_hand: set[int] = field(default_factory=set)
    releases_by_program: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return sum(
            map(len, (self.snaps_by_hand, self.snaps_by_program, self.releases_by_hand, self.releases_by_program))
        )

    def note(self, events: Iterable[TrackingEvent]) -> None:
        """Take in what happened; what is neither snap nor release is ignored."""
        for event in events:
            match kind_of(event), is_automatic(event):
                case TrackingEventKind.SNAP, False:
                    self.snaps_by_hand.add(event.frame_number)
                case TrackingEventKind.SNAP, True:
                    self.snaps_by_program.add(event.frame_number)
                case TrackingEventKind.PASS_RELEASE, False:
                    self.releases_by_hand.add(event.frame_number)
                case TrackingEventKind.PASS_RELEASE, True:
                    self.releases_by_program.add(event.frame_number)

    @property
    def releases(self) -> set[int]:
        """All releases that may count, whoever tagged them."""
        if self.stated_release is not None:
            return {self.stated_release}
        return self.releases_by_hand | self.releases_by_program

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last frame of what is tagged; there must be something."""
        tagged = self.snaps_by_hand | self.snaps_by_program | self.releases
        return min(tagged), max(tagged)

    def release(self) -> int | None:
        """The frame of the release; None while no release follows a snap."""
        first_snap = min(self.snaps_by_hand | self.snaps_by_program, default=None)
        if first_snap is None:
            return None
        release = min((frame for frame in self.releases if frame > first_snap), default=None)
        if release is None or not self._may_be_corrected(release):
            return release
        by_hand = (frame for frame in self.releases_by_hand if release < frame <= release + TAG_WAIT_FRAMES)
        return min(by_hand, default=release)

    def settled(self, release: int, last_frame: int) -> bool:
        """Whether `release` is final, now that the frames up to `last_frame` have come."""
        return not self._may_be_corrected(release) or last_frame >= release + TAG_WAIT_FRAMES

    def _may_be_corrected(self, release: int) -> bool:
        if self.stated_release is not None:
            return False
        return release not in self.releases_by_hand and any(snap < release for snap in self.snaps_by_hand)

    def snap(self, release: int, pace: Callable[[int], float]) -> int:
        """The frame of the snap that led to `release`; `pace` gives the players' mean speed at a frame, in yd/s."""
        snaps = sorted(snap for snap in self.snaps_by_hand if snap < release)
        snaps = snaps or sorted(snap for snap in self.snaps_by_program if snap < release)
        if len(snaps) == 1:
            return snaps[0]
        return next((snap for snap in reversed(snaps) if pace(snap) < STANDING_YARDS_PER_SECOND), snaps[0])
