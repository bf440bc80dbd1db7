"""Web Locks (W3C): which takes this tab or another is recording. A closed or killed tab holds none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from js import navigator
from pyodide.ffi import JsException, create_proxy

from rolltape.browser.interop import member, translated

PREFIX = "rolltape-take-"


async def hold(take_id: str) -> Callable[[], None]:
    """Hold the lock of this take until the returned function is called.

    Waits for whoever holds it. Raises RolltapeError where the browser refuses it, or breaks it off. If this is
    cancelled, the lock is not asked for any more, or let go of at once.
    """
    if member(navigator, "locks") is None:
        return lambda: None
    loop = asyncio.get_running_loop()
    granted: asyncio.Future[None] = loop.create_future()
    released: asyncio.Future[None] = loop.create_future()

    async def until_released(lock: object) -> None:
        if not granted.done():
            granted.set_result(None)
        await released

    async def request() -> None:
        """The browser's own promise: done when the lock was held and let go of, or refused."""
        proxy = create_proxy(until_released)
        try:
            with translated():
                await navigator.locks.request(PREFIX + take_id, proxy)
        except Exception as error:
            if granted.done():  # it was held, and taken away
                raise
            granted.set_exception(error)
        finally:
            loop.call_soon(proxy.destroy)

    asking = asyncio.ensure_future(request())

    def let_go() -> None:
        if not asking.done() and not released.done():
            released.set_result(None)

    try:
        await asyncio.shield(granted)
    except BaseException:
        let_go()
        raise
    return let_go


async def until_free(name: str) -> None:
    """Wait until whoever holds the lock of this name is gone."""
    proxy = create_proxy(lambda lock: None)
    try:
        await navigator.locks.request(name, proxy)
    finally:
        proxy.destroy()


async def running() -> frozenset[str]:
    """Ask for the ids of all takes whose lock is held, by any tab of this address."""
    if member(navigator, "locks") is None:
        return frozenset()
    try:
        held = (await navigator.locks.query()).held
    except JsException:  # refused, as to a page without an origin: the same as a browser without locks
        return frozenset()
    return frozenset(lock.name.removeprefix(PREFIX) for lock in held if lock.name.startswith(PREFIX))
