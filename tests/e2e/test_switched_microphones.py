"""Microphones that are switched, unplugged and plugged in again: each sample of each file is one that they gave."""

from __future__ import annotations

import array
import os
import random
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from faults.choice import in_the_long_form
from guest import Guest
from media_tools import decode_errors, probe, samples
from microphones import RATE, Heard, Microphone, fed, pipe_source
from sound import opened_sound
from waiting import wait_for

HEARD_S = 300
LEVEL = 8000
KEY = 16
"""So many samples of noise stand nowhere else in it."""
PLUG = "plug"
"""A microphone that can be pulled out: it hears what the second does."""
CONFIG = "default-sample-rate = 48000\nalternate-sample-rate = 48000\n"
TOLD = "navigator.mediaDevices.dispatchEvent(new Event('devicechange'))"
"""What the system says where it has udev; the browser's own list of devices is true without."""


def noise(seed: int) -> array.array[int]:
    """What one microphone hears, each sample of it by chance."""
    chosen = random.Random(seed)
    return array.array("h", (chosen.randrange(1, LEVEL) for _ in range(HEARD_S * RATE)))


@dataclass(frozen=True)
class Piece:
    """Samples of a file that are a microphone's, from its `first` on."""

    name: str
    first: int
    count: int

    @property
    def end(self) -> int:
        """The microphone's sample after the last of them."""
        return self.first + self.count


