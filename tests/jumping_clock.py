"""An event loop whose clock jumps: where nothing is to be done but to wait, the waiting is over at once."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class JumpingLoop(asyncio.SelectorEventLoop):
    """Time goes by only while nobody has anything to do, and then all of it at once."""

    def __init__(self) -> None:
        super().__init__()
        self._jumped_s = 0.0

    def time(self) -> float:
        return self._jumped_s

    def _run_once(self) -> None:
        ready: Any = getattr(self, "_ready")  # noqa: B009 - asyncio's own, which its stubs do not show
        scheduled: list[asyncio.TimerHandle] = getattr(self, "_scheduled")  # noqa: B009
        while scheduled and scheduled[0].cancelled():
            heapq.heappop(scheduled)
        if not ready and scheduled:
            self._jumped_s = max(self._jumped_s, scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


def run(story: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine by a clock that jumps."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(story)
