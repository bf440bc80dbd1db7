"""Takes functions out of Pyodide's WebAssembly that nothing calls any more, and zeros: by Binaryen's `wasm-opt`.

3000 functions are left over once their exports are gone (`exports`), and tables full of one value (`tables`).
"""

from __future__ import annotations

import subprocess

from runtime.node import start
from runtime.paths import NODE_MODULES
from runtime.step import NotApplicable, Remarks, Step, Tree

OPTIMIZER = NODE_MODULES / ".bin" / "wasm-opt"
# What Emscripten used; with more, the file would be written as not every browser reads it.
FEATURES = ("--mvp-features",) + tuple(
    f"--enable-{name}"
    for name in (
        *("mutable-globals", "nontrapping-float-to-int", "sign-ext", "bulk-memory", "bulk-memory-opt"),
        *("reference-types", "multivalue", "exception-handling"),
    )
)
PASSES = ("--remove-unused-module-elements", "--zero-filled-memory", "--memory-packing")


def apply(tree: Tree) -> Remarks:
    """Write the module anew. Raises NotApplicable where Binaryen cannot read it."""
    if not OPTIMIZER.exists():
        raise NotApplicable("Binaryen is not installed.")
    command = [str(OPTIMIZER), str(tree.wasm), *FEATURES, *PASSES, "-o", str(tree.wasm)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise NotApplicable(f"Binaryen does not read the module. {done.stderr.strip()[-200:]}")
    return []


STEP = Step("unused-code", "0.7 MB of 2.7", apply, start)
