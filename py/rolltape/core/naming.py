"""File names of takes: `LABEL_ROOM_YYYY-MM-DD_HH-MM-SS_takeN.webm`, safe on every file system."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

from rolltape.core.notice import plain_text, shortened

__all__ = ["MAX_NAME_BYTES", "file_name", "free_name", "safe_name", "take_name"]

MAX_NAME_BYTES = 200
"""File systems allow 255 bytes; browsers add ` (1)` and `.crdownload`."""


def file_name(
    label: str | None,
    room: str | None,
    started_at: datetime,
    number: int,
    ending: str,
    part: int | None = None,
) -> str:
    """Name the file of a take, or of one part of it; `started_at` is local time.

    >>> file_name("Zoë", "studio", datetime(2026, 3, 1, 9, 5, 7), 2, ".webm")
    'Zoë_studio_2026-03-01_09-05-07_take2.webm'
    """
    tail = "" if part is None else f"_part{part}"
    return take_name(label, room, started_at, number) + tail + _ending(ending)


def take_name(label: str | None, room: str | None, started_at: datetime, number: int) -> str:
    """Name a take: its file's name without part and ending.

    What is empty is left out; with neither label nor room the name begins with `guest`.
    """
    tail = f"{started_at.year:04d}{started_at:-%m-%d_%H-%M-%S}_take{number}"
    names = [name for name in (_safe(label or ""), _safe(room or "")) if name] or ["guest"]
    stem = "_".join([*_fitted(names, _STEM_BYTES - len(tail)), tail])
    return f"_{stem}" if _RESERVED.match(stem) else stem


def safe_name(text: str) -> str:
    """Make a name that somebody else gave one that a file of ours could have: a name of `take_name` stays as it is.

    It leads into no other folder, machine or device, and is never empty.

    >>> safe_name("//evil.example/share/x")
    'evil.example-share-x'
    """
    stem = _cut(_safe(text[: 4 * MAX_NAME_BYTES]), _STEM_BYTES) or "take"
    return f"_{stem}" if _RESERVED.match(stem) else stem


_STEM_BYTES = MAX_NAME_BYTES - 32
"""Leaves room for the part's number and the ending, so that all parts of a take share one stem."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]+')
"""Forbidden by Windows; macOS and Linux forbid fewer."""

_EDGES = " ._-~\u200c\u200d"
"""Hidden files begin with a dot; Windows drops dots and spaces at an end; options begin with a dash."""

_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)
"""Device names of Windows, which are reserved with any ending as well."""


def free_name(name: str, taken: Collection[str]) -> str:
    """Return the name, or with a number where there is such a file; many file systems see no difference of case.

    >>> free_name("take1.webm", ["Take1.webm"])
    'take1 (2).webm'
    """
    folded = {one.casefold() for one in taken}
    stem, dot, ending = name.rpartition(".")
    free, number = name, 1
    while free.casefold() in folded:
        number += 1
        free = f"{stem} ({number}){dot}{ending}"
    return free


def _safe(text: str) -> str:
    name = _FORBIDDEN.sub("-", shortened(plain_text(text), MAX_NAME_BYTES))
    return re.sub("_+", "_", name.replace(" ", "_")).strip(_EDGES)


def _fitted(names: list[str], limit: int) -> list[str]:
    """Cut the names so that they fit together; what one does not need is the other's."""
    share = limit // len(names) - 1
    spare = sum(max(0, share - len(name.encode())) for name in names)
    return [_cut(name, share + spare) for name in names]


def _cut(name: str, limit: int) -> str:
    while len(name.encode()) > limit:
        name = shortened(name, len(name) - 1)
    return name.rstrip(_EDGES)


def _ending(ending: str) -> str:
    letters = re.sub(r"[^a-z0-9]", "", ending.lower())[:8]
    return f".{letters or 'webm'}"
