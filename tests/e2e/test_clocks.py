"""A microphone whose clock is not the machine's: every sample it gives is in the file, none is cut or filled in.

It is a pipe of PulseAudio's, fed with a tone a little too fast or too slow. In a tone a cut is seen as a sample that
does not follow from the two before it.
"""

from __future__ import annotations

import array
import cmath
import math
import operator
import os
import statistics
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from faults.choice import IS_LONG, in_the_long_form
from guest import Guest, Guests
from media_tools import decode_errors, probe, samples
from microphones import RATE, Microphone, fed, pipe_source
from processes import renderers, stopped
from rolltape.core.json_fields import Fields
from rolltape.media.webm_tags import CLOCK_TAG, tag_in
from rolltape.recording.clock_log import ClockLog
from sound import opened_sound
from waiting import wait_for

TONE_HZ = 437
"""Buffers of devices, of 10, 20 or 23 ms, are no whole number of its periods: a cut of one is a step."""
SETTLED_S = 3
"""What a browser does with the first buffers of a device is another matter."""
ELAPSED = "1:30" if IS_LONG else "0:50"
TURN = 0.05
"""By so much of a turn the tone's phase is off at a cut; what Opus does to a tone is far less."""
STALLED_S = 3.0
"""For so long a page's process stands; a browser keeps a second of sound for it."""
CUT = 0.003
"""How far a sample is off at a cut; the tone's own rounding to 16 bits is a hundredth of that."""


@pytest.fixture(scope="module")
def guest(module_guests: Guests) -> Guest:
    return module_guests(files=False)


def tone(first: int, count: int, rate: float) -> bytes:
    """What is heard: a tone, the same by counting samples however fast they come."""
    heard = (12_000 * math.sin(2 * math.pi * TONE_HZ * (first + i) / RATE) for i in range(count))
    return array.array("h", map(round, heard)).tobytes()


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


