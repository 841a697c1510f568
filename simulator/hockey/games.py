"""Games as a source would have them: header, roster, and each shot and face-off with its film, context and outcome."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.faceoffs import FaceoffOutcome, FaceoffResult, FaceoffSituation
from playscore.game import (
    AttackingDirection,
    CoordinateSystem,
    Frames,
    Game,
    GameHeader,
    LengthUnit,
    Origin,
    Play,
    PlayContext,
    Sport,
    Track,
    TrackedObject,
)
from playscore.shots import (
    HockeyEventKind,
    NetState,
    PrecedingEvent,
    ShotListing,
    ShotOutcome,
    ShotSituation,
)
from simulator.hockey.engine import BEFORE, Played, play
from simulator.hockey.film import ABSENT, Reel
from simulator.hockey.league import LEAGUE, ROSTER, TEAMS, Spread, skills
from simulator.hockey.rinks import PUCK_RATE_HERTZ, RATE_HERTZ, SAMPLES, SLOTS, Attempt, Draw, Event

PERIOD_SECONDS: Final = 1200.0
SEASON: Final = 2030
LISTED: Final = frozenset(
    {
        HockeyEventKind.FACEOFF,
        HockeyEventKind.SHOT_ON_GOAL,
        HockeyEventKind.MISSED_SHOT,
        HockeyEventKind.BLOCKED_SHOT,
        HockeyEventKind.HIT,
        HockeyEventKind.GIVEAWAY,
        HockeyEventKind.TAKEAWAY,
        HockeyEventKind.STOPPAGE,
        HockeyEventKind.PENALTY,
        HockeyEventKind.GOAL,
    }
)
"""What a league's play-by-play lists. Passes and entries can be seen on the film only."""
MAX_PRECEDING: Final = 16
INTERMISSION: Final = timedelta(minutes=15)
WHOLE_LANES: Final = 16
"""Games that are played side by side where they are filmed whole."""
LANES: Final = 1024
"""Games that are played side by side where only their shots are filmed."""


@dataclass(frozen=True, slots=True)
class ShotTruth:
    """What a shot's result was drawn from."""

    chance: float
    """That it is a goal, given that it is not blocked, with the skills of shooter and goalie."""
    average_chance: float
    """The same if both were average: what a perfect grade is."""
    block_chance: float
    situation: Mapping[str, float]
    """What `average_chance` was computed from: `simulator.hockey.chance.Release`, by name."""


@dataclass(frozen=True, eq=False)
class SimulatedHockeyGame:
    """A game that never happened, and the truth about it."""

    game: Game
    """Its plays are shot attempts, blocked ones among them, and face-offs."""
    truths: Mapping[str, ShotTruth]
    """By play id, of the shots."""
    faceoff_chances: Mapping[str, float]
    """By play id, of the face-offs: that the home team wins."""
    skills: Mapping[str, Mapping[str, float]]
    """By player id: shooting, goalkeeping, faceoffs, in logits."""
    final_score: tuple[int, int]
    """Home, visitors. A game that is tied after overtime stays tied."""
    played: Played
    """Every event, and the film."""
    play_ids: tuple[Mapping[int, str], Mapping[int, str]]
    """Of the attempts and of the face-offs, by their places in the log."""
    starts: tuple[datetime, ...]
    """When each period began, where whole periods were filmed."""


def simulate_games(
    seed: int,
    games: int | Sequence[int],
    *,
    season: int = SEASON,
    spread: Spread | None = None,
    period_seconds: float = PERIOD_SECONDS,
) -> Iterator[SimulatedHockeyGame]:
    """Whole games: their first so many, or those with these numbers. The film of a period is one segment.

    A game depends on seed, number, spread and length alone. Games are yielded as they end, which is not in order.
    Raises PlayscoreError (FIELD_INVALID) on arguments out of range.
    """
    numbers = iter(_numbers(seed, games, period_seconds))
    table = skills(seed, spread or Spread())
    while some := list(itertools.islice(numbers, WHOLE_LANES)):
        for played in play(seed, some, table, period_seconds=period_seconds, whole=True):
            yield _Assembly(seed, season, spread or Spread(), played).whole()


