"""A line of the log is short, and shows what it holds."""

from __future__ import annotations

import io
import json
import logging
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from servicekit.bounded_logs import MAX_LINE_CHARACTERS, MAX_TEXT_CHARACTERS, bounded, visible
from servicekit.logs import configure_logs

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text() | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, each in value.items():
                yield key
                yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)


@given(st.dictionaries(st.text(), values, max_size=10))
def test_no_field_holds_a_character_that_cannot_be_seen(event: dict[str, Any]) -> None:
    line = json.loads(json.dumps(bounded(None, "info", event), allow_nan=False))
    for text in texts(line):
        assert not {unicodedata.category(character) for character in text} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Renée O'Brien-Łukasz 王", "Renée O'Brien-Łukasz 王"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31mred\x7f\x9b", "\\x1b[31mred\\x7f\\x9b"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("one\u2028two\x85three", "one\\u2028two\\x85three"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_cannot_be_seen_is_written_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("value", ["x" * 10**6, ["x" * 10**5] * 50, {"x" * 10**5: "y" * 10**5}, b"\0" * 10**6])
def test_a_field_is_cut_visibly(value: object) -> None:
    [shown] = bounded(None, "info", {"value": value}).values()
    assert len(str(shown)) < MAX_TEXT_CHARACTERS * 4 + 100
    assert "more characters" in str(shown)


def test_a_line_is_cut_by_fields_and_keeps_what_it_is_about() -> None:
    event = {f"field{place}": "x" * 1_000 for place in range(500)} | {"event": "what happened", "level": "info"}
    line = bounded(None, "info", event)
    assert line["event"] == "what happened"
    assert len(json.dumps(line)) < MAX_LINE_CHARACTERS * 2
    assert line["fields_left_out"] == len(event) - (len(line) - 1)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a service of the name "test" logs."""
    stream = io.StringIO()
    before = logging.root.handlers[:]
    configure_logs("test", "info", stream)
    yield stream
    structlog.reset_defaults()
    logging.root.handlers[:] = before


def raised(error: Exception) -> Exception:
    try:
        raise error  # noqa: TRY301
    except Exception as caught:
        return caught


def test_a_traceback_keeps_its_lines_and_its_end(written: io.StringIO) -> None:
    structlog.get_logger().error("broken", exc_info=raised(ValueError("\x1b[2J" + "x" * 10**6 + " the end")))
    [line] = map(json.loads, written.getvalue().splitlines())
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith(" the end")
    assert "\\x1b[2J" in line["exception"]
    assert len(written.getvalue()) < MAX_LINE_CHARACTERS * 2


def test_what_libraries_log_is_bounded_too(written: io.StringIO) -> None:
    logging.getLogger("asyncio").error('x\n{"event": "forged"} \x1b[31m %s', "y" * 10**6)
    [line] = map(json.loads, written.getvalue().splitlines())
    assert line["service"] == "test"
    assert line["event"].startswith('x\\n{"event": "forged"} \\x1b[31m yyy')
    assert len(written.getvalue()) < MAX_TEXT_CHARACTERS * 2
