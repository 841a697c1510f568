"""Wrong messages to running services: what must not happen, and what did.

Message i of a seed depends on the seed, i and the corpus alone. A fault is written down with the bytes that were sent.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, Self

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from deploy.local.stack import Inference, LocalStack
from playscore.common.v1 import reason_pb2
from playscore.errors import Reason
from playscore.rpc_errors import error_from_rpc
from tests.adversary.corpus import Corpus, Method, methods, record_corpus
from tests.adversary.health import HealthAnswers, asking
from tests.adversary.mutation import mutated
from tests.adversary.recorder import OPTIONS
from tests.adversary.vitals import Growth, Vitals

DEADLINE_SECONDS: Final = 30.0
"""Of every call. One that is not answered by then hangs."""
SOUND: Final = 0.03
"""How many calls are left as they are: they must not be refused, and bring back what others have erased."""
NEW: Final = 0.95
"""How many calls that change something come under an identifier of their own, and so are not answered from memory."""
_MAX_STREAM: Final = 12
"""Messages of a game that a stream sends after it is opened."""
_WATCH_SECONDS: Final = 0.5
"""How long a watch that says nothing is listened to."""
_HEALTH_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Case:
    """A call that is made, with what is wrong about it."""

    number: int
    method: Method
    requests: Sequence[bytes]
    wrong: str
    """Empty: nothing."""
    mutated: int
    """How many of its messages are."""

    def __str__(self) -> str:
        return f"message {self.number} to {self.method.name}: {self.wrong or 'nothing is wrong'}"

    def save(self, file: Path, fault: str) -> None:
        """Write down what was sent."""
        requests = [base64.b64encode(request).decode() for request in self.requests]
        told = {"method": self.method.path, "wrong": self.wrong, "fault": fault, "requests": requests}
        file.write_text(json.dumps(told, indent=1))

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read what was sent."""
        told = json.loads(file.read_text())
        (method,) = (each for each in methods() if each.path == told["method"])
        return cls(0, method, [base64.b64decode(request) for request in told["requests"]], told["wrong"], 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call."""

    code: grpc.StatusCode
    detail: str
    reason: Reason | None
    """Why it was refused, where the service has said so."""
    fields: Sequence[str]
    """Those at fault."""
    responses: Sequence[bytes]
    seconds: float


# --- cases ---


def case(corpus: Corpus, seed: int, number: int) -> Case:
    """Message `number` of a seed."""
    random = Random(f"{seed} {number}")
    method = random.choice(corpus.methods)
    call = random.choice(corpus.calls(method))
    sound = random.random() < SOUND
    if method.takes_many:
        return _stream_case(random, corpus, method, call, number, sound=sound)
    if sound:
        return Case(number, method, call, "", 0)
    donors = [parsed for other in random.sample(corpus.calls(method), 1) if (parsed := _parsed(method, other[0]))]
    message = _parsed(method, call[0])
    assert message is not None
    if "request_id" in message.DESCRIPTOR.fields_by_name and random.random() < NEW:
        message.request_id = f"{seed}-{number}"  # type: ignore[attr-defined]
    data, wrong = mutated(random, message, donors)
    return Case(number, method, [data], wrong, 1)


def _stream_case(
    random: Random, corpus: Corpus, method: Method, call: Sequence[bytes], number: int, *, sound: bool
) -> Case:
    """Some messages of a stream in a row, behind those that open it."""
    opening = 2 if method.name in ("StreamPlays", "StreamPlayBatches") else 0
    if sound:
        return Case(number, method, call[: opening + _MAX_STREAM], "", 0)
    start = random.randrange(opening, max(len(call) - _MAX_STREAM, opening) + 1)
    requests = [*call[:opening], *call[start : start + _MAX_STREAM]]
    wrong = []
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(requests))
        match random.randrange(8):
            case 0 if len(requests) > 1:
                del requests[at]
                wrong.append(f"[{at}] is missing")
            case 1:
                requests.insert(random.randrange(len(requests) + 1), requests[at])
                wrong.append(f"[{at}] comes again")
            case 2:
                other = random.randrange(len(requests))
                requests[at], requests[other] = requests[other], requests[at]
                wrong.append(f"[{at}] and [{other}] have changed places")
            case _:
                donor = _parsed(method, random.choice(call))
                message = _parsed(method, requests[at])
                if message is not None:
                    requests[at], what = mutated(random, message, [] if donor is None else [donor])
                    wrong.append(f"[{at}] {what}")
    return Case(number, method, requests, ", ".join(wrong), max(len(wrong), 1))


def _parsed(method: Method, data: bytes) -> Message | None:
    try:
        return method.request.FromString(data)
    except DecodeError:
        return None


# --- verdicts ---


_EXCUSED: Final = {Reason.OVERLOADED, Reason.NOT_FRESH_ENOUGH, Reason.STORE_UNAVAILABLE, Reason.NOT_SERVING}
"""A service may say these of any message, sound ones too."""


def fault_of(case: Case, answer: Answer) -> str | None:
    """What is wrong with an answer; None if nothing is."""
    if answer.code is grpc.StatusCode.OK:
        return next(filter(None, map(_wrong_rejection, _rejections(case.method, answer))), None)
    wrong = _wrong_refusal(case, answer)
    reason = answer.reason.name if answer.reason else "no reason"
    return wrong and f"{wrong}, {answer.code.name} {reason}: {answer.detail[:300]}"


def _wrong_refusal(case: Case, answer: Answer) -> str | None:
    wrong = None
    if answer.code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN):
        wrong = "a defect"
    elif answer.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        wrong = f"no answer within {DEADLINE_SECONDS:g} s"
    elif answer.reason is None:
        # A message that is larger than the transport takes is refused before the service can say anything.
        wrong = None if answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED else "does not say why"
    elif answer.code is grpc.StatusCode.INVALID_ARGUMENT and not answer.fields:
        wrong = "names no field"
    elif not case.wrong and answer.reason not in _EXCUSED and not _may_be_gone(answer.reason):
        wrong = "a sound message was refused"
    return wrong


def _may_be_gone(reason: Reason) -> bool:
    """Another message may have erased or switched what a sound one asks for; tokens are of what was before."""
    return reason in {
        Reason.SUBJECT_NOT_FOUND,
        Reason.LEAGUE_NOT_FOUND,
        Reason.GAME_NOT_FOUND,
        Reason.REVISION_NOT_KEPT,
        Reason.MODEL_CHANGED,
        Reason.MODEL_NOT_FOUND,
        Reason.IDEMPOTENCY_KEY_REUSED,
        Reason.PAGE_TOKEN_INVALID,
        Reason.RESUME_TOKEN_INVALID,
        Reason.REVISION_TOKEN_INVALID,
    }


def _rejections(method: Method, answer: Answer) -> Iterator[Any]:
    """The items that an answer refuses."""
    response = method.response
    for data in answer.responses:
        message: Any = response.FromString(data)
        if "rejections" in response.DESCRIPTOR.fields_by_name:
            yield from message.rejections
        elif "rejection" in response.DESCRIPTOR.fields_by_name and message.HasField("rejection"):
            yield message.rejection


def _wrong_rejection(rejection: Any) -> str | None:
    if rejection.reason in (reason_pb2.REASON_UNSPECIFIED, reason_pb2.REASON_INTERNAL) or not rejection.detail:
        return f"an item was refused without a reason: {rejection}"
    return None


# --- calls ---


class Caller:
    """Makes calls of all services, as bytes."""

    def __init__(self, stack: LocalStack) -> None:
        self._channels: dict[str, Any] = {  # the stubs do not know that bytes need no serializers
            name: grpc.aio.insecure_channel(getattr(stack, name), options=OPTIONS)
            for name in ("featurizer", "scorer", "aggregator")
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels.values():
            await channel.close()

    async def make(self, case: Case) -> Answer:
        """Makes a call and waits for its end; of a watch, for its first words."""
        begun = time.monotonic()
        channel, method = self._channels[case.method.service], case.method
        responses: list[bytes] = []
        try:
            if method.takes_many:
                await _converse(channel.stream_stream(method.path)(timeout=DEADLINE_SECONDS), case.requests, responses)
            elif method.answers_many:
                responses += await self._first_words(channel, case)
            else:
                responses.append(await channel.unary_unary(method.path)(case.requests[0], timeout=DEADLINE_SECONDS))
        except grpc.aio.AioRpcError as error:
            told = error_from_rpc(error)
            fields = () if told is None else tuple(violation.field for violation in told.fields)
            reason = None if told is None else told.reason
            return Answer(error.code(), error.details() or "", reason, fields, responses, time.monotonic() - begun)
        return Answer(grpc.StatusCode.OK, "", None, (), responses, time.monotonic() - begun)

    async def _first_words(self, channel: Any, case: Case) -> list[bytes]:
        call = channel.unary_stream(case.method.path)(case.requests[0], timeout=DEADLINE_SECONDS)
        try:
            first = await asyncio.wait_for(call.read(), _WATCH_SECONDS)
        except TimeoutError:
            return []  # what is watched does not exist yet
        finally:
            call.cancel()
        return [first] if isinstance(first, bytes) else []


async def _converse(call: Any, requests: Sequence[bytes], responses: list[bytes]) -> None:
    """Sends all while it reads all. Raises the status that the service ends the stream with.

    Not by `call.write`, which calls a stream INTERNAL that the service ends meanwhile (see `playscore.client.streams`).
    """
    call.add_done_callback(lambda _: call._metadata_sent.set())

    async def send() -> None:
        await call._metadata_sent.wait()
        try:
            for request in requests:
                await call._cython_call.send_serialized_message(request)
            await call.done_writing()
        except grpc.aio.InternalError:
            pass  # it has ended, and reading says how

    sending = asyncio.create_task(send())
    try:
        while isinstance(response := await call.read(), bytes):
            responses.append(response)
    finally:
        sending.cancel()
        call.cancel()


# --- the campaign ---


@dataclass
class Result:
    """What came of a campaign."""

    messages: int = 0
    """Wrong ones sent."""
    calls: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    by_method: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    """Faults by what they have in common."""
    deaths: list[str] = field(default_factory=list)
    health_p99_seconds: dict[str, float] = field(default_factory=dict)
    health_max_seconds: dict[str, float] = field(default_factory=dict)
    growth: dict[str, Growth] = field(default_factory=dict)
    seconds: float = 0.0
    slowest: tuple[float, str] = (0.0, "")

    def report(self) -> Iterator[str]:
        """Lines for people."""
        yield f"{self.messages:,} wrong messages in {self.calls:,} calls, {self.seconds:.0f} s"
        yield "answers: " + ", ".join(f"{name} {count:,}" for name, count in self.answers.most_common())
        for name, p99 in self.health_p99_seconds.items():
            yield f"health of {name:<11} p99 {1000 * p99:6.1f} ms, max {1000 * self.health_max_seconds[name]:6.1f} ms"
        for name, grown in self.growth.items():
            yield f"{name:<11} {grown}"
        yield f"slowest: {self.slowest[0]:.1f} s, {self.slowest[1]}"
        yield f"{len(self.deaths)} crashes, {len(self.faults)} faults"
        yield from (f"  {said}" for said in self.deaths)
        for kind, alike in sorted(self.kinds.items(), key=lambda item: -len(item[1])):
            yield f"  {len(alike)} × {kind}"
            yield from (f"      {said}" for said in alike[:3])


async def attack(
    stack: LocalStack,
    corpus: Corpus,
    seed: int,
    messages: int,
    *,
    first: int = 0,
    in_flight: int = 8,
    out: Path | None = None,
    say: Any = None,
) -> Result:
    """Sends at least so many wrong messages, several calls at a time. Faults are written to `out`."""
    result = Result()
    begun = time.monotonic()
    numbers = iter(range(first, 2**62))

    async def keep_calling(caller: Caller) -> None:
        while result.messages < messages:
            made = case(corpus, seed, next(numbers))
            answer = await caller.make(made)
            note(made, answer)

    def note(made: Case, answer: Answer) -> None:
        result.calls += 1
        result.messages += made.mutated
        result.by_method[made.method.name] += made.mutated
        result.answers[answer.reason.name if answer.reason else answer.code.name] += 1
        if answer.seconds > result.slowest[0]:
            result.slowest = answer.seconds, str(made)[:300]
        fault = fault_of(made, answer)
        if fault is not None:
            result.faults.append(f"{made}: {fault}"[:1_000])
            alike = result.kinds.setdefault(f"{made.method.name}: {fault.partition(':')[0]}", [])
            alike.append(result.faults[-1])
            if out is not None and len(result.faults) <= 1_000:
                made.save(out / f"fault-{seed}-{made.number}.json", fault)
        if say is not None and result.calls % 2_000 == 0:
            rate = result.messages / (time.monotonic() - begun)
            say(f"{result.messages:,} messages, {rate:.0f} a second, {len(result.faults)} faults")

    async with Caller(stack) as caller, asyncio.TaskGroup() as calling:
        for _ in range(in_flight):
            calling.create_task(keep_calling(caller))
    result.seconds = time.monotonic() - begun
    return result


async def campaign(
    seed: int,
    messages: int,
    *,
    out: Path,
    in_flight: int = 8,
    inference: Inference = Inference.TRITON,
    recorded: Path | None = None,
    say: Any = None,
) -> Result:
    """Starts services, records a corpus unless one is given, attacks, and watches health, memory and descriptors."""
    deaths: list[str] = []
    vitals = Vitals()
    async with LocalStack(logs=out / "logs", store=out / "store.db", inference=inference, say=deaths.append) as stack:
        corpus = await record_corpus(stack) if recorded is None else Corpus.load(recorded)
        corpus.save(out / "corpus.json")
        addresses = {name: getattr(stack, name) for name in ("featurizer", "scorer", "aggregator")}
        async with asking(addresses) as health:
            watching = asyncio.create_task(
                vitals.watch(lambda: {name: each.pid for name, each in stack.servers.items()})
            )
            try:
                result = await attack(stack, corpus, seed, messages, in_flight=in_flight, out=out, say=say)
            finally:
                watching.cancel()
            _add_health(result, health)
    result.deaths = deaths
    result.growth = dict(vitals.growth())
    return result


def _add_health(result: Result, health: HealthAnswers) -> None:
    result.health_p99_seconds = dict(health.p99())
    result.health_max_seconds = {name: max(seconds) for name, seconds in health.seconds().items()}


async def replay(file: Path) -> None:
    """Sends what was written down of a fault once more, to services of its own."""
    async with LocalStack() as stack, Caller(stack) as caller:
        await record_corpus(stack)
        made = Case.load(file)
        answer = await caller.make(made)
        print(made)
        print(f"{answer.seconds:.3f} s: {answer.code.name} {answer.reason and answer.reason.name} {answer.fields}")
        print(answer.detail)
        print(f"fault: {fault_of(made, answer)}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--messages", type=int, default=1_000_000, help="wrong messages to send")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--in-flight", type=int, default=8, help="calls at a time")
    parser.add_argument("--corpus", type=Path, help="corpus.json of an earlier run, to make the same messages")
    parser.add_argument(
        "--growth-mib", type=float, default=64, help="memory that a service may take once it has settled"
    )
    parser.add_argument("--growth-descriptors", type=int, default=16, help="descriptors that it may open")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="send the bytes of one fault again, and no others")


def run(options: argparse.Namespace) -> bool:
    """The command. True where everything held."""
    if options.replay is not None:
        asyncio.run(replay(options.replay))
        return True
    (options.out / "mutations").mkdir(parents=True, exist_ok=True)
    result = asyncio.run(
        campaign(
            options.seed,
            options.messages,
            out=options.out / "mutations",
            in_flight=options.in_flight,
            recorded=options.corpus,
            say=lambda text: print(text, flush=True),
        )
    )
    print(*result.report(), sep="\n")
    slow = [name for name, p99 in result.health_p99_seconds.items() if p99 > _HEALTH_SECONDS]
    grown = [
        name
        for name, growth in result.growth.items()
        if growth.grown_bytes > options.growth_mib * 2**20 or growth.grown_descriptors > options.growth_descriptors
    ]
    for wrong in (*(f"{name}: health p99 over 100 ms" for name in slow), *(f"{name} grows" for name in grown)):
        print(wrong)
    return not (result.faults or result.deaths or slow or grown)
