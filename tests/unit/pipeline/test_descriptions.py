from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.readers.descriptions import described_pass, is_nullified, kind_told
from playscore.passing import PassResult, PlayKind

# What random sentences are made of: the words that mean something, and some that do not.
WORDS = (
    "A.Able", "9-B.Baker", "Chris Cook", "D.St. Drake Jr.", "A.", "van", "1-", "pass", "pass back", "short", "right",
    "to", "for", "incomplete", "INTERCEPTED by", "sacked", "scrambles", "spiked the ball", "kneels", "left end",
    "punts", "FUMBLES", "Lateral", "REVERSED.", "5 yards", "no gain", "KC 30", "50", "PENALTY on KC-C.Cook",
    "enforced at KC 20", "No Play", "TWO-POINT CONVERSION ATTEMPT.", "Timeout", "(", ")", ".",
)  # fmt: skip


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
            "A.Able", "B.Baker", PassResult.INTERCEPTED, None,
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
            "(7:00) A.Able pass incomplete short left to D. Baker. Nearly intercepted by C.Cook.",
            "A.Able", "D. Baker", PassResult.INCOMPLETE, None,
        ),
        (
            "(7:00) A.Able pass short left to B.Baker for 4 yards. The incomplete pass ruling was Upheld.",
            "A.Able", "B.Baker", PassResult.COMPLETE, 4.0,
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
        (
            "(3:38) A.Able pass incomplete short middle. KC challenged, and the play was REVERSED. "
            "A.Able sacked at KC 20 for -9 yards.",
            "A.Able", "", PassResult.SACK, -9.0,
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
    "before",
    [
        "A.Able pass back to B.Baker. ",
        "A.Able passes back to B.Baker. ",
        "A.Able backward pass to B.Baker. ",
        "A.Able pass backwards to B.Baker. ",
        "A.Able lateral to B.Baker. ",
        "4-A.Able laterals to 10-B.Baker. ",
        "A.Able lateral pass to B.Baker. ",
        "A.Able pitches to B.Baker. ",
        "A.Able hands off to B.Baker. ",
        "A.Able pass short right to B.Baker. ",
        "A.Able hands off to D.Drake. D.Drake pass back to B.Baker. ",
        "Direct snap to B.Baker.  ",
        "A.Able to KC 20 for -4 yards. Lateral to B.Baker to KC 18 for -2 yards. ",
        "D.Drake left end to KC 20 for -4 yards. Lateral to B.Baker. ",
        "A.Able FUMBLES (Aborted) at KC 20, recovered by KC-B.Baker at KC 18. ",
        "A.Able Aborted. D.Drake FUMBLES at KC 21, recovered by KC-B.Baker at KC 21. ",
        "Reverse. ",
    ],
)
def test_the_passer_threw_the_forward_pass(before: str) -> None:
    told = described_pass(
        f"(12:34) (Shotgun) {before}B.Baker pass deep left to E.Eager to NE 40 for 25 yards (C.Cook)."
    )
    assert told is not None
    assert (told.passer, told.target, told.result, told.yards) == ("B.Baker", "E.Eager", PassResult.COMPLETE, 25.0)


def test_between_full_names_a_pass_back_is_none_either() -> None:
    told = described_pass("Al Able pass back to Ben Baker. Ben Baker pass deep left to Ed Eager to NE 40 for 25 yards")
    assert told is not None
    assert (told.passer, told.target) == ("Ben Baker", "Ed Eager")


@pytest.mark.parametrize(
    ("after", "yards"),
    [
        ("to KC 30 for 12 yards (C.Cook).", 12.0),
        ("to KC 30 for 12 yards. Lateral to D.Drake to KC 35 for 5 yards (C.Cook).", 17.0),
        ("to KC 30 for 12 yards. Pass back to D.Drake to KC 28 for -2 yards. Lateral to A.Able for 3 yards.", 13.0),
        ("to KC 30 for 12 yards. D.Drake pass back to A.Able to KC 31 for 1 yard.", 13.0),
        ("to KC 30 for 12 yards. FUMBLES (C.Cook), recovered by KC-E.Eager at KC 30. E.Eager for 9 yards.", 12.0),
        ("to KC 30 for 12 yards. PENALTY on NE-C.Cook, Face Mask, 15 yards, enforced at KC 30.", 12.0),
        ("to KC 30 for 12 yards. PENALTY on KC-D.Drake, Offensive Holding, 10 yards, enforced at KC 26.", 8.0),
        ("to NE 30 for 12 yards. PENALTY on KC-D.Drake, Offensive Holding, 10 yards, enforced at NE 35.", 7.0),
        ("to NE 45 for 12 yards. PENALTY on KC-D.Drake, Offensive Holding, 10 yards, enforced at KC 48.", 5.0),
        ("for 23 yards, TOUCHDOWN NULLIFIED by Penalty. PENALTY on KC-D.Drake, 10 yards, enforced at NE 6.", 17.0),
        ("to KC 30 for 12 yards. Penalty on KC-D.Drake, Offensive Holding, declined.", 12.0),
    ],
)  # fmt: skip
def test_the_yards_are_those_that_the_pass_is_credited_with(after: str, yards: float) -> None:
    told = described_pass(f"(2:00) A.Able pass short right to B.Baker {after}")
    assert told is not None
    assert (told.passer, told.target, told.yards) == ("A.Able", "B.Baker", yards)


def test_air_yards_are_read_where_they_were_noted() -> None:
    told = described_pass("(4:12) A.Able pass short left to B.Baker to KC 30 for 8 yards (C.Cook). Pass -5, YAC 13")
    assert told is not None
    assert told.air_yards == -5.0


@pytest.mark.parametrize(
    "name", ["9-B.Able", "B.Able", "Ben Able", "Chris.Able", "A.Vander Able", "A.de la Able-Drake Jr."]
)
@pytest.mark.parametrize(
    "sentence",
    [
        "{} pass short right to {} to KC 30 for 5 yards.",
        "{} pass incomplete deep left to {}.",
        "{} pass to {} is good.",
    ],
)
def test_a_sentence_may_write_names_in_any_way(name: str, sentence: str) -> None:
    as_passer, as_target = (
        described_pass(sentence.format(name, "C.Cook")),
        described_pass(sentence.format("C.Cook", name)),
    )
    assert as_passer is not None
    assert as_target is not None
    assert (as_passer.passer, as_passer.target) == (name, "C.Cook")
    assert (as_target.passer, as_target.target) == ("C.Cook", name)


KINDS = {
    PlayKind.PASS: [
        "(4:12) A.Able pass deep left to B.Baker to KC 30 for 24 yards (C.Cook).",
        "(8:00) (Shotgun) A.Able sacked at KC 20 for -6 yards (C.Cook).",
        "(8:00) A.Able scrambles left end ran ob at KC 30 for 7 yards.",
        "(8:00) (Punt formation) P.Punter pass deep right to B.Baker for 31 yards.",
        "A.Able FUMBLES (Aborted) at KC 20, and recovers at KC 20. A.Able pass incomplete short left.",
        "A.Able pass deep left to B.Baker for 40 yards, TOUCHDOWN. B.Baker spiked the ball into the stands.",
        "A.Able pass deep left intended for B.Baker INTERCEPTED by C.Cook at NE 0. C.Cook kneels.",
    ],
    PlayKind.RUN: [
        "(13:34) B.Baker up the middle to KC 29 for 2 yards (C.Cook).",
        "(13:34) B.Baker left end pushed ob at KC 29 for 2 yards.",
        "(13:34) Direct snap to B.Baker.  B.Baker right guard to KC 29 for 2 yards.",
        "(13:34) A.Able pitches to B.Baker to KC 29 for 2 yards.",
        "(13:34) A.Able FUMBLES (Aborted) at KC 20, RECOVERED by NE-C.Cook at KC 20.",
        "(1:00) A.Able right guard to KC 8 for 2 yards. A.Able pass short left to B.Baker for 8 yards. "
        "PENALTY on NE-A.Able, Illegal Forward Pass, 5 yards, enforced at KC 8.",
    ],
    PlayKind.SPIKE: [
        "(0:20) A.Able spiked the ball to stop the clock.",
        "A.Able spikes the ball to stop the clock.",
        "(:18) Al Able spiked the ball to stop the clock. ",
    ],
    PlayKind.KNEEL: ["(0:40) A.Able kneels to KC 30 for -1 yards.", "A.Able kneels.", "A.Able takes a knee."],
    PlayKind.CONVERSION_TRY: [
        "TWO-POINT CONVERSION ATTEMPT. A.Able pass to B.Baker is complete. ATTEMPT SUCCEEDS.",
        "(Pass formation) TWO-POINT CONVERSION ATTEMPT. A.Able rushes left end. ATTEMPT FAILS.",
        "Two-point conversion attempt. A.Able kneels. Attempt fails.",
        "K.Kicker extra point is GOOD, Center-C.Cook, Holder-D.Drake.",
        "(Kick formation) K.Kicker extra point is Blocked (C.Cook). DEFENSIVE TWO-POINT ATTEMPT. ATTEMPT FAILS.",
    ],
    PlayKind.SPECIAL_TEAMS: [
        "K.Kicker kicks 65 yards from KC 35 to end zone, Touchback. B.Baker kneels 6 yds. into end zone.",
        "K.Kicker kicks onside 12 yards from KC 35 to KC 47.",
        "(5:29) (Punt formation) P.Punter punts 48 yards to KC 10. B.Baker left end to KC 18 for 8 yards.",
        "P.Punter punt is BLOCKED by C.Cook.",
        "(:06) K.Kicker 41 yard field goal is No Good, Wide Left.",
    ],
    PlayKind.OTHER: [
        "Timeout #1 by KC at 12:34.",
        "END QUARTER 1",
        "End of half",
        "Two-Minute Warning",
        "(1:00) PENALTY on KC-C.Cook, False Start, 5 yards, enforced at KC 30 - No Play.",
    ],
}


@pytest.mark.parametrize(
    ("kind", "sentence"), [(kind, sentence) for kind, sentences in KINDS.items() for sentence in sentences]
)
def test_a_sentence_tells_the_kind_of_its_play(kind: PlayKind, sentence: str) -> None:
    assert kind_told(sentence) is kind
    if kind not in (PlayKind.PASS, PlayKind.CONVERSION_TRY):
        assert described_pass(sentence) is None


@pytest.mark.parametrize("sentence", ["", "Caught along the sideline.", "anon"])
def test_what_tells_of_no_play_tells_no_kind(sentence: str) -> None:
    assert kind_told(sentence) is None
    assert described_pass(sentence) is None


@pytest.mark.parametrize(
    "penalty",
    [
        "PENALTY on KC-C.Cook, Offensive Holding, 10 yards, enforced at KC 30 - No Play.",
        "PENALTY on KC, Illegal Shift, 5 yards, NO PLAY",
        "Penalty on KC-C.Cook, Offensive Holding, offsetting. Penalty on NE-D.Drake, Holding, offsetting - no play.",
    ],
)
def test_a_play_that_a_penalty_took_back_is_no_pass(penalty: str) -> None:
    sentence = f"A.Able pass deep left to B.Baker for 40 yards. {penalty}"
    assert is_nullified(sentence)
    assert kind_told(sentence) is PlayKind.PASS
    assert described_pass(sentence) is None


@pytest.mark.parametrize(
    "penalty",
    [
        "",
        "Penalty on KC-C.Cook, Offensive Holding, declined.",
        "Penalty on KC-C.Cook, Unnecessary Roughness, offsetting. Penalty on NE-D.Drake, Face Mask, offsetting.",
        "PENALTY on NE-C.Cook, Roughing the Passer, 15 yards, enforced at KC 36.",
        "TOUCHDOWN NULLIFIED by Penalty. PENALTY on KC-B.Baker, Offensive Holding, 10 yards, enforced at KC 36.",
    ],
)
def test_other_penalties_take_nothing_back(penalty: str) -> None:
    sentence = f"A.Able pass short left to B.Baker to KC 36 for 4 yards. {penalty}"
    assert not is_nullified(sentence)
    assert described_pass(sentence) is not None


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map(" ".join)))
def test_any_text_is_read_without_an_error(text: str) -> None:
    told = described_pass(text)
    kind = kind_told(text)
    assert told is None or (kind in (PlayKind.PASS, PlayKind.CONVERSION_TRY) and not is_nullified(text))


@pytest.mark.parametrize(
    "piece", ["A.", "A. ", "A A ", "Aa. ", "vander", "A.A pass ", "to A.Able ", "(", "PENALTY on KC "]
)
def test_a_long_text_is_read_at_once(piece: str) -> None:
    """Without end, if time were not in proportion to the text."""
    described_pass(piece * 5000)
