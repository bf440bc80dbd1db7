"""Byte-compiles the Python files of zip archives; run by the interpreter that is to import them.

`python bytecompile.py SOURCE TARGET LEVEL ...` (three arguments an archive): `mod.pyc` in the place of each
`mod.py`, so that nothing has to be compiled in the page. LEVEL is `compile`'s: 0 keeps assertions, 2 drops them;
nobody reads docstrings or annotations in a page. Tracebacks name file and line, without the line's text.

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
OURS = "rolltape"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def undocumented(source: bytes, name: str) -> ast.Module:
    """The syntax tree with a dot for each docstring. Without any, a dataclass makes one up, which takes long."""
    tree = ast.parse(source, name)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.copy_location(ast.Expr(ast.Constant(".")), node.body[0])
    return ast.fix_missing_locations(tree)


def unannotated(tree: ast.Module) -> ast.Module:
    """The tree without what only type checkers read: functions' annotations, and imports for annotations alone.

    A class keeps its annotations, from which dataclasses are made, and a module what it says in `__all__`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
    used = _names_used(tree)
    for node in list(tree.body):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == OURS:
            node.names = [
                one for one in node.names if one.asname == one.name or (one.asname or one.name) in used
            ]
            if not node.names:
                tree.body.remove(node)
    return tree


def _names_used(tree: ast.Module) -> set[str]:
    """The names that a module reads when it runs, and those that it hands on."""
    noted = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        for part in ast.walk(node.annotation)
    }
    used = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in noted
    }
    handed_on = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and ast.dump(node.targets[0]) == ast.dump(ast.Name("__all__", ast.Store()))
    )
    constants = (one.value for names in handed_on for one in ast.walk(names) if isinstance(one, ast.Constant))
    return used | {value for value in constants if isinstance(value, str)}


def compiled(source: bytes, name: str, optimize: int) -> bytes:
    """The content of the `.pyc` file of this source (PEP 552, unchecked hash)."""
    given = source if optimize else unannotated(undocumented(source, name))
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
