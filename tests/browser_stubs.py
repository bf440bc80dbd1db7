"""Just enough of a page's own modules, `js` and `pyodide.ffi`, to run what wraps the browser in CPython.

Only what the browser does badly belongs here (a worker that hangs, a late answer); what it does well is tested in
real browsers.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class JsException(Exception):
    """A browser's error, by its name."""

    def __init__(self, name: str = "Error", message: str = "") -> None:
        super().__init__(message)
        self.name = name
        self.message = message


class JsNull:
    """JavaScript's `null`."""


class Proxy:
    """A Python function as JavaScript holds it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function: Callable[..., Any] | None = function

    def __call__(self, *given: Any) -> Any:
        assert self._function is not None, "a proxy was called after it had been destroyed"
        return self._function(*given)

    def destroy(self) -> None:
        self._function = None


class Target:
    """An event target."""

    def __init__(self) -> None:
        self._heard: dict[str, list[Proxy]] = {}

    def addEventListener(self, type: str, proxy: Proxy) -> None:
        self._heard.setdefault(type, []).append(proxy)

    def removeEventListener(self, type: str, proxy: Proxy) -> None:
        self._heard[type].remove(proxy)

    def fire(self, type: str, event: Any) -> None:
        """Have the event happen."""
        for proxy in list(self._heard.get(type, [])):
            proxy(event)


class Array:
    """A Uint8Array."""

    def __init__(self, size: int) -> None:
        self.data = bytes(size)
        self.buffer = self

    @classmethod
    def new(cls, size: int) -> Array:
        return cls(size)

    def assign(self, data: bytes) -> None:
        self.data = data


class Interfaces(ModuleType):
    """`js` with these members; every other interface is there and can nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def _ffi() -> ModuleType:
    ffi = Interfaces("pyodide.ffi")
    members = {"create_proxy": Proxy, "JsException": JsException, "JsNull": JsNull, "jsnull": JsNull()}
    vars(ffi).update(members, to_js=lambda thing, *given, **named: thing)
    return ffi


def _microtask(callback: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(callback)


@contextmanager
def stubbed_browser(**members: Any) -> Iterator[Callable[[str], Any]]:
    """Gives a function that imports modules of `rolltape.browser` over a `js` that has these members."""
    js = Interfaces("js")
    vars(js).update({"Uint8Array": Array, "EventTarget": Target, "queueMicrotask": _microtask} | members)
    before = dict(sys.modules)
    _forget_ours()
    sys.modules.update({name: Interfaces(name) for name in ("pyodide", "pyodide_js")})
    sys.modules.update({"js": js, "pyodide.ffi": _ffi()})
    try:
        yield importlib.import_module
    finally:
        _forget_ours()
        for name in ("js", "pyodide", "pyodide_js", "pyodide.ffi"):
            sys.modules.pop(name)
        sys.modules.update(before)


def _forget_ours() -> None:
    for name in [name for name in sys.modules if name.startswith("rolltape.browser")]:
        del sys.modules[name]
