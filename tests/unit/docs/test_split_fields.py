"""docs/splits.md has the fields that the aggregator knows."""

from __future__ import annotations

from docs.generate.__main__ import SPLITS, splits_page


def test_the_committed_tables_are_those_of_the_aggregators_fields() -> None:
    assert SPLITS.read_text() == splits_page(), "run `make generate`"


def test_every_field_has_its_row() -> None:
    table = splits_page().split("<!-- fields: passing -->")[1].split("<!-- end -->")[0]
    assert "| `down` | integer |  | 1 to 4. Groups ratings. |" in table
    assert "| `yards_to_go` | number | yd | To a first down. |" in table
