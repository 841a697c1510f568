"""A contract's page says everything that the contract says."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate.contracts import contract_pages, prose

LIMITS = """
syntax = "proto3";
package league.limits.v1;
import "google/protobuf/descriptor.proto";

// Where a text comes from.
enum Origin { ORIGIN_UNSPECIFIED = 0; ORIGIN_SOURCE = 1; }
message Limits { bool required = 1; optional double maximum = 2; Origin origin = 3; repeated int32 among = 4; }
extend google.protobuf.FieldOptions {
  // What a field may hold.
  Limits limits = 50001;
  string unit = 50002;
}
"""
SHOTS = """
// Shots, and what became of them.
syntax = "proto3";
package league.shots.v1;
import "league/limits/v1/limits.proto";

// A shot travels so:
//
//   Shot
//   └─ Place   where it was taken

// Grades shots.
service ShotService {
  // One shot after the other; see [T, C] and x_yards < 3.
  rpc Grade(stream Shot) returns (stream Shot);
  rpc Describe(Shot) returns (Shot.Place) { option idempotency_level = NO_SIDE_EFFECTS; }
}

// A shot.
message Shot {
  // Where on the ice.
  message Place { double x_yards = 1; }
  // Who shot.
  string shooter_id = 1 [(league.limits.v1.limits) = { required: true, origin: ORIGIN_SOURCE }];
  // What became of it.
  oneof outcome {
    // It went in.
    bool goal = 2;
    string saved_by = 3 [deprecated = true];
  }
  optional Place place = 4;
  map<string, Place> earlier = 5;
  repeated double speeds = 6 [
    (league.limits.v1.limits) = { maximum: 60.5 among: 1 among: 2 },
    (league.limits.v1.unit) = "yd/s"
  ];
}

// How likely a goal was.
enum Chance {
  CHANCE_UNSPECIFIED = 0;

  // --- Known ---

  // At least 0.2.
  CHANCE_HIGH = 1;
}
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    protos = tmp_path_factory.mktemp("protos")
    for name, text in (("limits", LIMITS), ("shots", SHOTS)):
        folder = protos / "league" / name / "v1"
        folder.mkdir(parents=True)
        (folder / f"{name}.proto").write_text(text)
    return contract_pages(protos)


def test_every_package_has_a_page_and_imports_from_elsewhere_have_none(pages: dict[str, str]) -> None:
    assert list(pages) == ["league.limits.v1", "league.shots.v1"]


def test_calls_are_shown_with_their_streams_and_whether_they_may_be_repeated(pages: dict[str, str]) -> None:
    shots = pages["league.shots.v1"]
    assert "### ShotService { #league.shots.v1.ShotService }\n\nGrades shots." in shots
    assert "stream of [Shot](#league.shots.v1.Shot) → stream of [Shot](#league.shots.v1.Shot)" in shots
    assert "[Shot](#league.shots.v1.Shot) → [Shot.Place](#league.shots.v1.Shot.Place) · no side effects" in shots


def test_fields_are_shown_with_number_type_comment_and_options(pages: dict[str, str]) -> None:
    shots = pages["league.shots.v1"]
    assert "`shooter_id` = 1 · string\n:   Who shot.\n\n    limits: `required`, `origin = ORIGIN_SOURCE`" in shots
    assert "`place` = 4 · optional [Shot.Place](#league.shots.v1.Shot.Place)\n:   —" in shots
    assert "`earlier` = 5 · map of string to [Shot.Place](#league.shots.v1.Shot.Place)" in shots
    assert (
        '`speeds` = 6 · repeated double\n:   limits: `maximum = 60.5`, `among = 1, 2`\n\n    `unit = "yd/s"`' in shots
    )


def test_the_choices_of_a_oneof_stand_below_it(pages: dict[str, str]) -> None:
    assert (
        "one of `outcome`\n:   What became of it.\n\n"
        "    `goal` = 2 · bool\n    :   It went in.\n\n"
        "    `saved_by` = 3 · string\n    :   `deprecated`" in pages["league.shots.v1"]
    )


def test_values_of_an_enum_are_shown_under_the_rules_between_them(pages: dict[str, str]) -> None:
    assert (
        "How likely a goal was.\n\n`CHANCE_UNSPECIFIED` = 0\n:   —\n\n**Known**\n\n`CHANCE_HIGH` = 1\n:   At least 0.2."
        in pages["league.shots.v1"]
    )


def test_what_a_file_says_first_opens_its_page(pages: dict[str, str]) -> None:
    assert pages["league.shots.v1"].startswith(
        "# league.shots.v1\n\nDeclared in `league/shots/v1/shots.proto`.\n\nShots, and what became of them.\n\n"
        "A shot travels so:\n\n```text\n  Shot\n  └─ Place   where it was taken\n```\n\n## Services"
    )


def test_nothing_in_a_comment_is_taken_for_markup() -> None:
    assert prose(" See [T, C], x_yards < 3 and `under_pressure` * 2.") == (
        "See \\[T, C\\], `x_yards` \\< 3 and `under_pressure` \\* 2."
    )


def test_an_option_is_described_where_it_is_declared(pages: dict[str, str]) -> None:
    assert (
        "## Options\n\n`limits` = 50001 · [Limits](#league.limits.v1.Limits)\n:   What a field may hold."
        in (pages["league.limits.v1"])
    )


def test_contracts_that_do_not_compile_are_refused_with_the_compilers_words(tmp_path: Path) -> None:
    (tmp_path / "broken.proto").write_text('syntax = "proto3";\nmessage A { B b = 1; }\n')
    with pytest.raises(ValueError, match='"B" is not defined'):
        contract_pages(tmp_path)
