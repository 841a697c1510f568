"""The clock, whistles, face-offs, penalties, line changes, pulled goalies."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore.shots import HockeyEventKind
from simulator.hockey.handling import fly, redraw_spots
from simulator.hockey.ice import (
    BENCH_DOORS,
    BOXES,
    CENTER_SPOT,
    END_SPOTS,
    NEUTRAL_SPOTS,
    SPOTS,
    inside,
    nearest_spot,
)
from simulator.hockey.league import BY_SLOT, SKATERS
from simulator.hockey.log import tell
from simulator.hockey.rinks import (
    EVERYBODY,
    NEVER,
    OVERTIME,
    RATE_HERTZ,
    SECOND,
    SLOTS,
    STARTING_GOALIE,
    Draw,
    Puck,
    Rinks,
    Whistle,
)
from simulator.hockey.skating import PUCK_HEIGHT, aim

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

MINOR_SECONDS: Final = 120.0
OVERTIME_SECONDS: Final = 300.0
PAUSE_SECONDS: Final = 8.0
"""From the whistle to the next face-off, at least."""
LONGEST_PAUSE_SECONDS: Final = 15.0
SHIFT_SECONDS: Final = (32.0, 54.0)
PENALTY_HAZARD: Final = 0.003
"""At a decision of a carrier with a defender near."""
MATCHING: Final = 0.06
"""Of the penalties both teams get one."""
_LINE_WEIGHTS: Final = {"F": (1.25, 1.1, 0.95, 0.8), "D": (1.2, 1.0, 0.85)}
DOOR_FEET: Final = 4.0


def whistle(rinks: Rinks, lanes: Integers, why: Whistle) -> None:
    """Play stops, and goes on with a face-off where the rules say."""
    team = rinks.attacking[lanes]
    toward = rinks.direction(team, lanes)
    place = rinks.puck[lanes, :2]
    if why in (Whistle.GOAL, Whistle.PERIOD):
        spot = np.full(len(lanes), CENTER_SPOT)
    elif why is Whistle.ICING:
        spot = nearest_spot(np.stack((-60.0 * toward, place[:, 1]), axis=1), END_SPOTS)
    elif why is Whistle.OFFSIDE:
        spot = nearest_spot(np.stack((20.0 * toward, place[:, 1]), axis=1), NEUTRAL_SPOTS)
    elif why is Whistle.PENALTY:
        # In the end of the team that is penalized: the attackers' face-off.
        spot = nearest_spot(np.stack((60.0 * toward, place[:, 1]), axis=1), END_SPOTS)
    else:
        deep = np.abs(place[:, 0]) > 25.0
        spot = np.where(deep, nearest_spot(place, END_SPOTS), nearest_spot(place, NEUTRAL_SPOTS))
    rinks.spot[lanes] = SPOTS[spot]
    rinks.mode[lanes] = Puck.DEAD
    rinks.rethink[lanes] = True
    rinks.receiver[lanes] = -1
    rinks.dumped[lanes] = rinks.icing[lanes] = rinks.tip[lanes] = False
    rinks.dead_from[lanes] = rinks.frame[lanes]
    pause = PAUSE_SECONDS + 3.0 * rinks.draws.uniform(lanes, 1)[:, 0]
    rinks.resume_at[lanes] = rinks.frame[lanes] + (pause * SECOND).astype(int)
    rinks.shot_at[lanes] = NEVER
    rinks.royal_road_at[lanes] = NEVER
    tired = rinks.played[lanes, None] - rinks.since[lanes] > 18.0
    skater = np.arange(EVERYBODY) % SLOTS > 0
    rinks.leaving[lanes] |= tired & skater & (rinks.on & ~rinks.boxed)[lanes]
    if why is Whistle.ICING:
        # The team that iced the puck may not change.
        mine = np.arange(EVERYBODY) // SLOTS == team[:, None]
        rinks.leaving[lanes] &= ~mine
    if why is not Whistle.PERIOD:
        for lane in lanes.tolist():
            tell(rinks, lane, HockeyEventKind.STOPPAGE, -1, detail=why.name)


def score(rinks: Rinks, lane: int, team: int) -> None:
    """A goal counts; a power play of the team that scored it ends."""
    one = np.array([lane])
    rinks.score[lane, team] += 1
    rinks.logs[lane].score = (int(rinks.score[lane, 0]), int(rinks.score[lane, 1]))
    other = 1 - team
    sides = rinks.skaters(one)[0]
    running = np.flatnonzero(rinks.penalty_left[lane, other] > 0)
    if len(running) and sides[team] > sides[other]:
        soonest = running[np.argmin(rinks.penalty_left[lane, other, running])]
        rinks.penalty_left[lane, other, soonest] = 1e-6
    whistle(rinks, one, Whistle.GOAL)
    if rinks.period[lane] >= OVERTIME:
        rinks.over[lane] = rinks.ended[lane] = True


def penalties(rinks: Rinks, lanes: Integers, nearest: Integers, near: Array, uniform: Array) -> None:
    """A minor against the defender who is near the carrier, at times against both."""
    regulation = rinks.period[lanes] < OVERTIME
    fouled = (near < 7.0) & (uniform > 1 - PENALTY_HAZARD) & regulation
    for lane, slot in zip(lanes[fouled].tolist(), nearest[fouled].tolist(), strict=True):
        team = 1 - int(rinks.attacking[lane])
        if (rinks.penalty_left[lane, team] > 0).all() or rinks.leaving[lane].any():
            continue
        one = np.array([lane])
        matching = float(rinks.draws.uniform(one, 1)[0, 0]) < MATCHING
        both = matching and not (rinks.penalty_left[lane, 1 - team] > 0).any()
        _penalize(rinks, lane, team, slot - SLOTS + SLOTS * team)
        if both:
            carrier = int(rinks.carrier[lane])
            if carrier % SLOTS:
                _penalize(rinks, lane, 1 - team, carrier)
        whistle(rinks, one, Whistle.PENALTY)


def _penalize(rinks: Rinks, lane: int, team: int, slot: int) -> None:
    """The player goes to the box; a team a player short has nobody in slot 1, two short none in slot 3 either."""
    which = 0 if rinks.penalty_left[lane, team, 0] <= 0 else 1
    empty = SLOTS * team + (1 if which == 0 else 3)
    tell(rinks, lane, HockeyEventKind.PENALTY, team, slot=slot)
    for name in ("pos", "vel", "who", "on", "leaving", "boxed", "since", "shift"):
        values = getattr(rinks, name)
        mine = values[lane, slot].copy()
        values[lane, slot], values[lane, empty] = values[lane, empty].copy(), mine
    rinks.boxed[lane, empty] = True
    rinks.leaving[lane, empty] = False
    rinks.penalty_left[lane, team, which] = MINOR_SECONDS


def run_clock(rinks: Rinks) -> None:
    """The clock of games in play; penalties end; so do periods."""
    playing = rinks.mode != Puck.DEAD
    rinks.clock[playing] -= 1.0 / RATE_HERTZ
    rinks.played[playing] += 1.0 / RATE_HERTZ
    running = rinks.penalty_left > 0
    rinks.penalty_left = np.where(
        running & playing[:, None, None], rinks.penalty_left - 1.0 / RATE_HERTZ, rinks.penalty_left
    )
    ended = running & (rinks.penalty_left <= 0)
    for lane, team, which in zip(*(each.tolist() for each in np.nonzero(ended)), strict=True):
        slot = SLOTS * team + (1 if which == 0 else 3)
        rinks.penalty_left[lane, team, which] = 0.0
        rinks.boxed[lane, slot] = False
        rinks.since[lane, slot] = rinks.played[lane]
        if not rinks.on[lane, slot]:
            rinks.on[lane, slot] = True
            rinks.pos[lane, slot], rinks.vel[lane, slot] = BOXES[team], 0.0
    # A shot that is in the air when time runs out is still seen through, so that each has a result.
    over = np.flatnonzero((rinks.clock <= 0) & playing & (rinks.mode != Puck.SHOT))
    if len(over):
        whistle(rinks, over, Whistle.PERIOD)
        rinks.ended[over] = True
        last = rinks.period[over] >= OVERTIME
        decided = (rinks.period[over] == OVERTIME - 1) & (rinks.score[over, 0] != rinks.score[over, 1])
        rinks.over[over] = last | decided


def next_period(rinks: Rinks, lanes: Integers) -> None:
    """A fresh sheet: the teams change ends and line up at the center."""
    rinks.period[lanes] += 1
    rinks.frame[lanes] = 0
    rinks.ended[lanes] = False
    extra = rinks.period[lanes] >= OVERTIME
    rinks.clock[lanes] = np.where(extra, OVERTIME_SECONDS * rinks.period_seconds / 1200.0, rinks.period_seconds)
    begin(rinks, lanes)


def begin(rinks: Rinks, lanes: Integers) -> None:
    """Everybody stands where the period's first face-off wants them."""
    for name in ("got_at", "royal_road_at"):
        getattr(rinks, name)[lanes] = NEVER
    rinks.shot_at[lanes] = rinks.entered_at[lanes] = NEVER
    rinks.spot[lanes] = SPOTS[CENTER_SPOT]
    rinks.puck[lanes] = (0.0, 0.0, PUCK_HEIGHT)
    rinks.puck_vel[lanes] = 0.0
    rinks.seen_puck[lanes] = 0.0
    rinks.mode[lanes] = Puck.DEAD
    rinks.dead_from[lanes] = 0
    rinks.resume_at[lanes] = 3 * SECOND
    rinks.pulled[lanes] = False
    rinks.leaving[lanes] = False
    extra = rinks.period[lanes] >= OVERTIME
    for team in (0, 1):
        first = SLOTS * team
        _replace_goalies(rinks, lanes, team)
        for slot in (1, 3):
            rinks.boxed[lanes, first + slot] |= extra
            rinks.on[lanes, first + slot] &= ~rinks.boxed[lanes, first + slot]
        if extra.any():
            rinks.penalty_left[lanes[extra], team] = 0.0
    redraw_spots(rinks, lanes)
    rinks.rethink[lanes] = True
    aim(rinks)
    rinks.pos[lanes] = inside(rinks.targets[lanes], 1.0)
    rinks.vel[lanes] = 0.0


