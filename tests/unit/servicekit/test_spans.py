"""What a traceparent says, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit import spans
from servicekit.spans import MAX_TRACEPARENT, NO_SPAN, Attributes, Kind, Parent, Span

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Begun(Span):
    """A span of the tracer below."""


class Remembering:
    """A tracer that remembers whose part it was asked for."""

    def __init__(self) -> None:
        self.parents: list[Parent | None] = []

    def begin(
        self,
        name: str,
        parent: Parent | None,
        kind: Kind,
        began_at: float | None,
        attributes: Attributes | None,
        links: Iterable[Span],
    ) -> Span:
        self.parents.append(parent)
        return Begun()


@pytest.fixture
def tracer() -> Iterable[Remembering]:
    remembering = Remembering()
    spans.install(remembering)
    yield remembering
    spans.install(None)


@pytest.mark.parametrize(
    ("traceparent", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-bring", True),
    ],
)
def test_a_traceparent_names_trace_span_and_whether_it_is_recorded(traceparent: str, sampled: bool) -> None:
    assert spans.read(traceparent) == Parent(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "junk",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{'٣' * 32}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01-{'x' * MAX_TRACEPARENT}",
        "0" * 1_000_000,
    ],
)
def test_a_malformed_traceparent_counts_as_none(tracer: Remembering, traceparent: str) -> None:
    assert spans.read(traceparent) is None
    assert spans.begin("anything", traceparent) is NO_SPAN
    assert tracer.parents == []


@given(st.text() | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"))
def test_no_text_is_too_strange_to_be_read(traceparent: str) -> None:
    parent = spans.read(traceparent)
    assert parent is None or (int(parent.trace_id, 16) and int(parent.span_id, 16))


def test_a_service_begins_no_trace_of_a_play_and_continues_one_that_is_recorded(tracer: Remembering) -> None:
    assert not spans.begin("anything", "")
    assert not spans.begin("anything", f"00-{TRACE}-{SPAN}-00")
    spans.begin("anything", f"00-{TRACE}-{SPAN}-01")
    assert tracer.parents == [Parent(TRACE, SPAN, True)]


def test_a_trace_begins_where_none_is_named_or_where_what_is_named_is_malformed(tracer: Remembering) -> None:
    spans.begin_trace("anything")
    spans.begin_trace("anything", spans.read("junk"))
    assert spans.begin_trace("anything", spans.read(f"00-{TRACE}-{SPAN}-00")) is NO_SPAN
    assert tracer.parents == [None, None]


def test_without_a_tracer_there_are_no_spans() -> None:
    assert spans.begin("anything", f"00-{TRACE}-{SPAN}-01") is NO_SPAN
    assert spans.begin_trace("anything") is NO_SPAN
    assert NO_SPAN.child("anything") is NO_SPAN
    assert (NO_SPAN.traceparent, NO_SPAN.ids) == ("", {})
