"""The traces of a game's plays, each from the message that closes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from servicekit import spans
from servicekit.spans import NO_SPAN, Kind, Span

MAX_SENT: Final = 256
"""Messages on their way to the featurizer, and back, of which a play could be traced."""


@dataclass(slots=True)
class _Sent:
    """A message that may close a play, and the spans of that."""

    play: Span
    featurize: Span
    closed_one: bool = False


class PlayTraces:
    """Tells the featurizer which trace a play belongs to that a message closes, and hears which message closed it.

    Whether a play is traced is decided before anybody knows that it closes: for each message, by the feed or else by
    the ratio. A message that closes nothing leaves no span of ours.
    """

    def __init__(self, traceparent: Callable[[], str]) -> None:
        """`traceparent` says which trace the message of the feed belongs to that is being taken; empty for none."""
        self._traceparent = traceparent
        self._sent: dict[str, _Sent] = {}
        """By what the featurizer was told, the earliest first."""

    def tagged(self, request: featurizer.StreamPlaysRequest) -> featurizer.StreamPlaysRequest:
        """The same request, with the trace of a play that it closes."""
        if not spans.are_on() or request.HasField("roster"):
            return request
        play = spans.begin_trace("play", spans.read(self._traceparent()), kind=Kind.CONSUMER)
        if play:
            sent = _Sent(play, play.child("featurize", kind=Kind.CLIENT))
            request.traceparent = sent.featurize.traceparent
            self._sent[request.traceparent] = sent
            if len(self._sent) > MAX_SENT:
                del self._sent[next(iter(self._sent))]
        return request

    def answered(self, answer: featurizer.StreamPlaysResponse) -> Span:
        """The span of the play that is answered; NO_SPAN if it is not traced."""
        sent = self._sent.get(answer.traceparent) if self._sent else None
        if sent is None:
            return NO_SPAN
        if sent.closed_one:
            return sent.play.child("play", kind=Kind.CONSUMER)
        sent.closed_one = True
        sent.featurize.end(_refusal(answer))
        return sent.play


def _refusal(answer: featurizer.StreamPlaysResponse) -> str:
    return "rejected" if answer.HasField("rejection") else ""
