"""micropip, as the page installs it: what the lock file names is loaded from it at once.

This file stands in the place of micropip's own `__init__.py`. To find out that a name is in the lock file, micropip
imports a resolver for everything that is not: a third of a second at each start. The rest of micropip lies in a
wheel of its own, `micropip-rest`, and comes when something else is asked for.
"""

from collections.abc import Iterable
from typing import Any

import pyodide_js
from pyodide.ffi import to_js


async def install(
    requirements: str | Iterable[str], keep_going: Any = False, *arguments: Any, **options: Any
) -> None:
    """Install what is named: micropip's own `install`, which is asked for all that the lock file does not settle."""
    wanted = [requirements] if isinstance(requirements, str) else list(requirements)
    locked = pyodide_js.lockfile.packages.to_py(depth=1)
    if not arguments and not options and locked.keys() >= set(wanted):
        await pyodide_js.loadPackage(to_js(wanted))
        return
    await pyodide_js.loadPackage("micropip-rest")
    await __getattr__("install")(wanted, keep_going, *arguments, **options)


def __getattr__(name: str) -> Any:
    """Everything else that micropip has, once its rest is there."""
    if name.startswith("__"):
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module("micropip._rest"), name)
