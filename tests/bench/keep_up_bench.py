"""Which encoders keep up: each codec at each size, beside nothing and beside as many busy loops as there are cores.

`python -m bench.keep_up_bench [seconds [height]]`, a part of `make bench`. The camera shows a detailed clip whose
pictures are numbered, so what was recorded of what it gave is counted, not timed. Processor time is that of the
page's process alone: of the encoder and what brings it its pictures.
"""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Playwright, expect, sync_playwright

from bench.figures import figure
from browsers import opened_guests
from guest import Guest
from media_tools import frame_numbers, make_audio, make_detailed, make_video, probe, share_recorded
from processes import busy_loops, processor_s, renderers
from rolltape.server.serve import PAGE
from serving import served

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = runpy.run_path(str(ROOT / "playwright.config.py"))
SIZES = ((640, 360), (1280, 720), (1920, 1080))
CODECS = ("vp8", "h264", "vp9", "av1")
KBPS = 6000
SECONDS = 8


@dataclass(frozen=True)
class Kept:
    """What became of one recording."""

    share: float
    """Of the pictures that the camera gave while it went on."""
    kbps: float
    """Of its pictures."""
    processor_ms: float
    """Of the page's process, for a picture."""


def recorded(guest: Guest, profile: Path, codec: str, size: tuple[int, int], seconds: int) -> Kept:
    """Record in this codec, which is insisted on, so that the recording stays in it."""
    guest.open(f"?record={KBPS}&width={size[0]}&height={size[1]}&recordcodec={codec}")
    guest.record()
    began_s = sum(map(processor_s, renderers(profile)))
    expect(guest.id("elapsed")).to_have_text(f"0:{seconds:02}", timeout=120_000)
    used_s = sum(map(processor_s, renderers(profile))) - began_s
    guest.stop()
    path = guest.downloaded()
    numbers = frame_numbers(path)
    found = [one for one in probe(path, "-show_packets")["packets"] if one["codec_type"] == "video"]
    path.unlink()
    length_s = float(found[-1]["pts_time"]) - float(found[0]["pts_time"])
    bits = 8 * sum(int(one["size"]) for one in found)
    return Kept(share_recorded(numbers), bits / length_s / 1000, used_s * 1000 / len(numbers))


@contextmanager
def filmed(playwright: Playwright, address: str, folder: Path, size: tuple[int, int]) -> Iterator[Guest]:
    """A guest whose camera shows the clip at this size."""
    folder.mkdir()
    clip = make_detailed(folder / "camera.mjpeg", make_video(folder / "numbers.mjpeg"), *size)
    media = str(clip), str(make_audio(folder / "microphone.wav"))
    with opened_guests(playwright, SETTINGS, address, media, folder) as make:
        yield make()


def main(seconds: int = SECONDS, *heights: int) -> None:
    """Print three figures of each: the share, the bit rate, the processor's time."""
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright, served(PAGE) as address:
        for width, height in (one for one in SIZES if not heights or one[1] in heights):
            folder = Path(made) / str(height)
            with filmed(playwright, address, folder, (width, height)) as guest:
                for loops in (0, os.cpu_count() or 1):
                    for codec in CODECS:
                        with busy_loops(loops):
                            kept = recorded(guest, folder / "profile0", codec, (width, height), seconds)
                        name = f"keep_up_{'busy_' if loops else ''}{codec}_{height}"
                        figure(name, kept.share, "", "what the camera gave", kept.share)
                        figure(f"{name}_kbps", kept.kbps, "kbit/s", f"{KBPS} ordered", kept.kbps / KBPS)
                        figure(f"{name}_processor", kept.processor_ms, "ms/picture")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
