"""The streams of the live feed: the feed itself, the queue of games, and where the games stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from nats.js import JetStreamContext, api
from nats.js import errors as js_errors

from pipeline.jetstream.broker import Broker
from pipeline.jetstream.names import FEED, WORK
from playscore.errors import PlayscoreError, Reason

FEED_STREAM: Final = "PLAYSCORE_FEED"
"""What sources say, by game, kept by age and size."""
TRACEPARENT: Final = "traceparent"
"""The header of a message of the feed that says which trace it belongs to."""
WORK_STREAM: Final = "PLAYSCORE_WORK"
"""Games with something to play, each until it is played: a work queue."""
STATES: Final = "playscore_games"
"""The bucket that says where each game stands."""
WORKERS: Final = "workers"
"""The consumer that hands out games."""
FINDERS: Final = "finders"
"""The consumer that tells of messages, so that their games come into the queue."""

DAY_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How the streams are made.

    Args:
        replicas: servers that keep each message: 1, 3 or 5.
        max_age_seconds: how long the feed is kept.
        max_bytes: how much of the feed is kept, the newest; -1: as much as the disk holds.
        duplicates_seconds: how long the broker itself knows a message again.
        lease_seconds: how long a worker may be silent before its games go to others.
    """

    replicas: int = 1
    max_age_seconds: float = 14 * DAY_SECONDS
    max_bytes: int = -1
    duplicates_seconds: float = 120.0
    lease_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Streams:
    """Streams that exist."""

    feed_created: str
    """When the feed was made: sequence numbers of another feed mean nothing in this one."""
    lease_seconds: float


async def create_streams(broker: Broker, settings: StreamSettings) -> bool:
    """Makes the streams, or changes those that exist to these settings. Whether the feed is new."""
    js = broker.js
    feed = api.StreamConfig(
        name=FEED_STREAM,
        description="What sources say of games, one subject a game",
        subjects=[f"{FEED}.*.*"],
        retention=api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.OLD,
        max_age=settings.max_age_seconds,
        max_bytes=settings.max_bytes,
        duplicate_window=settings.duplicates_seconds,
        storage=api.StorageType.FILE,
        num_replicas=settings.replicas,
    )
    work = api.StreamConfig(
        name=WORK_STREAM,
        description="Games with something to play",
        subjects=[f"{WORK}.*.*.*"],
        retention=api.RetentionPolicy.WORK_QUEUE,
        discard=api.DiscardPolicy.NEW,
        discard_new_per_subject=True,
        max_msgs_per_subject=1,
        storage=api.StorageType.FILE,
        num_replicas=settings.replicas,
    )
    states = api.StreamConfig(
        name=f"KV_{STATES}",
        description="Where each game stands",
        subjects=[f"$KV.{STATES}.>"],
        max_msgs_per_subject=1,
        discard=api.DiscardPolicy.NEW,
        allow_rollup_hdrs=True,
        deny_delete=True,
        storage=api.StorageType.FILE,
        num_replicas=settings.replicas,
    )
    is_new = [await broker.until_it_answers(partial(_put_stream, js, config)) for config in (feed, work, states)]
    for stream, consumer in (
        (
            WORK_STREAM,
            api.ConsumerConfig(
                durable_name=WORKERS,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=settings.lease_seconds,
                max_ack_pending=-1,
            ),
        ),
        (
            FEED_STREAM,
            api.ConsumerConfig(
                durable_name=FINDERS,
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=settings.lease_seconds,
                max_ack_pending=-1,
                headers_only=True,
            ),
        ),
    ):
        await broker.until_it_answers(partial(js.add_consumer, stream, consumer))
    return is_new[0]


async def existing_streams(broker: Broker) -> Streams:
    """The streams as they are. Raises FIELD_INVALID where they were not made."""
    try:
        feed = await broker.until_it_answers(lambda: broker.js.stream_info(FEED_STREAM))
        workers = await broker.until_it_answers(lambda: broker.js.consumer_info(WORK_STREAM, WORKERS))
        await broker.until_it_answers(lambda: broker.js.consumer_info(FEED_STREAM, FINDERS))
        await broker.until_it_answers(lambda: broker.js.stream_info(f"KV_{STATES}"))
    except js_errors.NotFoundError as missing:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            "the broker has no live feed yet, or only a part of one: make it with playscore feed create",
        ) from missing
    assert workers.config.ack_wait is not None
    return Streams("" if feed.created is None else feed.created.isoformat(), workers.config.ack_wait)


async def _put_stream(js: JetStreamContext, config: api.StreamConfig) -> bool:
    """Makes a stream, or changes it. Whether it is new."""
    assert config.name is not None
    try:
        await js.stream_info(config.name)
    except js_errors.NotFoundError:
        await js.add_stream(config)
        return True
    await js.update_stream(config)
    return False
