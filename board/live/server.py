"""The view's HTTP server: pages, their data, and streams of events. Read-only."""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import grpc
from aiohttp import web
from aiohttp.typedefs import Handler

from board.games import GROUPS, games
from board.live.events import HEARTBEAT
from board.live.question import Question, read_role
from board.live.watches import Watch, Watches
from board.single_file import PAGES
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient
from playscore.client.roles import roles_with_plays
from playscore.client.words import ROLES, role_name
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.rpc_errors import code_of
from servicekit.addresses import Address

_LOG = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 10.0
SEND_SECONDS: Final = 30.0
"""A browser that takes longer to read what it was sent is disconnected; it reconnects by itself and restarts."""
MAX_GAMES: Final = 200
MAX_LINE: Final = 32_768
"""Bytes of an address: the longest filter, every character escaped."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TYPES: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_STATUSES: Final = {
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
"""HTTP statuses by gRPC status code; any other is 400."""
_ASSETS: Final = (
    *("theme.css", "pages.css", "live.css", "icon.svg"),
    *("elements.js", "interval.js", "distribution.js", "ratings.js", "plays.js", "charts.js"),
    *("completion.js", "stream.js", "live.js", "board.js", "game.js"),
    *("vendor/d3.min.js", "vendor/plot.umd.min.js", "vendor/LICENSES.txt"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The load that the view accepts at once."""

    browsers: int = 500
    questions: int = 64


