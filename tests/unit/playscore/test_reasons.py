"""What the reasons mean, in the contract's words."""

from __future__ import annotations

from playscore.errors import Reason
from playscore.reasons import MEANINGS


def test_every_reason_has_a_meaning_in_whole_sentences() -> None:
    assert set(MEANINGS) == set(Reason)
    for reason, meaning in MEANINGS.items():
        assert meaning[0].isupper() and meaning.endswith("."), reason


def test_status_codes_and_examples_are_left_out() -> None:
    assert MEANINGS[Reason.LEAGUE_NOT_FOUND] == "Nothing is recorded of this league; the message names those there are."
    assert MEANINGS[Reason.NO_RELEASE] == "The play ended without the ball being thrown."
