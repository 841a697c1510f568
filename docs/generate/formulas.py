"""Formulas as MathML, which browsers set without a script, a font or a host."""

from __future__ import annotations

import re
from html import unescape

from latex2mathml import converter

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def set_formulas(page: str) -> str:
    """The HTML of a page with the formulas that arithmatex marked in it set. Raises ValueError for a malformed one."""
    return _FORMULA.sub(_set, page)


def _set(formula: re.Match[str]) -> str:
    element, bracket, escaped = formula.groups()
    tex = unescape(escaped)
    try:
        mathml = converter.convert(tex, display="block" if bracket == "[" else "inline")
    except Exception as error:  # the converter's errors have no base of their own
        raise ValueError(f"not a formula: {tex}") from error
    if "\\" in mathml:
        raise ValueError(f"a command that cannot be set: {tex}")
    return f'<{element} class="formula">{mathml}</{element}>'
