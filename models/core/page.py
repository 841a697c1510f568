"""The look that the pages of evaluations share."""

from __future__ import annotations

from importlib import resources
from string import Template


def filled(package: str, **parts: object) -> str:
    """The `page.html` of a package with its parts, and its `$style` with that of all such pages."""
    template = Template((resources.files(package) / "page.html").read_text(encoding="utf-8"))
    style = (resources.files(__package__) / "page.css").read_text(encoding="utf-8")
    return template.substitute(parts, style=style)
