"""What the texts point at exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEXTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`([a-z][\w.-]*/[\w./-]+)`")


def anchors(text: str) -> set[str]:
    """Anchors of the headings, as the forge makes them."""
    titles = re.findall(r"^#+ (.+?)(?: \{ ?#.*\})?$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def broken(text: Path) -> Iterator[str]:
    for target in LINK.findall(without_code(text.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (text.parent / name) if name else text
        if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
            yield target


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: str(text.relative_to(ROOT)))
def test_every_link_leads_somewhere(text: Path) -> None:
    assert list(broken(text)) == []


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: str(text.relative_to(ROOT)))
def test_every_path_in_the_project_is_one(text: Path) -> None:
    """A path set as code that begins with a folder of the project; what is not committed is made by commands."""
    made = {"out", "runs"}
    folders = {folder.name for folder in ROOT.iterdir() if folder.is_dir()} - made
    paths = [path for path in PATH.findall(text.read_text()) if path.partition("/")[0] in folders]
    assert [path for path in paths if not (ROOT / path).exists()] == []
