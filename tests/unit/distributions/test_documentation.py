"""The examples of docs/distribution.md, run in order as one session; what they print is what the page shows."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "distribution.md"
EXAMPLES = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.filterwarnings("error")
def test_examples_print_what_the_page_shows() -> None:
    page = PAGE.read_text()
    blocks = list(EXAMPLES.finditer(page))
    assert blocks
    assert len(blocks) == page.count("```") // 2
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    session: dict[str, object] = {}
    report: list[str] = []
    for block in blocks:
        line = page.count("\n", 0, block.start(1))
        example = doctest.DocTestParser().get_doctest(block[1], session, PAGE.name, str(PAGE), line)
        runner.run(example, out=report.append, clear_globs=False)
        session = example.globs
    assert not runner.failures, "".join(report)
