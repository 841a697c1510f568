"""A command ends when its work is done."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from playscore.event_loop import run


class Large:
    """A result that would take long to show."""

    def __repr__(self) -> str:
        raise AssertionError("nobody asked to see it")


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_large_result_is_returned_without_being_formatted(loop_factory: type) -> None:
    large = Large()

    async def main() -> Large:
        return large

    assert run(main(), loop_factory=loop_factory) is large


def test_what_is_raised_is_raised() -> None:
    async def main() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        run(main())
