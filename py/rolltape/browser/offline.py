"""Keeps a copy of the whole page on this machine; `sw.js` serves it where the network does not answer.

The copy is one version of the page: what changes under its name is fetched together, and again if a new version
was put up meanwhile. What carries its version in its name is fetched once, from what the browser has anyway.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from js import Request, console, fetch, navigator, window
from pyodide.ffi import JsException, to_js

from rolltape.browser.interop import member
from rolltape.browser.scripts import script_url

COPY = "rolltape"
VENDOR = "static/vendor/"
CHANGING = (
    "./",
    "static/boot.js",
    "static/frames.js",
    "static/icon.svg",
    "static/journal.js",
    "static/main.py",
    "static/pcm.js",
    "static/pyscript.json",
    "static/python.js",
    "static/reader.js",
    "static/style.css",
    "static/theme.js",
    f"{VENDOR}manifest.json",
)
"""What keeps its name when it changes, beside the runtime's lock file."""

ROOM_BYTES = 500_000_000
"""With less left than this no copy is kept: the room is for recordings."""


async def keep_copy() -> None:
    """Keep a copy of this version of the page, for the next visit; whether it could goes into the log."""
    console.info(await _kept())


async def _kept() -> str:
    try:
        if member(navigator, "serviceWorker") is None or member(window, "caches") is None:
            return "This browser keeps no copy of the page: it starts with a network only."
        await navigator.serviceWorker.register(script_url("sw.js"))
        estimate = await navigator.storage.estimate()
        if (estimate.quota or 0) - (estimate.usage or 0) < ROOM_BYTES:
            return "There is no room for a copy of the page: it starts with a network only."
        while await _fill():
            pass
    except (JsException, ValueError) as error:
        return f"No copy of the page was kept: it starts with a network only. ({error})"
    return "A copy of the page is kept: it starts without a network too."


async def _fill() -> bool:
    """Fill the copy; whether the page has changed meanwhile."""
    cache = await window.caches.open(COPY)
    manifest = await _manifest()
    built = [VENDOR + name for name in json.loads(manifest)["files"]]
    fixed = [name for name in built if not name.endswith("-lock.json")]
    changing = [*CHANGING, *(name for name in built if name not in fixed)]
    there = {request.url for request in await cache.keys()}
    wanted = {_address(name) for name in (*fixed, *changing)}
    # Either call keeps all of its files or none of them.
    await cache.addAll(_requests((name for name in fixed if _address(name) not in there), "force-cache"))
    await cache.addAll(_requests(changing, "no-cache"))
    for address in there - wanted:
        await cache.delete(address)
    return await _manifest() != manifest


async def _manifest() -> str:
    answer = await fetch(f"{VENDOR}manifest.json", cache="no-cache")
    return str(await answer.text())


def _address(name: str) -> str:
    return str(Request.new(name).url)


def _requests(names: Iterable[str], cache: str) -> object:
    return to_js([Request.new(name, cache=cache) for name in names])
