"""What a message of the broker holds: feed messages one after the other, each behind its length as a varint.

That is protobuf's own delimited form, the one of `.feed` files.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from google.protobuf import proto
from google.protobuf.message import DecodeError

from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage

MAX_BODY_BYTES: Final = 256 * 1024
"""Of several feed messages together. A single one may be larger, as far as the broker takes it."""


def pack(messages: Iterable[FeedMessage]) -> bytes:
    """The body that holds these messages."""
    body = io.BytesIO()
    for message in messages:
        proto.serialize_length_prefixed(message, body)
    return body.getvalue()


def unpack(body: bytes) -> list[FeedMessage]:
    """The messages of a body. Raises FIELD_INVALID where it is none."""
    stream = io.BytesIO(body)
    messages: list[FeedMessage] = []
    try:
        while stream.tell() < len(body):
            message = proto.parse_length_prefixed(FeedMessage, stream)
            if message is None:
                break
            messages.append(message)
    except (DecodeError, ValueError, EOFError) as torn:
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{len(body)} bytes are no delimited feed messages: {torn}"
        ) from torn
    if not messages:
        raise PlayscoreError(Reason.FIELD_INVALID, "there is no feed message in it")
    return messages


def cut(messages: Sequence[FeedMessage]) -> Iterator[Sequence[FeedMessage]]:
    """Messages in runs that fit in one body each, where each of them does."""
    begin = size = 0
    for place, message in enumerate(messages):
        more = message.ByteSize() + 5
        if size + more > MAX_BODY_BYTES and place > begin:
            yield messages[begin:place]
            begin, size = place, 0
        size += more
    if begin < len(messages):
        yield messages[begin:]


def message_id(subject: str, body: bytes) -> str:
    """The same for the same body on the same subject: what makes publishing it twice one thing."""
    return hashlib.sha256(subject.encode() + b"\0" + body).hexdigest()[:32]
