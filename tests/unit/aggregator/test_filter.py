"""Filters mean what AIP-160 says, and what is wrong with one is said where it is wrong."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.columns import matches
from aggregator.core.fields import FieldType
from aggregator.core.filter import EVERYTHING, MAX_WILDCARDS, Filter, demanded, parse_filter
from aggregator.core.records import Score, Value
from aggregator.core.table import Table
from aggregator.passing.fields import SCHEMA
from playscore.errors import PlayscoreError, Reason
from tests.unit.aggregator.scores import score, tables_of


def parse(text: str) -> Filter:
    return parse_filter(text, SCHEMA)


def selected(text: str, *scores: Score) -> list[int]:
    """Places of the scores that are in a split, however a table has them."""
    return selected_of(text, tables_of(*scores))


def selected_of(text: str, tables: Sequence[Table]) -> list[int]:
    """Numbers of the scores that are in a split, which is the same for all of the tables."""
    found = [
        sorted(number for segment, rows in table.select(parse(text)) for number in segment.numbers[rows].tolist())
        for table in tables
    ]
    assert all(each == found[0] for each in found)
    return found[0]


# --- A second, naive implementation: one play at a time, three-valued, from its own tree ---


@dataclass(frozen=True)
class Node:
    text: str
    holds: Callable[[Score], bool | None]


def kleene_and(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def kleene_or(values: list[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    ":": operator.eq,
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "down": st.integers(1, 4),
    "score_difference": st.integers(-3, 3),
    "time_to_throw_seconds": st.sampled_from([1.5, 2.5, 4.0, 0.1 + 0.2, -1e-3]),
    "home": st.booleans(),
    "depth": st.sampled_from(SCHEMA.fields["depth"].values),
    "team_id": st.sampled_from(["KC", "BUF", "B*F", 'a "b" c\\']),
}


def literal(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


@st.composite
def comparisons(draw: st.DrawFn) -> Node:
    name = draw(st.sampled_from(sorted(VALUES)))
    field = SCHEMA.fields[name]
    ordered = field.type is not FieldType.BOOLEAN and field.type is not FieldType.ENUM
    sign = draw(st.sampled_from(sorted(OPERATORS) if ordered else ["=", "!=", ":"]))
    value = draw(VALUES[name].filter(lambda value: value != "B*F"))
    space = draw(st.sampled_from(["", " "]))

    def holds(of: Score) -> bool | None:
        known = of.attributes.get(name)
        return None if known is None else OPERATORS[sign](known, value)

    return Node(f"{name}{space}{sign}{space}{literal(value)}", holds)


@st.composite
def presences(draw: st.DrawFn) -> Node:
    name = draw(st.sampled_from(sorted(VALUES)))
    return Node(f"{name}:*", lambda of: name in of.attributes)


def negations(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    def negated(node: Node, sign: str) -> Node:
        return Node(f"{sign}({node.text})", lambda of: None if (holds := node.holds(of)) is None else not holds)

    return st.builds(negated, inner, st.sampled_from(["NOT ", "-"]))


def joined(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    def conjunction(nodes: list[Node], word: str) -> Node:
        text = word.join(f"({node.text})" for node in nodes)
        return Node(text, lambda of: kleene_and([node.holds(of) for node in nodes]))

    def disjunction(nodes: list[Node]) -> Node:
        text = " OR ".join(f"({node.text})" for node in nodes)
        return Node(text, lambda of: kleene_or([node.holds(of) for node in nodes]))

    several = st.lists(inner, min_size=2, max_size=3)
    return st.builds(conjunction, several, st.sampled_from([" AND ", " "])) | st.builds(disjunction, several)


NODES = st.recursive(
    comparisons() | presences() | st.just(Node("home", lambda of: of.attributes.get("home"))),  # type: ignore[arg-type,return-value]
    lambda inner: negations(inner) | joined(inner),
    max_leaves=8,
)
PLAYS = st.lists(
    st.fixed_dictionaries({}, optional=VALUES).map(lambda attributes: score(**attributes)), min_size=1, max_size=12
)


@settings(max_examples=50)
@given(NODES, PLAYS)
def test_a_split_holds_the_plays_for_which_the_filter_is_true(node: Node, plays: list[Score]) -> None:
    assert selected(node.text, *plays) == [place for place, play in enumerate(plays) if node.holds(play) is True]


@pytest.fixture(scope="module")
def season() -> tuple[list[Score], list[Table]]:
    """Many plays of few kinds, some fields of each unknown."""
    rng = random.Random(2021)
    numbers = [1.5, 2.5, 4.0, 0.1 + 0.2, -1e-3, *(rng.uniform(0, 5) for _ in range(2000))]

    def attributes() -> dict[str, Value]:
        drawn: dict[str, Value] = {
            "down": rng.choices([1, 2, 3, 4], [60, 30, 8, 2])[0],
            "score_difference": rng.randint(-3, 3),
            "time_to_throw_seconds": rng.choice(numbers),
            "home": rng.random() < 0.9,
            "depth": rng.choice(SCHEMA.fields["depth"].values),
            "team_id": rng.choices(["KC", "BUF", "B*F", 'a "b" c\\'], [90, 5, 3, 2])[0],
        }
        return {name: value for name, value in drawn.items() if rng.random() < 0.95}

    plays = [replace(score(play, subject=f"p{play % 7}"), attributes=attributes()) for play in range(1200)]
    return plays, tables_of(*plays)


@settings(max_examples=100)
@given(node=NODES)
def test_so_it_does_of_a_season_of_plays(node: Node, season: tuple[list[Score], list[Table]]) -> None:
    plays, tables = season
    assert selected_of(node.text, tables) == [place for place, play in enumerate(plays) if node.holds(play) is True]


# --- Precedence and syntax ---


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("home AND down = 3 OR down = 4", "home AND (down = 3 OR down = 4)"),
        ("down = 3 OR down = 4 AND home", "(down = 3 OR down = 4) AND home"),
        ("home down = 3", "home AND down = 3"),
        ("home down = 3 OR down = 4", "home AND (down = 3 OR down = 4)"),
        ("NOT home OR under_pressure", "(NOT home) OR under_pressure"),
        ("-home", "NOT home"),
        ("home", "home = true"),
        ("NOT home", "home != true"),
        ("depth = PASS_DEPTH_DEEP", "depth = 'PASS_DEPTH_DEEP'"),
        ("down:3", "down = 3"),
        ("NOT (down < 3)", "down >= 3"),
        ("(((home)))", "home"),
        ("  home\n", "home"),
        ("NOT (home AND down = 3)", "home != true OR down != 3"),
    ],
)
def test_the_same_thing_said_differently(text: str, same: str) -> None:
    assert parse(text) == parse(same)


@pytest.mark.parametrize(
    ("text", "games"),
    [
        ("game_id = g1", ("g1",)),
        ("game_id:g1", ("g1",)),
        ("home AND (down = 3 AND game_id = 'g 1') game_id = g2", ("g 1", "g2")),
        ("NOT game_id != g1", ("g1",)),
        ("game_id = g1 OR home", ()),
        ("NOT game_id = g1", ()),
        ("game_id = 'g*'", ()),
        ("play_id = g1", ()),
        ("", ()),
    ],
)
def test_which_game_a_filter_cannot_do_without(text: str, games: tuple[str, ...]) -> None:
    assert demanded(parse(text), "game_id") == games


def test_nothing_asked_is_everything() -> None:
    assert parse("") == parse("  ") == EVERYTHING


def test_an_unknown_value_is_in_no_split_that_asks_for_it_negated_or_not() -> None:
    plays = score(down=3, under_pressure=True), score(down=3)
    assert selected("under_pressure", *plays) == [0]
    assert selected("NOT under_pressure", *plays) == []
    assert selected("under_pressure != false", *plays) == [0]
    assert selected("NOT (under_pressure AND down = 3)", *plays) == []
    assert selected("under_pressure OR down = 3", *plays) == [0, 1]
    assert selected("under_pressure:*", *plays) == [0]
    assert selected("NOT under_pressure:*", *plays) == [1]


def test_negative_numbers_and_the_plays_own_identifiers() -> None:
    plays = score(play="a", score_difference=-7), score(play="b", score_difference=-8)
    assert selected("score_difference >= -7", *plays) == [0]
    assert selected("play_id = b", *plays) == [1]
    assert selected('subject_id = "p1" AND game_id != g2', *plays) == [0, 1]
    assert selected("game_id = 2017090700", score(game="2017090700"), score()) == [0]


@pytest.mark.parametrize(
    ("pattern", "teams"),
    [
        ("B*", ["BUF", "BAL"]),
        ("*F", ["BUF", "SF"]),
        ("B*F", ["BUF"]),
        ("*", ["BUF", "BAL", "SF"]),
        ("*A*", ["BAL"]),
        ("BU*UF", []),
        ("buf", []),
    ],
)
def test_a_star_stands_for_any_characters(pattern: str, teams: list[str]) -> None:
    plays = [score(team_id=team) for team in ("BUF", "BAL", "SF")] + [score()]
    assert [plays[place].attributes["team_id"] for place in selected(f"team_id = '{pattern}'", *plays)] == teams


def test_many_stars_take_no_longer_than_few() -> None:
    plays = score(team_id="a" * 128), score(team_id="b")
    assert selected(f"team_id = '{'*a' * (MAX_WILDCARDS - 1)}*b'", *plays) == []
    assert not matches("a" * 128, "*a" * 60 + "*b")


def test_a_filter_may_have_so_many_stars_in_all() -> None:
    def stars(count: int) -> str:
        return " OR ".join("team_id = '*'" for _ in range(count))

    assert selected(stars(MAX_WILDCARDS), score(team_id="a")) == [0]
    for text in (stars(MAX_WILDCARDS + 1), f"team_id = '{'*' * (MAX_WILDCARDS + 1)}'"):
        with pytest.raises(PlayscoreError, match="asterisks") as refused:
            selected(text, score(team_id="a"))
        assert refused.value.reason is Reason.FILTER_INVALID


# --- What is wrong ---


@pytest.mark.parametrize(
    ("text", "reason", "says"),
    [
        ("down = ", Reason.FILTER_INVALID, "the end where a value should be (character 7)"),
        ("(down = 3", Reason.FILTER_INVALID, "')'"),
        ("down = 3)", Reason.FILTER_INVALID, "')' where"),
        ("down == 3", Reason.FILTER_INVALID, "'=' where a value should be (character 7)"),
        ("AND home", Reason.FILTER_INVALID, "a field should be"),
        ("down = 3 OR", Reason.FILTER_INVALID, "the end where a field should be"),
        ("NOT NOT home", Reason.FILTER_INVALID, "(character 5)"),
        ("down = AND", Reason.FILTER_INVALID, "a value should be"),
        ('home = "', Reason.FILTER_INVALID, "a value should be"),
        ("down = 3 and home", Reason.FILTER_INVALID, "write AND in capitals (character 10)"),
        ("quaterback = 7", Reason.FILTER_FIELD_UNKNOWN, "did you mean quarter?"),
        ("zzz", Reason.FILTER_FIELD_UNKNOWN, "air_yards, defenders_near_target, depth, down"),
        ("down = 'third'", Reason.FILTER_TYPE_MISMATCH, "down is a whole number, not 'third'"),
        ("down = '3'", Reason.FILTER_TYPE_MISMATCH, "whole number"),
        ("down = 2.5", Reason.FILTER_TYPE_MISMATCH, "whole number"),
        ("down", Reason.FILTER_TYPE_MISMATCH, "down:*"),
        ("home = 1", Reason.FILTER_TYPE_MISMATCH, "true or false"),
        ("home < true", Reason.FILTER_TYPE_MISMATCH, "no order"),
        ("depth >= PASS_DEPTH_SHORT", Reason.FILTER_TYPE_MISMATCH, "no order"),
        ("depth = deep", Reason.FILTER_TYPE_MISMATCH, "PASS_DEPTH_INTERMEDIATE, PASS_DEPTH_DEEP, not 'deep'"),
        ("depth = 3", Reason.FILTER_TYPE_MISMATCH, "PASS_DEPTH_BEHIND_LINE"),
        ("depth = PASS_*", Reason.FILTER_TYPE_MISMATCH, "PASS_DEPTH_BEHIND_LINE"),
        ("depth", Reason.FILTER_TYPE_MISMATCH, "depth:*"),
        ("time_to_throw_seconds > nan", Reason.FILTER_TYPE_MISMATCH, "a number, not nan"),
        ("time_to_throw_seconds > 1e400", Reason.FILTER_TYPE_MISMATCH, "a number"),
        ("home OR " * 64 + "home", Reason.FILTER_INVALID, "64 comparisons"),
        ("home AND (home OR (" * 20 + "home" + "))" * 20, Reason.FILTER_INVALID, "levels deep"),
    ],
)
def test_a_wrong_filter_says_what_is_wrong_and_where(text: str, reason: Reason, says: str) -> None:
    with pytest.raises(PlayscoreError) as raised:
        parse(text)
    assert raised.value.reason is reason
    assert says in raised.value.detail
    assert raised.value.fields[0].field == "split.filter"


def test_the_caret_points_at_the_place() -> None:
    with pytest.raises(PlayscoreError) as raised:
        parse("home AND down = third")
    *_, text, caret = raised.value.detail.split("\n")
    assert text[caret.index("^") :] == "third"


@settings(max_examples=150)
@given(st.text(alphabet="down home=<>!:()\"'*-.1AND OR NOT\\\n\x00é", max_size=40))
def test_whatever_is_written_parses_or_is_refused(text: str) -> None:
    try:
        parse(text)
    except PlayscoreError as error:
        assert error.reason in (Reason.FILTER_INVALID, Reason.FILTER_FIELD_UNKNOWN, Reason.FILTER_TYPE_MISMATCH)
