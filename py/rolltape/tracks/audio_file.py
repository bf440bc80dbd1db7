"""The sound of a recording by PyAV (FFmpeg's libraries): what its packets say, and its samples, forwards.

Whatever a file's format, each packet stands for as many samples as its header says. What cannot be decoded is silence
of that length, so damage moves nothing that comes after it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.logging
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from rolltape.core.errors import ConvertError
from rolltape.media.webm_track import opus_samples
from rolltape.tracks.place import Heard
from rolltape.tracks.runs import Point

__all__ = ["BYTES", "AudioFile", "hear", "opened"]

ONLY = {
    "format_whitelist": "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,wav,ogg,flac",
    "protocol_whitelist": "file",
}
"""What FFmpeg may take a file for: what browsers record.

Else a text that a guest calls a recording could name others' files (concat, HLS), or addresses.
"""

BYTES = 4
"""Of a sample of one channel: 32-bit integers, of which a track keeps the upper 24."""
MAX_CHANNELS = 2
BATCH = 24_000
"""Samples that are converted at once: of blocks of 10 ms each alone would cost as much as its decoding."""
BEHIND = 8192
"""Samples that are kept behind the last ones read, for a resampler that looks back."""
THINNED_MS = 60.0
AAC_SAMPLES = 1024
LOWEST_RATE, HIGHEST_RATE = 8000, 384_000
_LAYOUTS = {1: "mono", 2: "stereo"}

av.logging.set_level(av.logging.PANIC)  # what is wrong is said in sentences of ours


def hear(path: Path) -> Heard:
    """Read the headers of a file's packets. Raises OSError, ConvertError."""
    with opened(path) as container:
        stream = _stream(container, path)
        rate = int(stream.codec_context.sample_rate)
        points: list[Point] = []
        samples = 0
        count, tick_ms = _counter(stream), stream.time_base * 1000
        # A fraction for each of an hour's packets costs more than reading them.
        up, down = tick_ms.numerator, tick_ms.denominator
        for packet in _packets(container, stream):
            if packet.pts is not None:
                _thinly(points, Point(samples * 1000 / rate, packet.pts * up / down))
            samples += count(packet)
        if not samples:
            raise ConvertError(f"{path.name} has a sound track, but no sound in it.")
        channels = min(int(stream.codec_context.channels), MAX_CHANNELS)
        return Heard(rate, channels, samples, tuple(points))


def _thinly(points: list[Point], point: Point) -> None:
    """Add a point; of those within 60 ms the earliest stays: hours of short blocks would fill the memory."""
    if not points or point.sample_ms // THINNED_MS != points[-1].sample_ms // THINNED_MS:
        points.append(point)
    elif point.page_ms - point.sample_ms < points[-1].page_ms - points[-1].sample_ms:
        points[-1] = point


