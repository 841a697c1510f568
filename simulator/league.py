"""The simulated league: its teams, their players, and how good its passers are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from statistics import NormalDist

import numpy as np

from playscore.game import Player

LEAGUE = "SIM"
MAX_SKILL = 0.9

_TEAMS = {
    "ALM": "Alma Herons", "BRK": "Brackwater Millers", "CDR": "Cedar Falls Owls", "DUN": "Dunmore Foxes",
    "ELK": "Elk River Rams", "FRN": "Fernhill Comets", "GLN": "Glenport Anchors", "HRT": "Hartwell Stags",
    "IRN": "Irondale Smiths", "JNP": "Juniper Coyotes", "KES": "Kestrel Bay Gulls", "LNG": "Langford Bulls",
    "MRR": "Marrow Lake Pikes", "NTH": "Northgate Pilots", "OAK": "Oakhaven Squires", "PRL": "Pearl Harbor Tides",
}  # fmt: skip
_FIRST = (
    "Aaron",
    "Ben",
    "Carl",
    "Dan",
    "Eli",
    "Frank",
    "Gus",
    "Hal",
    "Ivan",
    "Jack",
    "Kurt",
    "Leo",
    "Max",
    "Ned",
    "Paul",
)
_STEMS = (
    "Ash", "Black", "Clay", "Dale", "East", "Fair", "Grey", "Hay", "King", "Lang", "Marsh", "North", "Oak", "Pem",
    "Quar", "Red", "Stan", "Thorn", "Under", "West",
)  # fmt: skip
_ENDINGS = (
    "bourne", "croft", "well", "field", "ford", "gate", "ham", "land", "ley", "man", "more", "ridge", "shaw", "ton",
    "wick", "wood", "worth",
)  # fmt: skip

STARTERS = {
    "offense": ("QB", "T", "G", "C", "G", "T", "WR", "WR", "WR", "TE", "RB"),
    "defense": ("DE", "DT", "DT", "DE", "ILB", "OLB", "CB", "CB", "CB", "SS", "FS"),
}
"""Positions of the players of a side, in the order of a play's arrays."""
_ROSTER = (
    ("QB", 2), ("T", 4), ("G", 4), ("C", 2), ("WR", 6), ("TE", 3), ("RB", 4), ("DE", 4), ("DT", 4), ("ILB", 3),
    ("OLB", 3), ("CB", 6), ("SS", 2), ("FS", 2), ("K", 1), ("P", 1),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Team:
    """A team and its 51 players, by position in order of the depth chart."""

    team_id: str
    name: str
    players: tuple[Player, ...]

    def at(self, position: str) -> tuple[Player, ...]:
        """The depth chart of a position, starters first."""
        return tuple(player for player in self.players if player.position == position)


def _names() -> list[str]:
    """Full names. No two share a last name, so `F.Lastname` identifies a player."""
    last = [stem + ending for stem in _STEMS for ending in _ENDINGS]
    last += [f"{stem}{ending}s" for stem in _STEMS for ending in _ENDINGS]
    last += [f"Mc{stem}{ending}" for stem in _STEMS for ending in _ENDINGS]
    # 7 shares no factor with the number of names, so this visits all of them and mixes the stems.
    mixed = [last[(7 * index) % len(last)] for index in range(len(last))]
    return [f"{first} {name}" for first, name in zip(islice(cycle(_FIRST), len(mixed)), mixed, strict=True)]


def _league() -> tuple[Team, ...]:
    names = iter(_names())
    teams = []
    for number, (team_id, team_name) in enumerate(_TEAMS.items()):
        positions = [position for position, count in _ROSTER for _ in range(count)]
        players = tuple(
            Player(str(9_000_000 + 100 * (number + 1) + slot), team_id, next(names), position, slot + 1)
            for slot, position in enumerate(positions)
        )
        teams.append(Team(team_id, team_name, players))
    return tuple(teams)


TEAMS: tuple[Team, ...] = _league()


def passer_skills(seed: int, spread: float) -> dict[str, float]:
    """Skill of every passer of the league, by player id.

    The starters hold the quantiles of a normal distribution with standard deviation `spread`, cut at ±0.9, and so do
    the backups. The seed deals them out, so their mean is 0 for every seed.
    """
    quantiles = [NormalDist().inv_cdf((rank + 0.5) / len(TEAMS)) for rank in range(len(TEAMS))]
    values = np.clip(spread * np.array(quantiles), -MAX_SKILL, MAX_SKILL)
    rng = np.random.default_rng([seed, 1])
    skills: dict[str, float] = {}
    for depth in range(2):
        dealt = rng.permutation(values)
        skills |= {team.at("QB")[depth].player_id: float(skill) for team, skill in zip(TEAMS, dealt, strict=True)}
    return skills


def opponents(index: int) -> tuple[Team, Team]:
    """Home and visiting team of a game: a repeated double round robin, so that all teams meet equally often."""
    count = len(TEAMS)
    half = count // 2
    cycle_number, slot = divmod(index, count * (count - 1))
    leg, slot = divmod(slot, half * (count - 1))
    week, pair = divmod(slot, half)
    # The circle method: the last team stays, the others rotate.
    turning = count - 1
    first, second = (week, turning) if pair == 0 else ((week + pair) % turning, (week - pair) % turning)
    if (week + pair + leg + cycle_number) % 2:
        first, second = second, first
    return TEAMS[first], TEAMS[second]
