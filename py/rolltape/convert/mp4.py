"""Puts the packets of a recording into an MP4 file: nothing is encoded anew, what MP4 cannot hold is refused before.

A first pass over the recording finds out what the movie box says, a second one writes the samples behind it: so
the result can be streamed into a download, and a player can begin before it has the whole. What is kept of each
sample is its size and, where it differs from the one before, its length: some 4 MB for an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from rolltape.convert.audio import SILENT_FRAME, Timeline, silent_packet
from rolltape.convert.plan import Part, pcm_format, track_numbers
from rolltape.convert.remux import MAX_CLUSTER
from rolltape.errors import ConvertError
from rolltape.media import h264
from rolltape.media import mp4_entries as entries
from rolltape.media.mp4 import Mp4Track, Pictures, Samples, box, mp4_head
from rolltape.media.ogg import MAX_PACKET_SAMPLES, RATE, in_samples, opus_head
from rolltape.media.webm_packets import PacketReader, Stored
from rolltape.media.webm_track import Kind, Track, opus_samples

JITTER_NS: Final = 40_000_000
"""Sound follows its own samples until it is so far from its time; then it is set right."""
BACK_NS: Final = 5_000_000_000
"""No picture is shown so much before one that is stored earlier, and no part of a recording lasts an hour without"""
AHEAD_NS: Final = 3_600_000_000_000
"""one: a time that says so is damaged."""
_SILENT_CHUNK: Final = 1 << 14
_TEMPORAL_DELIMITER: Final = b"\x12\x00"
"""An AV1 unit that MP4 leaves out ("AV1 Codec ISO Media File Format Binding", 2.4)."""


class Clock:
    """A track's times, with those left out that cannot be."""

    def __init__(self, latest_ns: int) -> None:
        self._latest = latest_ns
        self._shift = 0

    def read(self, at_ns: int) -> int:
        """The time, or the latest one where this one is damaged."""
        at_ns += self._shift
        jump = at_ns - self._latest
        if not -BACK_NS <= jump <= AHEAD_NS:
            self._shift -= jump
            return self._latest
        if jump > 0:
            self._latest = at_ns
        return at_ns


class Lane:
    """One track on its way into the file: its samples, and the bytes of those that wait for their chunk's end."""

    samples: Samples

    def __init__(self, track: Track) -> None:
        self.track = track
        self.start_ns: int | None = None
        """When it begins to be seen or heard."""
        self.end_ns = 0
        """When its latest sample ends, or begins."""
        self.held: list[bytes] = []
        self.clock: Clock

    def missing(self, at_ns: int, payload: bytes) -> int:
        """Samples of silence that are to be put in before what begins at `at_ns`."""
        return 0

    def silence(self, count: int) -> Iterator[bytes]:
        """So much silence, in pieces that are told to the tables as they are asked for."""
        return iter(())

    def add(self, at_ns: int, payload: bytes, key: bool, duration_ns: int, discard_ns: int) -> int:
        """Take a frame; the bytes it has as a sample, 0 where no decoder would take it."""
        raise NotImplementedError

    def finished(self) -> Mp4Track:
        """What is known once there is no more. Raises ConvertError."""
        raise NotImplementedError


