"""The sound of a film: the track's own file, encoded as AAC."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.codec.context import Flags

from rolltape.tracks.plan import RATE

__all__ = ["TrackSound"]

SOUND_BITS = 128_000
"""A second and channel."""


class TrackSound:
    """A track's sound, which is AAC in a film, encoded beside its pictures as they come."""

    def __init__(self, heard: Any) -> None:
        """`heard` is the track's file, opened by PyAV."""
        stream = heard.streams.audio[0]
        self.channels: int = stream.codec_context.channels
        self._encoder: Any = av.CodecContext.create("aac", "w")
        self._encoder.sample_rate, self._encoder.format = RATE, "fltp"
        self._encoder.layout = "mono" if self.channels == 1 else "stereo"
        self._encoder.bit_rate = SOUND_BITS * self.channels
        self._encoder.flags |= Flags.global_header
        self._encoder.open()
        self._frames: Iterator[Any] = iter(heard.decode(stream))
        self._samples = 0

    @property
    def described(self) -> bytes:
        """What a decoder has to know (AudioSpecificConfig)."""
        return bytes(self._encoder.extradata)

    def until(self, seconds: float) -> Iterator[bytes]:
        """The packets up to this moment, and a little more."""
        while self._samples < seconds * RATE and (frame := next(self._frames, None)) is not None:
            frame.pts, frame.time_base = self._samples, Fraction(1, RATE)
            self._samples += frame.samples
            yield from map(bytes, self._encoder.encode(frame))

    def rest(self) -> Iterator[bytes]:
        """What the encoder holds back."""
        yield from map(bytes, self._encoder.encode(None))
