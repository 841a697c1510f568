"""Goals as NHL EDGE replays them: a JSON a goal, ten frames a second, inches from a corner of the rink.

A replay names nobody who did anything: neither who scored, nor which team, nor which of those on the ice are goalies.
Whose goal it was follows from the net that the puck ended in and from the two who stood in the creases; the shooter
stays unknown, and when the puck was shot is for the featurizer to find. Files are grouped into games by the ten digits
of a game in their names, or in that of their folder.

That y grows to the left of those who attack toward +x is assumed. Nothing in a replay tells, and no factor of such a
shot depends on it.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from pipeline.readers import hockey
from pipeline.readers.hockey import People
from pipeline.readers.losses import Losses
from pipeline.readers.packed import ENDINGS, head
from pipeline.readers.samples import Film
from pipeline.readers.source import play_of, unreadable_game
from pipeline.readers.tables import in_order
from playscore import rink
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import AttackingDirection, Frames, Game, HomeSide, Play, PlayContext, Track, TrackedObject
from playscore.limits import TextKind
from playscore.shots import ShotListing, ShotOutcome, ShotResult, ShotSituation
from playscore.sources import Loss, Recognition
from playscore.wire.games import feed_of, joined

HERTZ: Final = 10.0
PUCK_ID: Final = "1"
ENDING: Final = ".json"
INCHES: Final = 12.0
"""In a foot."""
CREASE_FEET: Final = 12.0
"""From the center of the goal line to whoever guards it, most of the time."""
NET_DEPTH_FEET: Final = 4.0
MAX_FRAMES: Final = 6_000
"""Ten minutes: what is farther from the middle of a replay is no frame of it."""
MAX_NUMBER: Final = 1e12
MAX_SLIPS: Final = 0.05
"""Share of those on the ice who may bear a third team by mistake."""
POSITIVE, NEGATIVE = AttackingDirection.POSITIVE_X, AttackingDirection.NEGATIVE_X
_MAX_BYTES: Final = 64 * 2**20
_HEAD_BYTES: Final = 4_096
_GAME: Final = re.compile(r"(?<!\d)(\d{10})(?!\d)")


class _Lose(Protocol):
    """Takes note of what was left out, and in which frame."""

    def __call__(self, why: str, at: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Somebody:
    """Somebody in a frame, feet from the center of the ice."""

    player_id: str
    team_id: str
    jersey: int | None
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame of a replay."""

    tenths: int
    """Of a second since 1970."""
    players: tuple[_Somebody, ...]
    puck: tuple[float, float] | None


@dataclass(frozen=True)
class _Replay:
    """The frames of one goal, as they came."""

    frames: Sequence[_Frame]

    @cached_property
    def goalies(self) -> Mapping[int, _Somebody]:
        """Who guarded the nets at -x and +x (-1 and +1): who was nearest to them, most of the time in the crease."""
        apart: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
        last: dict[str, _Somebody] = {}
        for frame in self.frames:
            for each in frame.players:
                last[each.player_id] = each
                for end in (-1, 1):
                    apart[end, each.player_id].append(rink.distance_to_net(each.x * end, each.y))
        guards = {}
        for end in (-1, 1):
            median, player_id = min(
                ((statistics.median(feet), player) for (at, player), feet in apart.items() if at == end),
                default=(math.inf, ""),
            )
            if median <= CREASE_FEET:
                guards[end] = last[player_id]
        return guards

    def players(self) -> Iterator[_Somebody]:
        """Everybody in every frame."""
        return (each for frame in self.frames for each in frame.players)

    def of(self, teams: Collection[str]) -> _Replay:
        """Without whoever is of another team."""
        return _Replay(
            [
                replace(frame, players=tuple(each for each in frame.players if each.team_id in teams))
                for frame in self.frames
            ]
        )

    @property
    def end(self) -> int | None:
        """The end of the net that the puck went into: -1 or +1; None where the puck is never near one."""
        pucks = [frame.puck for frame in self.frames if frame.puck is not None]
        inside = [x for x, y in pucks if _is_in_net(x, y)]
        if inside:
            return 1 if inside[0] > 0 else -1
        beyond = [x for x, _ in pucks if abs(x) > rink.BLUE_LINE_X_FEET]
        return None if not beyond else 1 if beyond[-1] > 0 else -1

    def scorers(self, teams: tuple[str, str]) -> str:
        """Whose goal it was: not that of the goalie whose net it went into; empty where that is not known."""
        if self.end is None:
            return ""
        beaten, other = self.goalies.get(self.end), self.goalies.get(-self.end)
        if beaten is not None:
            return teams[1] if beaten.team_id == teams[0] else teams[0]
        return other.team_id if other is not None else ""

    def film(self) -> Film:
        """Players and puck on one clock, of which the first frame is number 0."""
        if not self.frames:
            return Film(joined(()))
        first = min(frame.tenths for frame in self.frames)
        numbers = np.array([frame.tenths - first for frame in self.frames], np.int32)
        people = sorted({each.player_id for each in self.players()})
        column = {player_id: place for place, player_id in enumerate(people)}
        places = np.full((2, len(self.frames), len(people)), np.nan, np.float32)
        for row, frame in enumerate(self.frames):
            for each in frame.players:
                places[:, row, column[each.player_id]] = each.x, each.y
        seen = [(number, frame.puck) for number, frame in zip(numbers, self.frames, strict=True) if frame.puck]
        frames = Frames(
            numbers,
            tuple(people),
            x=places[0],
            y=places[1],
            times_unix_micros=np.array([frame.tenths * 100_000 for frame in self.frames], np.int64),
        )
        if not seen:
            return Film(frames)
        way = np.array([puck for _, puck in seen], np.float32).T
        return Film(frames, (Track(TrackedObject.PUCK, HERTZ, np.array([n for n, _ in seen], np.int32), *way),))


