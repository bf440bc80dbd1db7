"""Compiles ahead what dataclasses write and compile whenever they are imported: half the time that takes in a page.

`python dataclass_code.py WHEEL CODE INIT COMPILED` imports every module of the wheel in Pyodide, with a stand-in for
the browser's objects, and writes to CODE what `dataclasses` compiled on the way, by the CRC-32 of its text, as
`marshal` has it; and to COMPILED the byte code of INIT, our `__init__`, which uses it (`steps/dataclass_code.py`).
"""

from __future__ import annotations

import dataclasses
import importlib
import marshal
import sys
import types
import zipfile
from binascii import crc32
from pathlib import Path

from runtime.bytecompile import compiled


class Anything(types.ModuleType):
    """A stand-in for whatever the browser has."""

    def __getattr__(self, name: str) -> Anything:
        """Any name is there."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name)

    def __call__(self, *arguments: object, **named: object) -> Anything:
        """Any call succeeds."""
        return self


def collected(wheel: str) -> dict[int, types.CodeType]:
    """The code of the wheel's dataclasses by its text's checksum."""
    made: dict[int, types.CodeType] = {}

    def keep(text: str, namespace: dict[str, object], names: dict[str, object]) -> None:
        code = made[crc32(text.encode())] = compile(text, "<string>", "exec", dont_inherit=True)
        exec(code, namespace, names)

    dataclasses.exec = keep  # type: ignore[attr-defined]
    sys.modules["js"] = Anything("js")
    sys.path.insert(0, wheel)
    with zipfile.ZipFile(wheel) as archive:
        modules = [name.partition(".py")[0] for name in archive.namelist() if ".py" in name]
    for module in sorted(modules):
        importlib.import_module(module.removesuffix("/__init__").replace("/", "."))
    return made


if __name__ == "__main__":
    wheel, target, source, byte_code = sys.argv[1:]
    Path(target).write_bytes(marshal.dumps(collected(wheel)))
    Path(byte_code).write_bytes(compiled(Path(source).read_bytes(), "rolltape/__init__.py", 0))
