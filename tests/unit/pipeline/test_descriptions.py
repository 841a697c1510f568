from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.readers.descriptions import counts, described_pass, find_passer, find_target
from playscore.game import Player
from playscore.passing import PassResult


def player(name: str, position: str = "WR", player_id: str = "") -> Player:
    return Player(player_id or name, "KC", name, position)


@pytest.mark.parametrize(
    ("sentence", "passer", "target", "result", "yards"),
    [
        (
            "(4:12) A.Able pass deep left to B.Baker to KC 30 for 24 yards (C.Cook).",
            "A.Able", "B.Baker", PassResult.COMPLETE, 24.0,
        ),
        ("(:10) A.Able pass short middle to B.Baker for no gain.", "A.Able", "B.Baker", PassResult.COMPLETE, 0.0),
        ("A.Able pass short left to B.Baker to 50 for -3 yards.", "A.Able", "B.Baker", PassResult.COMPLETE, -3.0),
        (
            "(No Huddle, Shotgun) A.Able pass incomplete short right to B.Baker [C.Cook].",
            "A.Able", "B.Baker", PassResult.INCOMPLETE, None,
        ),
        ("(9:01) A.Able pass incomplete deep right. Thrown away.", "A.Able", "", PassResult.INCOMPLETE, None),
        (
            "(1:33) A.Able pass short right intended for B.Baker INTERCEPTED by C.Cook at KC 3. C.Cook for 97 yards.",
            "A.Able", "B.Baker", PassResult.INTERCEPTED, 97.0,
        ),
        ("(8:00) (Shotgun) A.Able sacked at KC 20 for -6 yards (C.Cook).", "A.Able", "", PassResult.SACK, -6.0),
        ("(8:00) A.Able scrambles up the middle to KC 30 for 7 yards.", "A.Able", "", PassResult.SCRAMBLE, 7.0),
        (
            "(4:12) E.Eager reported in as eligible.  D.J. Able pass short right to A.St. Brown for 5 yards.",
            "D.J. Able", "A.St. Brown", PassResult.COMPLETE, 5.0,
        ),
        (
            "(7:00) A.Able pass deep right to B.Baker III for 40 yards, TOUCHDOWN. Penalty on LA-C.Cook, declined.",
            "A.Able", "B.Baker III", PassResult.COMPLETE, 40.0,
        ),
        (
            "(7:00) A.Able pass short left to J.O'Neil-Smith for 4 yards.",
            "A.Able", "J.O'Neil-Smith", PassResult.COMPLETE, 4.0,
        ),
        (
            "(7:00) A.Able pass incomplete short left to D. Baker. Nearly intercepted by C.Cook.",
            "A.Able", "D. Baker", PassResult.INCOMPLETE, None,
        ),
        (
            "TWO-POINT CONVERSION ATTEMPT. A.Able pass to B.Baker is complete. ATTEMPT SUCCEEDS.",
            "A.Able", "B.Baker", PassResult.COMPLETE, None,
        ),
        (
            "(3:38) A.Able pass incomplete short middle to B.Baker. KC challenged, and the play was REVERSED. "
            "(Shotgun) A.Able pass short middle to D.Drake to KC 40 for 9 yards.",
            "A.Able", "D.Drake", PassResult.COMPLETE, 9.0,
        ),
    ],
)  # fmt: skip
def test_a_sentence_tells_who_passed_to_whom_and_what_came_of_it(
    sentence: str, passer: str, target: str, result: PassResult, yards: float | None
) -> None:
    told = described_pass(sentence)
    assert told is not None
    assert (told.passer, told.target, told.result, told.yards) == (passer, target, result, yards)


@pytest.mark.parametrize(
    "sentence",
    [
        "(13:34) B.Baker up the middle to KC 29 for 2 yards (C.Cook).",
        "K.Kicker kicks 65 yards from KC 35 to end zone, Touchback.",
        "(0:20) A.Able spiked the ball to stop the clock.",
        "A.Able pass deep left to B.Baker for 40 yards. PENALTY on KC-C.Cook, Holding, enforced at KC 30 - No Play.",
        "",
    ],
)
def test_what_is_no_pass_or_does_not_count_is_none(sentence: str) -> None:
    assert described_pass(sentence) is None


def test_spikes_and_plays_taken_back_do_not_count() -> None:
    assert not counts("A.Able spiked the ball to stop the clock.")
    assert not counts("PENALTY on KC-C.Cook, False Start, 5 yards, enforced at KC 30 - No Play.")
    assert counts("A.Able pass short left to B.Baker for 4 yards.")


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    described_pass(text)
    find_target(text, [player("Ben Baker")])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("P.Able", "Paul Able"),
        ("Dj.Baker", "DJ Baker"),
        ("D.Baker", "DJ Baker"),
        ("D.J. Cook", "D.J. Cook"),
        ("D.Cook", "D.J. Cook"),
        ("O.Drake", "Odell Drake Jr."),
        ("R.Eager III", "Robert Eager III"),
        ("R.Eager", "Robert Eager III"),
        ("A.Fair II", "Allen Fair"),
        ("E.St. Gray", "Equan St. Gray"),
        ("J.O'Hill", "Jesse O'Hill"),
        ("J.Ivy-Jones", "JuJu Ivy-Jones"),
        ("D. King", "Demar King"),
        ("J.Lopez", "José López"),
    ],
)
def test_a_written_name_finds_its_player(written: str, meant: str) -> None:
    names = [
        "Paul Able", "DJ Baker", "D.J. Cook", "Odell Drake Jr.", "Robert Eager III", "Allen Fair", "Equan St. Gray",
        "Jesse O'Hill", "JuJu Ivy-Jones", "Demar King", "José López",
    ]  # fmt: skip
    assert find_target(written, [player(name) for name in names]) == meant


def test_more_of_the_first_name_tells_namesakes_apart() -> None:
    johnsons = [player("David Johnson", "RB"), player("Duke Johnson", "RB")]
    assert find_target("Da.Johnson", johnsons) == "David Johnson"
    assert find_target("D.Johnson", johnsons) == ""


def test_position_decides_between_namesakes() -> None:
    smiths = [player("Alan Smith", "QB"), player("Andre Smith", "T"), player("Abe Smith", "WR")]
    assert find_passer("A.Smith", smiths) == "Alan Smith"
    assert find_target("A.Smith", [smiths[1], smiths[2]]) == "Abe Smith"


def test_nobody_of_the_name_is_nobody() -> None:
    assert find_passer("Z.Zero", [player("Paul Able", "QB")]) == ""
    assert find_passer("", [player("Paul Able", "QB")]) == ""
