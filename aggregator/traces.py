"""The spans of recording a play: how long it waited for its transaction, and how long that took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from aggregator.core.recording import Write
from playscore.aggregator.v1 import aggregator_pb2 as messages
from servicekit import spans
from servicekit.spans import Kind, Span


class Recording:
    """The traces that the records of a request belong to; the records of one play share a span."""

    def __init__(self, request: messages.RecordScoresRequest) -> None:
        self._spans: dict[str, Span] = {}
        """By traceparent."""
        for record in request.records if spans.are_on() else ():
            traceparent = record.traceparent
            if traceparent and traceparent not in self._spans:
                self._spans[traceparent] = _of(record, traceparent)
        self._recorded = [span for span in self._spans.values() if span]

    @property
    def ids(self) -> dict[str, str]:
        """Of one of the spans; empty where nothing is traced."""
        return self._recorded[0].ids if self._recorded else {}

    @contextmanager
    def of(self, write: Write) -> Iterator[Write]:
        """The write to hand to the store within the block, which ends once it is durable or has failed."""
        if not self._recorded:
            yield write
            return
        asked, begun = time.perf_counter(), 0.0

        def on_begun() -> None:
            nonlocal begun
            begun = time.perf_counter()

        failure = ""
        try:
            yield replace(write, on_begun=on_begun)
        except BaseException as error:
            failure = spans.failure_of(error)
            raise
        finally:
            _tell(self._recorded, asked, begun, failure)


def _of(record: messages.PlayRecord, traceparent: str) -> Span:
    span = spans.begin("record play", traceparent, kind=Kind.SERVER)
    if span:
        told = record.score if record.HasField("score") else record.unscored
        key = told.key
        span.set(spans.of_play(key.league, key.game_id, key.play_id, told.revision))
    return span


def _tell(recorded: Sequence[Span], asked: float, begun: float, failure: str) -> None:
    """Waiting and commit, as they were for all of them; a write whose turn never came only waited."""
    for span in recorded:
        waiting = span.child("wait for transaction", began_at=asked)
        waiting.end(at=begun or None)
        if begun:
            span.child("commit", kind=Kind.CLIENT, began_at=begun).end(failure)
        span.end(failure)
