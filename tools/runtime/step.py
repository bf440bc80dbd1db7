"""What a step is: one change to Pyodide's files or to ours. Pages start faster by it, and do without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


class NotApplicable(Exception):
    """The files do not look as a step knows them; a sentence that says what it did not find."""


@dataclass(frozen=True)
class Tree:
    """The files of a runtime while it is built: a folder each for Pyodide, PyScript and the room's module.

    Before any step it is Pyodide as npm has it with its library and the wheels byte-compiled, all of PyScript, and
    our own wheel; it starts.
    """

    root: Path

    @property
    def pyodide(self) -> Path:
        """Pyodide's files, all wheels, and the lock file that names these."""
        return self.root / "pyodide"

    @property
    def pyscript(self) -> Path:
        """PyScript's modules."""
        return self.root / "pyscript"

    @property
    def wasm(self) -> Path:
        """Pyodide's WebAssembly."""
        return self.pyodide / "pyodide.asm.wasm"

    @property
    def script(self) -> Path:
        """The JavaScript that Emscripten made for it."""
        return self.pyodide / "pyodide.asm.mjs"

    @property
    def library(self) -> Path:
        """The standard library, byte-compiled."""
        return self.pyodide / "python_stdlib.zip"

    @property
    def snapshot(self) -> Path:
        """The memory that Python starts from; there only once a step has made it."""
        return self.pyodide / "snapshot.bin"

    def wheel(self, name: str) -> Path:
        """The one wheel of this name, as wheels are named (PEP 427). Raises NotApplicable."""
        found = list(self.pyodide.glob(f"{name}-*.whl"))
        if len(found) != 1:
            raise NotApplicable(f"There are {len(found)} wheels of {name}.")
        return found[0]

    def folders(self) -> Iterator[Path]:
        """All its folders, in a fixed order."""
        yield from sorted(path for path in self.root.iterdir() if path.is_dir())


Remarks = list[str]
"""Sentences on what a step did not find and went on without; none if all was as it knows it."""


@dataclass(frozen=True)
class Step:
    """One change. `runtime.runner` applies it to a copy, which it keeps only if what comes out starts."""

    name: str
    saves: str
    """What a page gains by it: a few words for whoever reads that it was left out."""
    apply: Callable[[Tree], Remarks]
    """Changes the tree; raises NotApplicable before it has written anything, or any other exception."""
    verify: Callable[[Tree], object]
    """Raises unless the tree that came out works; may start it in Node (`runtime.node.start`)."""
    needs: tuple[str, ...] = ()
    """Steps without which this one would do harm."""
