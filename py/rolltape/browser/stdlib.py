"""The standard library, which comes after the page: Python starts with all that ours imports in its memory.

What else is imported, by libraries that are loaded only when somebody asks for them, waits for `complete`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from js import Uint8Array, fetch
from pyodide_js import FS, lockfileBaseUrl

ARCHIVE = f"/lib/python{sys.version_info.major}{sys.version_info.minor}.zip"
"""Where Python looks for it; `tools/runtime/steps/memory_snapshot.py` names it too."""


async def complete() -> None:
    """Put the standard library where Python looks for it, unless it is there. Raises JsException and OSError."""
    if Path(ARCHIVE).exists():
        return
    answer = await fetch(f"{lockfileBaseUrl}python_stdlib.zip")
    if not answer.ok:
        raise OSError(f"The standard library did not load ({answer.status}).")
    # Not through Python's memory, which would stay that much larger.
    FS.writeFile(ARCHIVE, Uint8Array.new(await answer.arrayBuffer()))
    importlib.invalidate_caches()
