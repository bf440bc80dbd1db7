"""The QR code as a path."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.room.qr import MARGIN, code, outline

LINK = "https://rolltape.example/?room=studio&record=6000#invite=" + "a" * 400


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=20), max_size=10))
def test_the_path_covers_the_dark_modules_and_no_others(rows: list[list[bool]]) -> None:
    drawn = set()
    for x, y, width, back in re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", outline(rows)):
        assert width == back
        drawn |= {(int(x) - MARGIN + step, int(y) - MARGIN) for step in range(int(width))}

    assert drawn == {(x, y) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark}


def test_a_guests_link_fits_and_is_what_segno_draws() -> None:
    import segno

    side, path = code(LINK)
    matrix = segno.make_qr(LINK, error="l").matrix

    assert side == len(matrix) + 2 * MARGIN
    assert path == outline([[bool(one) for one in row] for row in matrix])
    assert path.startswith("M4 4h7")  # the finder pattern's upper edge


def test_too_long_a_text_is_said() -> None:
    with pytest.raises(ValueError):
        code("a" * 5000)
