"""Two guests whose microphones run apart: their files tell by how much."""

from __future__ import annotations

import array
import math
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import Playwright, expect

from faults.choice import in_the_long_form
from guest import Guest
from media_tools import beeps
from media_tools import run as run_program
from microphones import Microphone, fed, pipe_source
from rolltape.room.session_file import Report, session_json
from rolltape.tracks.check import checked
from sound import opened_sound
from waiting import wait_for

EVERY_S, BEEP_S = 2.0, 0.05
ELAPSED = "2:00"
WITHIN_PPM = 30.0
SETTLED_S = 20.0
WITHIN_S = 0.005
GUESTS = {"ada": 500.0, "ben": -500.0}


def heard(first: int, count: int, rate: float) -> bytes:
    """Samples of a microphone that gives so many in a second of what there is to hear: a beep each two seconds."""
    beep = round(BEEP_S * rate)
    period = EVERY_S * rate
    out = array.array("h", bytes(2 * count))
    for number in range(math.floor(first / period), math.floor((first + count) / period) + 1):
        start = math.ceil(number * period)
        for at in range(max(start, first), min(start + beep, first + count)):
            out[at - first] = round(20_000 * math.sin(2 * math.pi * 1000 * (at - number * period) / rate))
    return out.tobytes()


@in_the_long_form
def test_how_far_two_microphones_ran_apart_is_read_from_their_files(
    playwright: Playwright, settings: dict[str, Any], base_url: str, tmp_path: Path
) -> None:
    session, reports, guests = tmp_path / "session", [], []
    session.mkdir()
    with ExitStack() as opened:
        microphones: list[Microphone] = []
        for name, ppm in GUESTS.items():
            folder = tmp_path / name
            (folder / "downloads").mkdir(parents=True)
            pipe = folder / "microphone"
            sound = opened.enter_context(opened_sound(folder, pipe_source(pipe)))
            wait_for(pipe.exists, "there is a microphone")
            microphones.append(Microphone(pipe, ppm, heard=heard))
            launch = settings["chromium_launch"]()
            launch["args"] = [one for one in launch["args"] if one != "--use-fake-device-for-media-stream"]
            launch["env"] = {**os.environ, "PULSE_SERVER": sound.address}
            context = opened.enter_context(
                playwright.chromium.launch_persistent_context(str(folder / "profile"), **launch)
            )
            guests.append(Guest(context, base_url, folder / "downloads", settings["READY_TIMEOUT_MS"]))
        opened.enter_context(fed(heard, microphones))
        for name, guest in zip(GUESTS, guests, strict=True):
            guest.open(f"?record=0&videodevice=0&stereo=0&room=drift&label={name}")
            guest.id("join").click()
            expect(guest.id("where")).to_contain_text("lets you in")
        for guest in guests:
            guest.record()
        guests[1].wait_until(ELAPSED)
        for guest in guests:
            guest.stop()
        for name, guest in zip(GUESTS, guests, strict=True):
            take = guest.newest()
            reports.append(Report(name, take, clock=guest.clock()))
            for path in guest.files(len(take.kept_parts)):
                path.rename(session / path.name)
    (session / "session.json").write_text(session_json("drift", reports))

    takes = checked(session)
    for take_read, ppm in zip(sorted(takes, key=lambda one: one.guest), GUESTS.values(), strict=True):
        run = max(
            (run for part in take_read.parts for run in part.runs), key=lambda one: one.to_ms - one.from_ms
        )
        assert abs(run.ppm - ppm) < WITHIN_PPM, f"{take_read.guest} {run.ppm}"
    run_program(
        *(sys.executable, "-m", "rolltape", "tracks", session, "--picture", "none", "--project", "none")
    )
    ada, ben = (beeps(session / "tracks" / f"{name}.wav") for name in GUESTS)
    apart = [min((one - other for other in ben), key=abs) for one in ada if one > SETTLED_S]
    assert len(apart) >= 40 and max(map(abs, apart)) < WITHIN_S, f"{apart}"
