"""What a recording does not depend on: whatever it raises is told, and the recording goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def aside(work: Awaitable[None]) -> None:
    """Wait for `work`; an exception of it goes to `unexpected`. Raises nothing but CancelledError."""
    try:
        await work
    except Exception as error:
        unexpected(error)


def told(work: Callable[[], None]) -> None:
    """Call `work`, which does not wait; an exception of it goes to `unexpected`. Raises nothing."""
    try:
        work()
    except Exception as error:
        unexpected(error)


def unexpected(error: Exception) -> None:
    """Hand an exception to the running loop's handler, by which the page shows and logs what nobody expected."""
    words = "Something went wrong beside a recording."
    asyncio.get_running_loop().call_exception_handler({"message": words, "exception": error})
