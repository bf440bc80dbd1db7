"""Resampling: what an ear cannot hear, to the sample where it belongs, and in little memory however long it is."""

from __future__ import annotations

import math
import subprocess
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest

from rolltape.tracks.audio_file import hear
from rolltape.tracks.plan import GuestTrack, Piece
from rolltape.tracks.sound import write_sound
from unit.media_files import program
from unit.synthetic_session import RATE

LENGTH = 2 * RATE


class Kept:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, samples: bytes) -> None:
        self.data += samples


def sine(path: Path, frequency: float, rate: int, seconds: float) -> None:
    """A tone of half the full scale, in 64-bit floats."""
    source = f"aevalsrc=0.5*sin(2*PI*{frequency}*n/{rate}):s={rate}:d={seconds}"
    done = program("ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:a", "pcm_f64le", str(path))
    assert done.returncode == 0, done.stderr


def played(path: Path, *pieces: Piece) -> array[int]:
    kept = Kept()
    track = GuestTrack("Ada", pieces, pieces[-1].until)
    assert write_sound(track, [path], 1, kept, lambda share: None) == {}
    return array("i", kept.data)


def compared(sound: Sequence[int], per_sample: float) -> tuple[float, float]:
    """How far what is no tone of this frequency lies below it in dB, and where the tone begins, in samples."""
    angles = [2 * math.pi * per_sample * at for at in range(len(sound))]
    cosines, sines = [math.cos(one) for one in angles], [math.sin(one) for one in angles]
    a = b = 0.0
    for _ in range(2):  # nearly orthogonal: a second round takes off what the first had left
        rest = [v / 2**31 - a * c - b * s for v, c, s in zip(sound, cosines, sines, strict=True)]
        a += 2 * sum(r * c for r, c in zip(rest, cosines, strict=True)) / len(sound)
        b += 2 * sum(r * s for r, s in zip(rest, sines, strict=True)) / len(sound)
    rest = [v / 2**31 - a * c - b * s for v, c, s in zip(sound, cosines, sines, strict=True)]
    noise = sum(r * r for r in rest) / len(rest)
    return 10 * math.log10((a * a + b * b) / 2 / noise), math.atan2(a, b) / (2 * math.pi * per_sample)


@pytest.mark.parametrize(("frequency", "at_least"), [(1000, 110), (10_000, 105), (18_000, 95)])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_tone_is_the_same_tone_in_its_place(
    tmp_path: Path, rate: int, frequency: int, at_least: float
) -> None:
    """80 ppm, in two pieces as where a clock bends: neither a click between them nor a sample astray."""
    sine(tmp_path / "tone.wav", frequency, rate, 3)
    source, more = round(rate * (1 + 80e-6)), 5
    pieces = (
        Piece(0, rate // 2, source, 0, RATE),
        Piece(0, rate // 2 + source, source + more, RATE, RATE),
    )
    sound = played(tmp_path / "tone.wav", *pieces)

    assert len(sound) == 2 * RATE
    for one, begins in zip(pieces, (0, RATE), strict=True):
        per_sample = frequency / rate * one.source_length / one.length
        below, shift = compared(sound[begins : begins + RATE], per_sample)
        cycles = frequency / rate * one.source
        off = (shift - cycles / per_sample + 0.5 / per_sample) % (1 / per_sample) - 0.5 / per_sample
        assert below >= at_least, below
        assert abs(off) <= 0.05, off


def test_a_piece_has_as_many_samples_as_was_planned_whatever_its_file_holds(tmp_path: Path) -> None:
    sine(tmp_path / "tone.wav", 1000, RATE, 1)
    sound = played(
        tmp_path / "tone.wav",
        Piece(0, 0, RATE // 2, 1000, RATE // 2 + 7),
        Piece(0, RATE // 2, 3, RATE, 4),
        Piece(0, RATE // 2 + 3, 3 * RATE, RATE + 4, 3 * RATE + 1),
    )

    assert len(sound) == 4 * RATE + 5
    assert not any(sound[:999]) and any(sound[1000:1100]) and not any(sound[-2 * RATE :])


MEASURED = """
import re, sys
from pathlib import Path
from rolltape.tracks.audio_file import hear
from rolltape.tracks.outputs import WavFile
from rolltape.tracks.plan import GuestTrack, Piece
from rolltape.tracks.sound import write_sound
path = Path(sys.argv[1])
heard = hear(path)
track = GuestTrack("Ada", (Piece(0, 0, heard.samples, 0, heard.samples - heard.samples // 10_000),), heard.samples)
with WavFile(path.with_suffix(".wav"), 2, track.length, None) as output:
    write_sound(track, [path], 2, output, lambda share: None)
# What getrusage says is the parent's, where that was larger: it is handed on through fork and exec.
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
def test_memory_is_as_small_for_an_hour_as_for_two_minutes(tmp_path: Path) -> None:
    short, long = tmp_path / "short.webm", tmp_path / "long.webm"
    noise = "anoisesrc=d=120:r=48000:a=0.3"
    coded = ("-ac", "2", "-c:a", "libopus", "-b:a", "64k", "-frame_duration", "60")
    program("ffmpeg", "-v", "error", "-f", "lavfi", "-i", noise, *coded, str(short))
    program("ffmpeg", "-v", "error", "-stream_loop", "29", "-i", str(short), "-c", "copy", str(long))
    assert hear(long).samples > 29 * hear(short).samples

    used = []
    for path in (short, long):
        command = [sys.executable, "-c", MEASURED, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        used.append(int(done.stdout) / 1024)

    assert used[1] <= 150 and used[1] - used[0] <= 25, used
