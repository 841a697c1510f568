"""Teams by the names that sources give them: clubs that moved, and those that are spelt two ways, meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

_SPELLINGS: Final = (
    ("ARI", "ARZ", "CRD"),
    ("BAL", "BLT", "RAV"),
    ("CLE", "CLV"),
    ("GB", "GNB"),
    ("HOU", "HST", "HTX"),
    ("IND", "CLT"),
    ("JAX", "JAC"),
    ("KC", "KAN"),
    ("LAC", "SD", "SDG"),
    ("LAR", "LA", "STL", "SL", "RAM"),
    ("LV", "OAK", "LVR", "RAI"),
    ("NE", "NWE"),
    ("NO", "NOR"),
    ("SF", "SFO"),
    ("TB", "TAM"),
    ("TEN", "OTI"),
    ("WAS", "WSH"),
)
_CLUB: Final[Mapping[str, str]] = {name: names[0] for names in _SPELLINGS for name in names}


def club(name: str) -> str:
    """One name of the club, however it is spelt: "OAK" and "lv" are the same."""
    name = name.strip().upper()
    return _CLUB.get(name, name)


class Teams:
    """The two teams of a game, by the names that its header gives them."""

    def __init__(self, home: str, away: str) -> None:
        self.home = home
        self.away = away
        self._by_club = {club(away): away, club(home): home}

    @property
    def names(self) -> tuple[str, str]:
        """Home and away."""
        return self.home, self.away

    def named(self, spelling: str | None) -> str:
        """The team that is meant; empty if it is neither."""
        return self._by_club.get(club(spelling or ""), "")

    @classmethod
    def most_often(cls, spellings: Iterable[tuple[str, int]]) -> Teams | None:
        """The two that are named most often, of names and how often each comes; None unless there are two."""
        clubs: dict[str, Counter[str]] = {}
        for spelling, count in spellings:
            clubs.setdefault(club(spelling), Counter())[spelling] += count
        ranked = sorted(clubs.values(), key=lambda names: (-names.total(), min(names)))
        if len(ranked) < 2:
            return None
        first, second = sorted(names.most_common(1)[0][0] for names in ranked[:2])
        return cls(first, second)
