"""Whole games: possessions, downs, clock and score around the plays, and the distributions behind the outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.game import (
    AngleConvention,
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
    TrackingEvent,
)
from playscore.passing import FootballSituation, PassOutcome, PassResult, PlayKind
from simulator.defects import Defects, inject
from simulator.distribution import OutcomeDistributions, YardsDistribution, outcome_distributions
from simulator.ending import Film, Plan, Result, finish
from simulator.league import LEAGUE, STARTERS, Team, opponents, passer_skills
from simulator.opening import BACK, MIDDLE, PASSER, SNAP, Call, Decision, Opening, open_plays
from simulator.situation import FIELD_WIDTH, OFFENSE, ReleaseSituation, measure

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Record = TypeVar("Record", Opening, Plan, ReleaseSituation)

CHAIN = 5
"""Plays in a row that follow from each other; the next chain starts with a new possession."""
GAMES_A_WEEK = 8
WEEKS = 17
FRAME_RATE_HERTZ = 10.0


@dataclass(frozen=True, slots=True)
class PlayDetail:
    """What a play-by-play says besides the play itself. Identifiers are player ids, empty if there is no one."""

    kind: str
    """throw, sack, scramble, run, punt or field_goal"""
    yards: int
    points: int
    """For the offense; -2: a safety."""
    side: str
    """left, middle or right, as the offense sees it: where the pass was aimed."""
    carrier_id: str
    """Who ran or kicked; empty for passes."""
    defender_id: str
    """Who tackled, or intercepted."""
    kick_yards: int


@dataclass(frozen=True, eq=False)
class SimulatedGame:
    """A game that never happened, and the distributions of its outcomes."""

    game: Game
    distributions: dict[str, YardsDistribution]
    """By play id, for each play with a release: what a league-average passer gets there."""
    situations: dict[str, dict[str, float]]
    """By play id: what the distribution was computed from."""
    skills: dict[str, float]
    """By player id, for the passers of both teams; outcomes are drawn from `distributions[play].tilted(skill)`."""
    details: dict[str, PlayDetail]
    """By play id."""
    final_score: tuple[int, int]
    """Home, visitors."""
    injected: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By play id: the defects put into its frames."""


@dataclass
class _Chains:
    """The situations of the next plays, one per chain. Arrays (K,)."""

    offense: Integers
    """0: home, 1: visitors"""
    yards_to_end_zone: Integers
    down: Integers
    yards_to_go: Integers
    ball_y: Array

    def start(self, who: NDArray[np.bool_], yards_to_end_zone: Integers, change: NDArray[np.bool_]) -> None:
        """A first down for these chains at that spot, for the other team where `change`."""
        spot = np.clip(yards_to_end_zone, 1, 99)
        self.offense = np.where(who & change, 1 - self.offense, self.offense)
        self.yards_to_end_zone = np.where(who, spot, self.yards_to_end_zone)
        self.down = np.where(who, 1, self.down)
        self.yards_to_go = np.where(who, np.minimum(10, spot), self.yards_to_go)


@dataclass(frozen=True, eq=False)
class _Wave:
    """The k-th play of every chain: the situation before it, and how it ended."""

    offense: Integers
    yards_to_end_zone: Integers
    down: Integers
    yards_to_go: Integers
    ball_y: Array
    second_passer: NDArray[np.bool_]
    opening: Opening
    situation: ReleaseSituation
    distributions: OutcomeDistributions
    plan: Plan
    points: Integers
    """For the offense; -2: a safety."""


def game_id_of(season: int, index: int) -> str:
    """The identifier of a simulated game."""
    return str(season * 1_000_000 + 907_000 + index)


def simulate(
    seed: int,
    games: int,
    plays_per_game: int = 70,
    *,
    season: int = 2030,
    skill_spread: float = 0.2,
    defects: Defects | None = None,
) -> Iterator[SimulatedGame]:
    """Games 0 … games-1 of the league's season with this seed; see `simulate_game`."""
    for index in range(games):
        yield simulate_game(seed, index, plays_per_game, season=season, skill_spread=skill_spread, defects=defects)


