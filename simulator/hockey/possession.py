"""What the puck carrier does: carries, passes, dumps, shoots; and what comes of passes and loose pucks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore import rink
from playscore.shots import HockeyEventKind, ShotType
from simulator.hockey import officials, shooting
from simulator.hockey.handling import DECISION_STEPS, choose_way, fly, lose, redraw_spots, take
from simulator.hockey.ice import NET, inside
from simulator.hockey.log import tell
from simulator.hockey.rinks import EVERYBODY, RATE_HERTZ, SECOND, SLOTS, Puck, Rinks, Whistle

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

REACH_FEET: Final = 3.2
"""Of a skater, for a loose puck."""
CATCH_FEET: Final = 6.0
"""Of the receiver of a pass."""
SHOOTING: Final = np.array([0.24, 0.74, 1.95])
"""How eagerly one shoots: short-handed, even, with more skaters."""
TIPS: Final = 0.16
"""Of the shots from the point that could be tipped."""
WRAP_AROUND: Final = 0.003
FROM_OUTSIDE: Final = 0.003
AT_EMPTY_NET: Final = 0.055
"""Chances to shoot at a decision: around the post, from the neutral zone, with nobody in the net."""
ANOTHER_WAY: Final = 0.16
ANOTHER_FORMATION: Final = 0.10
"""Chances at a decision that the carrier or the others go elsewhere."""
CIRCLE_TOPS_X: Final = 54.0
"""Below it a pass across the long axis is a royal road."""


def arrive(rinks: Rinks) -> None:
    """Passes and dump-ins that have come to their end."""
    ended = (rinks.mode == Puck.PASSED) & (rinks.frame - rinks.flight_start >= rinks.flight_steps)
    lanes = np.flatnonzero(ended)
    if not len(lanes):
        return
    iced = rinks.icing[lanes]
    if iced.any():
        officials.whistle(rinks, lanes[iced], Whistle.ICING)
        lanes = lanes[~iced]
        if not len(lanes):
            return
    slots = rinks.receiver[lanes]
    apart = np.linalg.norm(rinks.pos[lanes, slots] - rinks.puck[lanes, :2], axis=1)
    caught = (slots >= 0) & (apart < CATCH_FEET) & (rinks.on & ~rinks.boxed)[lanes, slots]
    missed = lanes[~caught]
    if len(missed):
        aim = rinks.flight_to[missed, :2] - rinks.flight_from[missed, :2]
        size = np.maximum(np.linalg.norm(aim, axis=1, keepdims=True), 1e-6)
        speed = size / np.maximum(rinks.flight_steps[missed, None] / RATE_HERTZ, 1e-3)
        rinks.dumped[missed] = False
        lose(rinks, missed, aim / size * np.minimum(0.5 * speed, 35.0))
    lanes, slots = lanes[caught], slots[caught]
    if len(lanes):
        _receive(rinks, lanes, slots)


def _receive(rinks: Rinks, lanes: Integers, slots: Integers) -> None:
    kept = slots // SLOTS == rinks.attacking[lanes]
    toward = rinks.direction(rinks.attacking[lanes], lanes)
    begin, end = rinks.flight_from[lanes] * toward[:, None], rinks.flight_to[lanes] * toward[:, None]
    crossed = begin[:, 1] * end[:, 1] < 0
    share = begin[:, 1] / np.where(crossed, begin[:, 1] - end[:, 1], 1.0)
    crossing = begin[:, 0] + share * (end[:, 0] - begin[:, 0])
    across = kept & crossed & (crossing >= CIRCLE_TOPS_X) & (crossing < NET[0])
    rinks.royal_road_at[lanes[across]] = rinks.frame[lanes[across]]
    for lane, slot, same in zip(lanes.tolist(), slots.tolist(), kept.tolist(), strict=True):
        kind = HockeyEventKind.PASS if same else HockeyEventKind.RECOVERY
        tell(rinks, lane, kind, slot // SLOTS, slot=int(rinks.carrier[lane]) if same else slot,
             other_slot=slot if same else -1, place=rinks.flight_from[lane] if same else None,
             to=rinks.flight_to[lane] if same else None, detail="" if same else "intercepted")  # fmt: skip
    tipped = rinks.tip[lanes] & kept
    take(rinks, lanes, slots, passed=kept)
    uniform = rinks.draws.uniform(lanes, 1)[:, 0]
    place = rinks.puck[lanes, :2] * toward[:, None]
    distance, angle = _seen_from_net(place)
    eager = np.where(across, 0.055, 0.006) * np.exp(-np.maximum(distance - 32.0, 0) / 26.0) * (angle < 65)
    eager = np.where(slots % SLOTS >= 4, np.maximum(eager, 0.008), eager)
    eager = np.where((place[:, 0] > 30) & (distance < 62), eager, 0.0)
    at_once = kept & (tipped | (uniform < eager))
    now = lanes[at_once]
    if len(now):
        shooting.shoot(rinks, now, forced=np.where(tipped[at_once], ShotType.TIP_IN.value, 0))


def _seen_from_net(place: Array) -> tuple[Array, Array]:
    apart = NET - place
    return np.hypot(apart[:, 0], apart[:, 1]), np.degrees(np.arctan2(np.abs(place[:, 1]), apart[:, 0]))


def pick_up(rinks: Rinks) -> None:
    """Who comes by a loose puck."""
    lanes = np.flatnonzero(rinks.mode == Puck.LOOSE)
    if not len(lanes):
        return
    speed = np.linalg.norm(rinks.slide[lanes], axis=1)
    apart = np.linalg.norm(rinks.pos[lanes] - rinks.puck[lanes, None, :2], axis=-1)
    apart = np.where((rinks.on & ~rinks.boxed & ~rinks.leaving)[lanes], apart, 1e3)
    uniform = rinks.draws.uniform(lanes, EVERYBODY)
    gets = (apart < REACH_FEET) & (uniform < np.where(speed < 40, 0.4, 0.1)[:, None])
    slots = np.argmin(np.where(gets, apart, 1e3), axis=1)
    found = gets.any(1)
    lanes, slots = lanes[found], slots[found]
    if not len(lanes):
        return
    goalie = (slots % SLOTS == 0) & (rinks.who[lanes, slots] == 0)
    covered = goalie & (rinks.draws.uniform(lanes, 1)[:, 0] < 0.15)
    if covered.any():
        officials.whistle(rinks, lanes[covered], Whistle.FREEZE)
    lanes, slots, goalie = lanes[~covered], slots[~covered], goalie[~covered]
    for lane, slot in zip(lanes.tolist(), slots.tolist(), strict=True):
        tell(rinks, lane, HockeyEventKind.RECOVERY, slot // SLOTS, slot=slot)
    take(rinks, lanes, slots)
    rebound = rinks.frame[lanes] - rinks.shot_at[lanes, slots // SLOTS] < 2 * SECOND
    rinks.decide_at[lanes[rebound]] = rinks.frame[lanes[rebound]] + 1


@dataclass(frozen=True, eq=False)
class _Around:
    """n carriers and who is around them, all seen as attacks on the net at x = +89."""

    places: Array
    """(n, 12, 2) attackers first."""
    on: Flags
    """(n, 12)"""
    toward: Integers
    slot: Integers
    """Of the carrier, in their team."""
    puck: Array
    """(n, 2)"""
    nearest: Integers
    """Place of the nearest defending skater among the twelve."""
    near: Array
    """Feet from the puck to them."""
    advantage: Integers
    """Attacking skaters less defending ones."""


def _around(rinks: Rinks, lanes: Integers) -> _Around:
    places, on, toward = rinks.attack_view(lanes)
    puck = rinks.puck[lanes, :2] * toward[:, None]
    apart = np.where(on[:, SLOTS + 1 :], np.linalg.norm(places[:, SLOTS + 1 :] - puck[:, None], axis=-1), 60.0)
    team = rinks.attacking[lanes]
    skaters = rinks.skaters(lanes)
    rows = np.arange(len(lanes))
    return _Around(
        places=places,
        on=on,
        toward=toward,
        slot=rinks.carrier[lanes] % SLOTS,
        puck=puck,
        nearest=SLOTS + 1 + apart.argmin(1),
        near=apart.min(1),
        advantage=skaters[rows, team] - skaters[rows, 1 - team],
    )


def decide(rinks: Rinks) -> None:
    """Every carrier whose time has come carries on, passes, dumps, shoots or loses the puck."""
    lanes = np.flatnonzero((rinks.mode == Puck.CARRIED) & (rinks.decide_at <= rinks.frame))
    if not len(lanes):
        return
    rinks.decide_at[lanes] = rinks.frame[lanes] + DECISION_STEPS
    around = _around(rinks, lanes)
    hazards = np.cumsum(_hazards(rinks, lanes, around), axis=1)
    uniform = rinks.draws.uniform(lanes, 3)
    choice = (uniform[:, :1] > hazards).sum(1)
    places, on = around.places, around.on

    shoots, loses, passes, dumps = (np.flatnonzero(choice == each) for each in range(4))
    if len(shoots):
        _shoot_or_tip(rinks, lanes[shoots], places[shoots], on[shoots], uniform[shoots, 1])
    if len(loses):
        _turn_over(rinks, lanes[loses], around.nearest[loses], uniform[loses, 1:])
    if len(passes):
        _pass(rinks, lanes[passes], places[passes], on[passes], around.toward[passes])
    if len(dumps):
        short = around.advantage[dumps] < 0
        _dump(rinks, lanes[dumps], around.puck[dumps], around.toward[dumps], uniform[dumps, 1:], short=short)
    carries = choice == 4
    other_way = carries & (uniform[:, 1] < ANOTHER_WAY)
    if other_way.any():
        choose_way(rinks, lanes[other_way])
    shuffled = carries & (uniform[:, 2] < ANOTHER_FORMATION)
    if shuffled.any():
        redraw_spots(rinks, lanes[shuffled])
    _hits(rinks, lanes[carries], around.nearest[carries], around.near[carries], uniform[carries, 1])
    officials.penalties(rinks, lanes[carries], around.nearest[carries], around.near[carries], uniform[carries, 2])


def _hazards(rinks: Rinks, lanes: Integers, around: _Around) -> Array:
    """(n, 4) chances to shoot, to lose the puck, to pass and to dump it at this decision."""
    rows, team = np.arange(len(lanes)), rinks.attacking[lanes]
    along, across = around.puck[:, 0], np.abs(around.puck[:, 1])
    distance, angle = _seen_from_net(around.puck)
    guarded = rinks.has_goalie(lanes)
    in_zone = along > rink.BLUE_LINE_X_FEET
    held = (rinks.frame[lanes] - rinks.got_at[lanes]) / RATE_HERTZ
    rebound = rinks.frame[lanes] - rinks.shot_at[lanes, team] < 2.2 * SECOND
    press = np.exp(-around.near / 3.0)

    shoot = _shot_hazard(distance, angle, around.near, around.slot, rebound)
    shoot *= SHOOTING[np.clip(around.advantage, -1, 1) + 1] * (in_zone & (along < 88.5))
    shoot = np.where((held < 0.5) & ~rebound, 0.25 * shoot, shoot)
    shoot = np.where((along >= 85.5) & (across < 9) & (across > 3), WRAP_AROUND, shoot)
    shoot = np.where(~in_zone & (along > -10), FROM_OUTSIDE, shoot)
    shoot = np.where(~guarded[rows, 1 - team] & (along > -20) & (angle < 60), AT_EMPTY_NET, shoot)
    lost = 0.085 * press * np.where(in_zone, 1.15, 0.8) * (1 - 0.1 * np.clip(around.advantage, -1, 2))
    passes = np.where(in_zone, 0.048, 0.04) + 0.05 * press + 0.03 * (held > 3.0)
    passes = np.where((around.slot == 0) & guarded[rows, team], 0.5, passes)
    dump = np.where((along > 2) & (along < 24), 0.07 + 0.10 * press, 0.0)
    dump = np.where(along < -rink.BLUE_LINE_X_FEET, 0.004 + 0.05 * press, dump)
    dump = np.where((around.advantage < 0) & (along < 0), 0.25, dump)
    hazards: Array = np.stack((shoot, lost, passes, dump), axis=1)
    return hazards


def _shot_hazard(distance: Array, angle: Array, near: Array, slot: Integers, rebound: Flags) -> Array:
    """Chance that a carrier in the zone shoots at this decision."""
    openness = 0.45 + 0.55 * (1 - np.exp(-near / 6.0))
    wide = 1 - 0.8 * np.clip((angle - 35.0) / 50.0, 0, 1)
    forwards = 0.004 + 0.012 * np.exp(-((distance / 25.0) ** 2)) + 0.030 * np.exp(-(((distance - 37.0) / 12.0) ** 2))
    defense = 0.026 + 0.02 * np.exp(-(((distance - 36.0) / 10.0) ** 2))
    hazard = np.where(slot >= 4, defense, forwards) * openness * wide
    hazard = np.where(distance < 5.5, 0.1 * hazard, hazard)
    chosen: Array = np.where(rebound & (distance < 22), np.maximum(hazard, 0.30 * wide), hazard)
    return chosen


def _shoot_or_tip(rinks: Rinks, lanes: Integers, places: Array, on: Flags, uniform: Array) -> None:
    """A shot from the point may be for a teammate at the net to tip: then the tip is the attempt."""
    toward = rinks.direction(rinks.attacking[lanes], lanes)
    puck = rinks.puck[lanes, :2] * toward[:, None]
    slot = rinks.carrier[lanes] % SLOTS
    mates = places[:, 1:SLOTS]
    from_net = np.linalg.norm(mates - NET, axis=-1)
    line = NET - puck
    length = np.linalg.norm(line, axis=1, keepdims=True)
    apart = mates - puck[:, None]
    along_line = (line / length)[:, None]
    across = np.abs(apart[..., 0] * along_line[..., 1] - apart[..., 1] * along_line[..., 0])
    able = on[:, 1:SLOTS] & (from_net < 18) & (across < 7) & (mates[..., 0] < 87)
    able &= np.arange(1, SLOTS) != slot[:, None]
    tips = able.any(1) & (length[:, 0] > 32) & (uniform < TIPS)
    if tips.any():
        who = np.flatnonzero(tips)
        mate = 1 + np.argmin(np.where(able[who], from_net[who], 1e3), axis=1)
        chosen = lanes[who]
        receiver = SLOTS * rinks.attacking[chosen] + mate
        speed = 80.0 + 30.0 * rinks.draws.uniform(chosen, 1)[:, 0]
        _send(rinks, chosen, receiver, speed, np.zeros((len(chosen), 2)))
        rinks.tip[chosen] = True
    rest = lanes[~tips]
    if len(rest):
        shooting.shoot(rinks, rest, forced=np.zeros(len(rest), int))


def _send(rinks: Rinks, lanes: Integers, receiver: Integers, speed: Array, error: Array) -> None:
    """A pass to where the receiver's stick will be."""
    target, velocity = rinks.pos[lanes, receiver], rinks.vel[lanes, receiver]
    far = np.linalg.norm(target - rinks.puck[lanes, :2], axis=1)
    ahead = target + 0.75 * velocity * (far / speed)[:, None]
    facing = rinks.puck[lanes, :2] - ahead
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-6)
    fly(rinks, lanes, inside(ahead + 2.0 * facing + error, 1.0), speed)
    rinks.mode[lanes] = Puck.PASSED
    rinks.receiver[lanes] = receiver
    rinks.tip[lanes] = False


