"""Small tools for Python over JavaScript: listeners that are taken off again, errors in our own words.

with translated():
    stream = await navigator.mediaDevices.getUserMedia(constraints)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from js import EventTarget, Uint8Array, performance, queueMicrotask
from pyodide.ffi import JsDoubleProxy, JsException, JsNull, create_proxy

from rolltape.core import errors

_Value = TypeVar("_Value")

NO_ROOM = "There is no room left in the browser's storage."
# DOMException names (Web IDL section 2.8.1; Media Capture section 10.4) and what they mean for people.
SENTENCES: dict[str, tuple[type[errors.RolltapeError], str]] = {
    "NotAllowedError": (errors.PermissionDenied, "The browser did not allow it."),
    "SecurityError": (errors.PermissionDenied, "The browser's security settings do not allow it."),
    "NotFoundError": (errors.DeviceNotFound, "There is no such device or file."),
    "OverconstrainedError": (errors.DeviceNotFound, "No device can do what was asked."),
    "NotReadableError": (errors.DeviceBusy, "The device cannot be read; another program may be using it."),
    "AbortError": (errors.DeviceBusy, "The device stopped before it could be used."),
    "NotSupportedError": (errors.EngineError, "This browser cannot record that way."),
    "InvalidStateError": (errors.EngineError, "The browser was not ready for that."),
    "InvalidModificationError": (errors.EngineError, "The tracks changed while they were recorded."),
    "UnknownError": (errors.EngineError, "The browser's recorder failed."),
    "EncodingError": (errors.EngineError, "The browser's encoder failed."),
    "QuotaExceededError": (errors.StorageFull, NO_ROOM),
    "NoModificationAllowedError": (errors.StorageLocked, "Another tab holds this recording."),
}


def error_of(name: str, message: str) -> errors.RolltapeError:
    """Our exception for a browser's error of this name."""
    kind, sentence = SENTENCES.get(name, (errors.RolltapeError, "The browser reported an error."))
    return kind(sentence, detail=f"{name}: {message}")


async def changed(read: Callable[[], float], within_ms: float) -> float | None:
    """Wait until what `read` returns is another than at first; return that, or None after so many milliseconds."""
    before, until_ms = read(), performance.now() + within_ms
    while (now := read()) == before:
        if performance.now() >= until_ms:
            return None
        await asyncio.sleep(0)
    return now


async def at_once(read: Callable[[], _Value]) -> _Value:
    """Return what `read` does in a microtask (HTML, `queueMicrotask`), which no other task of the page comes before.

    What it raises is raised.
    """
    found: asyncio.Future[_Value] = asyncio.get_running_loop().create_future()

    def microtask() -> None:
        if found.done():
            return
        try:
            found.set_result(read())
        except Exception as error:
            found.set_exception(error)

    proxy = create_proxy(microtask)
    try:
        queueMicrotask(proxy)
        return await found
    finally:
        proxy.destroy()


@contextmanager
def translated() -> Iterator[None]:
    """Raise a browser's exceptions as our own (`rolltape.core.errors`)."""
    try:
        yield
    except JsException as error:
        raise error_of(error.name, error.message) from None


class Listeners:
    """Event listeners with one owner: `close` takes them all off and frees their proxies."""

    def __init__(self) -> None:
        self._held: list[tuple[EventTarget, str, JsDoubleProxy]] = []

    def add(self, target: EventTarget, type: str, handler: Callable[..., object]) -> None:
        """Call `handler(event)` for each event of this type."""
        proxy = create_proxy(handler)
        target.addEventListener(type, proxy)
        self._held.append((target, type, proxy))

    def drop(self, target: EventTarget) -> None:
        """Take off the listeners of one target."""
        for held in [held for held in self._held if held[0] == target]:
            self._held.remove(held)
            self._take_off(*held)

    def close(self) -> None:
        """Take all of them off."""
        while self._held:
            self._take_off(*self._held.pop())

    @staticmethod
    def _take_off(target: EventTarget, type: str, proxy: JsDoubleProxy) -> None:
        target.removeEventListener(type, proxy)
        proxy.destroy()


def uint8array(data: bytes) -> Uint8Array:
    """Copy bytes to JavaScript; `assign` is 25 times faster than `to_js`."""
    array = Uint8Array.new(len(data))
    array.assign(data)
    return array


def member(thing: object, name: str) -> Any:
    """Return what a browser's object has under this name; None where this browser leaves it out (quirk 7)."""
    return maybe(getattr(thing, name, None))


def maybe(value: _Value | JsNull | None) -> _Value | None:
    """Return the value, or None for JavaScript's `null`, which Python does not take for None."""
    return None if isinstance(value, JsNull) else value
