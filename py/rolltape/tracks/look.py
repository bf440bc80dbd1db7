"""What a track looks like at a glance: how loud it is from beginning to end, and one of its pictures, small."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av

from rolltape.core.errors import ConvertError
from rolltape.tracks.audio_file import opened
from rolltape.tracks.report_page import Look

__all__ = ["look"]

COLUMNS = 640
WIDE = 320
STILLS = 5
_FULL = {"s16": ("h", 1 << 15), "s32": ("i", 1 << 31)}


def look(sound: Path, samples: int) -> Look:
    """Return what a track looks like, of whose sound this is the file, its film beside it if there is one.

    It reads some moments, so it takes as long for hours as for minutes. Raises OSError.
    """
    film = sound.with_suffix(".mp4")
    return Look(_peaks(sound, samples), _still(film) if film.exists() else b"")


def _peaks(sound: Path, samples: int) -> tuple[float, ...]:
    found = []
    try:
        with opened(sound) as container:
            stream = container.streams.audio[0]
            for column in range(COLUMNS):
                at = Fraction(samples * column, COLUMNS * stream.rate)
                container.seek(int(at / stream.time_base), stream=stream)
                frame = next(container.decode(stream), None)
                found.append(0.0 if frame is None else _peak(frame))
    except (ConvertError, av.FFmpegError):
        return ()  # it was just written: who cannot read it back shows nothing of it
    return tuple(found)


def _peak(frame: Any) -> float:
    kind, full = _FULL[frame.format.name]
    values = array(
        kind, bytes(frame.planes[0])[: frame.samples * frame.layout.nb_channels * array(kind).itemsize]
    )
    return max(max(values), -min(values)) / full


def _still(film: Path) -> bytes:
    """The picture with most to be seen, of some from all of a film; empty if none can be decoded."""
    try:
        with opened(film) as container:
            stream = container.streams.video[0]
            return max((_jpeg(one) for one in _some(container, stream)), key=len, default=b"")
    except (ConvertError, av.FFmpegError):
        return b""  # it was just written: who cannot read it back shows nothing of it


def _some(container: Any, stream: Any) -> Iterator[Any]:
    for step in range(1, 2 * STILLS, 2):
        container.seek(stream.duration * step // (2 * STILLS), stream=stream)
        yield from islice(container.decode(stream), 1)


def _jpeg(frame: Any) -> bytes:
    width = min(WIDE, frame.width) // 2 * 2 or 2
    height = max(2, round(frame.height * width / frame.width / 2) * 2)
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    small = frame.reformat(width, height, "yuvj420p")
    small.pts = 0
    return b"".join(map(bytes, [*encoder.encode(small), *encoder.encode(None)]))
