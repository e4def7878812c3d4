"""Cancel a task at a suspension of choice, so that a test can try each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Literal

__all__ = ["Cancelling", "Moment"]

#: When the cancellation strikes: as the task falls asleep, or when what it waited for has just come about
#: and the task has not run yet.
Moment = Literal["asleep", "woken"]


class Cancelling:
    """Awaits ``work`` and cancels the task that does so at its ``suspension``-th suspension, counted from 1.

    ``struck`` tells whether there were that many.
    """

    def __init__(self, work: Coroutine[Any, Any, None], suspension: int, moment: Moment) -> None:
        self.work = work
        self.suspension = suspension
        self.moment = moment
        self.struck = False

    def __await__(self) -> Generator[Any, Any, None]:
        error: BaseException | None = None
        while True:
            try:
                future = self.work.send(None) if error is None else self.work.throw(error)
            except StopIteration:
                return
            self.suspension -= 1
            if self.suspension == 0:
                self.strike(future)
            error = None
            try:
                yield future
            except BaseException as raised:
                error = raised

    def strike(self, future: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.struck = True
        if self.moment == "asleep":
            task.cancel()
        elif future is None:
            asyncio.get_running_loop().call_soon(task.cancel)
        else:
            # Before the task's own callback, which is added when it sees the future.
            future.add_done_callback(lambda _: task.cancel())
