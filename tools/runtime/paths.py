"""Where things lie, and the numbers of versions, which stand in package.json's lock and nowhere else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
NODE_MODULES = ROOT / "node_modules"
PYODIDE = NODE_MODULES / "pyodide"
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
BUILD = ROOT / "build"
PACKAGE = ROOT / "py" / "rolltape"
PAGE = PACKAGE / "www"
"""The page as it is served, and as it lies in a wheel of ours."""


class BuildError(Exception):
    """The page cannot be built: a sentence that says what is missing or wrong, and what to do."""


def sha256(data: bytes) -> str:
    """The SHA-256 of the data, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def npm_locked(package: str) -> dict[str, Any]:
    """What package-lock.json says of an npm package: `version`, `integrity`. Raises BuildError."""
    lock = json.loads((ROOT / "package-lock.json").read_text())
    try:
        entry: dict[str, Any] = lock["packages"][f"node_modules/{package}"]
    except KeyError:
        raise BuildError(
            f"package-lock.json does not name {package}: npm install --package-lock-only"
        ) from None
    return entry


def npm_version(package: str) -> str:
    """The version of an npm package, which is installed. Raises BuildError if another is, or none."""
    locked: str = npm_locked(package)["version"]
    about = NODE_MODULES / package / "package.json"
    if not about.exists():
        raise BuildError(f"{package} is not in node_modules: make does that.")
    found = json.loads(about.read_text())["version"]
    if found != locked:
        raise BuildError(f"node_modules has {package} {found}, package-lock.json {locked}: run npm ci.")
    return locked


def python_version() -> tuple[int, int]:
    """The version of Python that Pyodide is, such as (3, 14)."""
    info = json.loads((PYODIDE / "pyodide-lock.json").read_text())["info"]
    major, minor = info["python"].split(".")[:2]
    return int(major), int(minor)
