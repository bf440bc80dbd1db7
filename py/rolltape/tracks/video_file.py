"""The pictures of a recording by PyAV (FFmpeg's libraries): when they were captured, and they themselves."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import av

from rolltape.core.errors import ConvertError
from rolltape.media import h264
from rolltape.tracks.audio_file import opened
from rolltape.tracks.picture_plan import MOST_KINDS, Seen

__all__ = ["VideoFile", "see"]

LARGEST = 8192
NEAR_MS = 0.5
"""Half of what stamps are rounded to."""


def see(path: Path) -> Seen | None:
    """Read the headers of a file's pictures; None where it has none. Raises OSError, ConvertError."""
    with opened(path) as container:
        if not container.streams.video:
            return None
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise ConvertError(f"{path.name} has pictures of a kind that cannot be decoded here.")
        width, height = int(stream.codec_context.width), int(stream.codec_context.height)
        if not (0 < width <= LARGEST and 0 < height <= LARGEST):
            raise ConvertError(f"{path.name} has pictures that no player would show.")
        codec = str(stream.codec_context.name)
        record = bytes(stream.codec_context.extradata or b"")
        described: dict[bytes, None] = {}
        stamps = array("d")
        is_in_order = begins_whole = True
        try:
            for packet in container.demux(stream):
                if packet.size and packet.pts is not None:
                    stamp_ms = float(packet.pts * packet.time_base * 1000)
                    begins_whole = bool(packet.is_keyframe) if not stamps else begins_whole
                    is_in_order = is_in_order and (not stamps or stamp_ms >= stamps[-1])
                    stamps.append(stamp_ms)
                    if codec == "h264" and packet.is_keyframe and len(described) < MOST_KINDS:
                        described[h264.described_by(record, bytes(packet))] = None
        except av.FFmpegError:
            pass  # what comes before is used
        if not is_in_order:
            stamps = array("d", sorted(stamps))
        if not stamps:
            return None
        return Seen(width, height, stamps, codec, is_in_order, tuple(described), begins_whole)


class VideoFile:
    """A file's pictures, one after another. Close it."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, ConvertError."""
        self.broken = 0
        """Pictures that could not be decoded."""
        self._container: Any = opened(path)
        self._frames = self._decoded()
        self._now: Any = None
        self._now_ms = 0.0
        """Kept apart: who writes a picture gives it another time."""

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def picture(self, stamp_ms: float) -> Any:
        """Return the picture (an `av.VideoFrame`) of this time in the file, later than the one before.

        None where none can be decoded; the last one again where the file has ended.
        """
        while self._now is None or self._now_ms < stamp_ms - NEAR_MS:
            after = next(self._frames, None)
            if after is None:
                break
            self._now, self._now_ms = after, float(after.time * 1000)
        return self._now

    def _decoded(self) -> Iterator[Any]:
        stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        try:
            for packet in self._container.demux(stream):
                try:
                    frames = stream.codec_context.decode(packet if packet.size else None)
                except av.EOFError:
                    return
                except av.FFmpegError:
                    self.broken += 1
                    continue
                yield from (frame for frame in frames if frame.pts is not None)
        except av.FFmpegError:
            return
