"""What commands say of records that were written and of data that could not be read."""

from __future__ import annotations

import io

from rich.console import Console

from pipeline.batch_stages import Written
from pipeline.result_tables import show_losses, show_written
from playscore.sources import Loss


def test_every_record_that_was_sent_is_said_to_have_become_something() -> None:
    console = Console(file=io.StringIO(), width=200)
    show_written(Written(inserted=5, replaced=4, unchanged=3, stale=2, conflicting=1, withdrawn=6), console)
    assert said(console) == (
        "Recorded: 5 new, 4 replaced, 3 unchanged, 2 stale, 1 in conflict with what is stored; 6 withdrawn.\n"
    )


def test_what_could_not_be_read_is_listed_without_obeying_what_it_says() -> None:
    console = Console(file=io.StringIO(), width=200)
    show_losses((), console)
    assert said(console) == ""
    show_losses((Loss("frameId is missing", 3, "week1.csv, row 17: \x1b[31m[/]"),), console)
    assert "frameId is missing" in said(console)
    assert "[31m[/]" in said(console)
    assert "\x1b" not in said(console)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
