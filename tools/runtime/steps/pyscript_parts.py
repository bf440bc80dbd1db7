"""Takes out of PyScript what this page does not use: its Python library, its plugins, and the files of these.

Each start would write PyScript's library into Python's files and compile it; nothing here imports it, the page is
written on `js` and `pyodide.ffi`. A setting leaves plugins out for `py`, but not for `mpy`, which every page has.
"""

from __future__ import annotations

import re
import shutil

from runtime.node import node
from runtime.step import NotApplicable, Remarks, Step, Tree

PARTS = ("core.js", "core-*.js", "error-*.js", "pyodide_graph-*.js")
"""What runs a page on the main thread with a JSON config and without plugins."""
BEGIN, END = 'wo(".",{pyscript:', '}),ho.push("import pyscript as _pyscript"),'
"""Around PyScript's library in its module, whose names a minifier made."""
PLUGIN = re.compile(r'"?[a-z-]+"?:\(\)=>import\("\./(deprecations-manager|donkey|py-[a-z]+)-\w+\.js"\),?')
PLUGINS = 5


def without_library(text: str) -> str:
    """PyScript's module without PyScript's Python library. Raises NotApplicable."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or '"__init__.py":' not in text:
        raise NotApplicable("PyScript's module does not hold its library where it did.")
    before, _, rest = text.partition(BEGIN)
    return before + "ho.push('_pyscript = None')," + rest.partition(END)[2]


def without_plugins(text: str) -> str:
    """PyScript's module without its plugins, all but the one that reports errors. Raises NotApplicable."""
    less, count = PLUGIN.subn("", text)
    if count != PLUGINS:
        raise NotApplicable("PyScript's module does not hold its plugins as it did.")
    return less


def apply(tree: Tree) -> Remarks:
    """Take it out. Raises NotApplicable."""
    cores = list(tree.pyscript.glob("core-*.js"))
    if len(cores) != 1:
        raise NotApplicable("PyScript's parts are not named as they were.")
    less = without_plugins(without_library(cores[0].read_text()))
    cores[0].write_text(less)
    kept = {path for pattern in PARTS for path in tree.pyscript.glob(pattern)}
    for path in tree.pyscript.iterdir():
        if path not in kept:
            path.unlink()
    return []


def verify(tree: Tree) -> None:
    """Have Node read the module, and see that each part is there. Raises NotApplicable and NodeError."""
    for pattern in PARTS:
        if not list(tree.pyscript.glob(pattern)):
            raise NotApplicable(f"PyScript has no {pattern}.")
    (core,) = tree.pyscript.glob("core-*.js")
    readable = tree.root / "core.mjs"
    shutil.copyfile(core, readable)
    try:
        node("--check", readable)
    finally:
        readable.unlink()


STEP = Step("pyscript-parts", "a tenth of a start's time", apply, verify)
