"""The copy for visits without a network holds every file of the page."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_copy_names_every_file_that_keeps_its_name() -> None:
    source = ast.parse((ROOT / "py" / "rolltape" / "browser" / "offline.py").read_text())
    (named,) = (
        {part.value for part in node.value.elts if isinstance(part, ast.Constant)}
        for node in source.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
    )

    files = {f"static/{path.name}" for path in (ROOT / "static").iterdir() if path.is_file()}
    # A page without its host sends nothing to it: no visit fetches what would.
    assert named == files - {"static/upload.js"} | {"./"}