class PictureLane(Lane):
    """Pictures of any codec."""

    samples: Pictures

    def __init__(self, track: Track, scale_ns: int) -> None:
        super().__init__(track)
        self.samples = Pictures()
        whole = scale_ns > 0 and 1_000_000_000 % scale_ns == 0 and scale_ns >= 1000
        self._timescale = 1_000_000_000 // scale_ns if whole else 90_000
        self._config = b""
        self._stored, self._entry = self._kind()

    def add(self, at_ns: int, payload: bytes, key: bool, duration_ns: int, discard_ns: int) -> int:
        """Take a picture; a few kinds are stored in another way in MP4."""
        payload = self._stored(payload)
        if not payload:
            return 0
        if self.start_ns is None:
            self.start_ns = at_ns
        shown = self._ticks(max(0, at_ns))
        self.samples.add_picture(len(payload), shown, key, self._ticks(duration_ns))
        self.held.append(payload)
        self.end_ns = max(self.end_ns, at_ns + duration_ns)
        return len(payload)

    def finished(self) -> Mp4Track:
        self.samples.finish()
        start_ns = self.samples.origin * 1_000_000_000 // self._timescale
        size = self.track.width & 0xFFFF, self.track.height & 0xFFFF
        return Mp4Track(self._entry(size), self.samples, self._timescale, start_ns, size)

    def _ticks(self, time_ns: int) -> int:
        return (time_ns * self._timescale + 500_000_000) // 1_000_000_000

    def _kind(self) -> tuple[Callable[[bytes], bytes], Callable[[tuple[int, int]], bytes]]:
        """How its frames are stored, and how they are described."""
        private = self.track.codec_private
        match self.track.codec:
            case "V_MPEG4/ISO/AVC" if private[:1] == b"\1":
                return _as_it_is, lambda size: entries.picture_entry(b"avc1", size, box(b"avcC", private))
            case "V_MPEG4/ISO/AVC":
                self._config = h264.configuration(private)
                return self._unit_stream, self._avc_entry
            case "V_MPEGH/ISO/HEVC":
                return _as_it_is, lambda size: entries.picture_entry(b"hvc1", size, box(b"hvcC", private))
            case "V_AV1":
                return _undelimited, lambda size: entries.picture_entry(b"av01", size, box(b"av1C", private))
            case "V_VP8":
                config = entries.vp_config(0, 10, 8, 1)
                return _as_it_is, lambda size: entries.picture_entry(b"vp08", size, config)
            case _:
                return self._vp9_frame, self._vp9_entry

    def _unit_stream(self, payload: bytes) -> bytes:
        if not h264.is_byte_stream(payload):
            return b""
        self._config = self._config or h264.configuration(payload)
        return h264.length_prefixed(payload)

    def _avc_entry(self, size: tuple[int, int]) -> bytes:
        if not self._config:
            raise ConvertError("The recording does not say how its H.264 is to be decoded, so it is no use in MP4.")
        return entries.picture_entry(b"avc1", size, box(b"avcC", self._config))

    def _vp9_frame(self, payload: bytes) -> bytes:
        self._config = self._config or payload[:16]
        return payload

    def _vp9_entry(self, size: tuple[int, int]) -> bytes:
        seconds = max(1, self.samples.end) / self._timescale
        config = entries.vp9_config(self._config, size, self.samples.count / seconds)
        return entries.picture_entry(b"vp09", size, config)


def _as_it_is(payload: bytes) -> bytes:
    return payload


def _undelimited(payload: bytes) -> bytes:
    return payload[2:] if payload[:2] == _TEMPORAL_DELIMITER else payload


