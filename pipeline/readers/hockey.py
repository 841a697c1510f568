"""What the readers of hockey share: headers, what happened before a shot, and how long people have been on the ice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple

from pipeline.readers.source import TableSource
from pipeline.readers.tables import TableFiles, in_order
from playscore.faceoffs import FaceoffSituation
from playscore.field_limits import FIELD_LIMITS
from playscore.game import (
    AngleConvention,
    AttackingDirection,
    CoordinateSystem,
    GameHeader,
    HomeSide,
    LengthUnit,
    Origin,
    Player,
    Sport,
)
from playscore.shots import HockeyEventKind, PrecedingEvent, ShotType

FEET: Final = CoordinateSystem(LengthUnit.FOOT, Origin.CENTER, None)
METERS: Final = CoordinateSystem(LengthUnit.METER, Origin.CENTER, AngleConvention.DEGREES_COUNTERCLOCKWISE_FROM_X)
MAX_PRECEDING: Final = FIELD_LIMITS["playscore.hockey.v1.ShotSituation.preceding_events"].max_items
GOALIE: Final = "G"
MIN_EVENTS: Final = 5
MIN_SHARE: Final = 0.1
"""Of the events of the game with the most: what has a smaller share, and so few, is called so by mistake."""
MIN_SKATERS: Final = 3
MAX_SKATERS: Final = 6
"""Of a team that has pulled its goalie."""
PERIOD_SECONDS: Final = 1200.0


class HockeySource(TableSource):
    """Games in one table, whose rows are events. See `playscore.sources.Source`."""

    @property
    def events(self) -> TableFiles:
        """The table."""
        return self.tables["events"]

    @cached_property
    def game_ids(self) -> tuple[str, ...]:
        """Identifiers of the games, in order; without those that are slips of a few rows."""
        return in_order(self.without_few(self.events.games))

    def without_few(self, listed: Mapping[str, int]) -> list[str]:
        """The games, by the number of their events, without slips, which are counted."""
        least = min(MIN_EVENTS, MIN_SHARE * max(listed.values(), default=0))
        for game_id, events in listed.items():
            if events < least:
                self.left_out.begin(game_id)
                self.left_out.add(game_id, "the game has too few events to be one", events, f"game {game_id}")
        return [game_id for game_id, events in listed.items() if events >= least]


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a period."""

    kind: HockeyEventKind
    seconds: float
    """Played in the period until then."""
    team_id: str = ""
    x: float | None = None
    y: float | None = None


def preceding(past: Sequence[Happened], seconds: float) -> tuple[PrecedingEvent, ...]:
    """The events of a period before a shot, the latest first, from those in order.

    Those that the clock has after the shot are left out, as where a period begins its clock again.
    """
    earlier = (event for event in reversed(past) if 0.0 <= seconds - event.seconds <= PERIOD_SECONDS)
    return tuple(
        PrecedingEvent(event.kind, seconds - event.seconds, event.team_id, *place(event.x, event.y))
        for event in islice(earlier, MAX_PRECEDING)
    )


def place(x: float | None, y: float | None) -> tuple[float | None, float | None]:
    """A place; nothing where one of its numbers is unknown or cannot be."""
    x, y = within("x", x), within("y", y)
    return (None, None) if x is None or y is None else (x, y)


class Shifts:
    """Since when a team's skaters have been on the ice, by the lists of who is at each event.

    Who is listed and was not at the event before came on halfway between the two. At the first list of a period, and
    after one that is missing, it is not known since when those on it have been on, unless the period begins with it.
    """

    def __init__(self) -> None:
        self._at: float | None = None
        self._since: dict[str, float | None] = {}

    def see(self, players: Collection[str], seconds: float | None) -> None:
        """These are on the ice at a second of the period. Call it for every event, in order, whoever is listed."""
        if seconds is None or len(players) < MIN_SKATERS:
            self.restart()
            return
        if self._at is None or seconds < self._at:
            came = 0.0 if seconds == 0.0 else None
            self._since = dict.fromkeys(players, came)
        else:
            came = (self._at + seconds) / 2.0
            self._since = {player: self._since.get(player, came) for player in players}
        self._at = seconds

    def restart(self) -> None:
        """A period begins."""
        self._at = None
        self._since = {}

    def seconds(self, player: str) -> float | None:
        """How long somebody has been on at the last event; None where they are not, or it is not known."""
        since = self._since.get(player)
        return None if since is None or self._at is None else self._at - since

    def mean(self) -> float | None:
        """How long those on the ice have been, on average over those of whom it is known."""
        known = [seconds for player in self._since if (seconds := self.seconds(player)) is not None]
        return sum(known) / len(known) if known else None


@dataclass(slots=True)
class People:
    """Who is named in a game."""

    players: dict[str, Player] = field(default_factory=dict)

    def add(
        self,
        player_id: str | None,
        team_id: str,
        name: str | None = None,
        position: str = "",
        jersey: int | None = None,
    ) -> str:
        """Somebody of a team; their identifier, empty where there is none. The first to be told counts."""
        if not player_id:
            return ""
        known = self.players.get(player_id)
        if known is None or (position and not known.position):
            self.players[player_id] = Player(player_id, team_id, plain_name(name), position, jersey)
        return player_id

    @property
    def roster(self) -> tuple[Player, ...]:
        """All of them."""
        return tuple(self.players.values())


