"""What the site makes of links, which are written for the forge."""

from __future__ import annotations

from pathlib import Path

import pytest
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.generate.site import on_page_markdown

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def config() -> MkDocsConfig:
    return load_config(str(ROOT / "mkdocs.yml"))


def on_site(config: MkDocsConfig, page: str, markdown: str) -> str:
    return on_page_markdown(markdown, Page(None, File(page, "docs", "site", True), config), config, Files([]))


@pytest.mark.parametrize(
    ("page", "written", "shown"),
    [
        ("index.md", "[how](../RELEASING.md#versions)", "[how](releasing.md#versions)"),
        ("index.md", "[splits](splits.md#syntax)", "[splits](splits.md#syntax)"),
        ("index.md", "the [license](../LICENSE)", "the license"),
        ("index.md", "[card](../models/releases/passing/2/card.md)", "[card](models/passing_2.md)"),
        ("contributing.md", "[benchmarks](docs/benchmarks.md)", "[benchmarks](benchmarks.md)"),
        ("contributing.md", "[releasing](RELEASING.md)", "[releasing](releasing.md)"),
        ("models/passing_2.md", "[score](../../../../docs/score.md)", "[score](../score.md)"),
        ("index.md", "[notebook](ratings.ipynb)", "[notebook](notebook.md)"),
        ("index.md", "[elsewhere](https://google.aip.dev/160)", "[elsewhere](https://google.aip.dev/160)"),
        ("index.md", "[missing](missing.md)", "[missing](missing.md)"),
        ("score.md", "![picture](rating_study.svg)", "![picture](rating_study.svg)"),
    ],
)
def test_links_lead_to_pages_of_the_site(config: MkDocsConfig, page: str, written: str, shown: str) -> None:
    assert on_site(config, page, written) == shown
