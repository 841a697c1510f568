"""What the events of a film are: as their source states it, else by the names that sources use.

The names are those of `playscore.tracking.v1.TrackingEvent`. Other names are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from playscore.game import TagSource, TrackingEvent, TrackingEventKind

BY_HAND: Final[Mapping[str, TrackingEventKind]] = {
    **dict.fromkeys(("ball_snap", "snap", "snap_direct", "direct_snap"), TrackingEventKind.SNAP),
    **dict.fromkeys(("pass_forward", "passForward", "pass_shovel"), TrackingEventKind.PASS_RELEASE),
}
"""Names of tags set by hand."""
BY_PROGRAM: Final[Mapping[str, TrackingEventKind]] = {
    "autoevent_ballsnap": TrackingEventKind.SNAP,
    "autoevent_passforward": TrackingEventKind.PASS_RELEASE,
}
"""Names of tags set by a program."""
SNAP_NAMES: Final = tuple(name for name, kind in {**BY_HAND, **BY_PROGRAM}.items() if kind is TrackingEventKind.SNAP)
"""Names of snaps, whoever tagged them."""


def kind_of(event: TrackingEvent) -> TrackingEventKind | None:
    """What an event is; None for one that is ignored."""
    return event.kind or BY_HAND.get(event.name) or BY_PROGRAM.get(event.name)


def is_automatic(event: TrackingEvent) -> bool:
    """Whether a program tagged it: the source says so, or its name does."""
    return event.tagged_by is TagSource.AUTOMATIC or (event.tagged_by is None and event.name in BY_PROGRAM)


def is_release(event: TrackingEvent) -> bool:
    """Whether a forward pass leaves the hand."""
    return kind_of(event) is TrackingEventKind.PASS_RELEASE
