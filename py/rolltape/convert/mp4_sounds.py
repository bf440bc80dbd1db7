"""Sound on its way into an MP4 file: Opus and PCM, and what other programs record: AAC, MP3, FLAC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rolltape.convert.audio import SILENT_FRAME, Timeline, silent_packet
from rolltape.convert.mp4_lane import Lane
from rolltape.convert.plan import pcm_format
from rolltape.media import mp4_entries as entries
from rolltape.media.mp4 import Mp4Track, Samples
from rolltape.media.ogg import MAX_PACKET_SAMPLES, RATE, in_samples, opus_head
from rolltape.media.webm_track import Track, opus_samples

JITTER_NS: Final = 40_000_000
"""Sound follows its own samples until it is so far from its time; then it is set right."""
_SILENT_CHUNK: Final = 1 << 14


class SoundLane(Lane):
    """Sound whose packets last a known number of samples: put end to end, and set right where that drifts."""

    def __init__(self, track: Track) -> None:
        super().__init__(track)
        self.samples = Samples()
        self._rate = round(track.sampling_rate) or RATE
        self._length = _packet_samples(track)

    def tell(self, at_ns: int, payload: bytes, key: bool, duration_ns: int, discard_ns: int) -> bytes:
        """Count it, as `Lane.tell` says."""
        if not payload:
            return b""
        self._add(at_ns, len(payload), self._length)
        return payload

    def _add(self, at_ns: int, size: int, length: int) -> None:
        """So many bytes of so many samples."""
        if self.start_ns is None:
            self.start_ns = at_ns
        off_ns = at_ns - self.start_ns - self.samples.end * 1_000_000_000 // self._rate
        if abs(off_ns) >= JITTER_NS:
            self.samples.stretch(off_ns * self._rate // 1_000_000_000)
        self.samples.add(size, length)
        self.end_ns = at_ns + length * 1_000_000_000 // self._rate

    def finished(self) -> Mp4Track:
        """Return the track with its sample entry. Raises ConvertError."""
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
        """Return how many samples are missing before a packet of this time; 0 if it follows on the sound so far."""
        return self._timeline.missing(at_ns) if _opus_length(payload) else 0

    def silence(self, count: int) -> Iterator[tuple[bytes, int]]:
        """Return silent packets, each with its samples at 48 kHz: whole ones only, so up to `count` in all."""
        return ((self._silent_packet, SILENT_FRAME) for _ in range(count // SILENT_FRAME))

    def tell_silence(self, size: int, count: int) -> None:
        """Count silence that is put in; it lasts as long as the sound it stands for (`Lane`)."""
        self._timeline.fill(count)
        self.samples.add(size, count)

    def tell(self, at_ns: int, payload: bytes, key: bool, duration_ns: int, discard_ns: int) -> bytes:
        """Count it, as `Lane.tell` says."""
        samples = _opus_length(payload)
        if not samples:
            return b""
        self._add(at_ns, len(payload), samples)
        self._timeline.add(at_ns, samples)
        self._discard = min(in_samples(discard_ns), samples) if discard_ns > 0 else 0
        return payload

    def finished(self) -> Mp4Track:
        """Return the track with its sample entry. Raises ConvertError."""
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


def _opus_length(packet: bytes) -> int:
    """Samples in a packet; 0 where no decoder would take it."""
    samples = opus_samples(packet, len(packet))
    return samples if samples <= MAX_PACKET_SAMPLES else 0


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
        """Return how many samples are missing before a packet of this time; 0 if it follows on the sound so far."""
        return self._timeline.missing(at_ns)

    def silence(self, count: int) -> Iterator[tuple[bytes, int]]:
        """Return `count` silent samples of all channels, in pieces: the bytes of each, and its number of samples."""
        while count > 0:
            piece = min(count, _SILENT_CHUNK)
            yield self._form.silence(piece), piece
            count -= piece

    def tell_silence(self, size: int, count: int) -> None:
        """Count silence that is put in; it lasts as long as the sound it stands for (`Lane`)."""
        self._timeline.fill(count)
        self.samples.add_frames(count)

    def tell(self, at_ns: int, payload: bytes, key: bool, duration_ns: int, discard_ns: int) -> bytes:
        """Count it, as `Lane.tell` says."""
        frames, rest = divmod(len(payload), self._form.frame_bytes)
        if not frames:
            return b""
        if self.start_ns is None:
            self.start_ns = at_ns
        self.samples.add_frames(frames)
        self._timeline.add(at_ns, frames)
        self.end_ns = self._timeline.end_ns
        return payload[: len(payload) - rest] if rest else payload

    def finished(self) -> Mp4Track:
        """Return the track with its sample entry. Raises ConvertError."""
        entry = entries.pcm_entry(self._form, self.track.codec == "A_PCM/INT/BIG")
        return Mp4Track(entry, self.samples, self._form.rate, self.start_ns or 0)


def sound_lane(track: Track) -> Lane:
    """Return the lane for a codec that MP4 can hold; the plan has seen to it that it is one."""
    if track.codec == "A_OPUS":
        return OpusLane(track)
    return PcmLane(track) if track.codec.startswith("A_PCM/") else SoundLane(track)
