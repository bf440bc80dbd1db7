"""Pictures on their way into an MP4 file, for each codec that recordings have."""

from __future__ import annotations

from typing import Final

from rolltape.convert.mp4_lane import Lane
from rolltape.core.errors import ConvertError
from rolltape.media import h264
from rolltape.media import mp4_entries as entries
from rolltape.media.mp4 import Mp4Track, ShownSamples, box
from rolltape.media.webm_track import Track

_TEMPORAL_DELIMITER: Final = b"\x12\x00"
"""An AV1 unit that MP4 leaves out ("AV1 Codec ISO Media File Format Binding", 2.4)."""

# The sample entry, and the box in it that holds Matroska's CodecPrivate as it is.
_DESCRIBED: Final = {
    "V_MPEG4/ISO/AVC": (b"avc1", b"avcC"),
    "V_MPEGH/ISO/HEVC": (b"hvc1", b"hvcC"),
    "V_AV1": (b"av01", b"av1C"),
}


class PictureLane(Lane):
    """Pictures that are stored as they are, and described by the recording's header."""

    samples: ShownSamples

    def __init__(self, track: Track, scale_ns: int) -> None:
        super().__init__(track)
        self.samples = ShownSamples()
        exact = scale_ns >= 1000 and 1_000_000_000 % scale_ns == 0
        self._timescale = 1_000_000_000 // scale_ns if exact else 90_000
        self._size = track.width & 0xFFFF, track.height & 0xFFFF

    def tell(self, at_ns: int, payload: bytes, key: bool, duration_ns: int, discard_ns: int) -> bytes:
        """Count it, as `Lane.tell` says."""
        stored = self._stored(payload)
        if stored:
            length = self._ticks(duration_ns) if duration_ns else 0
            self.samples.add_picture(len(stored), self._ticks(max(0, at_ns)), key, length)
            self.end_ns = max(self.end_ns, at_ns + duration_ns)
        return stored

    def _stored(self, payload: bytes) -> bytes:
        return payload

    def _ticks(self, time_ns: int) -> int:
        return (time_ns * self._timescale + 500_000_000) // 1_000_000_000

    def finished(self) -> Mp4Track:
        """Return the track with its sample entry. Raises ConvertError."""
        self.samples.finish()
        start_ns = self.samples.origin * 1_000_000_000 // self._timescale
        return Mp4Track(self._entry(), self.samples, self._timescale, start_ns, self._size)

    def _entry(self) -> bytes:
        kind, described = _DESCRIBED[self.track.codec]
        return entries.picture_entry(kind, self._size, box(described, self.track.codec_private))


class Av1Lane(PictureLane):
    """AV1, whose units come without the delimiters between them."""

    def _stored(self, payload: bytes) -> bytes:
        return payload[2:] if payload[:2] == _TEMPORAL_DELIMITER else payload


class Vp8Lane(PictureLane):
    """VP8, which needs no description."""

    def _entry(self) -> bytes:
        return entries.picture_entry(b"vp08", self._size, entries.vp_config(0, 10, 8, 1))


class Vp9Lane(PictureLane):
    """VP9, described by its first key frame."""

    _first = b""

    def _stored(self, payload: bytes) -> bytes:
        self._first = self._first or payload[:16]
        return payload

    def _entry(self) -> bytes:
        fps = self.samples.count * self._timescale / max(1, self.samples.end)
        return entries.picture_entry(b"vp09", self._size, entries.vp9_config(self._first, self._size, fps))


class ByteStreamLane(PictureLane):
    """H.264 as Chromium stores it: a byte stream, described by the parameter sets in it."""

    def __init__(self, track: Track, scale_ns: int) -> None:
        super().__init__(track, scale_ns)
        self._config = h264.configuration(track.codec_private)

    def _stored(self, payload: bytes) -> bytes:
        self._config = self._config or h264.configuration(payload)
        return h264.length_prefixed(payload)

    def _entry(self) -> bytes:
        if not self._config:
            raise ConvertError("The recording does not say how its H.264 is to be decoded, as MP4 has to.")
        return entries.picture_entry(b"avc1", self._size, box(b"avcC", self._config))


def picture_lane(track: Track, scale_ns: int) -> PictureLane:
    """Return the lane for a codec that MP4 can hold; the plan has seen to it that it is one."""
    if track.codec == "V_MPEG4/ISO/AVC" and track.codec_private[:1] != b"\1":
        return ByteStreamLane(track, scale_ns)
    kinds = {"V_AV1": Av1Lane, "V_VP8": Vp8Lane, "V_VP9": Vp9Lane}
    return kinds.get(track.codec, PictureLane)(track, scale_ns)
