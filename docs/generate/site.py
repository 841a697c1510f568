"""What MkDocs calls while it builds the site: for the pages that are made from code, for links and for formulas."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import playscore
from docs.generate.contracts import contract_pages
from docs.generate.formulas import set_formulas
from docs.generate.notebook import notebook_page, read_notebook
from docs.generate.python_api import python_pages

_ROOT = Path(__file__).resolve().parents[2]
_DOCS = "docs/"
_PROJECT = ("CONTRIBUTING.md", "RELEASING.md", "CHANGELOG.md", "SECURITY.md")
_CARDS = "models/releases/*/*/card.md"
_NOTEBOOK = "docs/ratings.ipynb"
_NOTEBOOK_PAGE = "notebook.md"
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s:#]+)(#[^)\s]+)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are not files of docs/, each to the section of the navigation that is there for it."""
    sources = _sources()
    sections = {
        "Contracts": {f"reference/{name}.md": page for name, page in contract_pages(_ROOT / "protos").items()},
        "Python API": {f"reference/{name}.md": page for name, page in python_pages(playscore).items()},
        "Models": {page: (_ROOT / card).read_text() for card, page in sources.items() if card.endswith("card.md")},
        "Project": {sources[source]: (_ROOT / source).read_text() for source in _PROJECT},
    }
    for section, pages in sections.items():
        _entry(config.nav, section)[section] = list(pages)
        for name, text in pages.items():
            files.append(File.generated(config, name, content=text))
    files.append(File.generated(config, _NOTEBOOK_PAGE, content=notebook_page(read_notebook())))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Points links at the pages of the site; a link to a file of the repository that is no page loses its target."""
    sources = _sources()
    pages = {uri: source for source, uri in sources.items()}
    here = page.file.src_uri
    folder = posixpath.dirname(pages.get(here, _DOCS + here))

    def on_site(link: re.Match[str]) -> str:
        text, target, anchor = link.groups()
        source = posixpath.normpath(posixpath.join(folder, target))
        if not (_ROOT / source).exists():
            return link[0]
        uri = sources.get(source) or (source.removeprefix(_DOCS) if source.startswith(_DOCS) else None)
        if uri is None:
            return text
        return f"[{text}]({posixpath.relpath(uri, posixpath.dirname(here))}{anchor or ''})"

    return _LINK.sub(on_site, markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Sets the formulas."""
    return set_formulas(html)


def _sources() -> dict[str, str]:
    """Pages that are files of the repository but no Markdown of docs/: by path, where they are on the site."""
    cards = sorted(_ROOT.glob(_CARDS), reverse=True)
    return (
        {name: name.lower() for name in _PROJECT}
        | {_NOTEBOOK: _NOTEBOOK_PAGE}
        | {card.relative_to(_ROOT).as_posix(): f"models/{card.parts[-3]}_{card.parts[-2]}.md" for card in cards}
    )


def _entry(navigation: Any, title: str) -> dict[str, Any]:
    """The entry of a section, at whatever depth. Raises KeyError where there is none."""
    for entry in navigation if isinstance(navigation, list) else ():
        if isinstance(entry, dict):
            if title in entry:
                return entry
            for content in entry.values():
                try:
                    return _entry(content, title)
                except KeyError:
                    continue
    raise KeyError(title)
