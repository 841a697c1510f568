"""Spans: what a process tells of the traces that calls and plays belong to.

A `traceparent` (W3C Trace Context) names a trace, and the span in it that whatever comes next is a part of. It travels
in the metadata of a call, in the headers of the feed, and, where one call or stream carries many plays, with each play.
Anybody may have written it: one that is malformed, or longer than `MAX_TRACEPARENT`, counts as none.

Without a tracer (`servicekit.tracing` installs one where a setting asks for it) there are no spans, and asking for one
costs a comparison.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from playscore.errors import PlayscoreError

MAX_TRACEPARENT: Final = 128
"""Characters. Version 00 has 55; later ones may have more."""
_TRACEPARENT: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII
)

Attributes: TypeAlias = Mapping[str, str | int | float | bool]


class Kind(enum.Enum):
    """What a span is of, in OpenTelemetry's words."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True)
class Parent:
    """The span, of another process perhaps, that something is a part of."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    sampled: bool
    """Whether the trace is being recorded."""


def read(traceparent: str) -> Parent | None:
    """The parent that a `traceparent` names; None where it is malformed or too long."""
    if len(traceparent) > MAX_TRACEPARENT:
        return None
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or (match[1] == "00" and match[5] is not None):
        return None
    return Parent(match[2], match[3], bool(int(match[4], 16) & 1))


def ids_of(traceparent: str) -> dict[str, str]:
    """The `ids` of the span that a `traceparent` names; none where it names none."""
    parent = read(traceparent) if traceparent else None
    return {} if parent is None else {"trace_id": parent.trace_id, "span_id": parent.span_id}


class Span:
    """A part of a trace, from its begin to `end`. This one is none: it is false, and does nothing."""

    __slots__ = ()

    traceparent: str = ""
    """What the parts of this span are told; empty for none."""

    @property
    def ids(self) -> dict[str, str]:
        """`trace_id` and `span_id`, for a line of the log or the exemplar of an observation; empty for none."""
        return {}

    def __bool__(self) -> bool:
        return False

    def child(
        self,
        name: str,
        *,
        kind: Kind = Kind.INTERNAL,
        began_at: float | None = None,
        attributes: Attributes | None = None,
    ) -> Span:
        """A part of this span. See `begin`."""
        return self

    def set(self, attributes: Attributes) -> None:
        """Says more about it."""

    def end(self, error: str = "", *, at: float | None = None) -> None:
        """It is over, or failed: `error` says why, in words without anything that a caller sent. Ends once.

        `at` is when it ended, seconds of `time.perf_counter`; None: now.
        """


NO_SPAN: Final = Span()


class Tracer(Protocol):
    """Begins spans. `servicekit.tracing` has the one over OpenTelemetry."""

    def begin(
        self,
        name: str,
        parent: Parent | None,
        kind: Kind,
        began_at: float | None,
        attributes: Attributes | None,
        links: Iterable[Span],
    ) -> Span:
        """A span, a part of `parent` or the first of a trace; NO_SPAN where the trace is not recorded."""
        ...


_tracer: Tracer | None = None


def install(tracer: Tracer | None) -> None:
    """From now on spans are begun by this tracer; None: there are none."""
    global _tracer  # noqa: PLW0603
    _tracer = tracer


def are_on() -> bool:
    """Whether spans can be begun at all."""
    return _tracer is not None


def begin(
    name: str,
    traceparent: str,
    *,
    kind: Kind = Kind.INTERNAL,
    began_at: float | None = None,
    attributes: Attributes | None = None,
    links: Iterable[Span] = (),
) -> Span:
    """A span of the trace that `traceparent` names; NO_SPAN where that is none, or one that is not recorded.

    Args:
        name: what is done, the same for every play: never an identifier.
        traceparent: as it was told.
        kind: of span.
        began_at: when it began, seconds of `time.perf_counter`; None: now.
        attributes: about it. No names of people, no secrets.
        links: spans of other traces that have to do with it.
    """
    if _tracer is None or not traceparent:
        return NO_SPAN
    parent = read(traceparent)
    if parent is None or not parent.sampled:
        return NO_SPAN
    return _tracer.begin(name, parent, kind, began_at, attributes, links)


def begin_trace(
    name: str,
    parent: Parent | None = None,
    *,
    kind: Kind = Kind.INTERNAL,
    began_at: float | None = None,
    attributes: Attributes | None = None,
) -> Span:
    """As `begin`; without a parent the first span of a new trace, if that is one of those recorded."""
    if _tracer is None or (parent is not None and not parent.sampled):
        return NO_SPAN
    return _tracer.begin(name, parent, kind, began_at, attributes, ())


def failure_of(error: BaseException) -> str:
    """How a span names what it failed with: nothing that a caller sent."""
    return error.reason.name if isinstance(error, PlayscoreError) else type(error).__name__


@contextmanager
def ending(parts: Iterable[Span]) -> Iterator[None]:
    """Spans that end with the block, and fail where it fails."""
    failure = ""
    try:
        yield
    except BaseException as error:
        failure = failure_of(error)
        raise
    finally:
        for span in parts:
            span.end(failure)


def of_play(league: str, game_id: str, play_id: str, revision: int) -> Attributes:
    """The attributes of a play's span."""
    return {
        "playscore.league": league,
        "playscore.game_id": game_id,
        "playscore.play_id": play_id,
        "playscore.revision": revision,
    }
