"""Fails the test in which a task died without anybody having waited for it.

asyncio tells of such a task only when it is collected, and only to the loop's exception handler, which writes it
to the log: a test would pass. pytest's `filterwarnings = error` does not see it either. Pages do the same by
`browser/page.py`, whose console errors fail the tests that drive a browser.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def no_task_dies_unheard() -> Iterator[list[dict[str, Any]]]:
    """Listen to every event loop of this thread; raises AssertionError at the end if one had something to tell.

    A loop with an exception handler of its own tells that one. What was told is in the list that is given.
    """
    told: list[dict[str, Any]] = []
    loops = asyncio.base_events.BaseEventLoop
    hand_on, run_on = loops.call_exception_handler, loops.run_forever
    ran = False

    def listen(self: asyncio.base_events.BaseEventLoop, context: dict[str, Any]) -> None:
        if self._exception_handler is None:  # type: ignore[attr-defined]
            told.append(context)
        else:
            hand_on(self, context)

    def run(self: asyncio.base_events.BaseEventLoop) -> None:
        nonlocal ran
        ran = True
        run_on(self)

    loops.call_exception_handler = listen  # type: ignore[method-assign]
    loops.run_forever = run  # type: ignore[method-assign]
    try:
        yield told
        if ran:
            gc.collect()
    finally:
        loops.call_exception_handler = hand_on  # type: ignore[method-assign]
        loops.run_forever = run_on  # type: ignore[method-assign]
    assert not told, "\n".join(_words(context) for context in told)


def _words(context: dict[str, Any]) -> str:
    error = context.get("exception")
    return f"{context.get('message')}: {error!r}, in {context.get('task') or context.get('future')}"