def pieces(path: Path, noises: dict[str, array.array[int]]) -> list[Piece]:
    """Which samples of which microphone a file holds, in order. Raises AssertionError where one is of none."""
    (stream,) = probe(path)["streams"]
    assert decode_errors(path) == "" and int(stream["sample_rate"]) == RATE
    held = array.array("h", (round(one * 32768) for one in samples(path)[0]))
    found: list[Piece] = []
    at = 0
    while at < len(held):
        key = held[at : at + KEY].tobytes()
        places = [
            (name, place // 2) for name, own in noises.items() if (place := own.tobytes().find(key)) >= 0
        ]
        assert len(places) == 1 and len(key) == 2 * KEY, f"{path.name}, sample {at}: {held[at : at + KEY]}"
        ((name, first),) = places
        given = noises[name]
        count = next(
            (
                count
                for count, (one, other) in enumerate(zip(held[at:], given[first:], strict=False))
                if one != other
            ),
            len(held) - at,
        )
        found.append(Piece(name, first, count))
        at += count
    return found


class Bench:
    """A page that records, and its microphones."""

    def __init__(self, guest: Guest, environment: dict[str, str]) -> None:
        self.guest = guest
        self._environment = environment
        self._module = ""

    def _pactl(self, *words: str) -> str:
        told = subprocess.run(
            ["pactl", *words], env=self._environment, capture_output=True, text=True, check=True
        )
        return told.stdout.strip()

    def plug(self) -> None:
        """Plug the third microphone in."""
        description = f"source_properties=device.description={PLUG}"
        self._module = self._pactl(
            "load-module", "module-remap-source", "master=two", f"source_name={PLUG}", description
        )

    def replug(self) -> None:
        """The same, while it is missed."""
        self.plug()
        self.guest.page.evaluate(TOLD)

    def unplug(self) -> None:
        """Pull it out."""
        self._pactl("unload-module", self._module)
        self.guest.page.evaluate(TOLD)

    def select(self, name: str) -> None:
        """Choose another microphone on the page."""
        options = self.guest.id("audio-device").locator("option")
        labels = options.evaluate_all("options => options.map((one) => one.label)")
        (label,) = (one for one in labels if one == name or one.endswith(f"/{name}"))
        self.guest.id("audio-device").select_option(label=label)

    def do(self, what: str) -> None:
        """Do it, and wait until it is recorded from there, and for some time on."""
        before = len(self.guest.log()["parts"])
        {"unplug": self.unplug, "replug": self.replug}.get(what, lambda: self.select(what))()
        wait_for(lambda: len(self.guest.log()["parts"]) > before, f"{what}: another part is recorded")
        if what != "unplug":
            chosen = self.guest.id("audio-device").locator("option:checked")
            expect(chosen).to_have_text(re.compile(f"(^|/){PLUG if what == 'replug' else what}$"))
        began = int(self.guest.shown_bytes())
        wait_for(lambda: self.guest.shown_bytes() > began + 2 * RATE * 8, f"{what}: it goes on")


@contextmanager
def bench(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    folder: Path,
    noises: dict[str, array.array[int]],
) -> Iterator[Bench]:
    """Two microphones and one that can be pulled out, each with a noise of its own, and a page before them."""
    config = folder / ".config" / "pulse"
    config.mkdir(parents=True)
    (config / "daemon.conf").write_text(CONFIG)
    downloads = folder / "downloads"
    downloads.mkdir()
    pipes = {name: folder / name for name in noises}

    def hears(own: array.array[int]) -> Heard:
        return lambda first, count, rate: own[first : first + count].tobytes()

    with opened_sound(folder, *(pipe_source(pipe, name) for name, pipe in pipes.items())) as sound:
        wait_for(lambda: all(map(Path.exists, pipes.values())), "there are microphones")
        environment = {**os.environ, "PULSE_SERVER": sound.address}
        drains = [
            subprocess.Popen(["parec", "-d", name, os.devnull], env=environment, stderr=subprocess.DEVNULL)
            for name in noises
        ]  # what nobody listens to would wait in the pipe, and be heard late
        microphones = [Microphone(pipe, 0.0, heard=hears(noises[name])) for name, pipe in pipes.items()]
        launch = settings["chromium_launch"]()
        launch["args"] = [one for one in launch["args"] if one != "--use-fake-device-for-media-stream"]
        launch["env"] = environment
        with (
            fed(hears(noises["one"]), microphones),
            playwright.chromium.launch_persistent_context(str(folder / "profile"), **launch) as context,
        ):
            yield Bench(Guest(context, base_url, downloads, settings["READY_TIMEOUT_MS"]), environment)
        for drain in drains:
            drain.kill()
            drain.wait()


ONCE = (PLUG, "unplug", "replug")
TEN = (*ONCE, "one", "two", *ONCE, "one", "two")


@pytest.mark.clock
@pytest.mark.parametrize("changes", [ONCE, pytest.param(TEN, marks=in_the_long_form)], ids=["once", "ten"])
def test_no_sample_is_lost_when_microphones_change(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    tmp_path: Path,
    changes: tuple[str, ...],
) -> None:
    noises = {name: noise(seed) for seed, name in enumerate(("one", "two"))}
    with bench(playwright, settings, base_url, tmp_path, noises) as at:
        guest = at.guest
        at.plug()
        guest.open("?record=0&videodevice=0&stereo=0&audiodevice=one")
        expect(guest.id("granted")).to_contain_text("48 kHz")
        guest.record()
        guest.wait_until("0:02")
        for what in changes:
            at.do(what)
        guest.stop()
        log = guest.log()
        parts = [part for part in log["parts"] if part["bytes"]]
        assert len(parts) == len(changes) + 1, [part["reason"] for part in parts]
        files = sorted(guest.files(len(parts)), key=lambda path: (len(path.name), path.name))
        held = [pieces(guest.take_away(path, tmp_path / "kept"), noises) for path in files]

    for what, one, other, part in zip(changes, held, held[1:], parts[1:], strict=False):
        # What is pulled out goes on with what the sound server kept of another for some time, and may be old
        missing_ms = (other[0].first - max(piece.end for piece in one)) * 1000 / RATE
        if what == "unplug":  # until it was seen to be gone, which is told
            assert missing_ms < part["gap_before_ms"] + 50 < 1000, f"{one} {other} {part}"
        else:
            assert other[0].name == ("one" if what == "one" else "two"), f"{what}: {other}"
            assert missing_ms <= 0, f"{what}: {one} {other}"