class View:
    """Handlers over one aggregator. `league` is the one that pages show where their address names none."""

    def __init__(self, ratings: AggregatorClient, league: str = "", limits: Limits = Limits()) -> None:
        self._ratings = ratings
        self._league = league
        self._limits = limits
        self._watches = Watches(ratings, limits.questions)
        self._browsers = 0

    def application(self) -> web.Application:
        """The routes. They answer GET and HEAD only."""
        app = web.Application(middlewares=[_failures], client_max_size=1024)
        app.on_response_prepare.append(_secured)
        app.on_shutdown.append(self._close)
        app.router.add_get("/", _page("board.html"))
        app.router.add_get("/game", _page("game.html"))
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/api/about", self._about)
        app.router.add_get("/api/events", self._events, allow_head=False)
        for name in _ASSETS:
            app.router.add_get(f"/{name}", _asset(name))
        return app

    async def _close(self, _: web.Application) -> None:
        await self._watches.close()

    async def _health(self, _: web.Request) -> web.Response:
        """Whether this process answers. The pages show whether the aggregator does."""
        return web.json_response({"status": "ok", "browsers": self._browsers})

    async def _about(self, request: web.Request) -> web.Response:
        """The leagues, the fields of a role that a form offers, and the games of a league."""
        role = read_role(request.query.get("role", ""))
        leagues = [listed async for listed in self._ratings.list_leagues()]
        only = leagues[0].league if len(leagues) == 1 else ""
        league = request.query.get("league", "") or self._league or only
        fields, (games, note), rated = await asyncio.gather(
            self._ratings.describe_splits(role), self._games(league, role), self._rated(league)
        )
        return web.json_response(
            {
                "league": league,
                "leagues": [[each.league, *(role_name(rated.role) for rated in each.roles[:1])] for each in leagues],
                "role": role_name(role),
                "rated": [role_name(each) for each in rated],
                "roles": [[role_name(each), words.subjects.capitalize()] for each, words in ROLES.items()],
                "fields": [
                    {
                        "name": field.name,
                        "type": aggregator.SplitFieldType.Name(field.type).removeprefix("SPLIT_FIELD_TYPE_").lower(),
                        "unit": field.unit,
                        "description": field.description,
                        "values": list(field.values),
                        "groupable": field.groupable,
                    }
                    for field in fields
                ],
                "games": games,
                "note": note,
            }
        )

    async def _rated(self, league: str) -> Sequence[common.Role.ValueType]:
        """The roles of which a league has plays."""
        try:
            return await roles_with_plays(self._ratings, league) if league else ()
        except PlayscoreError as failure:
            if failure.reason is not Reason.LEAGUE_NOT_FOUND:
                raise
            return ()

    async def _games(self, league: str, role: common.Role.ValueType) -> tuple[list[list[Any]], str]:
        """Games of a league as `board.games.games` lists them; or why there are none."""
        if not league:
            return [], ""
        try:
            listed = self._ratings.list_ratings(league, role=role, group_by=GROUPS)
            found = games([rating async for rating in listed])
        except PlayscoreError as failure:
            if failure.reason is not Reason.LEAGUE_NOT_FOUND:
                raise
            return [], failure.detail
        return found[:MAX_GAMES], ""

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The answer to a question as it changes, until the browser disconnects."""
        question = Question.of({"league": self._league, **request.query})
        async with self._admitted(), self._watches.watch(question) as watch:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
            await response.prepare(request)
            with suppress(ConnectionResetError, TimeoutError):  # the browser has disconnected, or does not read
                await _send(watch, request.headers.get("Last-Event-ID", ""), response)
            return response

    @asynccontextmanager
    async def _admitted(self) -> AsyncIterator[None]:
        if self._browsers >= self._limits.browsers:
            raise PlayscoreError(
                Reason.OVERLOADED,
                f"{self._limits.browsers} browsers are connected, the maximum of this view; try again later",
                retry_after_seconds=5.0,
            )
        self._browsers += 1
        try:
            yield
        finally:
            self._browsers -= 1


async def _send(watch: Watch, place: str, response: web.StreamResponse) -> None:
    """Writes the events of a watch from a place on, until it ends. Raises TimeoutError if the browser does not read."""
    while True:
        content, place = watch.since(place)
        async with asyncio.timeout(SEND_SECONDS):
            await response.write(content or HEARTBEAT)
        if watch.ended:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await watch.moved(place)


def _page(name: str) -> Handler:
    content = PAGES.joinpath(name).read_text()

    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(text=content, content_type="text/html", headers={"Cache-Control": "no-cache"})

    return handle


def _asset(name: str) -> Handler:
    content = PAGES.joinpath(name).read_bytes()
    kind = _TYPES.get(name.rpartition(".")[2], "text/plain")

    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(body=content, content_type=kind, charset="utf-8", headers={"Cache-Control": "no-cache"})

    return handle


async def _secured(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.headers.pop("Server", None)


def http_status(reason: Reason) -> int:
    """The HTTP status of a failure: that of its gRPC status code."""
    return _STATUSES.get(code_of(reason), 400)


@web.middleware
async def _failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers failures: with JSON under /api/, else with a page."""
    retry: dict[str, str] = {}
    try:
        return await handler(request)
    except PlayscoreError as error:
        status, reason, detail = http_status(error.reason), error.reason.name, error.detail
        if error.retry_after_seconds is not None:
            retry = {"Retry-After": f"{max(1, round(error.retry_after_seconds))}"}
    except web.HTTPNotFound as error:
        status, reason, detail = error.status, error.reason, "There is no such page."
    except web.HTTPException as error:
        status, reason, detail = error.status, error.reason, f"{request.method} {request.path}: {error.reason}"
    except ConnectionError as error:
        _LOG.warning("the aggregator cannot be reached: %s", error)
        status, reason, detail = 503, Reason.NOT_SERVING.name, "the aggregator cannot be reached"
    except TimeoutError as error:
        _LOG.warning("the aggregator did not answer in time: %s", error)
        status, reason, detail = 504, Reason.NOT_SERVING.name, "the aggregator did not answer in time"
    if request.path.startswith("/api/"):
        return web.json_response({"reason": reason, "detail": detail}, status=status, headers=retry)
    page = PAGES.joinpath("error.html").read_text().replace("<!-- detail -->", html.escape(detail))
    return web.Response(text=page, status=status, content_type="text/html", headers=retry)


@asynccontextmanager
async def serving(view: View, address: Address) -> AsyncIterator[str]:
    """Serves a view, and yields its URL. Raises OSError where the address is taken."""
    runner = web.AppRunner(
        view.application(),
        access_log=None,
        handler_cancellation=True,  # a browser that disconnects frees its slot at once
        max_line_size=MAX_LINE,
        shutdown_timeout=2.0,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, address.host, address.port)
        await site.start()
        host, port, *_ = runner.addresses[0]
        yield f"http://{Address(host, port)}/"
    finally:
        await runner.cleanup()
