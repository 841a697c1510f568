"""A slice of the campaign of wrong messages. The whole: `python -m tests.adversary mutations`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import grpc
import pytest

from deploy.local.stack import LocalStack
from playscore.common.v1 import common_pb2 as common
from playscore.errors import Reason
from playscore.scorer.v1 import scorer_pb2 as scorer
from tests.adversary.corpus import Corpus, Method, methods, record_corpus
from tests.adversary.mutation import mutated
from tests.adversary.mutations import Answer, Case, attack, case, fault_of
from tests.adversary.vitals import held_by

MESSAGES = 2_000
SEED = 12


@dataclass
class Attacked:
    """Services, what they were asked while all was well, and what died of them."""

    stack: LocalStack
    corpus: Corpus
    deaths: list[str]


@pytest.fixture(scope="module")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Attacked]:
    deaths: list[str] = []
    folder = tmp_path_factory.mktemp("mutations")
    async with LocalStack(folder / "store.db", folder / "logs", say=deaths.append) as stack:
        yield Attacked(stack, await record_corpus(stack), deaths)


async def test_the_corpus_has_sound_calls_of_every_method(attacked: Attacked) -> None:
    assert [method.path for method in attacked.corpus.methods] == [method.path for method in methods()]


async def test_wrong_messages_are_refused_with_a_reason_and_a_field_and_nothing_dies(attacked: Attacked) -> None:
    processes = {name: server.pid for name, server in attacked.stack.servers.items()}
    result = await attack(attacked.stack, attacked.corpus, SEED, MESSAGES)
    assert not result.faults, "\n".join(result.report())
    assert not attacked.deaths
    assert set(result.by_method) == {method.name for method in methods()}
    assert processes == {name: server.pid for name, server in attacked.stack.servers.items()}
    assert all(held_by(pid) is not None for pid in processes.values())


async def test_a_seed_makes_the_same_messages_again(attacked: Attacked, tmp_path: Path) -> None:
    attacked.corpus.save(tmp_path / "corpus.json")
    again = Corpus.load(tmp_path / "corpus.json")
    for number in range(200):
        first, second = case(attacked.corpus, SEED, number), case(again, SEED, number)
        assert (first.method, list(first.requests), first.wrong) == (second.method, list(second.requests), second.wrong)


def a_case(name: str = "ListModels", wrong: str = "page_size is -1") -> Case:
    (method,) = (each for each in methods() if (each.service, each.name) == ("scorer", name))
    return Case(0, method, [b""], wrong, 1)


def an_answer(
    code: grpc.StatusCode,
    reason: Reason | None = None,
    fields: Sequence[str] = (),
    responses: Sequence[bytes] = (),
) -> Answer:
    return Answer(code, "", reason, fields, responses, 0.0)


@pytest.mark.parametrize(
    "answer",
    [
        an_answer(grpc.StatusCode.INTERNAL, Reason.INTERNAL),
        an_answer(grpc.StatusCode.UNKNOWN),
        an_answer(grpc.StatusCode.DEADLINE_EXCEEDED),
        an_answer(grpc.StatusCode.INVALID_ARGUMENT, Reason.FIELD_INVALID),
        an_answer(grpc.StatusCode.NOT_FOUND),
        an_answer(grpc.StatusCode.UNAVAILABLE),
    ],
    ids=lambda answer: answer.code.name,
)
def test_an_answer_that_must_not_be_is_a_fault(answer: Answer) -> None:
    assert fault_of(a_case(), answer) is not None


def test_an_item_that_is_refused_for_nothing_is_a_fault() -> None:
    response = scorer.ScorePassesResponse(rejections=[common.Rejection(index=0, detail="no")])
    answer = an_answer(grpc.StatusCode.OK, responses=[response.SerializeToString()])
    assert fault_of(a_case("ScorePasses"), answer) is not None


def test_a_sound_message_that_is_refused_is_a_fault_and_a_wrong_one_is_not() -> None:
    answer = an_answer(grpc.StatusCode.INVALID_ARGUMENT, Reason.FIELD_INVALID, ["page_size"])
    assert fault_of(a_case(wrong=""), answer) is not None
    assert fault_of(a_case(), answer) is None


def test_a_fault_is_written_down_with_what_was_sent(tmp_path: Path) -> None:
    made = a_case()
    made.save(tmp_path / "fault.json", "INTERNAL")
    again = Case.load(tmp_path / "fault.json")
    assert (again.method, list(again.requests), again.wrong) == (made.method, list(made.requests), made.wrong)


def all_methods() -> Sequence[Method]:
    return tuple(methods())


@pytest.mark.parametrize("method", all_methods(), ids=lambda method: f"{method.service}-{method.name}")
def test_even_an_empty_message_can_be_damaged(method: Method) -> None:
    for seed in range(50):
        mutated(Random(seed), method.request(), [method.request()])
