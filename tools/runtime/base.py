"""What every build begins with: Pyodide as npm has it, with byte code; all of PyScript; the wheels. It starts."""

from __future__ import annotations

import shutil
from pathlib import Path

from runtime.bytecompiled import compile_archives
from runtime.node import NodeError, compiled_library, start
from runtime.paths import BUILD, NODE_MODULES, PYODIDE, BuildError, npm_version
from runtime.step import Tree
from runtime.wheels import download, put_ours

PYODIDE_PARTS = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")
MODULES = {"pyodide": "pyodide", "pyscript": "@pyscript/core"}
"""The folders in `static/vendor/`, and the npm package of each."""


def copied(tree: Tree) -> None:
    """Copy the files that a browser needs from the npm packages. Raises BuildError."""
    for package in MODULES.values():
        npm_version(package)
    core = NODE_MODULES / "@pyscript" / "core" / "dist"
    wanted = {
        "pyodide": [PYODIDE / name for name in PYODIDE_PARTS],
        "pyscript": sorted(core.glob("*.js")),
    }
    for folder, files in wanted.items():
        (tree.root / folder).mkdir(parents=True)
        for path in files:
            if not path.exists():
                raise BuildError(f"{MODULES[folder]} of npm has no {path.name}.")
            shutil.copyfile(path, tree.root / folder / path.name)


def build(tree: Tree, work: Path, vendor_names: dict[str, str]) -> None:
    """Fill the tree. Raises BuildError, also where what comes out does not start."""
    copied(tree)
    library = compiled_library()
    if not library.exists():
        for stale in BUILD.glob("library-*.zip"):
            stale.unlink()
        # Without docstrings and assertions: nobody reads either of these in a page.
        compiled = work / "library.zip"
        source = work / "source.zip"
        shutil.copyfile(PYODIDE / "python_stdlib.zip", source)
        compile_archives((source, compiled, 2))
        compiled.rename(library)
    shutil.copyfile(library, tree.library)
    compile_archives(*((wheel, tree.pyodide / wheel.name, 2) for wheel in download(work)))
    put_ours(tree, work, vendor_names)
    try:
        start(tree)
    except NodeError as error:
        raise BuildError(
            f"Pyodide {npm_version('pyodide')} as npm has it does not start in Node. {error}"
        ) from None
