"""What independent programs say of a file: ffprobe, ffmpeg, mkvinfo; and media made for the fake devices."""

from __future__ import annotations

import array
import cmath
import json
import math
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

COUNTER_BITS = 9
BLOCK = 64
FPS = 30
LOOP_FRAMES = 300
WIDTH, HEIGHT = 640, 360
LEFT_HZ, RIGHT_HZ = 997.0, 1499.0


def run(*command: str | Path) -> str:
    """The program's standard output; its errors are the test's."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} failed: {done.stderr}"
    return done.stdout


def probe(path: Path, *what: str) -> dict[str, Any]:
    """What ffprobe says of the file, its format and streams."""
    found: dict[str, Any] = json.loads(
        run("ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", *what, path)
    )
    return found


def kinds(path: Path) -> list[str]:
    """What kinds of streams are in a file: `audio`, `video`, sorted."""
    return sorted(stream["codec_type"] for stream in probe(path)["streams"])


@dataclass(frozen=True)
class Packet:
    stream: int
    seconds: float
    size: int
    hash: str
    key: bool
    duration: float


def packets(path: Path) -> list[Packet]:
    """Every packet of the file with the hash of its data."""
    found = probe(path, "-show_packets", "-show_data_hash", "md5")["packets"]
    return [
        Packet(
            packet["stream_index"],
            float(packet["pts_time"]),
            int(packet["size"]),
            packet["data_hash"],
            "K" in packet["flags"],
            float(packet.get("duration_time", 0)),
        )
        for packet in found
    ]


def decode_errors(path: Path) -> str:
    """What ffmpeg complains of while it decodes the whole file; empty if nothing.

    What its `null` output says of equal timestamps is left aside: blocks may be so close that they
    round to the same tick, and every one of them is decoded.
    """
    done = subprocess.run(
        ["ffmpeg", "-v", "repeat+error", "-i", str(path), "-fps_mode", "passthrough", "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("[null @")]
    return "\n".join(said) + ("" if done.returncode == 0 else f"exit {done.returncode}")


def make_video(path: Path) -> Path:
    """A clip whose upper rows show each frame's number as black and white blocks; the rest moves."""
    encoder = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray"]
        + ["-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-", "-q:v", "4", "-pix_fmt", "yuvj420p"]
        + ["-f", "mjpeg", str(path)],
        stdin=subprocess.PIPE,
    )
    assert encoder.stdin is not None
    ramp = bytes(range(40, 200)) * 8
    for number in range(LOOP_FRAMES):
        row = b"".join(bytes([235 if number >> bit & 1 else 16]) * BLOCK for bit in range(COUNTER_BITS))
        top = row.ljust(WIDTH, b"\x80") * BLOCK
        rest = b"".join(ramp[(number * 5 + line) % 160 :][:WIDTH] for line in range(HEIGHT - BLOCK))
        encoder.stdin.write(top + rest)
    encoder.stdin.close()
    assert encoder.wait() == 0
    return path


def make_detailed(path: Path, numbered: Path, width: int, height: int) -> Path:
    """The clip with its numbers at this size, its moving part full of noise: much work for an encoder."""
    top = height * BLOCK // HEIGHT // 2 * 2
    noisy = f"crop=iw:ih-{BLOCK}:0:{BLOCK},scale={width}:{height - top},noise=alls=40:allf=t"
    run(
        *("ffmpeg", "-v", "error", "-y", "-r", str(FPS), "-f", "mjpeg", "-i", numbered, "-filter_complex"),
        f"split[a][b];[b]{noisy}[rest];[a]crop=iw:{BLOCK}:0:0,scale={width}:{top}[bits];[bits][rest]vstack",
        *("-frames:v", str(LOOP_FRAMES), "-q:v", "8", "-f", "mjpeg", path),
    )
    return path


def make_noise(path: Path) -> Path:
    """A second of pictures that no encoder makes small."""
    noise = f"nullsrc=s={WIDTH}x{HEIGHT}:r={FPS}:d=1,geq=lum='random(1)*255':cb=128:cr=128"
    run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", noise, "-q:v", "3", "-f", "mjpeg", path)
    return path


def make_audio(path: Path) -> Path:
    """Ten seconds of one tone left and another right, whole periods so that it loops without a click."""
    run(
        *("ffmpeg", "-v", "error", "-y", "-f", "lavfi"),
        *("-i", f"aevalsrc=0.5*sin(2*PI*{LEFT_HZ}*t)|0.5*sin(2*PI*{RIGHT_HZ}*t):s=44100:d=10"),
        *("-c:a", "pcm_s16le", path),
    )
    return path


def share_recorded(numbers: list[int]) -> float:
    """How many of the pictures that the camera gave, from the first to the last of these numbers, are there."""
    return len(numbers) / (1 + sum((after - before) % LOOP_FRAMES for before, after in pairwise(numbers)))


def frame_sizes(path: Path) -> list[tuple[int, int]]:
    """Width and height of its decoded pictures, each as often as it changes."""
    told = run(
        *("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=width,height"),
        *("-of", "csv=p=0", path),
    )
    pairs = (line.split(",")[:2] for line in told.split())
    sizes = [(int(width), int(height)) for width, height in pairs]
    return [size for before, size in zip([None, *sizes], sizes, strict=False) if size != before]


def frame_numbers(path: Path) -> list[int]:
    """The number burnt into each video frame of the file."""
    small = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough"]
        + [
            "-vf",
            f"scale={WIDTH}:{HEIGHT},crop={COUNTER_BITS * BLOCK}:{BLOCK}:0:0,"
            f"scale={COUNTER_BITS}:1:flags=area",
        ]
        + ["-pix_fmt", "gray", "-f", "rawvideo", "-"],
        capture_output=True,
        check=True,
    ).stdout
    rows = [small[start : start + COUNTER_BITS] for start in range(0, len(small), COUNTER_BITS)]
    return [sum(1 << bit for bit, level in enumerate(row) if level > 128) for row in rows]


def samples(path: Path, rate: int = 48000) -> tuple[array.array[float], array.array[float]]:
    """The sound of the file as two channels of float samples."""
    raw = subprocess.run(
        [
            "ffmpeg",
            "-v",
            "error",
            "-i",
            str(path),
            "-map",
            "0:a:0",
            "-ac",
            "2",
            "-ar",
            str(rate),
            "-f",
            "f32le",
            "-",
        ],
        capture_output=True,
        check=True,
    ).stdout
    both = array.array("f", raw)
    return both[0::2], both[1::2]


def tone(channel: array.array[float], hertz: float, rate: int = 48000) -> float:
    """The amplitude of this frequency in the middle second of the channel."""
    start = len(channel) // 2
    part = channel[start : start + rate]
    step = cmath.exp(-2j * math.pi * hertz / rate)
    phase, total = 1 + 0j, 0j
    for sample in part:
        total += sample * phase
        phase *= step
    return 2 * abs(total) / len(part)


def beeps(path: Path) -> list[float]:
    """When each beep of a file's sound begins, in seconds; they are half a second apart or more."""
    left, _ = samples(path)
    found, last = [], -48_000
    for at, level in enumerate(left):
        if abs(level) > 0.05:
            if at - last > 24_000:
                found.append(at / 48_000)
            last = at
    return found
