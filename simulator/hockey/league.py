"""The simulated hockey league: teams, players, how good they are and which way they shoot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore.game import Player
from playscore.shots import Handedness

LEAGUE: Final = "SIH"

_TEAMS: Final = {
    "AUR": "Aurora Lynx", "BAY": "Bayfield Otters", "CAP": "Capstone Wolves", "DEL": "Delta Kings",
    "EVR": "Everly Frost", "FAR": "Farrow Badgers", "GRV": "Grove City Elks", "HLX": "Halyard Sailors",
    "IVY": "Ivyton Ravens", "JAS": "Jasper Bears", "KNX": "Knoxley Sabers", "LUM": "Lumber Bay Axes",
    "MNT": "Monteith Falcons", "NOR": "Norwick Huskies", "OTR": "Otter Point Gales", "PIN": "Pinehurst Moose",
}  # fmt: skip
_FIRST: Final = (
    "Adam", "Brett", "Cole", "Dylan", "Erik", "Finn", "Gabe", "Hugo", "Isak", "Jonas", "Kyle", "Lars", "Mats", "Nils",
    "Oskar", "Pavel", "Quinn", "Roope", "Sami", "Teemu",
)  # fmt: skip
_STEMS: Final = (
    "Alder", "Berg", "Birch", "Dahl", "Elm", "Frost", "Glen", "Holm", "Ice", "Lake", "Lund", "Norr", "Pine", "Raven",
    "Sand", "Stone", "Thor", "Vinter", "Wolf", "Young",
)  # fmt: skip
_ENDINGS: Final = (
    "berg", "by", "dale", "fors", "gren", "hart", "holt", "ing", "lander", "lin", "mark", "qvist", "sen", "strand",
    "strom", "vik", "wall", "worth",
)  # fmt: skip

POSITIONS: Final = ("G", "G", *("LW", "C", "RW") * 4, *("LD", "RD") * 3)
"""Of the 20 players of a roster: two goalies, four lines, three pairs."""
ROSTER: Final = len(POSITIONS)
SKATERS: Final = tuple(place for place, position in enumerate(POSITIONS) if position != "G")
BY_SLOT: Final = tuple(
    tuple(place for place, position in enumerate(POSITIONS) if position == wanted)
    for wanted in ("C", "LW", "C", "RW", "LD", "RD")
)
"""Who can play in each of the six slots of a team, first line first; in slot 0 the extra attackers."""
_LEFT_HANDED: Final = {"G": 0.9, "LW": 0.75, "C": 0.6, "RW": 0.35, "LD": 0.9, "RD": 0.2}


@dataclass(frozen=True, slots=True)
class Team:
    """A team and its 20 players in the order of POSITIONS."""

    team_id: str
    name: str
    players: tuple[Player, ...]
    hands: tuple[Handedness, ...]
    """Which way each shoots; of goalies, the hand with which they catch."""


def _names() -> list[str]:
    last = [stem + ending for stem in _STEMS for ending in _ENDINGS]
    # 7 shares no factor with the number of names, so this visits all of them and mixes the stems.
    mixed = [last[(7 * place) % len(last)] for place in range(len(last))]
    return [f"{first} {name}" for first, name in zip(islice(cycle(_FIRST), len(mixed)), mixed, strict=True)]


def _league() -> tuple[Team, ...]:
    names = iter(_names())
    rng = np.random.default_rng(1917)
    teams = []
    for number, (team_id, name) in enumerate(_TEAMS.items()):
        numbers = rng.permutation(np.arange(2, 99))[:ROSTER]
        players = tuple(
            Player(str(8_000_000 + 100 * (number + 1) + place), team_id, next(names), position, int(numbers[place]))
            for place, position in enumerate(POSITIONS)
        )
        left = rng.random(ROSTER) < [_LEFT_HANDED[position] for position in POSITIONS]
        hands = tuple(Handedness.LEFT if each else Handedness.RIGHT for each in left)
        teams.append(Team(team_id, name, players, hands))
    return tuple(teams)


TEAMS: Final = _league()


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of the skills, in logits; 0 makes everybody average."""

    shooters: float = 0.2
    goalies: float = 0.12
    faceoffs: float = 0.2


@dataclass(frozen=True, eq=False)
class Skills:
    """How good everybody is, in logits, by team and place in the roster. Arrays (16, 20); the mean over a role is 0."""

    shooting: NDArray[np.float64]
    """Added to the logit of the chance of a goal."""
    goalkeeping: NDArray[np.float64]
    """Taken off the logit of the chance of a goal; 0 for skaters."""
    faceoffs: NDArray[np.float64]
    """The difference between two takers is the logit of the chance to win."""

    def by_player(self) -> Mapping[str, Mapping[str, float]]:
        """By player id: the skills by their names."""
        return {
            player.player_id: {
                "shooting": float(self.shooting[t, p]),
                "goalkeeping": float(self.goalkeeping[t, p]),
                "faceoffs": float(self.faceoffs[t, p]),
            }
            for t, team in enumerate(TEAMS)
            for p, player in enumerate(team.players)
        }


@cache
def skills(seed: int, spread: Spread = Spread()) -> Skills:
    """The skills of a league. Those of a role are the quantiles of a normal distribution, dealt out by the seed."""
    rng = np.random.default_rng([seed, 3])

    def dealt(who: list[int], deviation: float) -> NDArray[np.float64]:
        count = len(TEAMS) * len(who)
        quantiles = np.array([NormalDist().inv_cdf((rank + 0.5) / count) for rank in range(count)])
        table = np.zeros((len(TEAMS), ROSTER))
        table[:, who] = rng.permutation(deviation * quantiles).reshape(len(TEAMS), len(who))
        return table

    goalies = [place for place, position in enumerate(POSITIONS) if position == "G"]
    return Skills(
        dealt(list(SKATERS), spread.shooters),
        dealt(goalies, spread.goalies),
        dealt(list(SKATERS), spread.faceoffs),
    )


def opponents(index: int) -> tuple[int, int]:
    """Home and visiting team of a game, as places in TEAMS: a double round robin again and again."""
    count = len(TEAMS)
    half = count // 2
    round_number, slot = divmod(index, count * (count - 1))
    leg, slot = divmod(slot, half * (count - 1))
    day, pair = divmod(slot, half)
    # The circle method: the last team stays, the others rotate.
    turning = count - 1
    first, second = (day, turning) if pair == 0 else ((day + pair) % turning, (day - pair) % turning)
    return (second, first) if (day + pair + leg + round_number) % 2 else (first, second)