@dataclass(frozen=True)
class EdgeFiles:
    """The goals in files of replays. See `playscore.sources.Source`."""

    files: Sequence[Path]
    left_out: Losses = field(default_factory=Losses)

    @cached_property
    def _games(self) -> Mapping[str, Mapping[str, Path]]:
        """Files by game and play."""
        games: dict[str, dict[str, Path]] = {}
        for file in self.files:
            game_id, play_id = _named(file)
            plays = games.setdefault(game_id, {})
            if play_id in plays:
                what = "the file names a goal that another file has"
                self.left_out.begin(str(file))
                self.left_out.add(str(file), what, 1, f"{file} and {plays[play_id]}")
            else:
                plays[play_id] = file
        return games

    @property
    def game_ids(self) -> tuple[str, ...]:
        """Identifiers of the games, in order."""
        return in_order(self._games)

    def game(self, game_id: str) -> Game:
        """The goals of a game. Raises FIELD_INVALID where two teams cannot be told."""
        self.left_out.begin(game_id)
        replays = {play_id: self._replay(game_id, file) for play_id, file in self._games[game_id].items()}
        teams = self._teams(game_id, replays.values())
        replays = {play_id: replay.of(teams) for play_id, replay in replays.items()}
        people = People()
        for replay in replays.values():
            goalies = {each.player_id for each in replay.goalies.values()}
            for each in replay.players():
                position = hockey.GOALIE if each.player_id in goalies else ""
                people.add(each.player_id, each.team_id, position=position, jersey=each.jersey)
        season = int(game_id[:4]) if _GAME.fullmatch(game_id) else None
        header = hockey.header("NHL", game_id, season, teams, frame_rate_hertz=HERTZ, home_side=HomeSide.UNKNOWN)
        return Game(header, people.roster, [_goal(play_id, replay, teams) for play_id, replay in replays.items()])

    def _teams(self, game_id: str, replays: Iterable[_Replay]) -> tuple[str, str]:
        """The two teams that are seen, in order of the alphabet; slips of others are counted."""
        seen = Counter(each.team_id for replay in replays for each in replay.players())
        others = [team for team, _ in seen.most_common()[2:]]
        slips = sum(seen[team] for team in others)
        if len(seen) < 2 or slips > MAX_SLIPS * seen.total():
            raise unreadable_game(game_id, f"its replays show {', '.join(sorted(seen)) or 'nobody'}, not two teams")
        self.left_out.add(game_id, "the team is neither of those that play", slips, f"game {game_id}: {others}")
        first, second = sorted(seen.keys() - set(others))
        return first, second

    def feed(self, game_id: str) -> Iterator[FeedMessage]:
        """The goals of a game, message by message."""
        return feed_of(self.game(game_id))

    def losses(self) -> Sequence[Loss]:
        """What could not be read."""
        return self.left_out.all()

    def _replay(self, game_id: str, file: Path) -> _Replay:
        try:
            data = head(file, _MAX_BYTES + 1)
            told = json.loads(data) if len(data) <= _MAX_BYTES else None
        except (PlayscoreError, ValueError, RecursionError):
            told = None
        if not isinstance(told, list):
            self.left_out.add(game_id, "the file is no JSON of a replay", 1, file.name)
            return _Replay(())

        def lose(why: str, at: int) -> None:
            self.left_out.add(game_id, why, 1, f"{file.name}, frame {at}")

        return _Replay(_frames(told, lose))


