"""The page of the demo: one file that needs nothing else."""

from __future__ import annotations

import json
import re

from deploy.local.page import render


def embedded(page: str) -> object:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found.group(1))


def test_the_page_carries_its_data_style_and_script() -> None:
    data = {"summary": "a slate", "plays": []}
    page = render(data)
    assert embedded(page) == data
    assert "/* style */" not in page
    assert "/* script */" not in page
    assert not re.findall(r'(?:src|href)="', page)


def test_a_name_cannot_break_out_of_the_data() -> None:
    data = {"summary": "</script><script>alert(1)</script>", "plays": []}
    assert embedded(render(data)) == data