def plain_name(name: str | None) -> str:
    """A name as people read it: some sources write a point for each blank, as in "Jeff.Carter" and "J.T..Miller"."""
    if name is None:
        return ""
    if ". " in name:
        return name.strip()
    return (name.replace("..", ". ") if ".." in name else name.replace(".", " ")).strip()


def header(
    league: str,
    game_id: str,
    season: int | None,
    teams: tuple[str, str],
    *,
    coordinates: CoordinateSystem = FEET,
    frame_rate_hertz: float | None = None,
    home_side: HomeSide = HomeSide.STATED,
) -> GameHeader:
    """A game's header; `teams` are the home team and the visitors."""
    limits = FIELD_LIMITS["playscore.tracking.v1.GameHeader.season"]
    return GameHeader(
        league=league,
        game_id=game_id,
        sport=Sport.ICE_HOCKEY,
        season=season if season is not None and limits.allows_number(season) else None,
        home_team_id=teams[0],
        away_team_id=teams[1],
        coordinates=coordinates,
        frame_rate_hertz=frame_rate_hertz,
        home_side=home_side,
    )


def season_of(written: int | None) -> int | None:
    """The year in which a season began, as the league writes seasons: 20232024 is of 2023."""
    return written // 10_000 if written is not None and written > 1_000_000 else written


def skaters(count: float | None) -> int | None:
    """How many skaters a source says there are; fewer and more than can play are not known."""
    return int(count) if count is not None and MIN_SKATERS <= count <= MAX_SKATERS else None


def within(name: str, value: float | None) -> float | None:
    """A value of a situation; None where it is out of the contract's limits."""
    limits = FIELD_LIMITS[f"playscore.hockey.v1.ShotSituation.{name}"]
    return value if value is not None and limits.allows_number(value) else None


def whole(name: str, value: float | None) -> int | None:
    """As `within`, of a whole number."""
    allowed = within(name, value)
    return None if allowed is None else int(allowed)


class FaceoffRecord(NamedTuple):
    """Face-offs that somebody took before one, as far back as the source looks."""

    taken: int = 0
    won: int = 0


FaceoffRecords = Mapping[tuple[str, str], tuple[FaceoffRecord, FaceoffRecord]]
"""The records of winner and loser before each face-off, by game and event."""


def faceoff_records(
    drops: Iterable[tuple[tuple[str, str], Hashable, str | None, str | None]],
) -> FaceoffRecords:
    """The takers' records over all games of a source.

    Args:
        drops: game and event, season, winner, loser; in the order in which they were played.
    """
    known: defaultdict[tuple[Hashable, str], FaceoffRecord] = defaultdict(FaceoffRecord)
    records = {}
    for key, season, winner, loser in drops:
        if winner and loser:
            won, lost = known[season, winner], known[season, loser]
            records[key] = won, lost
            known[season, winner] = FaceoffRecord(won.taken + 1, won.won + 1)
            known[season, loser] = FaceoffRecord(lost.taken + 1, lost.won)
    return records


def with_records(
    situation: FaceoffSituation, records: tuple[FaceoffRecord, FaceoffRecord] | None, *, taker_won: bool
) -> FaceoffSituation:
    """The situation with both takers' records, of winner and loser, if there are any."""
    if records is None:
        return situation
    taker, opponent = records if taker_won else reversed(records)
    return replace(
        situation,
        taker_faceoffs=taker.taken,
        taker_wins=taker.won,
        opponent_faceoffs=opponent.taken,
        opponent_wins=opponent.won,
    )


SHOT_TYPES: Final = {
    "wrist": ShotType.WRIST,
    "snap": ShotType.SNAP,
    "slap": ShotType.SLAP,
    "backhand": ShotType.BACKHAND,
    "tip": ShotType.TIP_IN,
    "tip-in": ShotType.TIP_IN,
    "deflected": ShotType.DEFLECTED,
    "deflection": ShotType.DEFLECTED,
    "wrap-around": ShotType.WRAP_AROUND,
    "bat": ShotType.OTHER,
    "poke": ShotType.OTHER,
    "between-legs": ShotType.OTHER,
    "cradle": ShotType.OTHER,
}
"""By what sources of shots on goal call them."""


def shot_type(written: str | None) -> ShotType:
    """How a shot on goal was taken. Some sources name no type of a few goals, and of goals alone: these are OTHER.

    If they were unknown, that would give the result away.
    """
    return SHOT_TYPES.get((written or "").lower(), ShotType.OTHER)


def home_directions(shots: Iterable[tuple[int | None, bool, float | None]]) -> dict[int | None, AttackingDirection]:
    """Which way the home team attacks in each period, of sources that do not say.

    Args:
        shots: period, whether the home team shot, and x. Most shots of a period are taken at the end attacked; a period
            in which as many say one as the other is left out.
    """
    votes: defaultdict[int | None, int] = defaultdict(int)
    for period, by_home, x in shots:
        if x:
            votes[period] += 1 if (x > 0) == by_home else -1
    return {
        period: AttackingDirection.POSITIVE_X if vote > 0 else AttackingDirection.NEGATIVE_X
        for period, vote in votes.items()
        if vote
    }


def direction(home: AttackingDirection | None, *, by_home: bool) -> AttackingDirection | None:
    """Which way a team attacks, by which way the home team does."""
    if home is None or by_home:
        return home
    return next(each for each in AttackingDirection if each is not home)