def simulate_shots(
    seed: int,
    games: int | Sequence[int],
    *,
    season: int = SEASON,
    spread: Spread | None = None,
    period_seconds: float = PERIOD_SECONDS,
    lanes: int = LANES,
) -> Iterator[SimulatedHockeyGame]:
    """The same games, with film of their shots only: each a segment, from five seconds before the release.

    Face-offs have no film. Raises as `simulate_games`.
    """
    numbers = iter(_numbers(seed, games, period_seconds))
    table = skills(seed, spread or Spread())
    while some := list(itertools.islice(numbers, lanes)):
        for played in play(seed, some, table, period_seconds=period_seconds, whole=False):
            yield _Assembly(seed, season, spread or Spread(), played).windows()


def simulate_game(
    seed: int,
    index: int,
    *,
    season: int = SEASON,
    spread: Spread | None = None,
    period_seconds: float = PERIOD_SECONDS,
) -> SimulatedHockeyGame:
    """One whole game; see `simulate_games`."""
    return next(simulate_games(seed, [index], season=season, spread=spread, period_seconds=period_seconds))


def _numbers(seed: int, games: int | Sequence[int], period_seconds: float) -> Sequence[int]:
    def refuse(name: str, value: float, right: str) -> None:
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{name} is {value}, not {right}", fields=(FieldViolation(name, f"must be {right}"),)
        )

    numbers = range(games) if isinstance(games, int) else games
    if seed < 0:
        refuse("seed", seed, "0 or more")
    if not len(numbers) or min(numbers) < 0:
        refuse("games", games if isinstance(games, int) else min(numbers, default=0), "one or more, numbered from 0")
    if not 10 <= period_seconds <= PERIOD_SECONDS:
        refuse("period_seconds", period_seconds, f"10 to {PERIOD_SECONDS:.0f}")
    return numbers


