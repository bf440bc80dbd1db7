"""A microphone whose clock is not the machine's: every sample it gives is in the file, none is cut or filled in.

It is a pipe of PulseAudio's, fed with a tone a little too fast or too slow. In a tone a cut is seen as a sample that
does not follow from the two before it.
"""

from __future__ import annotations

import array
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from faults.choice import IS_LONG
from guest import Guest, Guests
from media_tools import decode_errors, probe, samples
from sound import opened_sound
from waiting import wait_for

RATE = 48_000
TONE_HZ = 500
SETTLED_S = 3
"""What a browser does with the first buffers of a device is another matter."""
ELAPSED = "1:30" if IS_LONG else "0:50"
CUT = 0.003
"""How far a sample is off at a cut; the tone's own rounding to 16 bits is a hundredth of that."""


@pytest.fixture(scope="module")
def guest(module_guests: Guests) -> Guest:
    return module_guests(files=False)


@contextmanager
def fed(pipe: Path, ppm: float) -> Iterator[None]:
    """Feed a tone into the pipe, by a clock that is so many millionths too fast."""
    over = threading.Event()

    def write() -> None:
        given, began = 0, time.monotonic()
        with pipe.open("wb", buffering=0) as out:
            while not over.wait(0.005):
                due = int((time.monotonic() - began) * RATE * (1 + ppm / 1e6)) - given
                tone = (12_000 * math.sin(2 * math.pi * TONE_HZ * (given + i) / RATE) for i in range(due))
                out.write(array.array("h", [round(sample) for sample in tone]).tobytes())
                given += due

    feeding = threading.Thread(target=write)
    feeding.start()
    try:
        yield
    finally:
        over.set()
        feeding.join(10)


def cuts(path: Path, rate: int) -> list[float]:
    """When the tone does not go on as a tone does, in seconds; what lies within 30 ms is one cut."""
    left, _ = samples(path, rate)
    follows = 2 * math.cos(2 * math.pi * TONE_HZ / rate)
    found: list[float] = []
    for at in range(SETTLED_S * rate, len(left) - rate // 2):
        if abs(left[at] - follows * left[at - 1] + left[at - 2]) > CUT:
            second = at / rate
            if not found or second - found[-1] > 0.03:
                found.append(second)
    return found


@pytest.mark.parametrize("ppm", [1000.0, -1000.0])
def test_a_microphone_with_a_clock_of_its_own_is_recorded_without_a_cut(
    playwright: Playwright, settings: dict[str, Any], base_url: str, tmp_path: Path, ppm: float
) -> None:
    pipe, downloads = tmp_path / "microphone", tmp_path / "downloads"
    downloads.mkdir()
    source = f"module-pipe-source source_name=mic file={pipe} format=s16le rate={RATE} channels=1"
    with opened_sound(tmp_path, source) as sound:
        wait_for(pipe.exists, "there is a microphone")
        launch = settings["chromium_launch"]()
        launch["args"] = [one for one in launch["args"] if one != "--use-fake-device-for-media-stream"]
        launch["env"] = {**os.environ, "PULSE_SERVER": sound.address}
        with (
            fed(pipe, ppm),
            playwright.chromium.launch_persistent_context(str(tmp_path / "profile"), **launch) as context,
        ):
            guest = Guest(context, base_url, downloads, settings["READY_TIMEOUT_MS"])
            guest.open("?record=0&videodevice=0&stereo=0")
            expect(guest.id("codec")).to_contain_text("PCM audio")
            granted = guest.id("granted").inner_text()
            guest.record()
            guest.wait_until(ELAPSED)
            guest.stop()
            path = guest.downloaded()
            (stream,) = probe(path)["streams"]
            assert decode_errors(path) == "" and {1: "mono", 2: "stereo"}[stream["channels"]] in granted
            assert cuts(path, int(stream["sample_rate"])) == []


def test_a_take_has_the_clocks_of_room_and_microphone_beside_it(guest: Guest) -> None:
    guest.open("?record=0&videodevice=0&room=clocks")
    guest.id("join").click()
    expect(guest.id("where")).to_contain_text("lets you in")
    guest.record()
    guest.wait_until("0:12")
    guest.stop()
    clock, take = guest.clock(), guest.log()

    assert clock.browser.startswith("Chromium ")
    (track,) = clock.tracks
    assert track.sound.path == "track" and track.encoder == take["parts"][0]["mime_type"]
    first, *_, last = clock.marks
    assert first.frames is not None and last.frames is not None and track.sound.sample_rate_hz is not None
    heard_ms = (last.frames - first.frames) * 1000 / track.sound.sample_rate_hz
    assert abs(heard_ms - (last.page_ms - first.page_ms)) < 100, (
        "the frames are the microphone's own, as they came"
    )
    assert first.graph_ms is not None and last.graph_ms is not None and last.graph_ms > first.graph_ms
    during = [one for one in clock.readings if one.asked_ms > track.began_ms]
    assert len(clock.readings) >= 8 and len(during) >= 4
    begun = [one.server_ms - (one.asked_ms + one.answered_ms) / 2 + track.began_ms for one in clock.readings]
    assert max(abs(one - take["room_started_at_ms"]) for one in begun) < 100, "all tell when it began"


def test_without_a_room_there_are_marks_alone(guest: Guest) -> None:
    guest.open("?record=0&videodevice=0")
    guest.record()
    guest.wait_until("0:02")
    guest.stop()
    clock = guest.clock()

    assert not clock.readings and len(clock.marks) >= 2 and len(clock.tracks) == 1
