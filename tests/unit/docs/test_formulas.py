"""Formulas are set without a script."""

from __future__ import annotations

import re

import pytest

from docs.generate.formulas import set_formulas


def test_formulas_within_a_line_and_of_their_own_become_mathml() -> None:
    inline = '<span class="arithmatex">\\(r &lt; \\tfrac12\\)</span>'
    display = '<div class="arithmatex">\\[\n\\mu\n\\]</div>'
    page = f"<p>so {inline}:</p>\n{display}"
    html = set_formulas(page)
    assert "arithmatex" not in html
    assert html.count("<math") == 2
    assert '<span class="formula"><math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">' in html
    assert '<div class="formula"><math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in html


def test_a_page_without_formulas_stays_as_it_is() -> None:
    assert set_formulas("<p>5 $ and 6 $</p>") == "<p>5 $ and 6 $</p>"


@pytest.mark.parametrize("tex", ["x^", "\\left(", "\\nonsense"])
def test_what_cannot_be_set_is_refused(tex: str) -> None:
    with pytest.raises(ValueError, match=re.escape(tex)):
        set_formulas(f'<span class="arithmatex">\\({tex}\\)</span>')