def simulate_game(
    seed: int,
    index: int,
    plays_per_game: int = 70,
    *,
    season: int = 2030,
    skill_spread: float = 0.2,
    defects: Defects | None = None,
) -> SimulatedGame:
    """One game. It depends only on the arguments, so that processes can share a season.

    `skill_spread` is the standard deviation of the passers' skills; 0 draws every outcome as for an average passer.
    Raises PlayscoreError (FIELD_INVALID) on arguments out of range.
    """
    _check(seed, index, plays_per_game, skill_spread)
    rng = np.random.default_rng([seed, index, 2])
    teams = opponents(index)
    skills = passer_skills(seed, skill_spread)
    chains = -(-plays_per_game // CHAIN)
    waves = _play(rng, chains, teams, skills)
    # Chain by chain, in the order of play.
    order = np.arange(CHAIN * chains).reshape(CHAIN, chains).T.ravel()[:plays_per_game]
    opening = _joined([wave.opening for wave in waves], order)
    plan = _joined([wave.plan for wave in waves], order)
    film = finish(rng, opening, plan)
    return _Assembly(rng, index, season, teams, waves, order, opening, plan, film).game(skills, defects)


def _check(seed: int, index: int, plays_per_game: int, skill_spread: float) -> None:
    def refuse(name: str, value: float, right: str) -> None:
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{name} is {value}, not {right}", fields=(FieldViolation(name, f"must be {right}"),)
        )

    if seed < 0:
        refuse("seed", seed, "0 or more")
    if index < 0:
        refuse("index", index, "0 or more")
    if not 1 <= plays_per_game <= 1000:
        refuse("plays_per_game", plays_per_game, "1 to 1000")
    if not 0 <= skill_spread <= 0.5:
        refuse("skill_spread", skill_spread, "0 to 0.5")


def _joined(parts: list[Record], order: Integers) -> Record:
    """Records of arrays (B, ...) end to end, in another order."""
    names = parts[0].__dataclass_fields__
    return type(parts[0])(**{name: np.concatenate([getattr(part, name) for part in parts])[order] for name in names})


def _play(rng: np.random.Generator, chains: int, teams: tuple[Team, Team], skills: dict[str, float]) -> list[_Wave]:
    """All plays of a game: CHAIN waves, each with one play per chain."""
    spots = np.where(rng.random(chains) < 0.16, 75, np.clip(rng.normal(57, 31, chains), 2, 97)).astype(int)
    state = _Chains(
        offense=(np.arange(chains) + rng.integers(0, 2)) % 2,
        yards_to_end_zone=spots,
        down=np.ones(chains, dtype=int),
        yards_to_go=np.minimum(10, spots),
        ball_y=rng.uniform(MIDDLE - 3.1, MIDDLE + 3.1, chains),
    )
    relief = rng.random(chains) < 0.12
    passer_skill = np.array([[skills[passer.player_id] for passer in team.at("QB")] for team in teams])
    return [_next_wave(rng, state, relief, passer_skill) for _ in range(CHAIN)]


def _next_wave(rng: np.random.Generator, state: _Chains, relief: NDArray[np.bool_], passer_skill: Array) -> _Wave:
    count = len(state.down)
    call = _call(rng, state)
    room = state.yards_to_end_zone.astype(float)
    opening = open_plays(rng, call, state.ball_y, room)
    plays = np.arange(count)
    at = measure(
        opening.positions[plays, opening.frame],
        opening.velocities[plays, opening.frame],
        opening.target,
        yards_to_end_zone=room,
        down=state.down.astype(float),
        yards_to_go=state.yards_to_go.astype(float),
    )
    distributions = outcome_distributions(at)
    skill = passer_skill[state.offense, relief.astype(int)]
    plan = _draw(rng, state, opening, at=at, distributions=distributions, skill=skill)
    wave = _Wave(
        offense=state.offense.copy(),
        yards_to_end_zone=state.yards_to_end_zone.copy(),
        down=state.down.copy(),
        yards_to_go=state.yards_to_go.copy(),
        ball_y=state.ball_y.copy(),
        second_passer=relief,
        opening=opening,
        situation=at,
        distributions=distributions,
        plan=plan,
        points=_points(rng, state, plan),
    )
    _advance(rng, state, wave)
    return wave


