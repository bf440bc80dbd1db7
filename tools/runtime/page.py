"""Assembles the page as it is served, in `py/rolltape/www/`: `index.html`, `sw.js`, `static/`, with names filled in.

The sources name a file of the runtime by its folder's plain name, `static/vendor/pyodide/pyodide.mjs`, or by a
pattern, `static/vendor/pyscript/core-*.js`. Here they are given the names that were built, with version and hash.
What was not built is nothing to ask for: in HTML its line goes, in a script its name is empty.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from runtime.paths import PAGE, ROOT, STATIC, VENDOR

ROOT_FILES = ("index.html", "sw.js")
NAMED = re.compile(r'(?<=")(?P<path>[./]*(?:static/)?vendor/)(?P<folder>[a-z]+)/(?P<file>[\w.*-]*)(?=")')
"""Such as `"./vendor/pyodide/pyodide.mjs"`, between its quotes."""
OWN_NAME = re.compile(r"[a-z]+-\d")


def built(vendor: Path) -> dict[str, str]:
    """The folders of the runtime by their plain names: pyodide, pyscript."""
    return {path.name.partition("-")[0]: path.name for path in vendor.iterdir() if OWN_NAME.match(path.name)}


def named(text: str, vendor: Path, lines: bool) -> str:
    """The text with the names of `vendor` filled in; `lines`: lines that name what is not there go."""
    names = built(vendor)

    def name(found: re.Match[str]) -> str:
        folder = vendor / names.get(found["folder"], "missing")
        if not found["file"]:
            return f"{found['path']}{folder.name}/"
        files = sorted(path.name for path in folder.glob(found["file"]))
        return f"{found['path']}{folder.name}/{files[0]}" if files else ""

    if not lines:
        return NAMED.sub(name, text)
    filled = ((line, NAMED.sub(name, line)) for line in text.splitlines(keepends=True))
    return "".join(after for before, after in filled if after == before or '=""' not in after)


def assemble(vendor: Path = VENDOR, target: Path = PAGE) -> None:
    """Write the page as its sources are now; of the runtime only what is new, since names promise content."""
    (target / "static" / "vendor").mkdir(parents=True, exist_ok=True)
    for name in ROOT_FILES:
        _write(target / name, named((ROOT / name).read_text(), vendor, lines=name.endswith(".html")))
    sources = {path for path in STATIC.iterdir() if path.is_file()}
    for path in sources:
        _write(target / "static" / path.name, named(path.read_text(), vendor, lines=False))
    _remove(target / "static", {path.name for path in sources} | {"vendor"})
    there = target / "static" / "vendor"
    wanted = [path for path in vendor.iterdir() if path.is_dir() or path.name == "manifest.json"]
    for path in wanted:
        if path.is_file():
            _write(there / path.name, path.read_text())
            continue
        (there / path.name).mkdir(exist_ok=True)
        for file in path.iterdir():
            copy = there / path.name / file.name
            if not copy.exists() or ("lock.json" in file.name and copy.read_bytes() != file.read_bytes()):
                shutil.copyfile(file, copy)
        _remove(there / path.name, {file.name for file in path.iterdir()})
    _remove(there, {path.name for path in wanted})


def _write(path: Path, text: str) -> None:
    """Write a file, unless it is so already: its date tells servers that it has changed."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _remove(folder: Path, keep: set[str]) -> None:
    """Remove from the folder all but these."""
    for path in folder.iterdir():
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


__all__ = ["assemble", "built", "named"]
