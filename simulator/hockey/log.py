"""Telling what happened in a game that is in progress."""

from __future__ import annotations

from typing import Any

from playscore.shots import HockeyEventKind
from simulator.hockey.rinks import SLOTS, STARTING_GOALIE, Event, Rinks


def tell(
    rinks: Rinks,
    lane: int,
    kind: HockeyEventKind,
    team: int,
    *,
    slot: int = -1,
    other_slot: int = -1,
    place: Any = None,
    to: Any = None,
    detail: str = "",
    shot: int = -1,
) -> None:
    """Adds an event to the game's log; it is where the puck is unless `place` says otherwise."""
    where = rinks.puck[lane] if place is None else place
    who = rinks.who[lane]
    here = rinks.on[lane] & ~rinks.boxed[lane]
    on_ice = tuple(
        tuple(int(who[each]) for each in range(half * SLOTS, (half + 1) * SLOTS) if here[each]) for half in (0, 1)
    )
    goalies = tuple(bool(who[half * SLOTS] == STARTING_GOALIE) for half in (0, 1))
    skaters = tuple(len(side) - goalie for side, goalie in zip(on_ice, goalies, strict=True))
    rinks.logs[lane].events.append(
        Event(
            kind=kind,
            period=int(rinks.period[lane]),
            frame=int(rinks.frame[lane]),
            clock=float(rinks.clock[lane]),
            team=team,
            x=float(where[0]),
            y=float(where[1]),
            player=-1 if slot < 0 else int(who[slot]),
            other=-1 if other_slot < 0 else int(who[other_slot]),
            detail=detail,
            to=None if to is None else (float(to[0]), float(to[1])),
            skaters=skaters,  # type: ignore[arg-type]
            score=(int(rinks.score[lane, 0]), int(rinks.score[lane, 1])),
            on_ice=on_ice,  # type: ignore[arg-type]
            goalies=goalies,  # type: ignore[arg-type]
            shot=shot,
        )
    )
