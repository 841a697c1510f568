"""Pages that are one file: nothing in their data can run, and nothing is asked for."""

from __future__ import annotations

import base64
import hashlib
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from board.report.page import MODULES, render
from board.single_file import PAGES, embedded, joined, read, single_file

HOSTILE = ["</script><script>alert(1)</script>", "<!--", "\u2028", "\u202e", '"', "/* script */", "/* data */"]
PAGE = (
    '<meta content="/* policy */"><style>/* style */</style><script>/* libraries */</script>'
    '<script type="application/json" id="data">/* data */</script><script type="module">/* script */</script>'
)


def data_of(page: str) -> object:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.sampled_from(HOSTILE)), max_size=5))
def test_whatever_a_name_is_the_page_carries_it_and_nothing_else_changes(data: dict[str, str]) -> None:
    page = single_file(PAGE, style="b{}", script="run()", data=data)
    assert data_of(page) == data
    assert "<" not in embedded(data)
    without = single_file(PAGE, style="b{}", script="run()", data={})
    assert page == without.replace('id="data">{}<', f'id="data">{embedded(data)}<')


def test_the_policy_names_exactly_the_scripts_and_the_style_of_the_page() -> None:
    page = render({"title": "</style>"})
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none';")
    assert "unsafe" not in policy[1]
    scripts = re.findall(r"<script(?: type=\"module\")?>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert (len(scripts), len(styles)) == (2, 1)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (*styles, *scripts)]
    assert re.findall(r"'sha256-([^']+)'", policy[1]) == digests


def test_a_report_refers_to_nothing_outside_of_it() -> None:
    page = render({}).replace(read("vendor/d3.min.js", "vendor/plot.umd.min.js"), "")
    assert not re.findall(r'src="|href="(?!#)|@import|url\(|fetch\(|XMLHttpRequest|EventSource', page)


def test_modules_joined_have_no_imports_left_and_no_name_twice() -> None:
    script = joined(PAGES, MODULES)
    assert not re.findall(r"^(?:import|export)\b", script, re.MULTILINE)
    names = re.findall(r"^(?:const|let|function) (\w+|\$)", script, re.MULTILINE)
    assert len(names) == len(set(names))


def test_every_module_follows_those_that_it_imports() -> None:
    for place, name in enumerate(MODULES):
        imported = re.findall(r'from "\./([\w.]+)"', PAGES.joinpath(name).read_text())
        assert set(imported) <= set(MODULES[:place])


def test_the_chart_library_is_what_npm_has() -> None:
    sums = re.findall(r"^    ([0-9a-f]{64})  (\S+)$", read("vendor/README.md"), re.MULTILINE)
    assert len(sums) == 2
    for digest, name in sums:
        assert hashlib.sha256(PAGES.joinpath("vendor", name).read_bytes()).hexdigest() == digest
    licenses = read("vendor/LICENSES.txt")
    assert "--- d3 7.9.0, ISC" in licenses
    assert "--- @observablehq/plot 0.6.17, ISC" in licenses


def test_every_element_that_a_script_names_is_on_its_page() -> None:
    for page, scripts in {
        "report.html": ["report.js"],
        "board.html": ["board.js", "stream.js", "live.js"],
        "game.html": ["game.js", "stream.js", "live.js"],
    }.items():
        text = read(page)
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        named = set(re.findall(r'\$\("([^"]+)"\)', read(*scripts)))
        references = re.findall(r'(?:labelledby|describedby|controls|for)="([^"]+)"', text)
        labelled = {each for found in references for each in found.split()}
        assert named | labelled <= set(ids), page
