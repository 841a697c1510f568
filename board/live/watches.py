"""One upstream watch for each distinct question, shared by all browsers that ask it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from board import words
from board.coverage import coverage_data
from board.live.events import RecentEvents, event
from board.live.leaderboard import Leaderboard
from board.live.question import Question
from board.plays import MEASURES, chart_of, play_rows
from board.ratings import table
from playscore.client import AggregatorClient, RatingsUpdate, backoff
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason

_LOG = logging.getLogger(__name__)
LINGER_SECONDS: Final = 15.0
"""How long a watch goes on after its last browser: one that comes back finds what it missed."""
QUIET_SECONDS: Final = 2.0
"""A break that is mended within this is not told."""
GAME_PLAYS: Final = 40
"""The latest plays of a game that are shown."""
_TRANSIENT: Final = (Reason.NOT_SERVING, Reason.NOT_FRESH_ENOUGH, Reason.OVERLOADED, Reason.STORE_UNAVAILABLE)


class Watch:
    """A question, and the answer as it changes."""

    def __init__(self, ratings: AggregatorClient, question: Question) -> None:
        self._ratings = ratings
        self._question = question
        self._recent = RecentEvents()
        self._moved = asyncio.Event()
        self._board: Leaderboard | None = None
        self._state: dict[str, Mapping[str, Any]] = {"status": {"live": False, "told": "Asking …"}}
        self._encoded: tuple[str, bytes] = ("", b"")
        self.ended = False
        """No more is to come: the question was refused, or the view is closing."""

    async def follow(self) -> None:
        """Watches until cancelled, or until the question is refused. Breaks are told, and mended."""
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
                    self._lost(str(failure))
                except Exception:
                    _LOG.exception("a watch failed")
                    self._refuse(PlayscoreError(Reason.INTERNAL, "this view failed; its log says why"))
                    return
                await asyncio.sleep(next(pauses))

    def end(self) -> None:
        """Lets go of everybody who follows."""
        self.ended = True
        self._wake()

    def since(self, place: str) -> tuple[bytes, str]:
        """What a browser that has seen everything up to `place` has not, and its new place."""
        content = self._recent.after(place)
        return (self._whole() if content is None else content), self._recent.place

    async def moved(self, place: str) -> None:
        """Returns once there is more than a place has seen, or nothing more is to come."""
        while place == self._recent.place and not self.ended:
            await self._moved.wait()

    def _whole(self) -> bytes:
        """The state as it is, encoded once for all who come anew."""
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
        # Work for a whole league or a whole game is done in threads, so that nobody else waits for it.
        changed, gone = await asyncio.to_thread(board.update, update)
        ranking = update.checkpoint.ranking
        head = {
            **table(self._question.role, ()),
            "total": len(board),
            "min_plays": ranking.min_plays,
            "qualified": ranking.qualified,
            "model": f"{ranking.model.name} {ranking.model.version}",
        }
        is_first = "table" not in self._state
        if changed or gone or self._state.get("table") != head:
            self._state["table"] = head
            self._add("table" if is_first else "change", {**head, "rows": changed, "gone": gone})
        if self._question.game_id:
            self._set("game", await self._game(update.checkpoint.revision))
        self._set("status", {"live": True, "told": ""})

    async def _game(self, revision: common.RevisionToken) -> dict[str, Any]:
        """The latest plays of the game, and its coverage. Nothing where it has not begun."""
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
            plays = [play async for play in listed][-GAME_PLAYS:]
        except PlayscoreError as failure:
            if failure.reason not in (Reason.LEAGUE_NOT_FOUND, Reason.GAME_NOT_FOUND):
                raise
            return {"plays": None, "coverage": None}
        rows = await asyncio.to_thread(play_rows, plays)
        return {
            "plays": {
                "chart": chart_of(self._question.role, rows),
                "measure": MEASURES[self._question.role],
                "subjects": self._question.role != common.ROLE_SHOOTING_TEAM,
                "rows": rows,
            },
            "coverage": coverage_data(coverage),
        }

    def _refuse(self, refusal: PlayscoreError) -> None:
        self._state.clear()
        self._set("refused", {"reason": words.reason_name(refusal.reason), "detail": refusal.detail})
        self.end()

    def _lost(self, detail: str) -> None:
        self._set("status", {"live": False, "told": f"The ratings cannot be reached; trying again. {detail}"})

    def _set(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tells what has changed of the state."""
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
    """The questions that somebody asks now, at most `most` of them."""

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
            f"{self._most} questions are being watched, as many as this view allows; ask one of them, or later",
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
        """Somebody follows."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def end_after(self, seconds: float, end: Callable[[], None]) -> None:
        """Nobody does."""
        self._ending = asyncio.get_running_loop().call_later(seconds, end)
