"""A QR code as one SVG path, drawn with the library segno, which a page loads only when somebody asks for a code."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["LIBRARY", "MARGIN", "code", "outline"]

LIBRARY = "segno"
MARGIN = 4
"""Modules of white around the code (ISO/IEC 18004)."""


def code(text: str) -> tuple[int, str]:
    """Return the code's side in modules, margin included, and its SVG path. Raises ValueError for too long a text.

    A page loads LIBRARY before; without it ImportError is raised.
    """
    import segno

    rows = [[bool(module) for module in row] for row in segno.make_qr(text, error="l").matrix]
    return len(rows) + 2 * MARGIN, outline(rows)


def outline(rows: Iterable[Iterable[bool]]) -> str:
    """Draw the dark modules (True) of each row as rectangles of an SVG path, MARGIN modules from the edge.

    >>> outline([[True, True, False, True]])
    'M4 4h2v1h-2zM7 4h1v1h-1z'
    """
    path = []
    for y, row in enumerate(rows):
        start = None
        for x, dark in enumerate([*row, False]):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                path.append(f"M{start + MARGIN} {y + MARGIN}h{x - start}v1h-{x - start}z")
                start = None
    return "".join(path)
