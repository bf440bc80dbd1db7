"""Zip archives, with fixed dates, so that the same input gives the same bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)


def read(archive: Path) -> dict[str, bytes]:
    """The files of an archive by name."""
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}


def write(archive: Path, files: Mapping[str, bytes]) -> None:
    """Write an archive of these files, in their order, stored: brotli packs them better on the wire."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
        for name, data in files.items():
            opened.writestr(zipfile.ZipInfo(name, EPOCH), data)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the shell-like patterns matches the name."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