def _pass(rinks: Rinks, lanes: Integers, places: Array, on: Flags, toward: Integers) -> None:
    team = rinks.attacking[lanes]
    slot = rinks.carrier[lanes] % SLOTS
    puck = rinks.puck[lanes, :2] * toward[:, None]
    mates = places[:, :SLOTS]
    apart = mates - puck[:, None]
    far = np.linalg.norm(apart, axis=-1)
    risk = _risk(puck, mates, places[:, SLOTS + 1 :], on[:, SLOTS + 1 :])
    goalies = rinks.has_goalie(lanes)[np.arange(len(lanes)), team]
    able = on[:, :SLOTS].copy()
    able[:, 0] &= ~goalies
    able &= (np.arange(SLOTS) != slot[:, None]) & (far > 8) & (far < 95)
    in_zone = puck[:, :1] > rink.BLUE_LINE_X_FEET
    able &= ~(in_zone & (mates[..., 0] < 24))
    leaving = rinks.leaving[lanes].reshape(-1, 2, SLOTS)[np.arange(len(lanes)), team]
    able &= ~leaving
    forward = np.where(in_zone, 0.012 * (mates[..., 0] - 55), 0.022 * apart[..., 0])
    score = 1.2 * forward - 3.2 * risk - 0.010 * far + 0.25 * ((mates[..., 1] * puck[:, 1:] < 0) & in_zone)
    noise = -np.log(-np.log(rinks.draws.uniform(lanes, SLOTS)))
    mate = np.argmax(np.where(able, score + 0.55 * noise, -1e9), axis=1)
    rows = np.arange(len(lanes))
    possible = able[rows, mate]
    lanes, rows, mate = lanes[possible], rows[possible], mate[possible]
    if not len(lanes):
        return
    uniform, error = rinks.draws.uniform(lanes, 3), rinks.draws.normal(lanes, 2)
    speed = 38.0 + 24.0 * uniform[:, 0] + 0.25 * np.minimum(far[rows, mate], 80.0)
    astray = uniform[:, 1] < 0.055 + 0.0009 * far[rows, mate]
    receiver = SLOTS * team[rows] + mate
    _send(rinks, lanes, receiver, speed, np.where(astray[:, None], 8.0, 0.8) * error)
    caught = uniform[:, 2] < risk[rows, mate]
    if caught.any():
        who = np.flatnonzero(caught)
        _intercept(rinks, lanes[who], places[rows[who]], on[rows[who]], puck[rows[who]], speed[who])


