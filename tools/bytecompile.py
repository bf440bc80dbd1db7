"""Byte-compiles the Python files of zip archives; run by the interpreter that is to import them.

`python tools/bytecompile.py SOURCE TARGET MODE ...` (three arguments an archive), where MODE is `replace`
(`mod.pyc` in the place of `mod.py`, without docstrings: smallest and fastest, for what nobody reads
tracebacks of) or `beside` (`__pycache__/mod.cpython-XY.pyc` beside the source).

The archives come out stored, not deflated, since brotli packs them better on the wire, and with a fixed
date, so that the same input gives the same bytes. The code objects are marked as unchecked-hash
(PEP 552): nobody compares them with a source's date.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)


def compiled(source: bytes, name: str, optimize: int) -> bytes:
    """The content of the `.pyc` file of this source (PEP 552, unchecked hash)."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=optimize)
    unchecked = (1).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + unchecked + importlib.util.source_hash(source) + marshal.dumps(code)


def beside(name: str) -> str:
    """`a/b.py` → `a/__pycache__/b.cpython-314.pyc`."""
    folder, _, file = name.rpartition("/")
    cached = f"__pycache__/{file.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
    return f"{folder}/{cached}" if folder else cached


def bytecompile(source: str, target: str, mode: str) -> None:
    """Write the archive `source` to `target`, its Python files compiled as `mode` says."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(old.namelist()):
            if name.endswith("/"):
                continue
            data = old.read(name)
            is_module = name.endswith(".py")
            if not (is_module and mode == "replace"):
                new.writestr(zipfile.ZipInfo(name, EPOCH), data)
            if is_module:
                target_name = name + "c" if mode == "replace" else beside(name)
                optimize = 2 if mode == "replace" else 0
                new.writestr(zipfile.ZipInfo(target_name, EPOCH), compiled(data, name, optimize))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    for position in range(0, len(arguments), 3):
        bytecompile(*arguments[position : position + 3])
