"""Shots: how they are taken, what comes of them by their chance, and where the puck goes then."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore import rink
from playscore.shots import HockeyEventKind, ShotResult, ShotType
from simulator.hockey import chance, officials
from simulator.hockey.handling import fly, lose
from simulator.hockey.ice import NET, inside
from simulator.hockey.log import tell
from simulator.hockey.rinks import RATE_HERTZ, SECOND, SLOTS, Attempt, Puck, Rinks, Whistle

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_SPEEDS: Final = {
    ShotType.WRIST: (92.0, 10.0),
    ShotType.SNAP: (98.0, 10.0),
    ShotType.SLAP: (118.0, 13.0),
    ShotType.BACKHAND: (72.0, 10.0),
    ShotType.TIP_IN: (70.0, 12.0),
    ShotType.DEFLECTED: (70.0, 14.0),
    ShotType.WRAP_AROUND: (42.0, 8.0),
    ShotType.OTHER: (60.0, 12.0),
}
"""Mean and standard deviation, feet per second."""
_MEANS: Final = np.array([0.0, *(_SPEEDS[kind][0] for kind in ShotType)])
_DEVIATIONS: Final = np.array([0.0, *(_SPEEDS[kind][1] for kind in ShotType)])
FREEZE: Final = 0.27
"""Of the saves."""
OVER_THE_GLASS: Final = 0.24
"""Of the misses."""


def shoot(rinks: Rinks, lanes: Integers, *, forced: Integers) -> None:
    """The carriers shoot now. `forced`: numbers of the shot types that are given, 0: as it comes."""
    slots = rinks.carrier[lanes]
    team = rinks.attacking[lanes]
    at, bodies, puck = release(rinks, lanes)
    uniform, normal = rinks.draws.uniform(lanes, 8), rinks.draws.normal(lanes, 3)
    kinds = _kinds(at, puck, slots % SLOTS, uniform[:, 0], forced)
    near = np.clip(at.distance / 25.0, 0.45, 1.0)
    speed = np.clip(_MEANS[kinds] * near + _DEVIATIONS[kinds] * normal[:, 0], 28.0, 155.0)
    at = replace(at, puck_speed=speed)
    block = chance.block_probability(puck, bodies)
    block = np.where(forced == ShotType.TIP_IN.value, 0.35 * block, block)

    average = chance.goal_logit(at)
    skill = rinks.shooting[lanes, team, rinks.who[lanes, slots]]
    guarded = at.empty_net == 0
    opposite = SLOTS * (1 - team)
    goalie = rinks.who[lanes, opposite]
    against = np.where(guarded, rinks.goalkeeping[lanes, 1 - team, goalie], 0.0)
    own = chance.probability(average + skill - against)
    on_goal = chance.on_goal_probability(at.distance, at.angle)
    results = np.select(
        [
            uniform[:, 1] < block,
            uniform[:, 2] < own,
            guarded & (uniform[:, 3] < on_goal),
            uniform[:, 4] < chance.POST_SHARE,
        ],
        [ShotResult.BLOCKED.value, ShotResult.GOAL.value, ShotResult.SAVED.value, ShotResult.POST.value],
        ShotResult.MISSED.value,
    )
    blocker = _blockers(puck, bodies)
    none_to_block = blocker < 0
    results = np.where((results == ShotResult.BLOCKED.value) & none_to_block, ShotResult.MISSED.value, results)
    toward = rinks.direction(team, lanes)
    aim, height = _aims(rinks, lanes, puck, bodies, blocker, results=results, uniform=uniform[:, 5:])
    fly(rinks, lanes, aim * toward[:, None], speed, to_height=height)
    rinks.mode[lanes] = Puck.SHOT
    rinks.receiver[lanes] = -1
    rinks.deflector[lanes] = opposite + 1 + np.maximum(blocker, 0)
    _note(rinks, lanes, at, kinds=kinds, results=results, chances=(own, chance.probability(average), block))
    unblocked = results != ShotResult.BLOCKED.value
    rinks.shot_at[lanes[unblocked], team[unblocked]] = rinks.frame[lanes[unblocked]]


def release(rinks: Rinks, lanes: Integers) -> tuple[chance.Release, chance.Bodies, Array]:
    """What the chance is made of, but for the shot's speed; who is around; the puck's place (n, 2), as attacked."""
    places, on, toward = rinks.attack_view(lanes)
    rows = np.arange(len(lanes))
    team = rinks.attacking[lanes]
    slot = rinks.carrier[lanes] % SLOTS
    puck = rinks.puck[lanes, :2] * toward[:, None]
    shooter = places[rows, slot].copy()
    places = np.where(on[..., None], places, np.nan)
    places[rows, slot] = np.nan
    guarded = rinks.has_goalie(lanes)[rows, 1 - team]
    goalie = np.where(guarded[:, None], places[:, SLOTS], np.nan)
    skaters = np.concatenate((places[:, :SLOTS], places[:, SLOTS:]), axis=1)
    skaters[guarded, SLOTS] = np.nan
    # The shooting team's own goalie stands too far away to matter.
    defending = np.arange(2 * SLOTS) >= SLOTS
    bodies = chance.Bodies(goalie, skaters, defending)

    apart = NET - puck
    distance = np.hypot(apart[:, 0], apart[:, 1])
    line = apart / np.maximum(distance, 1e-6)[:, None]
    offset = goalie - puck
    off_line = np.abs(offset[:, 0] * line[:, 1] - offset[:, 1] * line[:, 0])
    speed = np.linalg.norm(rinks.vel[lanes, SLOTS * (1 - team)], axis=1)
    past_goalie = chance.open_rays(puck, goalie[:, None], chance.GOALIE_HALF_WIDTH_FEET)
    past_skaters = chance.open_rays(puck, skaters, chance.BODY_HALF_WIDTH_FEET)
    nearest, odd, screens = chance.tactical(bodies, puck, shooter)
    now = rinks.frame[lanes]

    def since(frames: Integers, longest: float) -> Array:
        seconds = (now - frames) / RATE_HERTZ
        return np.where(seconds <= longest, seconds, 99.0)

    end = np.where(toward == 1, 0, 1)
    received = rinks.was_passed[lanes] & (now - rinks.got_at[lanes] <= 0.5 * SECOND)
    at = chance.Release(
        distance=distance,
        angle=np.degrees(np.arctan2(np.abs(puck[:, 1]), apart[:, 0])),
        visible_past_goalie=past_goalie.mean(1),
        visible_past_traffic=(past_goalie * past_skaters).mean(1),
        screens=screens,
        puck_speed=np.zeros(len(lanes)),
        goalie_off_line=np.nan_to_num(off_line),
        goalie_speed=np.where(guarded, speed, 0.0),
        goalie_depth=np.nan_to_num(NET[0] - goalie[:, 0]),
        nearest_defender=nearest,
        since_royal_road=since(rinks.royal_road_at[lanes], 3.0),
        since_shot=since(rinks.shot_at[lanes, team], 3.0),
        one_timer=received.astype(float),
        since_entry=since(rinks.entered_at[lanes, end], 60.0),
        odd_man=odd,
        empty_net=(~guarded).astype(float),
    )
    return at, bodies, puck


def _kinds(at: chance.Release, puck: Array, slot: Integers, uniform: Array, forced: Integers) -> Integers:
    """(n,) numbers of ShotType."""
    slap = np.where(slot >= 4, 0.26, 0.04) + 0.20 * at.one_timer * (at.distance > 25)
    slap = np.where(at.distance > 20, slap, 0.0)
    backhand = 0.05 + 0.16 * np.exp(-at.distance / 14.0)
    other = 0.005 + 0.03 * (at.distance < 10)
    deflected = np.where((at.distance < 18) & (at.one_timer > 0), 0.4, 0.0)
    snap = 0.23 + 0.15 * at.one_timer
    edges = np.cumsum(np.stack((other, deflected, backhand, slap, snap), axis=1), axis=1)
    numbers = np.array(
        [ShotType.OTHER.value, ShotType.DEFLECTED.value, ShotType.BACKHAND.value, ShotType.SLAP.value,
         ShotType.SNAP.value, ShotType.WRIST.value]
    )  # fmt: skip
    kinds = numbers[(uniform[:, None] > edges).sum(1)]
    around = (puck[:, 0] > 85.0) & (at.distance < 9.5) & (at.angle > 62)
    kinds = np.where(around & (uniform > 0.3), ShotType.WRAP_AROUND.value, kinds)
    chosen: Integers = np.where(forced > 0, forced, kinds)
    return chosen


def _blockers(puck: Array, bodies: chance.Bodies) -> Integers:
    """(n,) which defending slot, less one, is nearest to the line of the shot; -1: none is between."""
    line = NET - puck
    length = np.linalg.norm(line, axis=1, keepdims=True)
    unit = line / np.maximum(length, 1e-6)
    apart = bodies.skaters[:, SLOTS + 1 :] - puck[:, None]
    along = (apart * unit[:, None]).sum(-1)
    across = np.abs(apart[..., 0] * unit[:, None, 1] - apart[..., 1] * unit[:, None, 0])
    fits = (along > 1.0) & (along < length - 1.5)
    which = np.argmin(np.where(fits, across, 1e3), axis=1)
    return np.where(fits.any(1), which, -1)


def _aims(
    rinks: Rinks,
    lanes: Integers,
    puck: Array,
    bodies: chance.Bodies,
    blocker: Integers,
    *,
    results: Integers,
    uniform: Array,
) -> tuple[Array, Array]:
    """Where the puck flies to (n, 2), as attacked, and how high it is there (n,)."""
    count = len(lanes)
    rows = np.arange(count)
    side = np.where(uniform[:, 0] < 0.5, 1.0, -1.0)
    across = 2.7 * (2 * uniform[:, 0] - 1)
    high = 0.1 + 3.6 * uniform[:, 1] ** 1.5
    goal = np.column_stack((np.full(count, NET[0] + 1.2), across))
    goalie = np.where(np.isnan(bodies.goalie), NET - np.array([2.0, 0.0]), bodies.goalie)
    save = np.column_stack((np.minimum(goalie[:, 0] - 0.6, 88.4), goalie[:, 1] + 1.2 * (2 * uniform[:, 2] - 1)))
    post = np.column_stack((np.full(count, NET[0] - 0.1), side * (rink.HALF_NET_WIDTH_FEET + 0.1)))
    past = np.column_stack((np.full(count, NET[0]), side * (3.8 + 5.5 * uniform[:, 2])))
    beyond = past - puck
    beyond /= np.maximum(np.linalg.norm(beyond, axis=1, keepdims=True), 1e-6)
    reach = np.where(np.abs(beyond[:, 0]) > 0.3, (98.0 - puck[:, 0]) / np.maximum(beyond[:, 0], 0.3), 12.0)
    miss = inside(puck + beyond * np.maximum(reach, 8.0)[:, None], 0.6)
    body = bodies.skaters[rows, SLOTS + 1 + np.maximum(blocker, 0)]
    line = NET - puck
    line /= np.maximum(np.linalg.norm(line, axis=1, keepdims=True), 1e-6)
    along = np.nan_to_num(((body - puck) * line).sum(1, keepdims=True), nan=5.0)
    block = puck + line * np.maximum(along - 0.5, 1.5)
    table = {
        ShotResult.GOAL: (goal, np.minimum(high, 3.7)),
        ShotResult.SAVED: (save, high),
        ShotResult.POST: (post, high),
        ShotResult.MISSED: (miss, 0.3 + 6.0 * uniform[:, 1] ** 2),
        ShotResult.BLOCKED: (block, 0.1 + 1.5 * uniform[:, 1]),
    }
    wanted = [results == result.value for result in table]
    aim = np.select([each[:, None] for each in wanted], [there for there, _ in table.values()])
    return aim, np.select(wanted, [height for _, height in table.values()])


def _note(
    rinks: Rinks,
    lanes: Integers,
    at: chance.Release,
    *,
    kinds: Integers,
    results: Integers,
    chances: tuple[Array, Array, Array],
) -> None:
    skaters = rinks.skaters(lanes)
    on_ice = np.clip(rinks.played[lanes, None] - rinks.since[lanes], 0, None)
    counts = (rinks.on & ~rinks.boxed)[lanes]
    counts[:, [0, SLOTS]] &= ~rinks.has_goalie(lanes)
    team = rinks.attacking[lanes]
    toward = rinks.direction(team, lanes)
    own, average, block = chances
    for place, lane in enumerate(lanes.tolist()):
        slot, mine = int(rinks.carrier[lane]), int(team[place])
        other = 1 - mine
        goalie = int(rinks.who[lane, SLOTS * other])
        log = rinks.logs[lane]
        rinks.shot[lane] = len(log.attempts)
        halves = [counts[place, SLOTS * t : SLOTS * (t + 1)] for t in (mine, other)]
        times = [on_ice[place, SLOTS * t : SLOTS * (t + 1)] for t in (mine, other)]
        log.attempts.append(
            Attempt(
                period=int(rinks.period[lane]),
                frame=int(rinks.frame[lane]),
                clock=float(rinks.clock[lane]),
                team=mine,
                shooter=int(rinks.who[lane, slot]),
                goalie=-1 if at.empty_net[place] else goalie,
                direction=int(toward[place]),
                puck=(float(rinks.puck[lane, 0]), float(rinks.puck[lane, 1])),
                skaters=(int(skaters[place, mine]), int(skaters[place, other])),
                score=(int(rinks.score[lane, mine]), int(rinks.score[lane, other])),
                seconds_on_ice=(
                    float(on_ice[place, slot]),
                    float(times[0][halves[0]].mean()),
                    float(times[1][halves[1]].mean()),
                ),
                kind=ShotType(int(kinds[place])),
                result=ShotResult(int(results[place])),
                chance=float(own[place]),
                average_chance=float(average[place]),
                block_chance=float(block[place]),
                situation=at.row(place),
                events_before=len(log.events),
            )
        )


_TOLD: Final = {
    ShotResult.GOAL: HockeyEventKind.GOAL,
    ShotResult.SAVED: HockeyEventKind.SHOT_ON_GOAL,
    ShotResult.MISSED: HockeyEventKind.MISSED_SHOT,
    ShotResult.POST: HockeyEventKind.MISSED_SHOT,
    ShotResult.BLOCKED: HockeyEventKind.BLOCKED_SHOT,
}


def land(rinks: Rinks) -> None:
    """Shots that have come to their end: the whistle, a rebound, a loose puck."""
    ended = (rinks.mode == Puck.SHOT) & (rinks.frame - rinks.flight_start >= rinks.flight_steps)
    lanes = np.flatnonzero(ended)
    if not len(lanes):
        return
    uniform, normal = rinks.draws.uniform(lanes, 3), rinks.draws.normal(lanes, 2)
    loose: list[int] = []
    velocity: list[Array] = []
    for place, lane in enumerate(lanes.tolist()):
        log = rinks.logs[lane]
        number = int(rinks.shot[lane])
        attempt = log.attempts[number]
        attempt.ended_frame = int(rinks.frame[lane])
        shooter = int(rinks.carrier[lane])
        other = int(rinks.deflector[lane]) if attempt.result is ShotResult.BLOCKED else -1
        tell(rinks, lane, _TOLD[attempt.result], attempt.team, slot=shooter, other_slot=other,
             place=attempt.puck, detail=attempt.result.name, shot=number)  # fmt: skip
        one = np.array([lane])
        if attempt.result is ShotResult.GOAL:
            officials.score(rinks, lane, attempt.team)
            continue
        if attempt.result is ShotResult.SAVED and uniform[place, 0] < FREEZE:
            officials.whistle(rinks, one, Whistle.FREEZE)
            continue
        missed = attempt.result in (ShotResult.MISSED, ShotResult.POST)
        if missed and uniform[place, 0] < OVER_THE_GLASS:
            officials.whistle(rinks, one, Whistle.OUT_OF_PLAY)
            continue
        loose.append(lane)
        velocity.append(_bounce(attempt, uniform[place, 1:], normal[place]))
    if loose:
        lose(rinks, np.array(loose), np.array(velocity))


def _bounce(attempt: Attempt, uniform: Array, normal: Array) -> Array:
    """Velocity of the puck after a save, a block, the post or the end boards."""
    back = -float(attempt.direction)
    if attempt.result is ShotResult.SAVED:
        turn = 1.1 * normal[0]
        speed = 8.0 + 24.0 * uniform[0]
        return np.array([back * speed * np.cos(turn), speed * np.sin(turn)])
    if attempt.result is ShotResult.BLOCKED:
        return np.array([back * (6.0 + 14.0 * uniform[0]), 16.0 * normal[0]])
    if attempt.result is ShotResult.POST:
        return np.array([back * (10.0 + 25.0 * uniform[0]), 15.0 * normal[0]])
    return np.array([back * (8.0 + 22.0 * uniform[0]), np.sign(attempt.puck[1] * normal[0] + 0.1) * 28.0 * uniform[1]])