def _risk(puck: Array, mates: Array, defenders: Array, there: Flags) -> Array:
    """(n, 6) chance that a defending skater comes by a pass to each of the mates."""
    line = mates - puck[:, None]
    length = np.maximum(np.linalg.norm(line, axis=-1, keepdims=True), 1e-6)
    unit = (line / length)[:, :, None]
    apart = (defenders - puck[:, None])[:, None]
    along = (apart * unit).sum(-1)
    across = apart[..., 0] * unit[..., 1] - apart[..., 1] * unit[..., 0]
    between = (along > 3) & (along < length - 1) & there[:, None]
    share = np.where(between, 0.42 * np.exp(-((across / 2.6) ** 2)), 0.0)
    risk: Array = 1 - np.prod(1 - share, axis=-1)
    return risk


def _intercept(rinks: Rinks, lanes: Integers, places: Array, on: Flags, puck: Array, speed: Array) -> None:
    toward = rinks.direction(rinks.attacking[lanes], lanes)[:, None]
    end = rinks.flight_to[lanes, :2] * toward
    line = end - puck
    length = np.maximum(np.linalg.norm(line, axis=1, keepdims=True), 1e-6)
    unit = line / length
    apart = places[:, SLOTS + 1 :] - puck[:, None]
    along = (apart * unit[:, None]).sum(-1)
    across = np.abs(apart[..., 0] * unit[:, None, 1] - apart[..., 1] * unit[:, None, 0])
    fits = on[:, SLOTS + 1 :] & (along > 3) & (along < length)
    which = np.argmin(np.where(fits, across, 1e3), axis=1)
    rows = np.arange(len(lanes))
    able = fits[rows, which]
    lanes, rows, which = lanes[able], rows[able], which[able]
    if not len(lanes):
        return
    place = puck[rows] + unit[rows] * along[rows, which][:, None]
    fly(rinks, lanes, place * toward[rows], speed[rows])
    rinks.receiver[lanes] = SLOTS * (1 - rinks.attacking[lanes]) + 1 + which
    rinks.tip[lanes] = False


