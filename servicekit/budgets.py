"""The latency budgets of `budgets.yaml`, and the histogram buckets that follow from them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

SHORTEST = 100e-6
"""Lower end of the buckets, seconds."""
LONGEST = 10.0
"""Upper end of the buckets, seconds."""
_WITHOUT_BUDGET = 1e-3


class Budget(BaseModel):
    """A share `quantile` of a metric's observations must take at most `seconds`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    metric: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*_seconds$")]
    labels: dict[str, str] = {}
    each: tuple[str, ...] = ()
    quantile: Annotated[float, Field(gt=0, lt=1)]
    seconds: Annotated[float, Field(ge=SHORTEST, le=LONGEST)]
    meaning: Annotated[str, Field(min_length=1)]


class Budgets(BaseModel):
    """All budgets, in the order of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budgets: tuple[Budget, ...]

    @model_validator(mode="after")
    def _names_differ(self) -> Budgets:
        names = [budget.name for budget in self.budgets]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names of budgets must differ; twice: {', '.join(twice)}")
        return self

    def of(self, metric: str) -> tuple[Budget, ...]:
        """The budgets of one metric; empty where it has none."""
        return tuple(budget for budget in self.budgets if budget.metric == metric)

    def buckets(self, metric: str) -> tuple[float, ...]:
        """Upper bounds of a metric's histogram, seconds, rising.

        A geometric series of ratio √2 from 100 µs to 10 s that goes through the metric's first budget; its others are
        added. So whether a budget is kept can be read exactly, and a quantile to within a factor of 1.41.
        """
        own = [budget.seconds for budget in self.of(metric)]
        anchor = own[0] if own else _WITHOUT_BUDGET
        series = (anchor * 2 ** (step / 2) for step in range(-40, 41))
        return tuple(
            sorted(
                {SHORTEST, *own, LONGEST, *(float(f"{bound:.3g}") for bound in series if SHORTEST <= bound <= LONGEST)}
            )
        )


def load_budgets(path: Path) -> Budgets:
    """Reads a file of budgets. Raises FileNotFoundError, yaml.YAMLError or pydantic.ValidationError."""
    return Budgets.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def budgets() -> Budgets:
    """The budgets in force: the file PLAYSCORE_BUDGETS names, else `budgets.yaml` beside the packages."""
    named = os.environ.get("PLAYSCORE_BUDGETS")
    path = Path(named) if named else Path(__file__).parents[1] / "budgets.yaml"
    if not path.is_file():
        raise FileNotFoundError(f"no budgets at {path}; set PLAYSCORE_BUDGETS to the path of budgets.yaml")
    return load_budgets(path)
