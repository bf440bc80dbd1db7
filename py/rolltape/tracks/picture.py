"""A track's pictures: an MP4 of constant frame rate with the track's sound (H.264, AAC), which every editor takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.codec.context import Flags
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import PictureType, VideoFrame

from rolltape.tracks.film_file import FilmFile, FilmShape
from rolltape.tracks.outputs import as_os_errors
from rolltape.tracks.picture_plan import BLACK, Seen, Shown
from rolltape.tracks.plan import RATE
from rolltape.tracks.track_sound import TrackSound
from rolltape.tracks.video_file import VideoFile

__all__ = ["write_pictures"]

FORMAT = "yuv420p"
X264 = {"preset": "veryfast", "crf": "18", "profile": "high", "bf": "0", "sc_threshold": "0"}
AS_IN_MP4 = {"x264-params": "annexb=0"}
"""Each unit with its length before it, and what describes the stream apart from it (ISO/IEC 14496-15)."""


def write_pictures(
    place: Path,
    plan: Iterable[Shown],
    files: Sequence[tuple[Path, Seen]],
    rate: int,
    frames: int,
    sound: Path,
    timecode: str,
    told: Callable[[float], None],
) -> dict[int, int]:
    """Write `place`: what the plan shows, `frames` of them, `rate` a second, with a whole track's sound from a file.

    `files` are the plan's, by number; `timecode` is the first frame's (SMPTE ST 12-1, `HH:MM:SS:FF`), on a track of
    its own, empty for none; `told` hears how many seconds are done. Returns how many pictures of which file could not
    be decoded. Raises OSError, ConvertError.
    """
    with as_os_errors(place), ExitStack() as stack:
        heard: Any = stack.enter_context(av.open(str(sound)))
        size = _size([seen for _, seen in files])
        pictures, sounds = _picture_encoder(size, rate), TrackSound(heard)
        shape = FilmShape(size, rate, frames, sounds.channels, frames * RATE // rate, timecode)
        output = stack.enter_context(FilmFile(place, shape, pictures.extradata, sounds.described))
        screen = _Screen(size)
        sources: dict[int, VideoFile] = {}
        done = 0
        for one in plan:
            frame = screen.black
            if one.file != BLACK:
                path, seen = files[one.file]
                if one.file not in sources:
                    sources[one.file] = stack.enter_context(VideoFile(path))
                frame = screen.fitted(sources[one.file].picture(seen.stamps_ms[one.picture]))
            for _ in range(one.frames):
                frame.pts, frame.time_base = done, Fraction(1, rate)
                frame.pict_type = PictureType.NONE
                for packet in pictures.encode(frame):
                    output.picture(bytes(packet), packet.is_keyframe)
                done += 1
            for packet in sounds.until(done / rate):
                output.sound(packet)
            told(done / rate)
        for packet in pictures.encode(None):
            output.picture(bytes(packet), packet.is_keyframe)
        for packet in sounds.rest():
            output.sound(packet)
        return {file: source.broken for file, source in sources.items() if source.broken}


def _size(seen: Sequence[Seen]) -> tuple[int, int]:
    """The largest picture's, in even numbers, which H.264 wants."""
    width, height = max(((one.width, one.height) for one in seen), key=lambda size: size[0] * size[1])
    return width + width % 2, height + height % 2


def _picture_encoder(size: tuple[int, int], rate: int) -> Any:
    """An open encoder, whose packets are as MP4 has them."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt = FORMAT
    encoder.time_base, encoder.framerate = Fraction(1, rate), rate
    encoder.options = {**X264, **AS_IN_MP4, "g": str(rate), "keyint_min": str(rate)}
    encoder.flags |= Flags.global_header
    encoder.open()
    return encoder


class _Screen:
    """Brings pictures to one size and format: whole, in the middle, black around them."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._kind: tuple[int, int, str] | None = None
        self._graph: Any = None
        self._last: tuple[Any, Any] = (None, None)
        self.black: Any = VideoFrame(*size, FORMAT)
        for number, plane in enumerate(self.black.planes):
            plane.update(bytes([128 if number else 16]) * plane.buffer_size)

    def fitted(self, frame: Any) -> Any:
        """The picture; black for None. One that is shown longer is fitted once."""
        if frame is None:
            return self.black
        kind = (int(frame.width), int(frame.height), str(frame.format.name))
        if kind == (*self._size, FORMAT):
            return frame
        if self._last[0] is not frame:
            self._last = (frame, self._through_graph(frame, kind))
        return self._last[1]

    def _through_graph(self, frame: Any, kind: tuple[int, int, str]) -> Any:
        if self._kind != kind:
            self._kind, self._graph = kind, _graph(kind, self._size)
        self._graph.push(frame)
        return self._graph.pull()


def _graph(kind: tuple[int, int, str], size: tuple[int, int]) -> Any:
    width, height = size
    graph = Graph()
    steps = [
        graph.add_buffer(
            width=kind[0], height=kind[1], format=VideoFormat(kind[2]), time_base=Fraction(1, 1000)
        ),
        graph.add("scale", f"{width}:{height}:force_original_aspect_ratio=decrease:flags=bicubic"),
        graph.add("pad", f"{width}:{height}:-1:-1"),
        graph.add("setsar", "1"),
        graph.add("format", FORMAT),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*steps).configure()
    return graph
