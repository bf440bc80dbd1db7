"""Byte-compiles with the Python that the page will run (`bytecompile.py` in Pyodide in Node)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from runtime import archives
from runtime.node import in_pyodide
from runtime.paths import BUILD, HERE

TOOL = HERE / "bytecompile.py"


def compile_archives(*given: tuple[Path, Path, int]) -> None:
    """Byte-compile zip archives below the repository's folder: source, target, `compile`'s optimisation level."""
    in_pyodide(
        TOOL, *(argument for source, target, level in given for argument in (source, target, str(level)))
    )


def compile_texts(texts: dict[str, str]) -> dict[str, bytes]:
    """The byte code of these modules by file name, without docstrings and assertions."""
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        source, target = Path(folder) / "source.zip", Path(folder) / "target.zip"
        archives.write(source, {name: text.encode() for name, text in texts.items()})
        compile_archives((source, target, 2))
        return archives.read(target)
