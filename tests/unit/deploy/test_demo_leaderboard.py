"""The demo's leaderboard in a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from deploy.local.demo import leaderboard
from deploy.local.page.leaderboard import Split
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("[bold]B. Old", "[bold]B. Old"),
        ("[/]", "[/]"),
        ("[link=http://x]x", "[link=http://x]x"),
        ("\x1b[31mR. Ed\x1b[2J", "�[31mR. Ed�[2J"),
        ("\u202enatxes", "�natxes"),
        ("one\ntwo\r", "one two"),
    ],
)
def test_names_are_shown_as_they_are_written_and_control_nothing(name: str, shown: str) -> None:
    rating = aggregator.Rating(
        subject=common.Subject(role=common.ROLE_PASSER, subject_id="1", subject_name=name, team_id=name),
        plays=20,
        passing=aggregator.PassingRating(rating=80, rating_low=70, rating_high=90),
    )
    out = io.StringIO()
    Console(file=out, width=200).print(leaderboard(Split("all passes", "in all games", "", 10, (rating,))))
    assert shown in out.getvalue()
    assert all(character.isprintable() for character in out.getvalue().replace("\n", ""))
