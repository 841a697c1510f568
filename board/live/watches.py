"""One upstream watch for each distinct question, shared by all browsers that ask it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from board.coverage import coverage_data
from board.live.events import RecentEvents, event
from board.live.leaderboard import Leaderboard
from board.live.question import Question
from board.plays import MEASURES, chart_of, play_rows
from board.ratings import table
from playscore.client import AggregatorClient, RatingsUpdate, backoff
from playscore.client.words import model_label
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason

_LOG = logging.getLogger(__name__)
LINGER_SECONDS: Final = 15.0
"""How long a watch continues after its last browser has left; one that reconnects gets what it missed."""
QUIET_SECONDS: Final = 2.0
"""A shorter interruption is not shown."""
GAME_PLAYS: Final = 40
"""Plays of a game that are shown: the latest."""
_TRANSIENT: Final = (Reason.NOT_SERVING, Reason.NOT_FRESH_ENOUGH, Reason.OVERLOADED, Reason.STORE_UNAVAILABLE)


class Watch:
    """A question, and the answer as it changes."""

    def __init__(self, ratings: AggregatorClient, question: Question) -> None:
        self._ratings = ratings
        self._question = question
        self._recent = RecentEvents()
        self._moved = asyncio.Event()
        self._board: Leaderboard | None = None
        self._state: dict[str, Mapping[str, Any]] = {"status": {"live": False, "text": "Loading…"}}
        self._encoded: tuple[str, bytes] = ("", b"")
        self.ended = False
        """Whether no more events come: the question was refused, or the view is closing."""

    async def follow(self) -> None:
        """Watches until cancelled, or until the question is refused. It reports interruptions and reconnects."""
        asked = self._question
        pauses = backoff()
        watch = self._ratings.watch_ratings(
            asked.league,
            role=asked.role,
            split=asked.whole_filter,
            group_by=asked.group_by,
            min_plays=asked.min_plays,
            qualified_only=asked.qualified_only,
            reconnect_seconds=QUIET_SECONDS,
        )
        async with watch:
            while not self.ended:
                try:
                    board = await self._leaderboard()
                    await self._publish(board, await anext(watch))
                    pauses = backoff()
                    continue
                except PlayscoreError as refusal:
                    if refusal.reason not in _TRANSIENT:
                        self._refuse(refusal)
                        return
                    self._lost(refusal.detail)
                except (ConnectionError, TimeoutError) as failure:
                    _LOG.warning("the aggregator cannot be reached: %s", failure)
                    self._lost("")
                except Exception:
                    _LOG.exception("a watch failed")
                    self._refuse(PlayscoreError(Reason.INTERNAL, "this view failed; see its log"))
                    return
                await asyncio.sleep(next(pauses))

    def end(self) -> None:
        """Ends the streams of all followers."""
        self.ended = True
        self._wake()

    def since(self, place: str) -> tuple[bytes, str]:
        """The events that a browser at `place` has not seen, and its new place."""
        content = self._recent.after(place)
        return (self._whole() if content is None else content), self._recent.place

    async def moved(self, place: str) -> None:
        """Returns once there are events after a place, or the watch has ended."""
        while place == self._recent.place and not self.ended:
            await self._moved.wait()

    def _whole(self) -> bytes:
        """The whole state, encoded once for all new browsers."""
        if self._encoded[0] != self._recent.place:
            events = dict(self._state)
            if "table" in events and self._board is not None:
                events["table"] = {**events["table"], "rows": list(self._board.shown.values())}
            place = self._recent.place
            self._encoded = place, b"".join(event(kind, data, place) for kind, data in events.items())
        return self._encoded[1]

    async def _leaderboard(self) -> Leaderboard:
        """The table, made when the values of enum fields are known, if ratings are grouped by any."""
        if self._board is None:
            grouped = self._question.group_by
            fields = await self._ratings.describe_splits(self._question.role) if grouped else ()
            self._board = Leaderboard({field.name: tuple(field.values) for field in fields if field.values})
        return self._board

    async def _publish(self, board: Leaderboard, update: RatingsUpdate) -> None:
        # Work for a whole league or a whole game runs in threads, so that it does not block other browsers.
        changed, gone = await asyncio.to_thread(board.update, update)
        ranking = update.checkpoint.ranking
        head = {
            **table(self._question.role, ()),
            "total": len(board),
            "min_plays": ranking.min_plays,
            "qualified": ranking.qualified,
            "model": model_label(ranking.model),
        }
        is_first = "table" not in self._state
        if changed or gone or self._state.get("table") != head:
            self._state["table"] = head
            self._add("table" if is_first else "change", {**head, "rows": changed, "gone": gone})
        if self._question.game_id:
            self._set("game", await self._game(update.checkpoint.revision))
        self._set("status", {"live": True, "text": ""})

    async def _game(self, revision: common.RevisionToken) -> dict[str, Any]:
        """The latest plays of the game, and its coverage; None for both before its first play."""
        asked: dict[str, Any] = {"role": self._question.role, "at_least_as_fresh": revision}
        try:
            coverage = await self._ratings.get_coverage(self._question.league, game_id=self._question.game_id, **asked)
            listed = self._ratings.list_plays(
                self._question.league,
                split=self._question.whole_filter,
                include_distributions=True,
                include_ungraded=True,
                **asked,
            )
            plays = [play async for play in listed]
        except PlayscoreError as failure:
            if failure.reason not in (Reason.LEAGUE_NOT_FOUND, Reason.GAME_NOT_FOUND):
                raise
            return {"plays": None, "coverage": None}
        rows = await asyncio.to_thread(play_rows, plays[-GAME_PLAYS:])
        return {
            "plays": {
                "chart": chart_of(self._question.role, rows),
                "measure": MEASURES[self._question.role],
                "subjects": self._question.role != common.ROLE_SHOOTING_TEAM,
                "rows": rows,
                "total": len(plays),
                "game": False,
            },
            "coverage": coverage_data(coverage),
        }

    def _refuse(self, refusal: PlayscoreError) -> None:
        self._state.clear()
        self._set("refused", {"reason": refusal.reason.name, "detail": refusal.detail})
        self.end()

    def _lost(self, detail: str) -> None:
        self._set("status", {"live": False, "text": f"The ratings cannot be reached; reconnecting. {detail}".rstrip()})

    def _set(self, kind: str, data: Mapping[str, Any]) -> None:
        """Adds an event if this part of the state has changed."""
        if self._state.get(kind) != data:
            self._state[kind] = data
            self._add(kind, data)

    def _add(self, kind: str, data: Mapping[str, Any]) -> None:
        self._recent.add(kind, data)
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class Watches:
    """The watches of all questions that browsers ask, at most `most`."""

    def __init__(self, ratings: AggregatorClient, most: int) -> None:
        self._ratings = ratings
        self._most = most
        self._watches: dict[Question, _Shared] = {}

    @asynccontextmanager
    async def watch(self, question: Question) -> AsyncIterator[Watch]:
        """The watch of a question. Raises OVERLOADED where there are too many."""
        shared = self._watches.get(question)
        if shared is None or shared.watch.ended:
            self._make_room()
            shared = self._watches[question] = _Shared(Watch(self._ratings, question))
        shared.followers += 1
        shared.keep()
        try:
            yield shared.watch
        finally:
            shared.followers -= 1
            if not shared.followers:
                shared.end_after(LINGER_SECONDS, lambda: self._forget(question, shared))

    async def close(self) -> None:
        """Ends all of them."""
        for shared in self._watches.values():
            shared.watch.end()
        tasks = [shared.task for shared in self._watches.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watches.clear()

    def _make_room(self) -> None:
        if len(self._watches) < self._most:
            return
        for question, shared in self._watches.items():
            if not shared.followers:
                self._forget(question, shared)
                return
        raise PlayscoreError(
            Reason.OVERLOADED,
            f"{self._most} questions are being watched, the maximum of this view; try again later",
            retry_after_seconds=LINGER_SECONDS,
        )

    def _forget(self, question: Question, shared: _Shared) -> None:
        shared.watch.end()
        shared.task.cancel()
        if self._watches.get(question) is shared:
            del self._watches[question]


class _Shared:
    """A watch, its task, and how many follow it."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.task = asyncio.create_task(watch.follow())
        self.followers = 0
        self._ending: asyncio.TimerHandle | None = None

    def keep(self) -> None:
        """Cancels the pending end, as a browser follows again."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def end_after(self, seconds: float, end: Callable[[], None]) -> None:
        """Schedules the end, as no browser follows."""
        self._ending = asyncio.get_running_loop().call_later(seconds, end)