def _call(rng: np.random.Generator, state: _Chains) -> Integers:
    """Passes mostly, a run now and then; kicks on fourth down unless it is short."""
    runs = rng.random(len(state.down)) < np.where(state.yards_to_go <= 2, 0.3, 0.11)
    fourth = (state.down == 4) & ~((state.yards_to_go <= 3) & (state.yards_to_end_zone < 50))
    kicks = np.where(state.yards_to_end_zone <= 36, Call.FIELD_GOAL, Call.PUNT)
    return np.where(fourth, kicks, np.where(runs, Call.RUN, Call.PASS))


_THROWN = {"C": Result.COMPLETE, "I": Result.INCOMPLETE, "IN": Result.INTERCEPTED}
_OTHERS = {
    Decision.SACK: Result.SACK,
    Decision.SCRAMBLE: Result.SCRAMBLE,
    Decision.HANDOFF: Result.RUN,
    Decision.PUNT: Result.PUNT,
    Decision.FIELD_GOAL: Result.FIELD_GOAL,
}


def _draw(
    rng: np.random.Generator,
    state: _Chains,
    opening: Opening,
    *,
    at: ReleaseSituation,
    distributions: OutcomeDistributions,
    skill: Array,
) -> Plan:
    """How each play ends: passes by their distribution tilted by the passer's skill, others by simple rules."""
    count = len(state.down)
    result, yards = np.empty(count, dtype=int), np.zeros(count, dtype=int)
    uniform = rng.random((2, count))
    run = np.round(np.where(rng.random(count) < 0.08, rng.exponential(14, count), rng.normal(3.4, 2.8, count)))
    scramble = np.round(1 + rng.gamma(1.6, 4.0, count))
    own_goal_line = state.yards_to_end_zone - 100
    for play, decision in enumerate(opening.decision):
        if decision == Decision.THROW:
            yards[play] = distributions.distribution(play).tilted(skill[play]).quantile(uniform[0, play])
            result[play] = _THROWN[distributions.result(play, int(yards[play]), uniform[1, play])]
            continue
        result[play] = _OTHERS[Decision(decision)]
        if decision == Decision.SACK:
            yards[play] = min(-1, round(opening.positions[play, opening.frame[play], PASSER, 0]))
        elif decision == Decision.SCRAMBLE:
            yards[play] = scramble[play]
        elif decision == Decision.HANDOFF:
            yards[play] = run[play]
    yards = np.clip(yards, own_goal_line, state.yards_to_end_zone)
    gaining = np.isin(result, (Result.COMPLETE, Result.SCRAMBLE, Result.RUN))
    aim, flight = at.aim.copy(), at.flight_seconds.copy()
    missed = result == Result.INCOMPLETE
    aim[missed] += rng.normal(0, 1.3, (count, 2))[missed]
    punt, kick = result == Result.PUNT, result == Result.FIELD_GOAL
    landing = np.minimum(rng.normal(44, 5, count), state.yards_to_end_zone - 1.0)
    aim[punt] = np.stack((landing, rng.uniform(12, FIELD_WIDTH - 12, count)), axis=1)[punt]
    aim[kick] = np.stack((state.yards_to_end_zone + 10.0, MIDDLE + rng.normal(0, 1.5, count)), axis=1)[kick]
    flight = np.select([punt, kick], [np.full(count, 4.2), np.full(count, 1.6)], flight)
    returned = np.where(result == Result.INTERCEPTED, rng.exponential(11, count), rng.exponential(6, count))
    return Plan(
        result=result,
        yards=yards,
        touchdown=gaining & (yards >= state.yards_to_end_zone),
        aim=aim,
        flight_seconds=flight,
        return_yards=np.minimum(returned, 99 - state.yards_to_end_zone + aim[:, 0]).clip(0),
        target=opening.target,
        yards_to_end_zone=state.yards_to_end_zone.astype(float),
    )


