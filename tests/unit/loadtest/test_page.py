"""A load test as a page: everything in one file, and the verdict to be seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.page import render
from loadtest.recording import Recording
from loadtest.verdict import verdict
from servicekit.budgets import budgets


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).with_name("recordings").glob("*.json")), ids=lambda path: path.stem
)
def test_a_page_shows_the_verdict_each_budget_and_each_process(path: Path) -> None:
    recording = Recording.load(path)
    judged = verdict(recording, budgets())
    page = render(recording, judged)
    assert f'<span class="verdict {judged.outcome.name.lower()}">' in page
    for shown in (*(each.name for each in judged.judgements), *recording.parts):
        assert shown in page
    assert ("<svg" in page) is bool(judged.judgements)
    assert "nan" not in page
    assert "http" not in page.replace("https://", "")