class SoundLane(Lane):
    """Sound whose packets last a known number of samples: they are put end to end, and set right where that drifts."""

    def __init__(self, track: Track) -> None:
        super().__init__(track)
        self.samples = Samples()
        self._rate = round(track.sampling_rate) or RATE
        self._length = _packet_samples(track)

    def add(self, at_ns: int, payload: bytes, key: bool, duration_ns: int, discard_ns: int) -> int:
        """Take a packet."""
        length = self._samples_in(payload)
        if not length:
            return 0
        if self.start_ns is None:
            self.start_ns = at_ns
        off_ns = at_ns - self.start_ns - self.samples.end * 1_000_000_000 // self._rate
        if abs(off_ns) >= JITTER_NS:
            self.samples.stretch(off_ns * self._rate // 1_000_000_000)
        self.samples.add(len(payload), length)
        self.held.append(payload)
        self.end_ns = at_ns + length * 1_000_000_000 // self._rate
        return len(payload)

    def _samples_in(self, payload: bytes) -> int:
        return self._length if payload else 0

    def finished(self) -> Mp4Track:
        track = self.track
        if track.codec == "A_FLAC":
            entry = entries.flac_entry(track.codec_private, track.channels, self._rate)
        else:
            kind = entries.MP3 if track.codec == "A_MPEG/L3" else entries.AAC
            entry = entries.mpeg_entry(kind, track.codec_private, track.channels, self._rate)
        return Mp4Track(entry, self.samples, self._rate, self.start_ns or 0)


def _packet_samples(track: Track) -> int:
    """Samples in a packet: of AAC (14496-3, 4.5.1.1, GASpecificConfig), MP3, or FLAC by its STREAMINFO."""
    private = track.codec_private
    if track.codec == "A_FLAC":
        return int.from_bytes(private[10:12], "big") or 4096
    if track.codec == "A_MPEG/L3":
        return 1152 if track.sampling_rate >= 32_000 else 576
    return 960 if len(private) >= 2 and private[1] & 4 else 1024


class OpusLane(SoundLane):
    """Opus: silence is put in where sound is missing, and what is to be skipped is left to the edit list."""

    def __init__(self, track: Track) -> None:
        super().__init__(track)
        self._rate = RATE
        self._head = opus_head(
            track.codec_private, track.channels, track.codec_delay_ns, track.sampling_rate or RATE
        )
        self._timeline = Timeline(RATE)
        self._silent_packet = silent_packet(self._head)
        self._discard = 0

    def missing(self, at_ns: int, payload: bytes) -> int:
        return self._timeline.missing(at_ns) if self._samples_in(payload) else 0

    def silence(self, count: int) -> Iterator[bytes]:
        for _ in range(count // SILENT_FRAME):
            self._timeline.fill(SILENT_FRAME)
            self.samples.add(len(self._silent_packet), SILENT_FRAME)
            yield self._silent_packet

    def add(self, at_ns: int, payload: bytes, key: bool, duration_ns: int, discard_ns: int) -> int:
        size = super().add(at_ns, payload, key, duration_ns, discard_ns)
        if size:
            samples = self._samples_in(payload)
            self._timeline.add(at_ns, samples)
            self._discard = min(in_samples(discard_ns), samples) if discard_ns > 0 else 0
        return size

    def _samples_in(self, payload: bytes) -> int:
        samples = opus_samples(payload, len(payload))
        return samples if samples <= MAX_PACKET_SAMPLES else 0

    def finished(self) -> Mp4Track:
        skip = int.from_bytes(self._head[10:12], "little")
        # Block times are of what is heard, were it not for the delay (RFC 9559, 5.1.4.1.16).
        late_ns = skip * 1_000_000_000 // RATE - self.track.codec_delay_ns
        count = self.samples.count
        return Mp4Track(
            entry=entries.opus_entry(self._head),
            samples=self.samples,
            timescale=RATE,
            start_ns=max(0, (self.start_ns or 0) + late_ns),
            skip=skip,
            discard=self._discard,
            extra=entries.opus_roll(count, self.samples.end // count),
        )


class PcmLane(Lane):
    """Uncompressed sound: each of its samples is one of the file's."""

    def __init__(self, track: Track) -> None:
        super().__init__(track)
        form = pcm_format(track)
        assert form is not None
        self._form = form
        self._timeline = Timeline(form.rate)
        self.samples = Samples()
        self.samples.same_size = form.frame_bytes

    def missing(self, at_ns: int, payload: bytes) -> int:
        return self._timeline.missing(at_ns)

    def silence(self, count: int) -> Iterator[bytes]:
        self._timeline.fill(count)
        while count > 0:
            piece = min(count, _SILENT_CHUNK)
            self.samples.add_frames(piece)
            yield self._form.silence(piece)
            count -= piece

    def add(self, at_ns: int, payload: bytes, key: bool, duration_ns: int, discard_ns: int) -> int:
        frames = len(payload) // self._form.frame_bytes
        if not frames:
            return 0
        if self.start_ns is None:
            self.start_ns = at_ns
        size = frames * self._form.frame_bytes
        self.samples.add_frames(frames)
        self._timeline.add(at_ns, frames)
        self.held.append(payload if len(payload) == size else payload[:size])
        self.end_ns = self._timeline.end_ns
        return size

    def finished(self) -> Mp4Track:
        entry = entries.pcm_entry(self._form, self.track.codec == "A_PCM/INT/BIG")
        return Mp4Track(entry, self.samples, self._form.rate, self.start_ns or 0)


def lane(track: Track, scale_ns: int) -> Lane:
    """The lane for a track that MP4 can hold."""
    if track.kind is Kind.VIDEO:
        return PictureLane(track, scale_ns)
    if track.codec == "A_OPUS":
        return OpusLane(track)
    return PcmLane(track) if track.codec.startswith("A_PCM/") else SoundLane(track)


class Mp4Taker:
    """Blocks in, the samples of an MP4 file out; `head` is what comes before them, once they are all known."""

    def __init__(self, part: Part) -> None:
        self.packets = 0
        """Samples written."""
        self.broken = 0
        """Frames left out since no decoder would take them."""
        self._first = part
        self._lanes = {t.number: lane(t, part.scale_ns) for t in part.tracks if t.kind is not Kind.OTHER}
        self._began = False
        self._cluster: object = None
        self._size = 0
        self._offset = 0
        self._shift_ns = 0
        self._latest_ns = 0
        self._numbers: dict[int, int] = {}
        self.begin(part)

    def begin(self, part: Part) -> None:
        """From now on blocks are those of this part, which follows the one before."""
        self._scale_ns = part.scale_ns
        self._numbers = track_numbers(self._first, part) or {}
        if part is not self._first:
            self._shift_ns = max(self._latest_ns, *(one.end_ns for one in self._lanes.values()))

    def end(self, reader: PacketReader) -> None:
        """The part is read to its end: another one begins when its last frame, of any track, has begun."""
        self._latest_ns = self._shift_ns + reader.ticks * self._scale_ns

    def take(self, reader: PacketReader, stored: Stored) -> Iterable[bytes]:
        """The bytes that a block adds: now and then the chunks of all tracks."""
        block = stored[0]
        one = self._lanes.get(self._numbers.get(block.track, 0))
        if one is None:
            return ()
        out: Iterable[bytes] = ()
        if block.cluster is not self._cluster or self._size > MAX_CLUSTER:
            out = self._flush()
            self._cluster = block.cluster
        at_ns = block.ticks * self._scale_ns + self._shift_ns
        if not self._began:
            self._began = True
            for each in self._lanes.values():
                each.clock = Clock(at_ns)
        at_ns = one.clock.read(at_ns)
        payload = reader.plain(stored)
        if not payload or one.missing(at_ns, payload):
            return self._unpacked(reader, stored, one, at_ns, out)
        self._add(one.add(at_ns, payload, block.key, 0, 0))
        return out

    def _add(self, size: int) -> None:
        self._size += size
        self.packets += size > 0
        self.broken += size == 0

    def _unpacked(
        self, reader: PacketReader, stored: Stored, one: Lane, at_ns: int, before: Iterable[bytes]
    ) -> Iterator[bytes]:
        """The same for a block that is not plain, or comes after a gap."""
        yield from before
        for packet in reader.unpack(stored):
            if packet.laced and self.packets:
                at_ns = one.end_ns
            elif missing := one.missing(at_ns, packet.payload):
                for piece in one.silence(missing):
                    one.held.append(piece)
                    self._size += len(piece)
                    if self._size > MAX_CLUSTER:
                        yield from self._flush()
            duration_ns = packet.duration * self._scale_ns
            self._add(one.add(at_ns, packet.payload, packet.key, duration_ns, packet.discard_ns))

    def _flush(self) -> tuple[bytes, ...]:
        """A chunk of each track that has something."""
        out = []
        for one in self._lanes.values():
            if one.held:
                one.samples.end_chunk(self._offset)
                out.append(b"".join(one.held))
                self._offset += len(out[-1])
                one.held.clear()
        self._size = 0
        return tuple(out)

    def finish(self) -> bytes:
        """The last chunks."""
        return b"".join(self._flush())

    def head(self) -> bytes:
        """What comes before all samples. Raises ConvertError."""
        tracks = [one.finished() for one in self._lanes.values() if one.samples.count]
        begin_ns = min(track.start_ns for track in tracks)
        for track in tracks:
            track.start_ns -= begin_ns
        return mp4_head(tracks, self._offset)