def _replace_goalies(rinks: Rinks, lanes: Integers, team: int) -> None:
    first = SLOTS * team
    out = lanes[rinks.who[lanes, first] != STARTING_GOALIE]
    rinks.rested[out, team, rinks.who[out, first]] = rinks.played[out]
    rinks.who[lanes, first] = STARTING_GOALIE


def resume(rinks: Rinks) -> None:
    """The puck is dropped where everybody is ready."""
    dead = np.flatnonzero((rinks.mode == Puck.DEAD) & ~rinks.ended & (rinks.frame >= rinks.resume_at))
    if not len(dead):
        return
    late = rinks.frame[dead] >= rinks.dead_from[dead] + LONGEST_PAUSE_SECONDS * SECOND
    takers = np.stack([_takers(rinks, dead, team) for team in (0, 1)], axis=1)
    here = rinks.pos[dead[:, None], takers]
    ready = (np.linalg.norm(here - rinks.spot[dead, None], axis=-1) < 5.0).all(1)
    ready &= np.linalg.norm(rinks.puck[dead, :2] - rinks.spot[dead], axis=1) < 0.5
    ready &= ~rinks.leaving[dead].any(1)
    go = ready | late
    lanes, takers = dead[go], takers[go]
    if not len(lanes):
        return
    rows = np.arange(len(lanes))
    who = rinks.who[lanes[:, None], takers]
    skill = rinks.faceoffs[lanes[:, None], np.array([0, 1]), who]
    advantage = np.subtract(*np.moveaxis(rinks.skaters(lanes), 1, 0))
    logit = skill[:, 0] - skill[:, 1] + 0.12 * np.clip(advantage, -1, 1) + 0.03
    chance = 1 / (1 + np.exp(-logit))
    uniform = rinks.draws.uniform(lanes, 2)
    winner = np.where(uniform[:, 0] < chance, 0, 1)
    for place, lane in enumerate(lanes.tolist()):
        _note_draw(rinks, lane, takers[place], float(chance[place]), int(winner[place]))
    gone = rinks.boxed[lanes] & (np.arange(EVERYBODY) % SLOTS > 0)
    rinks.on[lanes] &= ~gone
    rinks.attacking[lanes] = winner
    rinks.carrier[lanes] = takers[rows, winner]
    redraw_spots(rinks, lanes)
    back = SLOTS * winner + np.where(uniform[:, 1] < 0.5, 4, 5)
    fly(rinks, lanes, rinks.pos[lanes, back], 28.0 + 10.0 * uniform[:, 1])
    rinks.mode[lanes] = Puck.PASSED
    rinks.receiver[lanes] = back


