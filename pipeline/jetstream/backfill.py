"""A backfill over the live feed: whole games are published, and whatever workers run play them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from pipeline.backfill.game_report import GameReport, PlayCounts, Status
from pipeline.backfill.run import Backfilled, Callbacks
from pipeline.jetstream import publishing
from pipeline.jetstream.broker import Broker
from pipeline.jetstream.names import GameName
from pipeline.jetstream.publishing import PublishedGame, publish
from pipeline.jetstream.states import NOT_RECORDED, GameState, States
from pipeline.jetstream.streams import existing_streams
from pipeline.results import Ending
from playscore.sources import Source

_LOOK_EVERY_SECONDS: Final = 0.5
_LOOK_SECONDS_A_GAME: Final = 0.001
"""So that looking does not keep the broker busy where there are many games."""


async def backfill(source: Source, game_ids: Sequence[str], broker: Broker, callbacks: Callbacks) -> Backfilled:
    """Publishes games whole, and returns once workers have played them, each to its end or until it was set aside.

    Games that the feed has, and workers have played, are not played again. Raises FIELD_INVALID where the broker has
    no feed, and ConnectionError where it stays away.
    """
    begun = time.monotonic()
    done = Backfilled(games=len(game_ids), by_workers=True)
    states = await States.of(broker, await existing_streams(broker))
    waiting: dict[GameName, PublishedGame] = {}

    def on_game(game: PublishedGame) -> None:
        waiting[game.name] = game

    def take(report: GameReport) -> None:
        done.take(report)
        callbacks.on_game(report)

    publishing_games = asyncio.create_task(
        publish(source, game_ids, broker, whole=True, callbacks=publishing.Callbacks(on_game=on_game))
    )
    try:
        while waiting or not publishing_games.done():
            for name, game in list(waiting.items()):
                report = _report(await states.get(name), game)
                if report is not None:
                    del waiting[name]
                    take(report)
            await asyncio.sleep(_LOOK_EVERY_SECONDS + _LOOK_SECONDS_A_GAME * len(waiting))
    finally:
        publishing_games.cancel()
    published = publishing_games.result()
    done.given_up = published.given_up
    for game_id, why in published.failed.items():
        take(GameReport(game_id, Status.FAILED, detail=why))
    done.losses = tuple(source.losses())
    done.seconds = time.monotonic() - begun
    return done


def _report(state: GameState, game: PublishedGame) -> GameReport | None:
    """What became of a game; None while it is not played as far as it was published."""
    if state.aside:
        return GameReport(state.name.game_id, Status.FAILED, state.name.league, detail=f"set aside: {state.aside}")
    if state.settled < game.last:
        return None
    counts = _counts(state)
    whole = not (counts.not_recorded or state.refused_messages)
    played = Status.DONE if game.sent else Status.ALREADY_DONE
    return GameReport(
        game_id=state.name.game_id,
        status=played if whole else Status.INCOMPLETE,
        league=state.name.league,
        counts=counts,
        refused_messages=("see the worker's log",) * state.refused_messages,
    )


def _counts(state: GameState) -> PlayCounts:
    plays = dict(state.plays)
    known = {name: plays.pop(name, 0) for name in (*(ending.value for ending in Ending), NOT_RECORDED)}
    return PlayCounts(
        plays=sum(state.plays.values()),
        scored=known[Ending.SCORED.value],
        waiting=known[Ending.UNGRADED.value],
        superseded=known[Ending.SUPERSEDED.value],
        rejected=plays,
        not_recorded=known[NOT_RECORDED],
    )
