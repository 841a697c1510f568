"""What the value of a factor says, in the words of a catalog: one file for each language."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from playscore.errors import PlayscoreError, Reason

ENGLISH: Final = Path(__file__).with_name("texts") / "en.toml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wording(_Part):
    """The words for one factor. In `text` and `below`, {value} stands for the number."""

    name: Annotated[str, Field(min_length=1)]
    """What the factor is of; it is read out where its value is not known."""
    cases: Mapping[str, str] = {}
    """Texts of single numbers, as they would be written: codes, flags, and where the grammar asks for other words."""
    text: str = ""
    """Of all other numbers."""
    below: str = ""
    """Of all other numbers below 0, which it gets without their sign; as `text` where it is empty."""
    decimals: Annotated[int, Field(ge=0, le=3)] = 0
    """Of the number; zeros at the end are not written."""
    scale: float = 1.0
    """The number is the factor's value times this: what is a share is read out in percent."""

    @model_validator(mode="after")
    def _placeholders(self) -> Self:
        for template in (self.text, self.below):
            check_placeholders(template, {"value"})
        if not self.text and not self.cases:
            raise ValueError("needs text or cases: it says nothing of any value")
        return self


class Catalog(_Part):
    """The words for every factor in one language."""

    unknown: str
    """Where a factor's value is not known; {name} stands for the factor's."""
    other: str
    """Of a number for which the factor has no words, for example a code of a later contract: {name} and {value}."""
    decimal_point: str = "."
    factors: Mapping[str, Wording]
    """By the name of the factor."""

    @model_validator(mode="after")
    def _placeholders(self) -> Self:
        check_placeholders(self.unknown, {"name"})
        check_placeholders(self.other, {"name", "value"})
        return self

    def text(self, factor: str, value: float | None) -> str:
        """What a value of a factor says; None: it is not known."""
        wording = self.factors[factor]
        if value is None:
            return self.unknown.format(name=wording.name)
        number = _written(value * wording.scale, wording.decimals)
        found = wording.cases.get(number)
        if found is not None:
            return found
        template, shown = wording.text or self.other, number
        if number.startswith("-") and wording.below:
            template, shown = wording.below, number[1:]
        return template.format(name=wording.name, value=shown.replace(".", self.decimal_point))

    def lacking(self, factors: Iterable[str]) -> list[str]:
        """Those of the factors that it has no words for."""
        return [factor for factor in factors if factor not in self.factors]


def read_catalog(path: Path, factors: Collection[str] | None = None) -> Catalog:
    """The catalog in a file.

    Args:
        path: of the file.
        factors: those that it must have words for, and no others; None: those of English.

    Raises:
        PlayscoreError: FIELD_INVALID, naming the file, and what is wrong in it or which factors are.
    """
    try:
        catalog = Catalog.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise _invalid(path, wrong) from None
    except (OSError, ValueError) as error:
        raise _invalid(path, str(error)) from None
    wanted = english().factors.keys() if factors is None else factors
    lacking, unknown = catalog.lacking(wanted), [name for name in catalog.factors if name not in wanted]
    complaints = (("lacks", lacking), ("names factors that are none:", unknown))
    if wrong := "; ".join(f"{says} {', '.join(names)}" for says, names in complaints if names):
        raise _invalid(path, wrong)
    return catalog


@cache
def english() -> Catalog:
    """The catalog that comes with playscore."""
    return Catalog.model_validate(tomllib.loads(ENGLISH.read_text(encoding="utf-8")))


def check_placeholders(template: str, known: Collection[str]) -> None:
    """Refuse a template that asks for something else than is known. Raises ValueError."""
    for _, field, specification, conversion in string.Formatter().parse(template):
        if field is not None and (field not in known or specification or conversion):
            raise ValueError(f"{template!r} may have {' and '.join(f'{{{name}}}' for name in sorted(known))} only")


def _written(number: float, decimals: int) -> str:
    text = f"{number:.{decimals}f}"
    if decimals:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _invalid(path: Path, wrong: Any) -> PlayscoreError:
    return PlayscoreError(Reason.FIELD_INVALID, f"{path} is no catalog of factors' texts: {wrong}")
