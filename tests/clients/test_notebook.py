"""The analyst's notebook runs as it is committed, against a real service, and is shown as a page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.generate.notebook import executed, notebook_page, read_notebook
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import AggregatorClient
from tests.clients.services import running
from tests.contract.aggregator.test_commands import SUPPORT, passed, unscored


def of_the_notebook(record: messages.PlayRecord) -> messages.PlayRecord:
    """A play in the league that the notebook asks for."""
    content = record.score if record.HasField("score") else record.unscored
    content.key.league = "SIM"
    return record


@pytest.fixture(scope="module")
def aggregator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service with four weeks of two passers."""
    plays = [passed(passer, play, week=1 + play // 9) for passer in ("p1", "p2") for play in range(36)]

    async def record(address: str) -> None:
        async with AggregatorClient(address) as client:
            written = await client.record_scores(map(of_the_notebook, [*plays, unscored(1)]), [SUPPORT])
            assert written.inserted == len(plays) + 1

    with running("aggregator", "--store", f"sqlite:///{tmp_path_factory.mktemp('notebook') / 'scores'}") as address:
        asyncio.run(record(address))
        yield address


def kinds(notebook: Any) -> list[list[str]]:
    """What kinds of outputs each cell has."""
    return [
        sorted(kind for output in cell.get("outputs", ()) for kind in output.get("data", {"text": ""}))
        for cell in notebook.cells
    ]


def test_the_notebook_runs_and_shows_what_it_is_committed_with(aggregator: str) -> None:
    committed = kinds(read_notebook())
    run = executed(read_notebook(), aggregator)
    assert kinds(run) == committed
    assert sum("image/svg+xml" in each for each in committed) == 2
    told = notebook_page(run)
    assert "Jordan Swift" in told and "Jordan Smith" in told
    assert "72 of 73 plays are in ratings, 0 wait for their official result" in told
    assert "The play ended without the ball being thrown." in told


def test_the_page_has_the_texts_the_code_and_the_outputs_in_their_order() -> None:
    page = notebook_page(read_notebook())
    assert page.startswith("# Ratings in a notebook\n\nThis page shows the notebook `docs/ratings.ipynb`")
    places = [page.index(part) for part in ("```python\nimport os", "## Ratings of a split", "```text\n┌", "<img alt=")]
    assert places == sorted(places)
    assert Path("docs/ratings.ipynb").name in page
