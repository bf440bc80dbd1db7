"""Recordings whose pictures bear their number, and what reads it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av

from unit.media_files import program
from unit.synthetic_session import RATE

BITS = 10
CELL = 16
LENGTH_S = 10


VP8 = ("-c:v", "libvpx", "-b:v", "2M", "-deadline", "realtime", "-cpu-used", "8")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-bf", "0", "-g", "30")


def numbered(
    path: Path, jitter_ms: int, left_out: str, size: str = "160x64", coded: Sequence[str] = VP8
) -> None:
    """Pictures that bear their number in bars, captured when they come, with a beep each second."""
    bars = f"geq=lum='if(mod(floor(N/pow(2,floor(X/{CELL}))),2),235,16)':cb=128:cr=128"
    when = f"setpts='(N*1000/30+{jitter_ms}*random(1))/1000/TB'"
    picture = f"color=black:s={size}:r=30:d={LENGTH_S},{bars},{when},select='not({left_out})'"
    beep = f"aevalsrc='0.6*sin(2*PI*1000*t)*lt(abs(mod(t,1)-0.5),0.006)':s={RATE}:d={LENGTH_S}"
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", beep)
    options = ("-vsync", "passthrough", "-enc_time_base", "1/1000", "-f", "matroska")
    done = program("ffmpeg", "-v", "error", "-y", *inputs, *coded, "-c:a", "pcm_s16le", *options, str(path))
    assert done.returncode == 0, done.stderr


def read_numbers(path: Path) -> list[int | None]:
    """The number of each frame; None for black."""
    found: list[int | None] = []
    with av.open(str(path)) as container:
        for one in container.decode(video=0):
            frame: Any = one
            plane = frame.planes[0]
            row = bytes(plane)[plane.line_size * (frame.height // 2) :]
            value = sum((row[CELL * bit + CELL // 2] > 128) << bit for bit in range(BITS))
            found.append(value or None)
    return found