class EdgeLayout:
    """See `playscore.sources.Layout`."""

    name = "edge"

    def recognize(self, data: Path) -> Recognition:
        """A replay, or a folder that holds some, itself or in folders of its own."""
        if _files(data):
            return Recognition((), 1.0)
        return Recognition((f"no file of it ends in {ENDING} and holds frames with timeStamp and onIce",), 0.0)

    def open(self, data: Path) -> EdgeFiles:
        """The goals in a file or folder."""
        files = _files(data)
        if not files:
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"{data} holds no replays: files that end in {ENDING} and are lists of frames with timeStamp and onIce",
            )
        return EdgeFiles(files)


LAYOUT: Final = EdgeLayout()


def _files(data: Path) -> tuple[Path, ...]:
    if data.is_file():
        return (data,) if _is_replay(data) else ()
    if not data.is_dir():
        return ()
    return tuple(file for file in sorted((*data.glob("*"), *data.glob("*/*"))) if _is_replay(file))


def _is_replay(file: Path) -> bool:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    while suffixes and suffixes[-1] in ENDINGS:
        suffixes.pop()
    if suffixes[-1:] != [ENDING] or file.name.startswith(".") or not file.is_file():
        return False
    try:
        begins = head(file, _HEAD_BYTES)
    except PlayscoreError:
        return False
    return b'"timeStamp"' in begins and b'"onIce"' in begins


def _named(file: Path) -> tuple[str, str]:
    """Game and play, by the names of a file and its folder. Without a game's number a file is a game of its own."""
    stem = _identifier(file.name.partition(".")[0]) or "replay"
    found = _GAME.search(stem)
    if found is not None:
        return found[1], (stem[: found.start()] + stem[found.end() :]).strip("_- ") or "goal"
    folder = _GAME.search(file.resolve().parent.name)
    return (folder[1], stem) if folder is not None else (stem, "goal")


def _identifier(text: str) -> str:
    return text.strip() if TextKind.IDENTIFIER.allows(text.strip()) else ""


def _goal(play_id: str, replay: _Replay, teams: tuple[str, str]) -> Play:
    film = replay.film()
    end = replay.end
    context = PlayContext(
        play_id=play_id,
        attacking_team_id=replay.scorers(teams),
        attacking_direction=None if end is None else POSITIVE if end > 0 else NEGATIVE,
        opens_at_frame=0 if len(film.frames) else None,
        situation=ShotSituation(listing=ShotListing.UNBLOCKED),
    )
    return play_of(context, film, ShotOutcome(ShotResult.GOAL))


def _is_in_net(x: float, y: float) -> bool:
    behind = abs(x) - rink.GOAL_LINE_X_FEET
    return 0.0 < behind <= NET_DEPTH_FEET and abs(y) <= rink.HALF_NET_WIDTH_FEET


def _frames(told: Sequence[Any], lose: _Lose) -> list[_Frame]:
    frames = []
    for at, each in enumerate(told):
        stamp = _number(each.get("timeStamp")) if isinstance(each, dict) else None
        on_ice = each.get("onIce") if isinstance(each, dict) else None
        if stamp is None or not isinstance(on_ice, dict):
            lose("the frame has no timeStamp or no onIce", at)
        else:
            frames.append(_frame(round(stamp), on_ice, partial(lose, at=at)))
    if not frames:
        return frames
    middle = statistics.median_low(frame.tenths for frame in frames)
    near = [frame for frame in frames if abs(frame.tenths - middle) <= MAX_FRAMES]
    if len(near) < len(frames):
        lose("timeStamp is not one of the replay", next(n for n, frame in enumerate(frames) if frame not in near))
    return near


def _frame(tenths: int, on_ice: Mapping[str, Any], lose: Callable[[str], None]) -> _Frame:
    players, puck = {}, None
    for key, each in on_ice.items():
        x, y = (_number(each.get(axis)) if isinstance(each, dict) else None for axis in ("x", "y"))
        if x is None or y is None:
            lose("somebody on the ice has no place")
            continue
        place = x / INCHES - rink.HALF_LENGTH_FEET, y / INCHES - rink.HALF_WIDTH_FEET
        if key == PUCK_ID:
            puck = place
            continue
        team_id, player_id = (_identifier(str(each.get(name) or "")) for name in ("teamAbbrev", "playerId"))
        if not team_id:
            lose("somebody on the ice has no team")
            continue
        player_id = player_id or _identifier(key)
        jersey = _number(each.get("sweaterNumber"))
        players[player_id] = _Somebody(player_id, team_id, None if jersey is None else round(jersey), *place)
    return _Frame(tenths, tuple(players.values()), puck)


def _number(value: object) -> float | None:
    """A finite number, as JSON has it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= MAX_NUMBER else None
