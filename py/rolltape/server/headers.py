"""The headers of every answer: what a browser may do with it and how long it may keep it."""

from __future__ import annotations

import re
from collections.abc import Mapping

# What the page may load and do (W3C Content Security Policy Level 3). 'wasm-unsafe-eval' lets WebAssembly
# compile, which is how Python runs; no script from elsewhere or from text can run. `index.html` carries the
# same policy for hosts that send no headers; `frame-ancestors` works in a header only.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "frame-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    )
)

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
}

REVALIDATE = "no-cache"
KEEP = "public, max-age=31536000, immutable"
_VERSIONED = re.compile(r"static/vendor/[a-z]+-[0-9][^/]*/[^/]+")


def cache_control(path: str) -> str:
    """Return the Cache-Control header for the file at this path, such as `static/vendor/pyodide-1/pyodide.mjs`.

    Folders in the runtime's are named after a version, and ours in them after a hash, so that their content
    never changes; the lock file, which names the newest wheel, and everything else is asked for again (and
    answered by 304 if unchanged).
    """
    versioned = _VERSIONED.fullmatch(path) is not None
    return KEEP if versioned and not path.endswith("/pyodide-lock.json") else REVALIDATE
