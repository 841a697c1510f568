"""docs/shot_factors.md and its pictures: every factor of a shot, from the specification, the drawings and the code."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from docs.generate.drawings import Drawing, Group, Shown
from docs.generate.shot_pictures import picture, shown_value
from featurizer.shots.factors import FACTORS, PLACE

TEMPLATE: Final = Path(__file__).with_name("shot_factors_page.md")
PICTURES: Final = "shot_factors"
"""The folder of the pictures, beside the page."""
_MODULES: Final = ("checks", "events", "film", "net", "puck", "release", "scene", "shot", "skaters")
_UNITS: Final[Mapping[str, str]] = {
    "ft": "feet",
    "deg": "degrees",
    "s": "seconds",
    "ft/s": "feet per second",
    "1": "none",
    "code": "none, it is a code without order",
}


def factors_page(groups: Sequence[Group]) -> str:
    """The page. Every constant in it is that of the code."""
    head = _with_constants(TEMPLATE.read_text(), count=len(FACTORS))
    return "\n\n".join([head.rstrip(), *(text for group in groups for text in _group(group))]) + "\n"


def pictures(groups: Sequence[Group]) -> dict[str, str]:
    """The pictures of all drawings whose value is known, by the names of their files."""
    return {
        f"{drawing.name}.svg": picture(drawing) for group in groups for drawing in group.drawings if _shown(drawing)
    }


def _shown(drawing: Drawing) -> bool:
    return drawing.value is not None


def _group(group: Group) -> Iterator[str]:
    yield f"## {group.title}"
    for name, shown in group.shown.items():
        yield from _factor(name, shown, [each for each in group.drawings if each.factor == name])


def _factor(name: str, shown: Shown, drawings: Sequence[Drawing]) -> Iterator[str]:
    factor = FACTORS[PLACE[name]]
    yield f"### {name}"
    exactly = f" {_with_constants(shown.exactly)}" if shown.exactly else ""
    yield f"{factor.description}{exactly}"
    yield f"**Unit:** {_UNITS[factor.unit]}. **Unknown:** {_lower(_with_constants(shown.unknown))}"
    for drawing in filter(_shown, drawings):
        how = f" {drawing.how}." if drawing.how and not drawing.how.endswith(".") else f" {drawing.how}"
        alternative = f"{name} is {shown_value(drawing)}"
        yield f"![{alternative}]({PICTURES}/{drawing.name}.svg)<br>\n{drawing.says}{how.rstrip()}"


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _with_constants(text: str, **more: Any) -> str:
    modules = {name: importlib.import_module(f"featurizer.shots.{name}") for name in _MODULES}
    return text.format(**modules, **more)
