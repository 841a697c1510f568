"""Feeds told one kind of message after another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from playscore.feed.v1.feed_pb2 import FeedMessage

KINDS_IN_ORDER = {
    "contexts first": ("header", "context", "roster", "frames", "track", "end_play", "official_result"),
    "tracking first": ("header", "frames", "track", "end_play", "official_result", "roster", "context"),
    "rosters last": ("header", "context", "frames", "track", "end_play", "official_result", "roster"),
    "header last": ("official_result", "end_play", "context", "roster", "frames", "track", "header"),
    "results first": ("official_result", "header", "roster", "end_play", "context", "frames", "track"),
}


def by_kind(messages: Sequence[FeedMessage], kinds: Iterable[str]) -> list[FeedMessage]:
    """The messages of the first kind, then those of the next; others are left out."""
    return [message for kind in kinds for message in messages if message.WhichOneof("message") == kind]
