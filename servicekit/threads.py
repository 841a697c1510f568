"""Threads that callers take turns on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from servicekit.callers import current_caller
from servicekit.turns import Turns

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    do: Callable[[], Any]
    result: Future[Any]


class FairThreads(ThreadPoolExecutor):
    """An executor that serves callers in turns: one caller's work never waits for all that another has handed in.

    As the default executor of an event loop it is what `asyncio.to_thread` uses.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        super().__init__(max_workers, thread_name_prefix="work")
        self._turns: Turns[_Work] = Turns()
        self._lock = Lock()

    def submit(
        self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        """Hands work in, in the name of the caller of the call in progress."""
        work = _Work(lambda: fn(*args, **kwargs), Future())
        with self._lock:
            self._turns.put(current_caller.get().party, work)
        super().submit(self._do_next)
        return work.result

    def _do_next(self) -> None:
        with self._lock:
            work = self._turns.take()
        assert work is not None  # there are as many as were handed in
        if not work.result.set_running_or_notify_cancel():
            return
        try:
            result = work.do()
        except BaseException as error:
            work.result.set_exception(error)
        else:
            work.result.set_result(result)