class AudioFile:
    """A file's samples as 32-bit integers of one or two channels, side by side. Close it."""

    def __init__(self, path: Path, channels: int) -> None:
        """Raises OSError, ConvertError."""
        self.broken = 0
        """Samples that could not be decoded, and are silence."""
        self._frame_bytes = BYTES * channels
        self._channels = channels
        self._container: Any = opened(path)
        stream = _stream(self._container, path)
        self.rate = int(stream.codec_context.sample_rate)
        """Samples a second."""
        self._steps = self._decoded(stream)
        self._window = bytearray()
        self._from = 0
        """Where in the file the window begins, in samples."""

    def __enter__(self) -> AudioFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._steps.close()
        self._container.close()

    def read(self, begin: int, end: int) -> bytes:
        """Samples from `begin` to before `end`; silence where the file has none.

        Only forwards, but for the last few thousand samples: what lies further behind is not there any more.
        """
        while self._from + len(self._window) // self._frame_bytes < end:
            piece = next(self._steps, None)
            if piece is None:
                break
            self._window += piece
            self._forget(begin - BEHIND)
        at = max(begin, self._from)
        found = self._window[(at - self._from) * self._frame_bytes : (end - self._from) * self._frame_bytes]
        before = bytes((at - begin) * self._frame_bytes)
        self._forget(end - BEHIND)
        return b"".join((before, found, bytes((end - begin) * self._frame_bytes - len(before) - len(found))))

    def _forget(self, until: int) -> None:
        dropped = min(max(0, until - self._from), len(self._window) // self._frame_bytes)
        del self._window[: dropped * self._frame_bytes]
        self._from += dropped

    def _decoded(self, stream: Any) -> Generator[bytes, None, None]:
        batch, count = _Batch(self._channels), _counter(stream)
        for packet in _packets(self._container, stream):
            expected = count(packet)
            frames, held = self._frames(stream, packet, expected)
            if held != expected:  # the first packet's, of which a decoder takes off what its encoder put in
                yield batch.taken()
                yield bytes(max(0, expected - held) * self._frame_bytes)
            for frame in frames:
                batch.add(frame)
            if held > expected:
                yield batch.taken()[(held - expected) * self._frame_bytes :]
            elif batch.samples >= BATCH:
                yield batch.taken()
        yield batch.taken()

    def _frames(self, stream: Any, packet: Any, expected: int) -> tuple[list[Any], int]:
        try:
            frames = list(stream.codec_context.decode(packet))
        except av.FFmpegError:
            self.broken += expected
            return [], 0
        return frames, sum(frame.samples for frame in frames)


class _Batch:
    """Frames that are turned into 32-bit integers together."""

    def __init__(self, channels: int) -> None:
        self.samples = 0
        self._channels = channels
        self._frames: list[Any] = []
        self._resampler: Any = None
        self._kind: tuple[str, int, int] | None = None

    def add(self, frame: Any) -> None:
        self._frames.append(frame)
        self.samples += frame.samples

    def taken(self) -> bytes:
        """All of it."""
        found = bytearray()
        while self._frames:
            kind = _kind(self._frames[0])
            count = next((at for at, one in enumerate(self._frames) if _kind(one) != kind), len(self._frames))
            found += self._converted(self._frames[:count], kind)
            del self._frames[:count]
        self.samples = 0
        return bytes(found)

    def _converted(self, frames: list[Any], kind: tuple[str, int, int]) -> bytes:
        form, channels, rate = kind
        target = min(channels, MAX_CHANNELS)
        if self._kind != kind:
            self._kind = kind
            self._resampler = AudioResampler(format="s32", layout=_LAYOUTS[target])
        layout = _LAYOUTS.get(channels) or frames[0].layout
        whole: Any = AudioFrame(format=form, layout=layout, samples=sum(one.samples for one in frames))
        whole.sample_rate = rate
        for plane, joined in enumerate(whole.planes):
            width = joined.buffer_size // whole.samples
            joined.update(b"".join(memoryview(one.planes[plane])[: one.samples * width] for one in frames))
        data = b"".join(
            bytes(memoryview(one.planes[0])[: one.samples * target * BYTES])
            for one in self._resampler.resample(whole)
        )
        return spread(data) if target < self._channels else data


def _kind(frame: Any) -> tuple[str, int, int]:
    return str(frame.format.name), int(frame.layout.nb_channels), int(frame.sample_rate)


def spread(mono: bytes) -> bytes:
    """Return samples of 32 bits of one channel on both of two, interleaved, as loud as they are."""
    one = array("i", mono)
    both = array("i", bytes(2 * len(mono)))
    both[0::2] = one
    both[1::2] = one
    return both.tobytes()


def opened(path: Path) -> Any:
    """Open a recording to be read. Raises OSError, ConvertError where it is none."""
    try:
        return av.open(str(path), options=ONLY, metadata_errors="replace")
    except av.FFmpegError as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise ConvertError(f"{path.name} is no recording, or broken off within its header.") from error


def _stream(container: Any, path: Path) -> Any:
    if not container.streams.audio:
        raise ConvertError(f"{path.name} has no sound track.")
    stream = container.streams.audio[0]
    context = stream.codec_context
    if not context or not LOWEST_RATE <= context.sample_rate <= HIGHEST_RATE or not context.channels:
        raise ConvertError(f"{path.name} has a sound track that no player would take.")
    return stream


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """The packets of the stream, up to where the file makes no sense any more."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except av.FFmpegError:
        return


def _counter(stream: Any) -> Callable[[Any], int]:
    """What says how many samples a packet of the stream stands for."""
    context = stream.codec_context
    name, rate = str(context.name), int(context.sample_rate)
    if "opus" in name:
        return lambda packet: opus_samples(bytes(memoryview(packet)[:2]), packet.size) * rate // 48_000
    if name.startswith("pcm_"):
        bits = int("".join(filter(str.isdigit, name)))
        frame_bytes = int(context.channels) * bits // 8
        return lambda packet: int(packet.size // frame_bytes)
    if name.startswith("aac"):
        return lambda packet: AAC_SAMPLES
    return lambda packet: round(packet.duration * packet.time_base * rate) if packet.duration else 0