def jumps(path: Path) -> list[float]:
    """When the tone's phase jumps or the tone is away, in seconds: what a cut leaves in sound that is lossy too.

    In windows of 10 ms. A drift that is corrected turns the phase slowly, which is no cut. What lies within 30 ms is
    one.
    """
    rate = 48_000
    left, _ = samples(path, rate)
    window = rate // 100
    turns = [cmath.exp(-2j * math.pi * TONE_HZ * at / rate) for at in range(rate)]  # whole turns in a second
    tones = []
    for start in range(SETTLED_S * rate, len(left) - rate // 2, window):
        place = start % rate
        tones.append(sum(map(operator.mul, left[start : start + window], turns[place : place + window])))
    usual = statistics.median(map(abs, tones))
    steps = [cmath.phase(after * before.conjugate()) / (2 * math.pi) for before, after in pairwise(tones)]
    slope = statistics.median(steps)
    found: list[float] = []
    for number, step in enumerate(steps):
        if abs(step - slope) > TURN or abs(tones[number + 1]) < usual / 2:
            second = SETTLED_S + (number + 1) * window / rate
            if not found or second - found[-1] > 0.03:
                found.append(second)
    return found


@contextmanager
def microphone(folder: Path, ppm: float) -> Iterator[str]:
    """A sound server whose only microphone is so many millionths too fast; its address."""
    pipe = folder / "microphone"
    with opened_sound(folder, pipe_source(pipe)) as sound:
        wait_for(pipe.exists, "there is a microphone")
        with fed(tone, [Microphone(pipe, ppm)]):
            yield sound.address


def recorded(guest: Guest, link: str, codec: str) -> list[Path]:
    """The files of a recording of this length: one, or more where the machine was too busy for its recorder."""
    guest.open(f"?{link}&videodevice=0&stereo=0")
    expect(guest.id("codec")).to_contain_text(codec)
    granted = guest.id("granted").inner_text()
    guest.record()
    guest.wait_until(ELAPSED)
    guest.stop()
    paths = guest.files(sum(1 for part in guest.log()["parts"] if part["bytes"]))
    for path in paths:
        (stream,) = probe(path)["streams"]
        assert decode_errors(path) == "" and {1: "mono", 2: "stereo"}[stream["channels"]] in granted
    return paths


PCM, OPUS = "record=0", "record=-128"
CASES = [
    pytest.param(link, ppm, marks=() if (link, ppm) == (PCM, 1000.0) else in_the_long_form)
    for link in (PCM, OPUS)
    for ppm in (1000.0, -1000.0)
]


@pytest.mark.parametrize(("link", "ppm"), CASES)
def test_a_microphone_with_a_clock_of_its_own_is_recorded_without_a_cut(
    playwright: Playwright, settings: dict[str, Any], base_url: str, tmp_path: Path, link: str, ppm: float
) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    with microphone(tmp_path, ppm) as address:
        launch = settings["chromium_launch"]()
        launch["args"] = [one for one in launch["args"] if one != "--use-fake-device-for-media-stream"]
        launch["env"] = {**os.environ, "PULSE_SERVER": address}
        with playwright.chromium.launch_persistent_context(str(tmp_path / "profile"), **launch) as context:
            guest = Guest(context, base_url, downloads, settings["READY_TIMEOUT_MS"])
            for path in recorded(guest, link, "PCM audio" if link == PCM else "Opus audio"):
                assert jumps(path) == []
                if link == PCM:
                    (stream,) = probe(path)["streams"]
                    assert cuts(path, int(stream["sample_rate"])) == []


def test_a_cut_of_a_buffer_and_a_drift_that_is_corrected_are_told_apart(tmp_path: Path) -> None:
    length, at = 10 * RATE, 6 * RATE
    for missing, ppm, found in ((0, 0.0, 0), (0, 1000.0, 0), (480, 0.0, 1), (1024, 1000.0, 1)):
        tone = (
            12_000
            * math.sin(2 * math.pi * TONE_HZ * (1 + ppm / 1e6) * (i + (missing if i > at else 0)) / RATE)
            for i in range(length)
        )
        path = tmp_path / f"{missing}-{ppm}.wav"
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(array.array("h", map(round, tone)).tobytes())
        assert len(jumps(path)) == found


def test_a_take_has_the_clocks_of_room_and_microphone_beside_it(guest: Guest) -> None:
    guest.open("?record=0&videodevice=0&room=clocks")
    guest.id("join").click()
    expect(guest.id("where")).to_contain_text("lets you in")
    guest.record()
    guest.wait_until("0:12")
    guest.stop()
    clock, take = guest.clock(), guest.log()
    guest.downloaded().unlink()
    with guest.save().open("rb") as file:
        told = tag_in(lambda start, end: (file.seek(start), file.read(end - start))[1], CLOCK_TAG)
    assert told is not None
    kept = ClockLog.from_fields(Fields.from_json(told))
    assert kept.tracks == clock.tracks and kept.readings, "the file alone tells its clocks too"

    assert clock.browser.startswith("Chromium ")
    (track,) = clock.tracks
    assert track.sound.path == "track" and track.encoder == take["parts"][0]["mime_type"]
    first, *_, last = clock.marks
    assert first.frames is not None and last.frames is not None and track.sound.sample_rate_hz is not None
    heard_ms = (last.frames - first.frames) * 1000 / track.sound.sample_rate_hz
    assert abs(heard_ms - (last.page_ms - first.page_ms)) < 100, (
        "the frames are the microphone's own, as they came"
    )
    assert track.first_frame is not None
    for mark in (first, last):
        assert mark.frames is not None
        came_ms = (mark.frames - track.first_frame) * 1000 / track.sound.sample_rate_hz
        assert abs(came_ms - (mark.page_ms - track.began_ms)) < 100, "the file's first sample is known by it"
    assert first.graph_ms is not None and last.graph_ms is not None and last.graph_ms > first.graph_ms
    during = [one for one in clock.readings if one.asked_ms > track.began_ms]
    assert len(clock.readings) >= 8 and len(during) >= 4
    for one in clock.readings:
        took_ms = one.answered_ms - one.asked_ms
        began_ms = one.server_ms - one.asked_ms - took_ms / 2 + track.began_ms
        assert abs(began_ms - take["room_started_at_ms"]) < 100 + took_ms / 2, "all tell when it began"


def test_sound_that_was_lost_on_its_way_is_not_counted_as_given(guests: Guests, tmp_path: Path) -> None:
    guest = guests(files=False).open("?record=0&videodevice=0")
    guest.record()
    guest.wait_until("0:02")
    with stopped(renderers(tmp_path / "profile0")):
        time.sleep(STALLED_S)
    guest.wait_until("0:06")
    guest.stop()
    clock = guest.clock()
    (track,), last = clock.tracks, clock.marks[-1]
    left, _ = samples(guest.downloaded())

    assert (
        last.frames is not None and track.first_frame is not None and track.sound.sample_rate_hz is not None
    )
    given_s = (last.frames - track.first_frame) / track.sound.sample_rate_hz
    assert (last.page_ms - track.began_ms) / 1000 - given_s > 1, "some of it was lost"
    assert abs(len(left) / 48_000 - given_s) < 0.3, "what was lost is not in the file"


HELD_UP = """(() => {
  const start = MediaRecorder.prototype.start;
  window.started = 0;
  MediaRecorder.prototype.start = function (...given) {
    window.started += 1;
    const until = performance.now() + (window.started < 3 ? 60 : 0);
    while (performance.now() < until);
    start.apply(this, given);
  };
})()"""


def test_a_recording_whose_page_is_held_up_as_it_begins_begins_anew_and_is_whole(guests: Guests) -> None:
    guest = guests(files=False)
    guest.page.add_init_script(HELD_UP)
    guest.open("?record=0&videodevice=0")
    guest.record()
    guest.wait_until("0:04")
    guest.stop()
    clock, take = guest.clock(), guest.log()
    path = guest.downloaded()
    (track,), last = clock.tracks, clock.marks[-1]
    left, _ = samples(path)

    assert guest.page.evaluate("window.started") >= 3
    assert len(take["parts"]) == 1 and not take["parts"][0]["holes"] and decode_errors(path) == ""
    assert (
        track.first_frame is not None and last.frames is not None and track.sound.sample_rate_hz is not None
    )
    given_s = (last.frames - track.first_frame) / track.sound.sample_rate_hz
    assert abs(len(left) / 48_000 - given_s) < 0.3
    assert abs((last.page_ms - track.began_ms) / 1000 - given_s) < 0.05, "it began when it says"


def test_without_a_room_there_are_marks_alone(guest: Guest) -> None:
    guest.open("?record=0&videodevice=0")
    guest.record()
    guest.wait_until("0:02")
    guest.stop()
    clock = guest.clock()

    assert not clock.readings and len(clock.marks) >= 2 and len(clock.tracks) == 1