class _Assembly:
    """Makes a game of what was played."""

    def __init__(self, seed: int, season: int, spread: Spread, played: Played) -> None:
        self.played = played
        self.log = played.log
        self.teams = tuple(TEAMS[team] for team in self.log.teams)
        self.season = season
        everybody = skills(seed, spread).by_player()
        self.skills = {p.player_id: everybody[p.player_id] for team in self.teams for p in team.players}
        order = sorted(
            [*((a.period, a.frame, 0, place) for place, a in enumerate(self.log.attempts)),
             *((d.period, d.frame, 1, place) for place, d in enumerate(self.log.draws))]
        )  # fmt: skip
        self.order = [(kind, place) for _, _, kind, place in order]
        self.play_ids: tuple[dict[int, str], dict[int, str]] = ({}, {})
        for number, (kind, place) in enumerate(self.order, start=1):
            self.play_ids[kind][place] = str(number)

    def whole(self) -> SimulatedHockeyGame:
        start = start_of(self.season, self.log.index)
        starts = []
        films = []
        for reels in self.played.periods:
            starts.append(start)
            reel = _spliced(reels)
            films.append(self._film(reel, start))
            start += timedelta(seconds=len(reel.who) / RATE_HERTZ) + INTERMISSION
        plays = []
        for kind, place in self.order:
            action = self.log.draws[place] if kind else self.log.attempts[place]
            frames, track = films[action.period - 1]
            context = self._context(kind, place, segment=f"period-{action.period}", shift=0)
            plays.append(Play(context, frames, _outcome(action), (track,)))
        return self._game(plays, tuple(starts))

    def windows(self) -> SimulatedHockeyGame:
        plays = []
        for kind, place in self.order:
            action = self.log.draws[place] if kind else self.log.attempts[place]
            if kind:
                context = replace(
                    self._context(kind, place, segment="", shift=0), release_frame=None, opens_at_frame=None
                )
                plays.append(Play(context, _NO_FRAMES, _outcome(action)))
                continue
            reel = self.played.windows[place]
            frames, track = self._film(replace(reel, first_frame=0), None)
            plays.append(
                Play(self._context(kind, place, segment="", shift=reel.first_frame), frames, _outcome(action), (track,))
            )
        return self._game(plays, ())

    def _game(self, plays: list[Play], starts: tuple[datetime, ...]) -> SimulatedHockeyGame:
        home, away = self.teams
        header = GameHeader(
            league=LEAGUE,
            game_id=str(self.season * 1_000_000 + 20_001 + self.log.index),
            sport=Sport.ICE_HOCKEY,
            season=self.season,
            home_team_id=home.team_id,
            away_team_id=away.team_id,
            coordinates=CoordinateSystem(LengthUnit.FOOT, Origin.CENTER, None),
            frame_rate_hertz=float(RATE_HERTZ),
        )
        truths = {
            self.play_ids[0][place]: ShotTruth(a.chance, a.average_chance, a.block_chance, a.situation)
            for place, a in enumerate(self.log.attempts)
        }
        chances = {self.play_ids[1][place]: draw.chance for place, draw in enumerate(self.log.draws)}
        return SimulatedHockeyGame(
            game=Game(header, (*home.players, *away.players), plays),
            truths=truths,
            faceoff_chances=chances,
            skills=self.skills,
            final_score=self.log.score,
            played=self.played,
            play_ids=self.play_ids,
            starts=starts,
        )

    def _film(self, reel: Reel, start: datetime | None) -> tuple[Frames, Track]:
        """Frames of everybody who is seen in it, and the puck; frame numbers as on the reel."""
        count = len(reel.who)
        offsets = np.repeat(np.array([0, ROSTER], np.int8), SLOTS)
        code = np.where(reel.who == ABSENT, ABSENT, reel.who + offsets).astype(np.int64)
        seen = np.unique(code[code != ABSENT])
        column = np.full(2 * ROSTER, 0)
        column[seen] = np.arange(len(seen))
        places = np.full((count, len(seen), 2), np.nan, np.float32)
        rows, slots = np.nonzero(code != ABSENT)
        places[rows, column[code[rows, slots]]] = reel.places[rows, slots]
        numbers = np.arange(reel.first_frame, reel.first_frame + count, dtype=np.int32)
        times = None
        if start is not None:
            first = round(start.timestamp() * 1e6)
            times = first + np.round(numbers.astype(np.float64) * 1e6 / RATE_HERTZ).astype(np.int64)
        players = [player.player_id for team in self.teams for player in team.players]
        frames = Frames(
            frame_numbers=numbers,
            player_ids=tuple(players[each] for each in seen),
            x=np.ascontiguousarray(places[..., 0]),
            y=np.ascontiguousarray(places[..., 1]),
            times_unix_micros=times,
        )
        # Of the first frame only its own sample: those before it belong to the frame before.
        samples = reel.puck.reshape(-1, 3)[SAMPLES - 1 :]
        first_sample = SAMPLES * reel.first_frame
        track = Track(
            TrackedObject.PUCK,
            float(PUCK_RATE_HERTZ),
            np.arange(first_sample, first_sample + len(samples), dtype=np.int32),
            np.ascontiguousarray(samples[:, 0]),
            np.ascontiguousarray(samples[:, 1]),
            np.ascontiguousarray(samples[:, 2]),
        )
        return frames, track

    def _context(self, kind: int, place: int, *, segment: str, shift: int) -> PlayContext:
        action = self.log.draws[place] if kind else self.log.attempts[place]
        team = 0 if isinstance(action, Draw) else action.team
        situation = self._draw(action) if isinstance(action, Draw) else self._shot(action)
        positive = action.direction == 1
        release = action.frame - shift
        return PlayContext(
            play_id=self.play_ids[kind][place],
            attacking_team_id=self.teams[team].team_id,
            situation=situation,
            attacking_direction=AttackingDirection.POSITIVE_X if positive else AttackingDirection.NEGATIVE_X,
            segment_id=segment,
            opens_at_frame=max(0, release - BEFORE),
            release_frame=release,
        )

    def _shot(self, attempt: Attempt) -> ShotSituation:
        mine, other = self.teams[attempt.team], self.teams[1 - attempt.team]
        guarded = attempt.goalie >= 0
        shooter, shooting, defending = attempt.seconds_on_ice
        return ShotSituation(
            period=attempt.period,
            game_clock_seconds=max(attempt.clock, 0.0),
            shooting_skaters=attempt.skaters[0],
            defending_skaters=attempt.skaters[1],
            shooter_id=mine.players[attempt.shooter].player_id,
            goalie_id=other.players[attempt.goalie].player_id if guarded else "",
            net_state=NetState.GUARDED if guarded else NetState.EMPTY,
            listing=ShotListing.UNBLOCKED,
            shot_type=None,
            shooting_score=attempt.score[0],
            defending_score=attempt.score[1],
            shooter_seconds_on_ice=shooter,
            shooting_seconds_on_ice=shooting,
            defending_seconds_on_ice=defending,
            shooter_shoots=mine.hands[attempt.shooter],
            goalie_catches=other.hands[attempt.goalie] if guarded else None,
            preceding_events=self._preceding(attempt),
        )

    def _preceding(self, attempt: Attempt) -> tuple[PrecedingEvent, ...]:
        told: list[PrecedingEvent] = []
        for event in reversed(self.log.events[: attempt.events_before]):
            if event.period != attempt.period or len(told) == MAX_PRECEDING:
                break
            if event.kind in LISTED:
                told.append(self._told(event, attempt.clock))
        return tuple(told)

    def _told(self, event: Event, clock: float) -> PrecedingEvent:
        return PrecedingEvent(
            kind=event.kind,
            seconds_before=max(event.clock - clock, 0.0),
            team_id=self.teams[event.team].team_id if event.team >= 0 else "",
            x=event.x,
            y=event.y,
        )

    def _draw(self, draw: Draw) -> FaceoffSituation:
        home, away = self.teams
        return FaceoffSituation(
            period=draw.period,
            game_clock_seconds=max(draw.clock, 0.0),
            taker_id=home.players[draw.takers[0]].player_id,
            opponent_id=away.players[draw.takers[1]].player_id,
            x=draw.spot[0],
            y=draw.spot[1],
            taker_skaters=draw.skaters[0],
            opponent_skaters=draw.skaters[1],
            taker_score=draw.score[0],
            opponent_score=draw.score[1],
            taker_shoots=home.hands[draw.takers[0]],
            opponent_shoots=away.hands[draw.takers[1]],
        )


def start_of(season: int, index: int) -> datetime:
    """When a game began: eight games an evening."""
    return datetime(season, 10, 8, 23, tzinfo=UTC) + timedelta(days=index // (len(TEAMS) // 2))


_NO_FRAMES: Final = Frames(np.empty(0, np.int32), (), np.empty((0, 0), np.float32), np.empty((0, 0), np.float32))


def _outcome(action: Attempt | Draw) -> ShotOutcome | FaceoffOutcome:
    if isinstance(action, Attempt):
        return ShotOutcome(action.result)
    return FaceoffOutcome(FaceoffResult.WON if action.home_won else FaceoffResult.LOST)


def _spliced(reels: Sequence[Reel]) -> Reel:
    def joined(name: str) -> NDArray[np.float32]:
        whole: NDArray[np.float32] = np.concatenate([getattr(reel, name) for reel in reels])
        return whole

    return Reel(reels[0].first_frame, joined("places"), joined("who").astype(np.int8), joined("puck"))
