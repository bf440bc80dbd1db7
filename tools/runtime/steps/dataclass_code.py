"""Puts the code that dataclasses write and compile at each import into our wheel, compiled: half the time that takes.

Text that is not there is compiled as ever.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from runtime import archives
from runtime.node import in_pyodide, start
from runtime.paths import BUILD, HERE
from runtime.step import NotApplicable, Remarks, Step, Tree
from runtime.wheels import PACKED, source_wheel, write_ours

AHEAD = """
import dataclasses, marshal
from binascii import crc32

with open(f"{__path__[0]}/dataclasses.code", "rb") as _file:
    _ahead = marshal.load(_file)
dataclasses.exec = lambda text, *names: exec(_ahead.get(crc32(text.encode()), text), *names)
"""
"""What our package's `__init__` does in a page besides, before all else: `dataclasses` finds its code compiled."""


def apply(tree: Tree) -> Remarks:
    """Put it in. Raises NotApplicable."""
    files = archives.read(tree.wheel("rolltape"))
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        work = Path(folder)
        wheel, code, init = source_wheel(work, {}, packed=False), work / "dataclasses.code", work / "init.pyc"
        (work / "init.py").write_bytes(
            archives.read(wheel)["rolltape/__init__.py"] + (AHEAD + PACKED).encode()
        )
        in_pyodide(HERE / "dataclass_code.py", wheel, code, work / "init.py", init)
        if len(code.read_bytes()) < 100:
            raise NotApplicable("This Python's dataclasses do not compile their code as they did.")
        files["rolltape/__init__.pyc"] = init.read_bytes()
        files["rolltape/dataclasses.code"] = code.read_bytes()
    write_ours(tree, files)
    return []


STEP = Step("dataclass-code", "a tenth of a start's time", apply, start)
