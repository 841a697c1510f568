"""What the services promise (`servicekit/budgets.yaml`), and the histogram buckets that follow from it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

MIN_SECONDS = 100e-6
"""Lower end of the buckets, seconds."""
MAX_SECONDS = 10.0
"""Upper end of the buckets, seconds."""
_WITHOUT_BUDGET = 1e-3
_SHIPPED = Path(__file__).with_name("budgets.yaml")


class _Promise(BaseModel):
    """What is promised of a metric."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
    labels: dict[str, str] = {}
    each: tuple[str, ...] = ()
    meaning: Annotated[str, Field(min_length=1)]


class Budget(_Promise):
    """A share `quantile` of a metric's observations must take at most `seconds`."""

    metric: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*_seconds$")]
    quantile: Annotated[float, Field(gt=0, lt=1)]
    seconds: Annotated[float, Field(ge=MIN_SECONDS, le=MAX_SECONDS)]

    @property
    def objective(self) -> float:
        """The share of observations that must be good."""
        return self.quantile

    def is_kept(self, share_in_time: float) -> bool:
        """Whether the budget is kept when this share of the observations took at most `seconds`."""
        return share_in_time >= self.quantile


class Availability(_Promise):
    """A share `objective` of what a metric counts must not have one of the label's values in `bad`."""

    metric: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*_total$")]
    label: Annotated[str, Field(min_length=1)]
    bad: Annotated[tuple[str, ...], Field(min_length=1)]
    objective: Annotated[float, Field(gt=0, lt=1)]


class Budgets(BaseModel):
    """All promises, in the order of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_days: Annotated[int, Field(ge=7)] = 30
    budgets: tuple[Budget, ...]
    availability: tuple[Availability, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Budgets:
        names = [promise.name for promise in self.promises]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names of budgets must differ; twice: {', '.join(twice)}")
        return self

    @property
    def promises(self) -> tuple[Budget | Availability, ...]:
        """All of them, whatever their kind."""
        return (*self.budgets, *self.availability)

    def named(self, name: str) -> Budget:
        """The latency budget of a name. Raises KeyError where there is none."""
        for budget in self.budgets:
            if budget.name == name:
                return budget
        raise KeyError(f"no budget is called {name!r}; there are {', '.join(each.name for each in self.budgets)}")

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
        series = (float(f"{anchor * 2 ** (step / 2):.3g}") for step in range(-40, 41))
        between = (bound for bound in series if MIN_SECONDS <= bound <= MAX_SECONDS)
        return tuple(sorted({MIN_SECONDS, *own, *between, MAX_SECONDS}))


@cache
def budgets() -> Budgets:
    """The budgets in force: those of the file that PLAYSCORE_BUDGETS names, else the ones that come with playscore.

    Raises FileNotFoundError, yaml.YAMLError or pydantic.ValidationError where the named file is absent or wrong.
    """
    named = os.environ.get("PLAYSCORE_BUDGETS")
    if named and not Path(named).is_file():
        raise FileNotFoundError(f"PLAYSCORE_BUDGETS names {named}, which does not exist")
    path = Path(named) if named else _SHIPPED
    return Budgets.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
