"""Firefox dates pictures by how much sound has come: they are put back to when they were captured."""

from __future__ import annotations

import json
import math
import random
from array import array
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.tracks.firefox_pictures import AT_FIRST_MS, captured_by_sound, undated
from rolltape.tracks.place import Segment
from rolltape.tracks.session import read_session


def dated(captured_ms: list[float], buffer_ms: float, sound_runs: float = 1.0) -> list[float]:
    """As Gecko's `DriftCompensator` has it; all times since the first sample was captured."""
    begins_ms = buffer_ms
    found = []
    for at_ms in captured_ms:
        there_ms = math.floor(at_ms * sound_runs / buffer_ms) * buffer_ms
        since_ms = at_ms - begins_ms
        found.append(since_ms if there_ms < AT_FIRST_MS else since_ms * there_ms / since_ms)
    return [round(one) for one in found]  # Matroska's own ticks


def steady(rate: float, seconds: float, begins_ms: float = 100.0) -> list[float]:
    return [begins_ms + at * 1000 / rate for at in range(int(seconds * rate))]


@given(
    st.sampled_from([24, 25.01, 29.97, 30, 49.9, 60]),
    st.sampled_from([9.3, 10.67, 21.33, 23.2]),
    st.floats(40, 140),
)
def test_pictures_of_a_steady_camera_are_where_they_were_captured(
    rate: float, buffer_ms: float, begins_ms: float
) -> None:
    captured = steady(rate, 40, begins_ms)
    stamps = dated(captured, buffer_ms)

    found = undated(array("d", stamps))

    off = [one - real for one, real in zip(found, captured, strict=True)]
    assert max(map(abs, off)) <= 4.5 < max(real - stamp for stamp, real in zip(stamps, captured, strict=True))
    assert all(before < after for before, after in pairwise(found))


def test_a_camera_that_is_not_steady_is_at_most_half_a_buffer_off_after_the_beginning() -> None:
    chance = random.Random(3)
    captured = [100.0]
    while captured[-1] < 60_000:
        captured.append(captured[-1] + chance.choice([33.3, 40.0, 66.7, 120.0]))
    stamps = dated(captured, 10.0)

    off = [one - real for one, real in zip(undated(array("d", stamps)), captured, strict=True)]

    assert max(map(abs, off)) <= 10 / 2 + 1
    at_first = [one for one, stamp in zip(off, stamps, strict=True) if stamp < AT_FIRST_MS]
    assert max(map(abs, at_first)) <= 1


def test_pictures_in_step_with_the_sound_are_at_most_half_a_buffer_off() -> None:
    captured = steady(25, 60)
    off = [one - real for one, real in zip(undated(array("d", dated(captured, 10.0))), captured, strict=True)]

    assert max(map(abs, off)) <= 10 / 2 + 1


def test_pictures_that_are_missing_spoil_their_neighbours_only() -> None:
    captured = steady(30, 60)
    del captured[900:906]
    off = [
        one - real for one, real in zip(undated(array("d", dated(captured, 21.33))), captured, strict=True)
    ]

    assert max(map(abs, off)) <= 21.33 / 2 + 1
    assert max(map(abs, [*off[:840], *off[960:]])) <= 4.5


@pytest.mark.parametrize("count", [0, 1, 30, 320])
def test_of_a_short_recording_a_usual_buffer_is_taken(count: int) -> None:
    stamps = array("d", dated(steady(30, 20)[:count], 10.0))

    assert list(undated(stamps)) == pytest.approx(
        [one + 10 if one < AT_FIRST_MS else one + 5 for one in stamps]
    )


def test_it_is_done_to_pictures_of_firefox_alone(tmp_path: Path) -> None:
    names = ("Firefox 153", "Chromium 156", "")
    encoders = ("video/webm;codecs=vp8,opus", "audio/webm;codecs=opus")
    takes = [
        {
            "name": "x",
            "clock": {
                "browser": browser,
                "readings": [],
                "tracks": [
                    {"part": at, "began_ms": 0.0, "encoder": one} for at, one in enumerate(encoders, 1)
                ],
            },
            "parts": [{"file": f"x_part{at}.webm", "saved_as": "", "duration_ms": 5} for at in (1, 2)],
        }
        for browser in names
    ]
    said = {"format": "rolltape-session", "version": 2, "first_sample_at_ms": 1e12, "takes": takes}
    (tmp_path / "session.json").write_text(json.dumps(said))

    told = [[part.pictures_by_sound for part in take.parts] for take in read_session(tmp_path).takes]

    assert told == [[True, False], [False, False], [False, False]]
    assert [part.late_ms for part in read_session(tmp_path).takes[0].parts] == [6.5, 6.5]


def test_they_follow_the_sound_that_they_are_dated_by() -> None:
    """A microphone that is 1000 ppm fast: after a minute its file's time is 60 ms ahead of the room's clock."""
    captured = steady(30, 60)
    sound = [Segment(0, 30_030, 493.5, 30_493.5), Segment(30_030, 60_060, 30_493.5, 60_493.5)]

    stamps = dated(captured, 10.0, 1.001)
    found = captured_by_sound(array("d", stamps), sound, 6.5, 500)

    off = [one - real for one, real in zip(found, captured, strict=True)]
    assert stamps[-1] - captured[-1] > 40
    assert max(map(abs, off[400:])) <= 4.5
    assert max(map(abs, off)) <= 15