def _turn_over(rinks: Rinks, lanes: Integers, nearest: Integers, uniform: Array) -> None:
    """The nearest defending skater takes the puck, or it comes loose; half of it is told of."""
    taker = (nearest - SLOTS) + SLOTS * (1 - rinks.attacking[lanes])
    close = np.linalg.norm(rinks.pos[lanes, taker] - rinks.puck[lanes, :2], axis=1) < 5.0
    stolen = close & (uniform[:, 0] < 0.55)
    for lane, slot, taken, chance in zip(
        lanes.tolist(), taker.tolist(), stolen.tolist(), uniform[:, 1].tolist(), strict=True
    ):
        if taken and chance < 0.28:
            tell(rinks, lane, HockeyEventKind.TAKEAWAY, slot // SLOTS, slot=slot)
        elif not taken and chance < 0.19:
            loser = int(rinks.carrier[lane])
            tell(rinks, lane, HockeyEventKind.GIVEAWAY, loser // SLOTS, slot=loser)
    take(rinks, lanes[stolen], taker[stolen])
    loose = lanes[~stolen]
    if len(loose):
        lose(rinks, loose, 12.0 * rinks.draws.normal(loose, 2))


def _dump(rinks: Rinks, lanes: Integers, puck: Array, toward: Integers, uniform: Array, *, short: Flags) -> None:
    """Into the far corner; from one's own end it may be icing, but for a team that is short-handed."""
    side = np.where(uniform[:, 0] < 0.5, 1.0, -1.0)
    deep = np.stack((88.0 + 4.0 * uniform[:, 1], side * (22.0 + 8.0 * uniform[:, 1])), axis=1)
    own_end = puck[:, 0] < 0
    iced = own_end & ~short & (uniform[:, 1] < 0.32)
    out = np.stack((10.0 + 40.0 * uniform[:, 1], side * 36.0), axis=1)
    far = np.where((own_end & ~iced & ~short)[:, None], out, deep)
    fly(rinks, lanes, inside(far, 1.5) * toward[:, None], 62.0 + 25.0 * uniform[:, 1])
    rinks.mode[lanes] = Puck.PASSED
    rinks.receiver[lanes] = -1
    rinks.tip[lanes] = False
    rinks.dumped[lanes] = True
    rinks.icing[lanes] = iced


def _hits(rinks: Rinks, lanes: Integers, nearest: Integers, near: Array, uniform: Array) -> None:
    hit = (near < 6.0) & (uniform > 0.986)
    for lane, slot in zip(lanes[hit].tolist(), nearest[hit].tolist(), strict=True):
        team = 1 - int(rinks.attacking[lane])
        tell(rinks, lane, HockeyEventKind.HIT, team, slot=slot - SLOTS + SLOTS * team,
             other_slot=int(rinks.carrier[lane]))  # fmt: skip


def cross_lines(rinks: Rinks, before: Array) -> None:
    """Notes where the puck came over a blue line into an end; of attackers that is an entry, at times an offside."""
    after = rinks.puck[:, 0]
    for place, side in enumerate((1, -1)):
        came = (before * side <= rink.BLUE_LINE_X_FEET) & (after * side > rink.BLUE_LINE_X_FEET)
        lanes = np.flatnonzero(came & (rinks.mode != Puck.DEAD))
        if not len(lanes):
            continue
        rinks.entered_at[lanes, place] = rinks.frame[lanes] + 1
        lanes = lanes[rinks.direction(rinks.attacking[lanes], lanes) == side]
        if not len(lanes):
            continue
        uniform = rinks.draws.uniform(lanes, 1)[:, 0]
        for lane in lanes.tolist():
            kind = HockeyEventKind.DUMP_IN if rinks.dumped[lane] else HockeyEventKind.ZONE_ENTRY
            carrier = int(rinks.carrier[lane])
            detail = "Carried" if rinks.mode[lane] == Puck.CARRIED else "Played"
            tell(rinks, lane, kind, carrier // SLOTS, slot=carrier, detail=detail)
        live = (rinks.mode[lanes] == Puck.CARRIED) | (rinks.mode[lanes] == Puck.PASSED)
        offside = lanes[live & ~rinks.dumped[lanes] & (uniform < 0.06)]
        if len(offside):
            officials.whistle(rinks, offside, Whistle.OFFSIDE)