def _takers(rinks: Rinks, lanes: Integers, team: int) -> Integers:
    """(n,) slots of who takes the face-off: the center."""
    del rinks
    return np.full(len(lanes), SLOTS * team + 2)


def _note_draw(rinks: Rinks, lane: int, takers: Integers, chance: float, winner: int) -> None:
    log = rinks.logs[lane]
    who = rinks.who[lane, takers]
    sides = rinks.skaters(np.array([lane]))[0]
    log.draws.append(
        Draw(
            period=int(rinks.period[lane]),
            frame=int(rinks.frame[lane]),
            clock=float(rinks.clock[lane]),
            spot=(float(rinks.spot[lane, 0]), float(rinks.spot[lane, 1])),
            direction=int(rinks.direction(0, np.array([lane]))[0]),
            takers=(int(who[0]), int(who[1])),
            skaters=(int(sides[0]), int(sides[1])),
            score=(int(rinks.score[lane, 0]), int(rinks.score[lane, 1])),
            chance=chance,
            home_won=winner == 0,
            events_before=len(log.events),
        )
    )
    tell(rinks, lane, HockeyEventKind.FACEOFF, winner, slot=int(takers[winner]), other_slot=int(takers[1 - winner]),
         place=rinks.spot[lane])  # fmt: skip


