"""The values of a shot's factors, some of which are not known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from featurizer.core.flags import flagged
from featurizer.shots.factors import NAMES
from playscore.game import Floats

Values: TypeAlias = Mapping[str, float | None]
"""By the names of factors. What is absent or None is not known."""


def statics(values: Values) -> Floats:
    """(2F,) the values in the order of the specification, 0 where one is not known, then a flag for each that is.

    Raises:
        KeyError: a value has the name of no factor.
    """
    if unknown := values.keys() - set(NAMES):
        raise KeyError(f"no factors: {', '.join(sorted(unknown))}")
    return flagged(values.get(name) for name in NAMES)


def known(values: Values) -> Iterator[tuple[str, float]]:
    """The values that are known, with the names of their factors."""
    for name, value in values.items():
        if value is not None and math.isfinite(value):
            yield name, value


def flag(holds: bool | None) -> float | None:
    """1 or 0; None where it is not known."""
    return None if holds is None else float(holds)
