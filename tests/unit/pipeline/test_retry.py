from __future__ import annotations

import time

import pytest

from pipeline.retry import Absence, is_transient, until_it_answers
from playscore.errors import PlayscoreError, Reason


class Service:
    """Fails as often as it is told to, and then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def ask(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "an answer"


AWAY = (
    PlayscoreError(Reason.OVERLOADED, "try later"),
    PlayscoreError(Reason.NOT_SERVING, "starting"),
    PlayscoreError(Reason.INFERENCE_UNAVAILABLE, "no Triton"),
    PlayscoreError(Reason.STORE_UNAVAILABLE, "no disk"),
    PlayscoreError(Reason.NOT_FRESH_ENOUGH, "wait"),
    ConnectionError("refused"),
    TimeoutError("late"),
)
FINAL = (
    PlayscoreError(Reason.FIELD_INVALID, "wrong"),
    PlayscoreError(Reason.FEATURE_SPECIFICATION_MISMATCH, "made to another one"),
    PlayscoreError(Reason.PERMISSION_DENIED, "no"),
    ValueError("a defect"),
)


def test_what_goes_away_by_itself_is_told_from_what_does_not() -> None:
    assert all(map(is_transient, AWAY))
    assert not any(map(is_transient, FINAL))


@pytest.mark.parametrize("failure", AWAY, ids=repr)
async def test_a_service_that_comes_back_is_asked_until_it_answers(failure: Exception) -> None:
    service = Service(failure, failure)
    assert await until_it_answers(service.ask) == "an answer"
    assert service.calls == 3


async def test_a_service_that_says_when_to_come_back_is_not_asked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("pipeline.retry.asyncio.sleep", sleep)
    busy = PlayscoreError(Reason.OVERLOADED, "try later", retry_after_seconds=7.0)
    assert await until_it_answers(Service(busy, ConnectionError("refused"), busy).ask) == "an answer"
    assert min(pauses[0], pauses[2]) >= 7.0
    assert pauses[1] < 1.0


@pytest.mark.parametrize("failure", FINAL, ids=repr)
async def test_what_is_not_transient_is_not_asked_again(failure: Exception) -> None:
    service = Service(failure)
    with pytest.raises(type(failure)) as raised:
        await until_it_answers(service.ask)
    assert raised.value is failure
    assert service.calls == 1


async def test_a_service_that_stays_away_is_given_up_with_what_it_said_last() -> None:
    service = Service(*[PlayscoreError(Reason.STORE_UNAVAILABLE, "no disk")] * 100)
    with pytest.raises(ConnectionError, match=r"given up: a service has not answered for 0\.1 s \(no disk\)"):
        await until_it_answers(service.ask, give_up_seconds=0.1)
    assert 2 <= service.calls < 10


def test_an_absence_begins_with_the_first_question_that_was_not_answered() -> None:
    absence = Absence(give_up_seconds=0.1)
    absence.asked()
    time.sleep(0.15)
    with pytest.raises(ConnectionError, match="given up"):
        absence.check(ConnectionError("refused"))


def test_a_service_that_answered_and_then_broke_off_has_just_gone_away() -> None:
    absence = Absence(give_up_seconds=0.1)
    absence.asked()
    absence.ended()
    time.sleep(0.15)
    absence.check(ConnectionError("broken off"))