def change_lines(rinks: Rinks) -> None:
    """Tired skaters of a team that has the puck safely go to the bench, and others come out of its door."""
    _call_changes(rinks)
    _swap_at_door(rinks)


def _call_changes(rinks: Rinks) -> None:
    due = (rinks.played[:, None] - rinks.since > rinks.shift) & rinks.on & ~rinks.boxed & ~rinks.leaving
    due &= np.arange(EVERYBODY) % SLOTS > 0
    if not due.any():
        return
    along = rinks.puck[:, 0] * rinks.direction(rinks.attacking)
    carried = rinks.mode == Puck.CARRIED
    lanes = np.flatnonzero(due.any(1) & carried & (along > -60))
    if not len(lanes):
        return
    mine = np.arange(EVERYBODY) // SLOTS == rinks.attacking[lanes, None]
    # The other team changes only while the puck is far from its net.
    far = (along[lanes] < 20)[:, None]
    now = due[lanes] & (mine | far)
    now &= np.arange(EVERYBODY) != rinks.carrier[lanes, None]
    # No more than two of a team at a time.
    for team in (0, 1):
        half = slice(SLOTS * team, SLOTS * (team + 1))
        busy = rinks.leaving[lanes, half].sum(1)
        rank = np.cumsum(now[:, half], axis=1)
        now[:, half] &= rank + busy[:, None] <= 2
    rinks.leaving[lanes] |= now


def _swap_at_door(rinks: Rinks) -> None:
    if not rinks.leaving.any():
        return
    for team in (0, 1):
        half = slice(SLOTS * team, SLOTS * (team + 1))
        apart = np.linalg.norm(rinks.pos[:, half] - BENCH_DOORS[team], axis=-1)
        for lane, slot in zip(*(each.tolist() for each in np.nonzero(rinks.leaving[:, half] & (apart < DOOR_FEET))),
                              strict=True):  # fmt: skip
            _swap(rinks, lane, team, slot)


def _swap(rinks: Rinks, lane: int, team: int, slot: int) -> None:
    place = SLOTS * team + slot
    off = int(rinks.who[lane, place])
    if slot == 0:
        came = STARTING_GOALIE if not rinks.pulled[lane, team] else _freshest(rinks, lane, team, slot)
    else:
        came = _freshest(rinks, lane, team, slot)
    rinks.rested[lane, team, off] = rinks.played[lane]
    rinks.who[lane, place] = came
    rinks.since[lane, place] = rinks.played[lane]
    low, high = SHIFT_SECONDS
    one = np.array([lane])
    rinks.shift[lane, place] = low + (high - low) * float(rinks.draws.uniform(one, 1)[0, 0])
    rinks.leaving[lane, place] = False


def _freshest(rinks: Rinks, lane: int, team: int, slot: int) -> int:
    """Who of those that play there has rested longest, better lines counting their rest for more."""
    busy = set(rinks.who[lane, SLOTS * team : SLOTS * (team + 1)].tolist())
    weights = _LINE_WEIGHTS["D" if slot >= 4 else "F"]
    free = [(each, weight) for each, weight in zip(BY_SLOT[slot], weights, strict=True) if each not in busy]
    free = free or [(each, 1.0) for each in SKATERS if each not in busy]
    now = float(rinks.played[lane])
    return max(free, key=lambda one: (now - float(rinks.rested[lane, team, one[0]]) + 20.0) * one[1])[0]


def pull_goalies(rinks: Rinks) -> None:
    """A team that trails late plays with an extra attacker, until it no longer does."""
    behind = np.stack((rinks.score[:, 1] - rinks.score[:, 0], rinks.score[:, 0] - rinks.score[:, 1]), axis=1)
    late = (rinks.period == OVERTIME - 1)[:, None]
    limit = np.select([behind == 1, behind == 2, behind == 3], [110.0, 160.0, 170.0], 0.0) * rinks.period_seconds / 1200
    wants = late & (rinks.clock[:, None] < limit)
    guarded = rinks.has_goalie()
    along = rinks.puck[:, 0] * rinks.direction(rinks.attacking)
    holds = np.arange(2) == rinks.attacking[:, None]
    safe = holds & (along > 0)[:, None] & (rinks.mode == Puck.CARRIED)[:, None]
    dead = (rinks.mode == Puck.DEAD)[:, None]
    out = wants & guarded & ~rinks.pulled & (safe | dead)
    back = rinks.pulled & ~wants
    rinks.pulled = (rinks.pulled | out) & ~back
    for team in (0, 1):
        place = SLOTS * team
        rinks.leaving[out[:, team], place] = True
        # Whoever has not yet reached the door turns round; the extra attacker leaves.
        rinks.leaving[back[:, team] & guarded[:, team], place] = False
        rinks.leaving[back[:, team] & ~guarded[:, team], place] = True
