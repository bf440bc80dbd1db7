"""Byte-compiles the Python files of zip archives; run by the interpreter that is to import them.

`python bytecompile.py SOURCE TARGET LEVEL ...` (three arguments an archive): `mod.pyc` in the place of each
`mod.py`, so that nothing has to be compiled in the page. LEVEL is `compile`'s: 0 keeps assertions, 2 drops them;
nobody reads docstrings in a page. Tracebacks name file and line, without the line's text.

The archives come out stored, not deflated, since brotli packs them better on the wire, and with a fixed
date, so that the same input gives the same bytes. The code objects are marked as unchecked-hash
(PEP 552): nobody compares them with a source's date.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import sys
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def undocumented(source: bytes, name: str) -> ast.Module:
    """The syntax tree with a dot for each docstring. Without any, a dataclass makes one up, which takes long."""
    tree = ast.parse(source, name)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.copy_location(ast.Expr(ast.Constant(".")), node.body[0])
    return ast.fix_missing_locations(tree)


def compiled(source: bytes, name: str, optimize: int) -> bytes:
    """The content of the `.pyc` file of this source (PEP 552, unchecked hash)."""
    given = source if optimize else undocumented(source, name)
    code = compile(given, name, "exec", dont_inherit=True, optimize=optimize)
    unchecked = (1).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + unchecked + importlib.util.source_hash(source) + marshal.dumps(code)


def bytecompile(source: str, target: str, level: int) -> None:
    """Write the archive `source` to `target`, its Python files compiled at this optimisation level."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(old.namelist()):
            if name.endswith("/"):
                continue
            data = old.read(name)
            if name.endswith(".py"):
                name, data = name + "c", compiled(data, name, level)
            new.writestr(zipfile.ZipInfo(name, EPOCH), data)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    for source, target, level in zip(arguments[::3], arguments[1::3], arguments[2::3], strict=True):
        bytecompile(source, target, int(level))
