"""Node, and in it Pyodide: npm's, which runs our tools as a page's Python would, and the one that is being built."""

from __future__ import annotations

import subprocess
from pathlib import Path

from runtime.paths import BUILD, HERE, PYODIDE, ROOT, npm_locked, sha256
from runtime.step import Tree


class NodeError(Exception):
    """Something that runs in Node has failed; the end of what it said."""


def node(*arguments: str | Path) -> str:
    """Run Node in the repository's folder; returns its standard output. Raises NodeError."""
    done = subprocess.run(
        ["node", *map(str, arguments)], cwd=ROOT, check=False, capture_output=True, text=True, timeout=600
    )
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        errors = [line for line in said if "Error" in line]
        raise NodeError((errors or said or [f"Node ended with {done.returncode}."])[-1])
    return done.stdout


def compiled_library() -> Path:
    """Where npm's standard library lies byte-compiled, once `runtime.base` has done it."""
    return BUILD / f"library-{sha256(npm_locked('pyodide')['integrity'].encode())[:12]}.zip"


def in_pyodide(*arguments: str | Path) -> None:
    """Run one of our Python files in npm's Pyodide. Paths are below the repository's folder. Raises NodeError."""
    library = compiled_library()
    given = [one.relative_to(ROOT) if isinstance(one, Path) else one for one in arguments]
    node(HERE / "in_pyodide.mjs", library if library.exists() else PYODIDE / "python_stdlib.zip", *given)


def start(tree: Tree) -> str:
    """Start what lies in the tree as a page does, from its memory snapshot if it has one; install our wheel by name.

    Returns what `start.mjs` said. Raises NodeError.
    """
    return node(HERE / "start.mjs", tree.pyodide)
