"""Tasks that a server needs for as long as it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

__all__ = ["AGAIN_S", "lasting"]

AGAIN_S = 1.0
"""Before a task that ended is begun again: one that ends at once must not keep the processor busy."""

log = logging.getLogger(__name__)


async def lasting(
    what: str, work: Callable[[], Awaitable[None]], count: Callable[[str], None], again_s: float = AGAIN_S
) -> NoReturn:
    """Do `work` until this is cancelled: whatever it ends by is logged, counted as `what`, and it is begun anew.

    `work` is called again after `again_s` seconds and has to be able to begin where it broke off; what it had in its
    hands is lost. Cancelling reaches `work` and is not answered by beginning again.
    """
    while True:
        try:
            await work()
            log.error("A task of the server ended by itself.", extra={"what": what})
        except Exception:
            log.exception("A task of the server broke off.", extra={"what": what})
        count(what)
        await asyncio.sleep(again_s)
