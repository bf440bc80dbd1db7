"""An MP4 of constant frame rate whose length is known before: its index comes first, in room that is kept for it.

So nothing is moved once all is written, however long it is, and what is kept of a picture is the bytes of its size.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rolltape.core.errors import ConvertError
from rolltape.media.mp4 import Mp4Track, Samples, ShownSamples, box, file_type, movie
from rolltape.media.mp4_entries import AAC, mpeg_entry, picture_entry, timecode_entry
from rolltape.tracks.plan import RATE

__all__ = ["AAC_FRAME", "FilmFile", "FilmShape"]

AAC_FRAME = 1024
"""Samples of each packet; so many come before the first that is meant (ISO/IEC 14496-3)."""
TICKS = 512
"""Of the pictures' clock, a frame."""
MOST_SOUNDS = 2 * RATE // AAC_FRAME
"""So many packets wait for a picture that is long in coming: two seconds."""
MORE = 8192
"""Bytes of an index that do not grow with the film."""
DATA_HEAD = struct.Struct(">I4sQ")


@dataclass(frozen=True)
class FilmShape:
    """What is known of a film before it is written."""

    size: tuple[int, int]
    rate: int
    """Frames a second."""
    frames: int
    channels: int
    samples: int
    """Of its sound, at RATE."""
    timecode: str
    """The first frame's (SMPTE ST 12-1, `HH:MM:SS:FF`); empty: none."""
    timescale: int = 0
    """Ticks a second of pictures that come when they like; 0: they come at `rate`."""
    end: int = 0
    """At which of these ticks the last of them ends."""

    @property
    def ticks(self) -> int:
        """Ticks a second of the pictures' clock."""
        return self.timescale or self.rate * TICKS

    @property
    def length(self) -> int:
        """How many ticks all of it lasts."""
        return self.end if self.timescale else self.frames * TICKS

    @property
    def index_bytes(self) -> int:
        """At most so many bytes is the index long: sizes, key frames, and where each second's samples are.

        Of pictures that come when they like also how long each lasts, and all of them may be key frames.
        """
        seconds = self.frames // self.rate + (self.length // self.ticks if self.timescale else 0) + 2
        packets = self.samples // AAC_FRAME + 4
        each = 4 + (8 + 4 if self.timescale else 0)
        return each * self.frames + 4 * packets + seconds * (4 + 2 * (8 + 12)) + MORE


class FilmFile:
    """Takes packets of H.264 (with their lengths before them) and AAC; whole once it is left without an error."""

    def __init__(self, path: Path, shape: FilmShape, h264: bytes, aac: bytes) -> None:
        """`h264` is an AVCDecoderConfigurationRecord, `aac` an AudioSpecificConfig. Raises OSError."""
        entry = picture_entry(b"avc1", shape.size, box(b"avcC", h264))
        self._pictures = Mp4Track(entry, ShownSamples(), shape.ticks, 0, shape.size)
        self._sounds = Mp4Track(mpeg_entry(AAC, aac, shape.channels, RATE), Samples(), RATE, 0)
        self._shape = shape
        self._held: tuple[list[bytes], list[bytes]] = ([], [])
        start = file_type([b"avc1"])
        self._index_at = len(start)
        self._data_at = self._index_at + shape.index_bytes
        self._end = 0
        self._file = path.open("wb", buffering=0)
        self._append(start, _free(shape.index_bytes), DATA_HEAD.pack(1, b"mdat", 0))

    def __enter__(self) -> FilmFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._finish()

    def picture(self, packet: bytes, is_key: bool, tick: int | None = None) -> None:
        """Write the next picture, shown from this tick on, or when its turn comes. Raises OSError."""
        samples = self._pictures.samples
        assert isinstance(samples, ShownSamples)
        if samples.count and samples.count % self._shape.rate == 0:
            self._end_chunks()
        shown, length = (samples.count * TICKS, TICKS) if tick is None else (tick, self._shape.end - tick)
        samples.add_picture(len(packet), shown, is_key, length)
        self._held[0].append(packet)

    def sound(self, packet: bytes) -> None:
        """Write the next packet of sound, of AAC_FRAME samples. Raises OSError."""
        self._sounds.samples.add(len(packet), AAC_FRAME)
        self._held[1].append(packet)
        if len(self._held[1]) >= MOST_SOUNDS:
            self._end_chunks()

    def _end_chunks(self) -> None:
        """What came since the last time stands together, of each track."""
        for track, held in zip((self._pictures, self._sounds), self._held, strict=True):
            if held:
                track.samples.end_chunk(self._end)
                self._append(*held)
                held.clear()

    def _append(self, *pieces: bytes) -> None:
        data = b"".join(pieces)
        self._write(self._end, data)
        self._end += len(data)

    def _write(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def _finish(self) -> None:
        shape, sounds = self._shape, self._sounds
        self._end_chunks()
        self._pictures.samples.finish()
        if self._pictures.samples.count != shape.frames:
            raise ConvertError(f"{self._pictures.samples.count} of {shape.frames} pictures were encoded.")
        sounds.skip = AAC_FRAME
        sounds.discard = max(0, sounds.samples.end - sounds.skip - shape.samples)
        tracks = [self._pictures, sounds]
        if shape.timecode:
            tracks.append(self._timecode())
            self._pictures.timecode = len(tracks)
        index = movie(tracks)
        self._write(self._index_at, index + _free(shape.index_bytes - len(index)))
        self._write(self._data_at, DATA_HEAD.pack(1, b"mdat", self._end - self._data_at))

    def _timecode(self) -> Mp4Track:
        """A track of one sample, the number of the first frame since midnight, that lasts as long as the film."""
        rate = self._shape.rate
        hours, minutes, seconds, frame = map(int, self._shape.timecode.split(":"))
        samples = Samples()
        samples.add(4, self._shape.length * rate * TICKS // self._shape.ticks)
        samples.end_chunk(self._end)
        self._append(struct.pack(">I", ((hours * 60 + minutes) * 60 + seconds) * rate + frame))
        return Mp4Track(timecode_entry(rate, rate * TICKS), samples, rate * TICKS, 0, is_timecode=True)


def _free(size: int) -> bytes:
    """A box of nothing, `size` bytes in all (ISO/IEC 14496-12, 8.1.2)."""
    assert size >= 8
    return box(b"free", bytes(size - 8))