def _points(rng: np.random.Generator, state: _Chains, plan: Plan) -> Integers:
    distance = state.yards_to_end_zone + 17
    good = (plan.result == Result.FIELD_GOAL) & (rng.random(len(distance)) < 1.05 - 0.006 * distance)
    down_in_own = (plan.yards <= state.yards_to_end_zone - 100) & np.isin(plan.result, (Result.SACK, Result.RUN))
    return np.select([plan.touchdown, good, down_in_own], [7, 3, -2], 0)


def _advance(rng: np.random.Generator, state: _Chains, wave: _Wave) -> None:
    """The situation after the play."""
    plan, everyone = wave.plan, np.ones(len(wave.down), dtype=bool)
    spot = state.yards_to_end_zone - plan.yards
    first_down = plan.yards >= state.yards_to_go
    state.yards_to_go = np.maximum(state.yards_to_go - plan.yards, 1)
    state.yards_to_end_zone = np.clip(spot, 1, 99)
    failed = ~first_down & (state.down >= 4)
    state.down = np.minimum(state.down + 1, 4)
    state.start(first_down, spot, ~everyone)
    state.start(failed, 100 - spot, everyone)
    returned = np.isin(plan.result, (Result.INTERCEPTED, Result.PUNT))
    landed = np.round(wave.yards_to_end_zone - plan.aim[:, 0] + plan.return_yards).astype(int)
    touchback = plan.aim[:, 0] >= wave.yards_to_end_zone
    state.start(returned, np.where(touchback, 80, 100 - landed), everyone)
    missed = (plan.result == Result.FIELD_GOAL) & (wave.points == 0)
    state.start(missed, 100 - wave.yards_to_end_zone - 7, everyone)
    state.start(wave.points > 0, np.full(len(spot), 75), everyone)
    state.start(wave.points < 0, np.full(len(spot), 62), everyone)
    state.ball_y = np.clip(state.ball_y + rng.normal(0, 3, len(spot)), MIDDLE - 3.1, MIDDLE + 3.1)


