"""What columns are made of before they are columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Mask: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.intp]
Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """N texts, each by its place among `values`, which are all different; the empty text is unknown."""

    codes: NDArray[np.uint32]
    values: Sequence[str]

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> Texts:
        """Texts as they come; None is unknown."""
        places: dict[str, int] = {}
        codes = [places.setdefault(text or "", len(places)) for text in texts]
        return cls(np.array(codes, dtype=np.uint32), list(places))

    def is_in(self, values: Collection[str]) -> Mask:
        """(N,) Which of them are among `values`."""
        holding: Mask = np.array([value in values for value in self.values], dtype=np.bool_)[self.codes]
        return holding
