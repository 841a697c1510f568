"""The pages that people look at, in a real browser, over a real service and a real store."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner
from playwright.async_api import Browser, Page, async_playwright, expect

from aggregator.distributions import same_distribution
from aggregator.service import AggregatorService
from aggregator.sqlite import SqliteStore
from aggregator.tasks import make_tasks
from board.live.server import Limits, View, serving
from deploy.local.commands import report
from deploy.local.ports import reserve
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import list_releases
from playscore.shipped import RELEASES
from servicekit import ServiceSettings
from servicekit import serving as serving_calls
from servicekit.addresses import Address
from tests.scored_plays import SUPPORT, a_pass, a_sack, a_shot

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FREE = Address("127.0.0.1", 0)
WIDTHS = (400, 1400)
MARKUP = '<img src=x onerror="window.stolen=1">\'</script><b>&amp;'
HEBREW = "דוד כהן"


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    program = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(CHROMIUMS)} is on the PATH; Debian: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        await browser.close()


@asynccontextmanager
async def aggregating(store: Path, listen: str = "127.0.0.1:0") -> AsyncIterator[str]:
    tasks = make_tasks(list_releases(RELEASES), ())
    roles = [role for each in tasks for role in each.task.roles]
    service = AggregatorService(SqliteStore(store, roles, same_distribution), tasks)
    settings = ServiceSettings(listen=listen, metrics_listen="127.0.0.1:0", grace_seconds=1.0)
    async with serving_calls(service, settings) as running:
        await running.until_serving()
        yield str(running.address)


@dataclass
class Surroundings:
    """A service, a view of it, and everything that a browser complained of or asked for."""

    ratings: AggregatorClient
    url: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def record(self, *records: aggregator.PlayRecord) -> None:
        written = await self.ratings.record_scores(records, [SUPPORT])
        assert not written.rejections
        league = (records[0].score if records[0].HasField("score") else records[0].unscored).key.league
        await self.ratings.list_models(league, at_least_as_fresh=written.revision).first_page()  # so that reads see it

    @asynccontextmanager
    async def page(self, address: str) -> AsyncIterator[Page]:
        page = await self.browser.new_page(viewport={"width": 1400, "height": 900})
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        await page.goto(address if ":" in address.partition("?")[0] else f"{self.url}{address}")
        yield page
        await page.close()


@pytest.fixture
async def surroundings(browser: Browser, tmp_path: Path) -> AsyncIterator[Surroundings]:
    async with (
        aggregating(tmp_path / "scores.sqlite") as address,
        AggregatorClient(address) as ratings,
        serving(View(ratings, league="SIM"), FREE) as url,
    ):
        made = Surroundings(ratings, url, browser)
        yield made
        assert made.complaints == []
        strangers = [each for each in made.asked if not each.startswith((made.url, "file:"))]
        assert strangers == []


def passes(count: int, play_score: float, first: int = 1, **changed: Any) -> list[aggregator.PlayRecord]:
    return [a_pass(first + number, play_score, **changed) for number in range(count)]


async def names(page: Page) -> list[str]:
    return await page.locator("#ratings tbody th > bdi").all_inner_texts()


async def test_the_leaderboard_changes_as_plays_are_recorded(surroundings: Surroundings) -> None:
    await surroundings.record(*passes(20, 0.6), *passes(20, 0.4, 101, passer="p2", name="P. Two", team_id="BUF"))
    async with surroundings.page("") as page:
        await expect(page.locator("#status")).to_have_text("Live")
        await expect(page.locator("#ratings tbody tr")).to_have_count(2)
        assert await names(page) == ["P. One", "P. Two"]
        await page.evaluate("window.kept = true")
        await surroundings.record(*passes(20, 0.99, 201, passer="p2", name="P. Two", team_id="BUF"))
        await expect(page.locator("#ratings tbody tr").first).to_contain_text("P. Two")
        await expect(page.locator("#ratings tbody tr").first.locator("td").nth(1)).to_have_text("40")
        assert await page.evaluate("window.kept") is True


async def test_a_view_of_no_league_in_particular_offers_those_there_are(surroundings: Surroundings) -> None:
    await surroundings.record(*passes(2, 0.6))
    async with serving(View(surroundings.ratings), FREE) as url:
        surroundings.url = url
        async with surroundings.page("") as page:
            await expect(page.locator("#ratings tbody tr")).to_have_count(1)
        await surroundings.record(*a_shot(1, league="NHL"))
        async with surroundings.page("") as page:
            await expect(page.locator("#leagues-list a")).to_have_text(["NHL", "SIM"])
            await page.locator("#leagues-list a").first.click()
            await expect(page.locator("#heading")).to_contain_text("NHL")
            await expect(page.locator("#ratings tbody tr")).to_have_count(1)


async def test_a_league_of_which_nothing_is_recorded_appears_when_something_is(surroundings: Surroundings) -> None:
    await surroundings.record(*passes(1, 0.6, league="OTHER"))
    async with surroundings.page("?league=LATER") as page:
        await expect(page.locator("#summary")).to_contain_text("there are: OTHER")
        await surroundings.record(*passes(3, 0.6, league="LATER"))
        await expect(page.locator("#ratings tbody tr")).to_have_count(1)


async def test_filters_are_completed_with_fields_and_with_their_values(surroundings: Surroundings) -> None:
    await surroundings.record(*passes(3, 0.6, under_pressure=True), *passes(3, 0.4, 11, passer="p2", name="P. Two"))
    async with surroundings.page("") as page:
        await expect(page.locator("#status")).to_have_text("Live")
        box, offers = page.locator("#filter"), page.locator("#offers li code")
        await box.press_sequentially("dep")
        await expect(offers.first).to_have_text("depth")
        await box.press("ArrowDown")
        await expect(page.locator("#offers [aria-selected=true]")).to_contain_text("depth")
        await box.press("Enter")
        await expect(offers).to_have_text(["=", "!="])
        await box.press_sequentially("= PASS_DEPTH_D")
        await expect(offers).to_have_text(["PASS_DEPTH_DEEP"])
        await box.press("Escape")
        await expect(page.locator("#offers")).to_be_hidden()
        await box.fill("NOT under_pre")
        await page.locator("#offers li").first.click()
        await expect(box).to_have_value("NOT under_pressure ")
        await box.fill("under_pressure")
        await box.press("Enter")
        await expect(page.locator("#ratings tbody tr")).to_have_count(1)
        assert "filter=under_pressure" in page.url


async def test_a_filter_that_is_wrong_shows_where(surroundings: Surroundings) -> None:
    await surroundings.record(*passes(3, 0.6))
    async with surroundings.page("?filter=home AND down = third") as page:
        refused = page.locator("#refused")
        await expect(refused.locator("p")).to_have_text("down is a whole number, not third (character 17)")
        shown = (await refused.locator("pre").inner_text()).split("\n")
        assert shown[1].index("^") == shown[0].index("third")
        await expect(page.locator("#ratings")).to_be_hidden()
        await page.locator("#filter").fill("down = 3")
        await page.locator("#filter").press("Enter")
        await expect(page.locator("#ratings tbody tr")).to_have_count(1)
        await expect(refused).to_be_hidden()


async def test_an_address_is_a_view_that_can_be_shared(surroundings: Surroundings) -> None:
    await surroundings.record(
        *passes(6, 0.6), *passes(3, 0.4, 11, passer="p2", name="P. Two"), *passes(6, 0.5, 21, week=2)
    )
    async with surroundings.page("") as page, surroundings.page("") as other:
        await expect(page.locator("#ratings tbody tr")).to_have_count(2)
        await page.locator("#grouping summary").click()
        await page.locator("#groups input[value=subject_id]").check()
        await page.locator("#groups input[value=week]").check()
        await page.locator("#min_plays").fill("5")
        await page.locator("#qualified").check()
        await expect(page.locator("#ratings thead")).to_contain_text("week")
        await expect(page.locator("#ratings tbody tr")).to_have_count(2)  # of three weeks of somebody
        shown = await page.locator("#ratings tbody").inner_text()
        await other.goto(page.url)
        await expect(other.locator("#ratings tbody tr")).to_have_count(2)
        assert await other.locator("#ratings tbody").inner_text() == shown
        await expect(other.locator("#min_plays")).to_have_value("5")
        await page.go_back()
        await page.go_back()
        await expect(page.locator("#ratings thead")).not_to_contain_text("week")


async def test_a_game_moves_while_it_is_on(surroundings: Surroundings) -> None:
    async with surroundings.page("game?league=SIM&game=g1&role=passer") as page:
        await expect(page.locator("#summary")).to_contain_text("No plays of this game are recorded yet")
        await surroundings.record(*passes(3, 0.6), a_pass(4, None), *passes(5, 0.6, game="g2"))
        await expect(page.locator("#ratings tbody tr td").nth(1)).to_have_text("3")
        await expect(page.locator("#plays tbody tr")).to_have_count(4)
        await expect(page.locator("#plays tbody tr").first).to_contain_text("result pending")
        await expect(page.locator("#coverage-summary")).to_contain_text("3 of 4 plays")
        await surroundings.record(a_pass(5, 0.9, yards=31), a_sack(6))
        await expect(page.locator("#plays tbody tr").first).to_contain_text("31 yards")
        await expect(page.locator("#coverage-summary")).to_contain_text("4 of 6 plays")
        await expect(page.locator("#reasons")).to_contain_text("ended without the ball being thrown")


async def test_a_game_of_hockey_shows_its_shots_on_the_ice(surroundings: Surroundings) -> None:
    await surroundings.record(*a_shot(1), *a_shot(2, 0.3, hockey.SHOT_RESULT_GOAL), *a_shot(3, x_feet=-20.0))
    async with surroundings.page("?league=SIH&role=goalie") as page:
        await page.locator("#games-list a").click()
        await expect(page.locator("#roles [aria-current]")).to_have_text("Goalies")
        drawn = page.locator("#chart-place [aria-label=dot] circle")
        await expect(drawn).to_have_count(2)
        await expect(page.locator("#chart-note")).to_contain_text("Not drawn: 1 shot from farther out or without a")
        await expect(page.locator("#roles a")).to_have_text(["Shooters", "Goalies", "Teams"])
        await surroundings.record(*a_shot(4))
        await expect(drawn).to_have_count(3)
        await surroundings.record(*a_shot(5, 0.3, hockey.SHOT_RESULT_GOAL, x_feet=-20.0))
        await expect(page.locator("#chart-note")).to_contain_text("Not drawn: 2 shots (1 goal) from farther out")


async def test_a_refused_question_is_not_under_the_heading_of_another(surroundings: Surroundings) -> None:
    await surroundings.record(*passes(3, 0.6), *a_shot(1))
    async with surroundings.page("") as page:
        await expect(page.locator("#heading")).to_have_text("Passers, SIM")
        await page.locator("#role").select_option("goalie")
        await expect(page.locator("#heading")).to_have_text("Goalies, SIM")
        await page.locator("#filter").fill("down = 3")
        await page.locator("#filter").press("Enter")
        await expect(page.locator("#refused")).to_contain_text("there is no field 'down'")
        await expect(page.locator("#heading")).to_have_text("Goalies, SIM")
        await expect(page.locator("#description")).to_have_text("")


async def test_a_chart_says_what_it_draws_and_counts_all_passes_by_depth(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    deep, short = football.PASS_DEPTH_DEEP, football.PASS_DEPTH_SHORT
    place: dict[str, Any] = {"passer_lateral_yards": 1.0, "passer_depth_yards": 7.0}
    await surroundings.record(
        *passes(4, 0.8, depth=deep, week=1, game="g1", **place), *passes(3, 0.4, 11, depth=short, week=2, **place)
    )
    few, none = await written(
        surroundings, tmp_path, ["--season", "2021", "--plays", "3"], ["--season", "2021", "--plays", "0"]
    )
    for file, drawn in ((few, 3), (none, 0)):
        async with surroundings.page(file.as_uri()) as page:
            chart = page.locator("#chart-place")
            await expect(chart).to_contain_text("deep: 4 passes, play score 0.80")
            await expect(chart).to_contain_text("short: 3 passes, play score 0.40")
            await expect(page.locator("#chart-note")).to_contain_text(f"Drawn: the latest {drawn} of 7.")
            await expect(page.locator("#plays tbody tr")).to_have_count(drawn)
            await expect(chart.locator("[aria-label=dot] circle")).to_have_count(drawn)
            legend = ["play score 0.2 or less", "0.5", "0.8 or more"]
            await expect(page.locator("#chart-legend li")).to_have_text(legend)
            await expect(page.locator("#standings-summary")).to_have_text(
                "In small type: what was expected, and the 90% interval."
            )


async def test_words_and_intervals_stay_whole(surroundings: Surroundings, tmp_path: Path) -> None:
    name = "Gus McNorthbourne"
    await surroundings.record(
        *passes(9, 0.6, name=name, depth=football.PASS_DEPTH_INTERMEDIATE),
        *passes(9, 0.6, 11, passer="p2", name=name, team_id="BUF", depth=football.PASS_DEPTH_INTERMEDIATE),
        *(each for number in range(9) for each in a_shot(number, names=(name, name))),
    )
    passers, game = await written(surroundings, tmp_path, ["--season", "2021"], ["--game", "g1"])
    shots = ["--league", "SIH", "--role", "goalie"]
    (goalies,) = await written(surroundings, tmp_path / "goalies", [*shots, "--season", "2023"])
    whole = """selector => [...document.querySelectorAll(selector)].filter((cell) => {
        const words = document.createRange();
        return (cell.textContent.match(/[\\w+.]+/g) ?? []).some((word) => {
            const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
            while (walk.nextNode()) {
                const at = walk.currentNode.data.indexOf(word);
                if (at < 0) continue;
                words.setStart(walk.currentNode, at);
                words.setEnd(walk.currentNode, at + word.length);
                if (words.getClientRects().length > 1) return true;
            }
            return false;
        });
    }).map((cell) => cell.textContent)"""
    for address in (passers.as_uri(), game.as_uri(), goalies.as_uri(), "", "?league=SIH&role=goalie"):
        async with surroundings.page(address) as page:
            await expect(page.locator("#ratings tbody tr").first).to_be_visible()
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 900})
                assert await page.evaluate(whole, "#ratings th, #ratings td, #splits th, #splits td") == [], address


async def test_names_are_text_and_no_page_is_wider_than_the_window(surroundings: Surroundings, tmp_path: Path) -> None:
    longest = "W" * 128
    await surroundings.record(
        *passes(4, 0.6, name=MARKUP, team_id="<i>KC"),
        *passes(4, 0.5, 11, passer="p2", name=HEBREW),
        *passes(4, 0.5, 21, passer=longest, name=longest, team_id=longest, game=longest),
        *a_shot(1, names=(MARKUP, longest)),
    )
    pages = await written(surroundings, tmp_path, ["--subject", "p1"], ["--season", "2021"], ["--game", longest])
    views = [("", "#ratings"), ("?group_by=subject_id,team_id,week", "#ratings"), ("game?game=g1", "#plays")]
    for address, table in [*views, *((page.as_uri(), "#plays") for page in pages)]:
        async with surroundings.page(address) as page:
            await expect(page.locator(f"{table} tbody tr").first).to_be_visible()
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 900})
                await page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
            if longest not in await page.title():
                assert MARKUP in await page.locator("body").inner_text(), address
            assert await page.evaluate("window.stolen ?? document.querySelectorAll('img, b').length") == 0
    assert surroundings.asked


async def written(surroundings: Surroundings, folder: Path, *arguments: Iterable[str]) -> list[Path]:
    """Reports, written by the command."""
    pages = []
    for number, each in enumerate(arguments):
        page = folder / f"{number}.html"
        options = ["--league", "SIM", "--aggregator", surroundings.ratings.address, "--out", str(page), *each]
        done = await asyncio.to_thread(CliRunner().invoke, report, options)
        assert done.exit_code == 0, done.output
        pages.append(page)
    return pages


async def test_a_report_is_one_file_that_sorts_its_plays_and_makes_no_requests(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    weeks = [record for week in (1, 2, 10) for record in passes(4, week / 20, 100 * week, week=week, game=f"g{week}")]
    await surroundings.record(*weeks, a_sack(1), a_pass(2, 0.99, yards=-3, down=1))
    (file,) = await written(surroundings, tmp_path, ["--subject", "one", "--plays", "9"])
    asked = len(surroundings.asked)
    async with surroundings.page(file.as_uri()) as page:
        await expect(page.locator("h1")).to_have_text("P. One")
        await expect(page.locator("#plays-summary")).to_have_text("The latest 9 of 13 plays.")
        await expect(page.locator("#plays tbody tr")).to_have_count(9)
        await expect(page.locator("#trend-chart [aria-label=dot] circle")).to_have_count(3)
        labels = await page.locator("#trend-table tbody th").all_text_contents()
        assert labels == ["1", "2", "10"]
        await expect(page.locator("#reasons")).to_contain_text("ended without the ball being thrown")
        await expect(page.locator("#plays .distribution").first).to_be_visible()
        score = page.locator("#plays thead button", has_text="Play score")
        await score.press("Enter")
        shown = [float(each) for each in await page.locator("#plays tbody td.rating").all_inner_texts()]
        assert shown == sorted(shown, reverse=True)
        await score.click()
        await expect(page.locator("#plays th[aria-sort=ascending]")).to_contain_text("Play score")
        shown = [float(each) for each in await page.locator("#plays tbody td.rating").all_inner_texts()]
        assert shown == sorted(shown)
    assert surroundings.asked[asked:] == [file.as_uri()]


async def test_a_report_of_a_game_is_headed_by_its_teams_where_it_is_known_who_is_at_home(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    await surroundings.record(
        *passes(3, 0.6, home=True),
        *passes(3, 0.5, 11, passer="p2", name="P. Two", team_id="BUF", home=False),
        *passes(3, 0.5, 21, game="g2"),
    )
    known, unknown = await written(surroundings, tmp_path, ["--game", "g1"], ["--game", "g2"])
    async with surroundings.page(known.as_uri()) as page:
        await expect(page.locator("h1")).to_have_text("BUF at KC")
        await expect(page.locator("#subtitle")).to_have_text("Game g1, SIM, passers")
        await page.goto(surroundings.url)
        await expect(page.locator("#games-list a")).to_have_text(
            ["g2 3 plays", "BUF at KC g1, 6 plays"], use_inner_text=True
        )
        await page.locator("#games-list a", has_text="BUF at KC").click()
        await expect(page.locator("h1")).to_have_text("BUF at KC, SIM")
    async with surroundings.page(unknown.as_uri()) as page:
        await expect(page.locator("h1")).to_have_text("Game g2")


async def test_a_report_is_of_the_state_that_is_asked_for(surroundings: Surroundings, tmp_path: Path) -> None:
    await surroundings.record(*passes(3, 0.6))
    before = (await surroundings.ratings.get_coverage("SIM")).revision.value
    await surroundings.record(*passes(3, 0.6, 11))
    was, present = await written(surroundings, tmp_path, ["--season", "2021", "--as-of", before], ["--season", "2021"])
    for file, plays in ((was, 3), (present, 6)):
        async with surroundings.page(file.as_uri()) as page:
            await expect(page.locator("#plays-summary")).to_have_text(f"All {plays} plays.")


async def test_a_report_without_plays_says_where_there_are_some(surroundings: Surroundings, tmp_path: Path) -> None:
    await surroundings.record(*passes(3, 0.6), *passes(3, 0.6, 11, season=2023, team_id="BUF", game="g2"))
    told = {
        ("--season", "1999"): "SIM has no passes in season 1999; seasons: 2021, 2023",
        ("--team", "ZZZ"): "SIM has no passes of team ZZZ; teams: BUF, KC",
        ("--season", "2021", "--split", "down = 1"): "SIM has no passes in season 2021 where down = 1",
        ("--season", "2021", "--role", "goalie"): "SIM has no goalies; roles with plays: passer",
    }
    options = ["--league", "SIM", "--aggregator", surroundings.ratings.address, "--out", str(tmp_path / "page.html")]
    for asked, detail in told.items():
        done = await asyncio.to_thread(CliRunner().invoke, report, [*options, *asked])
        assert str(done.exception) == detail


async def test_a_report_of_a_store_file_is_that_of_its_service(surroundings: Surroundings, tmp_path: Path) -> None:
    await surroundings.record(*passes(9, 0.6), *passes(4, 0.3, 11, passer="p2", name="P. Two"), a_sack(30))
    (asked,) = await written(surroundings, tmp_path, ["--game", "g1"])
    read = tmp_path / "read.html"
    options = ["--league", "SIM", "--store", str(tmp_path / "scores.sqlite"), "--game", "g1", "--out", str(read)]
    done = await asyncio.to_thread(CliRunner().invoke, report, options)
    assert done.exit_code == 0, done.output

    def told(page: Path) -> dict[str, Any]:
        found = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
        assert found
        data: dict[str, Any] = json.loads(found[1])
        del data["made"][-1]  # when
        return data

    assert told(read) == told(asked)


async def test_a_report_of_an_ambiguous_player_lists_the_players(surroundings: Surroundings, tmp_path: Path) -> None:
    await surroundings.record(*passes(3, 0.6), *passes(3, 0.5, 11, passer="p2", name="P. Two"))
    options = ["--league", "SIM", "--aggregator", surroundings.ratings.address, "--out", str(tmp_path / "page.html")]
    done = await asyncio.to_thread(CliRunner().invoke, report, [*options, "--subject", "P."])
    assert "'P.' matches 2 passers: P. One (p1, KC), P. Two (p2, KC); give an identifier" in str(done.exception)
    done = await asyncio.to_thread(CliRunner().invoke, report, options)
    assert "exactly one of --subject, --team, --season and --game" in done.output


async def test_a_page_outlives_its_service(browser: Browser, tmp_path: Path) -> None:
    with reserve(0) as (port,):
        listen = f"127.0.0.1:{port}"
        async with AggregatorClient(listen) as ratings, serving(View(ratings, league="SIM"), FREE) as url:
            here = Surroundings(ratings, url, browser)
            async with aggregating(tmp_path / "scores.sqlite", listen):
                await here.record(*passes(3, 0.6))
                opened = here.page("")
                page = await opened.__aenter__()
                await expect(page.locator("#status")).to_have_text("Live")
            await expect(page.locator("#status")).to_contain_text("reconnecting", timeout=15_000)
            assert await names(page) == ["P. One"]
            async with aggregating(tmp_path / "scores.sqlite", listen):
                await expect(page.locator("#status")).to_have_text("Live", timeout=15_000)
                await here.record(*passes(3, 0.6, 11, passer="p2", name="P. Two"))
                await expect(page.locator("#ratings tbody tr")).to_have_count(2)
                await opened.__aexit__(None, None, None)
            assert here.complaints == []


async def test_it_only_reads_and_says_what_is_wrong_with_a_request(surroundings: Surroundings) -> None:
    async with aiohttp.ClientSession(surroundings.url) as http:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            async with http.request(method, "/api/about") as answer:
                assert answer.status == 405
        async with http.get("/healthz") as answer:
            assert (await answer.json())["status"] == "ok"
            policy = answer.headers["Content-Security-Policy"]
            assert "unsafe" not in policy
            assert "default-src 'none'" in policy
        wrong = {
            "/api/events?league=SIM&min_plays=few": "min_plays: must be a whole number, not 'few'",
            "/api/events?league=SIM&role=kicker": "role: is not one of passer,",
            "/api/events?league=a%20b": "split.league",
            "/api/events?league=SIM&colour=red": "colour: is not one of league,",
        }
        for address, told in wrong.items():
            async with http.get(address) as answer:
                assert answer.status == 400
                assert told in (await answer.json())["detail"]
        async with http.get("/<b>nothing</b>") as answer:
            text = await answer.text()
            assert (answer.status, "nothing" in text, "There is no such page." in text) == (404, False, True)


async def test_browsers_beyond_the_limit_are_refused_and_may_retry(surroundings: Surroundings) -> None:
    view = View(surroundings.ratings, "SIM", Limits(browsers=1, questions=1))
    async with (
        serving(view, FREE) as url,
        aiohttp.ClientSession(url) as http,
        http.get("/api/events") as first,
        http.get("/api/events") as second,
    ):
        assert (first.status, second.status) == (200, 429)
        assert int(second.headers["Retry-After"]) > 0
        assert "the maximum of this view" in (await second.json())["detail"]