@dataclass
class _Assembly:
    """Turns arrays into the domain's types."""

    rng: np.random.Generator
    index: int
    season: int
    teams: tuple[Team, Team]
    waves: list[_Wave]
    order: Integers
    opening: Opening
    plan: Plan
    film: Film

    def game(self, skills: dict[str, float], defects: Defects | None) -> SimulatedGame:
        """The game, its distributions and its skills."""
        header = self._header()
        chains = len(self.waves[0].down)
        distributions: dict[str, YardsDistribution] = {}
        situations: dict[str, dict[str, float]] = {}
        details: dict[str, PlayDetail] = {}
        plays: list[Play] = []
        score = [0, 0]
        home_first = bool(self.rng.random() < 0.5)
        count = len(self.order)
        published = self._published()
        kickoff = datetime(self.season, 9, 7, 18, tzinfo=UTC) + timedelta(weeks=header.week or 0)
        for number, place in enumerate(self.order):
            wave, chain = self.waves[place // chains], int(place % chains)
            play_id = str(24 * number + 37)
            elapsed = 3600 * (number + 0.5) / count
            quarter = min(int(elapsed // 900) + 1, 4)
            side = int(wave.offense[chain])
            forward = (side == 0) == (home_first == (quarter % 2 == 1))
            players = self._players(number, wave, chain, side)
            clock = 900 * quarter - elapsed
            context = self._context(
                play_id,
                wave,
                chain,
                number,
                players=players,
                quarter=quarter,
                clock=clock,
                score=score,
                forward=forward,
            )
            start = int(kickoff.timestamp() * 1e6 + elapsed * 2.9e6) // 1_000_000 * 1_000_000
            frames = self._frames(published, number, wave, chain, players=players, forward=forward, start=start)
            ball = self._ball(number, wave, chain, forward=forward, frames=frames)
            plays.append(Play(context, frames, _outcome(self.plan, number), tracks=(ball,)))
            if self.opening.decision[number] == Decision.THROW:
                distributions[play_id] = wave.distributions.distribution(chain)
                situations[play_id] = {
                    name: float(getattr(wave.situation, name)[chain])
                    for name in ReleaseSituation.__dataclass_fields__
                    if name != "aim"
                }
            details[play_id] = detail = self._detail(number, wave, chain, players)
            points = detail.points
            score[side if points >= 0 else 1 - side] += abs(points)
        injected: dict[str, tuple[str, ...]] = {}
        if defects is not None:
            plays, injected = inject(plays, defects, self.rng)
        roster = self.teams[0].players + self.teams[1].players
        passers = [passer for team in self.teams for passer in team.at("QB")]
        return SimulatedGame(
            game=Game(header, roster, tuple(plays)),
            distributions=distributions,
            situations=situations,
            skills={passer.player_id: skills[passer.player_id] for passer in passers},
            details=details,
            final_score=(score[0], score[1]),
            injected=injected,
        )

    def _header(self) -> GameHeader:
        week = self.index // GAMES_A_WEEK % WEEKS + 1
        return GameHeader(
            league=LEAGUE,
            game_id=game_id_of(self.season, self.index),
            sport=Sport.AMERICAN_FOOTBALL,
            season=self.season,
            home_team_id=self.teams[0].team_id,
            away_team_id=self.teams[1].team_id,
            coordinates=CoordinateSystem(LengthUnit.YARD, Origin.CORNER, AngleConvention.DEGREES_CLOCKWISE_FROM_Y),
            week=week,
            home_games_remaining=WEEKS - week,
            away_games_remaining=WEEKS - week,
        )

    def _players(self, number: int, wave: _Wave, chain: int, side: int) -> tuple[str, ...]:
        """Who is on the field, offense first, in the order of the arrays."""
        offense, defense = self.teams[side], self.teams[1 - side]
        ids: list[str] = []
        for team, unit in ((offense, "offense"), (defense, "defense")):
            taken: dict[str, int] = {}
            for position in STARTERS[unit]:
                depth = taken.get(position, 0)
                taken[position] = depth + 1
                ids.append(team.at(position)[depth].player_id)
        if wave.second_passer[chain]:
            ids[PASSER] = offense.at("QB")[1].player_id
        decision = self.opening.decision[number]
        if decision == Decision.PUNT:
            ids[PASSER] = offense.at("P")[0].player_id
        elif decision == Decision.FIELD_GOAL:
            ids[PASSER] = offense.at("K")[0].player_id
        # Fresh legs: substitutes at the positions that rotate.
        for slot, position, substitute in ((8, "WR", 3), (7, "WR", 4), (9, "TE", 1), (10, "RB", 1)):
            if self.rng.random() < 0.3:
                ids[slot] = offense.at(position)[substitute].player_id
        for slot, position, substitute in ((12, "DT", 2), (14, "DE", 2), (16, "OLB", 1), (19, "CB", 3)):
            if self.rng.random() < 0.3:
                ids[slot] = defense.at(position)[substitute].player_id
        return tuple(ids)

    def _context(
        self,
        play_id: str,
        wave: _Wave,
        chain: int,
        number: int,
        *,
        players: tuple[str, ...],
        quarter: int,
        clock: float,
        score: list[int],
        forward: bool,
    ) -> PlayContext:
        side = int(wave.offense[chain])
        decision = Decision(self.opening.decision[number])
        kind = {Decision.HANDOFF: PlayKind.RUN, Decision.PUNT: PlayKind.OTHER, Decision.FIELD_GOAL: PlayKind.OTHER}
        direction = AttackingDirection.POSITIVE_X if forward else AttackingDirection.NEGATIVE_X
        thrown = decision == Decision.THROW
        dropback = decision not in kind
        return PlayContext(
            play_id=play_id,
            attacking_team_id=self.teams[side].team_id,
            situation=FootballSituation(
                kind=kind.get(decision, PlayKind.PASS),
                quarter=quarter,
                game_clock_seconds=float(round(clock)),
                down=int(wave.down[chain]),
                yards_to_go=float(wave.yards_to_go[chain]),
                yards_to_end_zone=float(wave.yards_to_end_zone[chain]),
                home_score=score[0],
                away_score=score[1],
                passer_id=players[PASSER] if dropback else "",
                target_id=players[self.opening.target[number]] if thrown else "",
                charted_air_yards=float(round(wave.situation.air_yards[chain])) if thrown else None,
            ),
            attacking_direction=direction,
        )

    def _detail(self, number: int, wave: _Wave, chain: int, players: tuple[str, ...]) -> PlayDetail:
        result = Result(self.plan.result[number])
        kinds = {Result.SACK: "sack", Result.SCRAMBLE: "scramble", Result.RUN: "run", Result.PUNT: "punt"}
        kind = "field_goal" if result is Result.FIELD_GOAL else kinds.get(result, "throw")
        aim, whistle = self.plan.aim[number], int(self.film.whistle[number])
        apart = self.film.positions[number, whistle, OFFENSE:] - self.film.end[number]
        tackler = OFFENSE + int(np.linalg.norm(apart, axis=1).argmin())
        points = int(wave.points[chain])
        if result is Result.INTERCEPTED:
            defender = players[self.film.carrier[number]]
        elif points == 7 or result in (Result.INCOMPLETE, Result.PUNT, Result.FIELD_GOAL):
            defender = ""
        else:
            defender = players[tackler]
        carriers = {"run": players[BACK], "punt": players[PASSER], "field_goal": players[PASSER]}
        return PlayDetail(
            kind=kind,
            yards=int(self.plan.yards[number]),
            points=points,
            side="left" if aim[1] > 0.62 * FIELD_WIDTH else "right" if aim[1] < 0.38 * FIELD_WIDTH else "middle",
            carrier_id=carriers.get(kind, ""),
            defender_id=defender,
            kick_yards=round(aim[0]) if kind == "punt" else int(wave.yards_to_end_zone[chain]) + 17,
        )

    def _published(self) -> dict[str, NDArray[np.float32]]:
        """Speed, acceleration and orientation of all plays at once, still in the frame of the play."""
        velocity = self.film.velocities
        change = np.gradient(velocity, 0.1, axis=1)
        return {
            "speed": np.linalg.norm(velocity, axis=3).astype(np.float32),
            "acceleration": np.linalg.norm(change, axis=3).astype(np.float32),
            "orientation": self._orientation().astype(np.float32),
        }

    def _orientation(self) -> Array:
        """Radians from the x axis of the play: runners look where they run, others toward the ball."""
        velocity, positions = self.film.velocities, self.film.positions
        to_ball = self.film.ball[:, :, None] - positions
        gaze = to_ball / np.maximum(np.linalg.norm(to_ball, axis=3, keepdims=True), 0.5)
        gaze[:, :, 1:6] = (1.0, 0.0)
        aimed = self.plan.aim[:, None] - positions[:, :, PASSER]
        gaze[:, :, PASSER] = aimed / np.maximum(np.linalg.norm(aimed, axis=2, keepdims=True), 0.5)
        facing = gaze + velocity * 0.25
        angle: Array = np.arctan2(facing[..., 1], facing[..., 0])
        return angle + self.rng.normal(0, 0.08, angle.shape)

    def _frames(
        self,
        published: dict[str, NDArray[np.float32]],
        number: int,
        wave: _Wave,
        chain: int,
        *,
        players: tuple[str, ...],
        forward: bool,
        start: int,
    ) -> Frames:
        first = int(self.rng.integers(0, 11))
        last = int(self.film.frames[number])
        cut = slice(first, last)
        turned = 0.0 if forward else 1.0

        def degrees(radians: Array) -> NDArray[np.float32]:
            return np.round((90 - np.degrees(radians) + 180 * turned) % 360, 2).astype(np.float32) % np.float32(360)

        x, y = self._place(self.film.positions[number, cut], wave, chain, forward=forward)
        velocity = self.film.velocities[number, cut]
        size = last - first
        return Frames(
            frame_numbers=np.arange(1, size + 1, dtype=np.int32),
            player_ids=players,
            x=x,
            y=y,
            speed=np.round(published["speed"][number, cut], 2),
            acceleration=np.round(published["acceleration"][number, cut], 2),
            direction_degrees=degrees(np.arctan2(velocity[..., 1], velocity[..., 0])),
            orientation_degrees=degrees(published["orientation"][number, cut].astype(np.float64)),
            times_unix_micros=start + 100_000 * np.arange(size, dtype=np.int64),
            events=tuple(TrackingEvent(frame - first + 1, name) for frame, name in self._events(number)),
        )

    def _ball(self, number: int, wave: _Wave, chain: int, *, forward: bool, frames: Frames) -> Track:
        """The ball in the same frames; its height is not simulated."""
        first = int(self.film.frames[number]) - len(frames)
        x, y = self._place(self.film.ball[number, first : first + len(frames)], wave, chain, forward=forward)
        return Track(TrackedObject.BALL, FRAME_RATE_HERTZ, frames.frame_numbers, x, y)

    @staticmethod
    def _place(
        track: Array, wave: _Wave, chain: int, *, forward: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Positions on the field, from positions relative to the line of scrimmage."""
        line = 110.0 - wave.yards_to_end_zone[chain]
        turned, sign = (0.0, 1.0) if forward else (1.0, -1.0)
        x = turned * 120 + sign * (line + track[..., 0])
        y = turned * FIELD_WIDTH + sign * track[..., 1]
        return np.round(x, 2).astype(np.float32), np.round(y, 2).astype(np.float32)

    def _events(self, number: int) -> list[tuple[int, str]]:
        """(frame, name), in order."""
        decided, arrival = int(self.opening.frame[number]), int(self.film.arrival[number])
        whistle, end = int(self.film.whistle[number]), self.film.end[number]
        touchdown = bool(self.plan.touchdown[number])
        out = not 0.5 < end[1] < FIELD_WIDTH - 0.5
        stop = "touchdown" if touchdown else "out_of_bounds" if out else "tackle"
        between = {
            Result.COMPLETE: [
                (decided, "pass_forward"),
                (arrival, "pass_arrived"),
                (arrival + 1, "pass_outcome_caught"),
            ],
            Result.INCOMPLETE: [(decided, "pass_forward"), (arrival, "pass_arrived")],
            Result.INTERCEPTED: [
                (decided, "pass_forward"),
                (arrival, "pass_arrived"),
                (arrival + 1, "pass_outcome_interception"),
            ],
            Result.SACK: [(decided, "qb_sack")],
            Result.SCRAMBLE: [(decided, "run")],
            Result.RUN: [(decided, "handoff")],
            Result.PUNT: [(decided, "punt"), (arrival, "punt_received")],
            Result.FIELD_GOAL: [(decided, "field_goal_attempt")],
        }[Result(self.plan.result[number])]
        endings = {Result.INCOMPLETE: "pass_outcome_incomplete", Result.FIELD_GOAL: "field_goal", Result.SACK: "tackle"}
        closing = max(whistle, between[-1][0] + 1)
        return [(SNAP, "ball_snap"), *between, (closing, endings.get(Result(self.plan.result[number]), stop))]


def _outcome(plan: Plan, number: int) -> PassOutcome | None:
    results = {
        Result.COMPLETE: PassResult.COMPLETE,
        Result.INCOMPLETE: PassResult.INCOMPLETE,
        Result.INTERCEPTED: PassResult.INTERCEPTED,
        Result.SACK: PassResult.SACK,
        Result.SCRAMBLE: PassResult.SCRAMBLE,
    }
    result = results.get(Result(plan.result[number]))
    return None if result is None else PassOutcome(result, float(plan.yards[number]))
