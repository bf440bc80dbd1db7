"""The files that tracks become: WAV of 24 bits with the time of its first sample (EBU Tech 3285), or FLAC."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol

import av
from av.audio.frame import AudioFrame

from rolltape import __version__
from rolltape.media import wav
from rolltape.tracks.audio_file import BYTES
from rolltape.tracks.plan import RATE

__all__ = [
    "FlacFile",
    "PictureKind",
    "SoundKind",
    "SoundOutput",
    "WavFile",
    "as_os_errors",
    "bext",
    "opened_sound",
]

BITS = 24
APP = f"Rolltape {__version__}"
_LAYOUTS = {1: "mono", 2: "stereo"}


class SoundKind(StrEnum):
    """What a track's sound is written as; the file's ending too."""

    WAV = "wav"
    FLAC = "flac"


class PictureKind(StrEnum):
    """What a track's pictures become."""

    MP4 = "mp4"
    """Encoded anew, at a constant rate."""
    COPY = "copy"
    """An MP4 too, with the pictures as they were recorded, where that can be."""
    NONE = "none"


class SoundOutput(Protocol):
    """A file being written; whole once it is left without an error."""

    def __enter__(self) -> SoundOutput: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, samples: bytes) -> None:
        """Write 32-bit integers, channels side by side, of which the upper 24 bits are kept. Raises OSError."""


class WavFile:
    """A WAV of a length that is known before: RF64 beyond 4 GiB."""

    def __init__(self, path: Path, channels: int, samples: int, began: datetime | None) -> None:
        """Raises OSError."""
        form = wav.PcmFormat(RATE, channels, BITS, is_float=False)
        self._bytes = samples * form.frame_bytes
        self._channels = channels
        self._encoder: Any = av.CodecContext.create("pcm_s24le", "w")
        self._encoder.sample_rate, self._encoder.format = RATE, "s32"
        self._encoder.layout = _LAYOUTS[channels]
        self._file: BinaryIO = path.open("wb")
        self._file.write(wav.header(form, self._bytes, bext(began)))

    def __enter__(self) -> WavFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._file.write(wav.tail(self._bytes))

    def write(self, samples: bytes) -> None:
        """Write samples. Raises OSError."""
        for packet in self._encoder.encode(_frame(samples, self._channels)):
            self._file.write(memoryview(packet))


class FlacFile:
    """Writes a FLAC file (RFC 9639) at RATE, of one or two channels; it is not whole before it is closed."""

    def __init__(self, path: Path, channels: int) -> None:
        """Raises OSError."""
        self._path = path
        self._channels = channels
        self._container: Any = av.open(str(path), "w", format="flac")
        self._stream: Any = self._container.add_stream("flac", rate=RATE)
        self._stream.codec_context.format = "s32"
        self._stream.codec_context.layout = _LAYOUTS[channels]
        self._written = 0

    def __enter__(self) -> FlacFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with as_os_errors(self._path), self._container:
            if error is None:
                self._container.mux(self._stream.encode(None))

    def write(self, samples: bytes) -> None:
        """Write samples. Raises OSError."""
        frame = _frame(samples, self._channels)
        frame.pts = self._written
        self._written += frame.samples
        with as_os_errors(self._path):
            self._container.mux(self._stream.encode(frame))


def opened_sound(
    path: Path, kind: SoundKind, channels: int, samples: int, began: datetime | None
) -> SoundOutput:
    """Open a file of this kind, for so many samples, the first of which was captured then. Raises OSError."""
    if kind is SoundKind.FLAC:
        return FlacFile(path, channels)
    return WavFile(path, channels, samples, began)


@contextmanager
def as_os_errors(path: Path) -> Iterator[None]:
    """Within this, what FFmpeg raises of the file at `path` is raised as OSError."""
    try:
        yield
    except av.FFmpegError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _frame(samples: bytes, channels: int) -> Any:
    frame: Any = AudioFrame(
        format="s32", layout=_LAYOUTS[channels], samples=len(samples) // (BYTES * channels)
    )
    frame.sample_rate = RATE
    frame.planes[0].update(samples)
    return frame


def bext(began: datetime | None) -> bytes:
    """The Broadcast Audio Extension chunk, version 1: when the first sample was captured, counted from midnight.

    By the clock of `began`'s time zone; editors put files with the same time side by side. None: at midnight.
    """
    reference = 0
    if began is not None:
        seconds = (began.hour * 60 + began.minute) * 60 + began.second
        reference = seconds * RATE + round(began.microsecond * RATE / 1e6)
    day = began.strftime("%Y-%m-%d%H:%M:%S") if began is not None else "1970-01-0100:00:00"
    text = struct.pack("<256s32s32s18s", b"", APP.encode("ascii"), b"", day.encode("ascii"))
    payload = text + struct.pack("<QH", reference, 1) + bytes(64 + 190)
    return b"bext" + struct.pack("<I", len(payload)) + payload
