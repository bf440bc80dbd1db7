"""What is left of a recording: how long it plays, whether its burnt-in frame numbers run through."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from pathlib import Path

from media_tools import FPS, LOOP_FRAMES, decode_errors, frame_numbers, packets, probe

HOLE_MS = 500
"""Frames further apart than this are a hole; a busy machine's camera skips less."""

AGREE_MS = 1000
"""So far the log and the frame numbers may differ and still speak of the same pictures."""

RESTAMPED = "non monotonically increasing dts"
"""Two packets of sound in one millisecond: the busy browser's stamps, nothing is missing."""


@dataclass(frozen=True)
class Kept:
    """What one or several files of a take hold."""

    duration_ms: int
    frames: int
    hole_ms: int
    """Time without a picture in the midst of it, all holes together."""

    @property
    def held_ms(self) -> int:
        """What there is to see and hear, holes left out."""
        return self.duration_ms - self.hole_ms


def kept(paths: list[Path], numbered: bool = True, starts_ms: Sequence[int] = (0,)) -> Kept:
    """Count frames in the parts of a take; asserts that each decodes and its numbers, if any, run through.

    `starts_ms` is when each part begins, by the log. Where two have frame numbers that agree with it, these tell to
    a frame what they share. What is in two parts counts once, what is in none not at all.
    """
    until_ms = [after - before for before, after in pairwise(starts_ms)]
    found = [_kept(path, numbered, until) for path, until in zip(paths, [*until_ms, inf], strict=True)]
    duration_ms, end_ms = 0, starts_ms[0]
    for position, (one, start_ms) in enumerate(zip(found, starts_ms, strict=True)):
        shared_ms = end_ms - start_ms
        if position and numbered and one.frames and found[position - 1].frames:
            shared_ms = shared_by_frames(paths[position - 1], paths[position], shared_ms)
        duration_ms += max(0, one.duration_ms - max(0, shared_ms))
        end_ms += max(0, one.duration_ms - shared_ms)
    return Kept(duration_ms, sum(one.frames for one in found), sum(one.hole_ms for one in found))


def shared_by_frames(before: Path, after: Path, logged_ms: int) -> int:
    """How much two parts share by their frame numbers; as logged where a camera that began anew counts anew."""
    first, second = frame_numbers(before), frame_numbers(after)
    if not first or not second:
        return logged_ms
    ahead = (first[-1] + 1 - second[0] + LOOP_FRAMES // 2) % LOOP_FRAMES - LOOP_FRAMES // 2
    counted_ms = round(1000 * ahead / FPS)
    return counted_ms if abs(counted_ms - logged_ms) < AGREE_MS else logged_ms


def _kept(path: Path, numbered: bool, until_ms: float) -> Kept:
    """What one file holds; a hole from `until_ms` on is no hole of the take, since the next part is there by then."""
    errors = [line for line in decode_errors(path).splitlines() if RESTAMPED not in line]
    assert not errors, "\n".join(errors)
    streams = {s["index"]: s["codec_type"] for s in probe(path)["streams"]}
    every = packets(path)
    duration_ms = round(1000 * max(packet.seconds + packet.duration for packet in every))
    shown = sorted(packet.seconds for packet in every if streams[packet.stream] == "video")
    if not shown:
        return Kept(duration_ms, 0, 0)
    steps_ms = [(1000 * before, 1000 * after) for before, after in pairwise([0.0, *shown])]
    holes_ms = [(start, min(end, until_ms)) for start, end in steps_ms if end - start > HOLE_MS]
    hole_ms = round(sum(max(0.0, end - start) for start, end in holes_ms))
    if numbered and not hole_ms:
        assert_numbers_run_through(frame_numbers(path), shown)
    return Kept(min(duration_ms, round(1000 * shown[-1] + 1000 / FPS)), len(shown), hole_ms)


def assert_numbers_run_through(numbers: list[int], seconds: list[float]) -> None:
    """Each frame is a later one than the one before, and as much later as it is shown later."""
    assert len(numbers) == len(seconds), "a frame cannot be decoded"
    steps = [(after - before) % LOOP_FRAMES for before, after in pairwise(numbers)]
    assert all(number < LOOP_FRAMES for number in numbers), "a frame is damaged"
    assert max(steps) < LOOP_FRAMES // 2, "a frame is shown out of order"
    drift_s = abs(sum(steps) / FPS - (seconds[-1] - seconds[0]))
    assert drift_s < 0.3 + 0.1 * seconds[-1], f"the frames' numbers and times differ by {drift_s:.1f} s"


def played_ms(path: Path) -> int:
    """For how long a player can play a file that may be torn; 0 if not at all."""
    asked = ["ffprobe", "-v", "quiet", "-show_entries", "packet=pts_time", "-of", "csv=p=0", str(path)]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    times = [float(line.strip(",")) for line in told.split() if line.strip(",") not in ("", "N/A")]
    return round(1000 * max(times, default=0.0))
