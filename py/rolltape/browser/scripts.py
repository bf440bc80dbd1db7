"""The addresses of our own worker scripts, in the form that Trusted Types asks for (W3C Trusted Types)."""

from __future__ import annotations

from js import window
from pyodide.ffi import create_proxy, to_js

from rolltape.browser.interop import member

WORKER_SCRIPTS = frozenset(
    {"static/frames.js", "static/journal.js", "static/reader.js", "static/upload.js", "sw.js"}
)


def _only_ours(url: str, *_: object) -> str:
    if url not in WORKER_SCRIPTS:
        raise ValueError(f"{url} is not one of this page's own scripts.")
    return url


def script_url(path: str) -> object:
    """Return the address of one of our worker scripts, relative to the page. Raises ValueError for any other name."""
    if member(window, "trustedTypes") is None:
        return _only_ours(path)
    rule = create_proxy(_only_ours)
    try:
        return window.trustedTypes.createPolicy("rolltape", to_js({"createScriptURL": rule})).createScriptURL(
            path
        )
    finally:
        rule.destroy()
