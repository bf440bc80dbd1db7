"""Draws the map in `docs/architecture.md` from the code: each folder, its subject, what it may import, its modules.

`python tools/house_map.py` writes it into the document; `tests/unit/test_layers.py` fails while the document shows
another map, and where a module imports what its folder may not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "py" / "rolltape"
DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- map of the house -->\n", "<!-- end of the map -->"

LAYERS: dict[str, tuple[str, ...]] = {
    "core": (),
    "arrivals": ("core",),
    "media": ("core",),
    "tracks": ("core", "media"),
    "settings": ("core",),
    "recording": ("core", "media", "settings"),
    "room": ("core", "arrivals", "recording", "settings", "tracks"),
    "convert": ("core", "media"),
    "pages": ("core", "arrivals", "media", "settings", "recording", "room", "convert"),
    "browser": ("core", "arrivals", "media", "settings", "recording", "room", "pages"),
    "server": ("core", "arrivals", "media", "tracks", "settings", "recording", "room"),
}
"""Who may import whom, from the ground up: a folder of the package, and the folders that its modules may import."""


def modules(folder: str) -> list[Path]:
    """The modules of a folder of the package and of the folders in it, by path."""
    return sorted(path for path in (PACKAGE / folder).rglob("*.py") if path.name != "__init__.py")


def imported(source: Path) -> Iterator[str]:
    """The folders of the package that a module imports from, at its top, in a function or for types alone."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "rolltape":
            names = [f"rolltape.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            folder = rest.partition(".")[0]
            if package == "rolltape" and folder in LAYERS:
                yield folder


def subject(folder: Path) -> str:
    """What a folder says that it is for: the first line of its `__init__.py`."""
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    return said.partition("\n")[0].rstrip(".:")


def row(folder: str) -> str:
    """A folder's row of the map."""
    may = ", ".join(LAYERS[folder]) or "–"
    here = PACKAGE / folder
    groups = [here, *sorted(path for path in here.iterdir() if (path / "__init__.py").exists())]
    held = []
    for group in groups:
        names = ", ".join(f"`{path.stem}`" for path in sorted(group.glob("*.py")) if path.stem != "__init__")
        held.append(names if group == here else f"`{group.name}/`: {names}")
    return f"| `{folder}/` | {subject(here)} | {may} | {'; '.join(held)} |"


def house_map() -> str:
    """The map as a table in Markdown."""
    head = ["| folder | what it is for | may import | modules |", "|---|---|---|---|"]
    return "\n".join([*head, *map(row, LAYERS)]) + "\n"


def drawn(document: str) -> str:
    """The document's text with the map of today in it. Raises ValueError where there is no place for it."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT.name} has no place for the map: {BEGIN.strip()} … {END}")
    return before + begin + house_map() + end + after


if __name__ == "__main__":
    DOCUMENT.write_text(drawn(DOCUMENT.read_text()))
