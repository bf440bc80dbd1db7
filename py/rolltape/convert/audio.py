"""Takes one sound track out of a recording: packets in, the bytes of an Ogg Opus or WAV file out.

A track's samples are put end to end. Where it has a gap (a microphone that was away, a damaged stretch)
silence is put in, so that what follows stays in time with the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rolltape.convert.plan import InputPart, pcm_format
from rolltape.media.ogg import MAX_PACKET_SAMPLES, RATE, OggOpusWriter, in_samples, opus_head
from rolltape.media.wav import little_endian
from rolltape.media.webm_events import Block
from rolltape.media.webm_packets import PacketReader
from rolltape.media.webm_track import opus_samples

GAP_NS: Final = 100_000_000
"""What is missing for at least this long is filled with silence; less is jitter of the clock."""
MAX_GAP_NS: Final = 3_600_000_000_000
"""No gap is longer than an hour: a time that says so is damaged."""
MAX_FILL_S: Final = 6 * 3600
"""When there is more silence than this the file's clock is not believed any more."""
SILENT_FRAME: Final = 960
"""Samples in one of Opus's silent packets: 20 ms."""
_SILENT_CHUNK: Final = 16_384


class Timeline:
    """A track's clock: how many samples are missing before a packet of a given time."""

    def __init__(self, rate: int) -> None:
        self.end_ns = 0
        """When the latest packet ends."""
        self.filled = 0
        """Samples of silence so far."""
        self._rate = rate
        self._samples = 0
        self._origin_ns: int | None = None

    def missing(self, at_ns: int) -> int:
        """Samples of silence to be put in before a packet that begins at `at_ns`."""
        if self._origin_ns is None:
            self._origin_ns = self.end_ns = at_ns
        late_ns = at_ns - self._origin_ns - self._samples * 1_000_000_000 // self._rate
        gap_ns = min(at_ns - self.end_ns, late_ns)
        if gap_ns < GAP_NS:
            return 0
        if gap_ns > MAX_GAP_NS or self.filled > MAX_FILL_S * self._rate:
            self._origin_ns += gap_ns
            return 0
        return gap_ns * self._rate // 1_000_000_000

    def fill(self, samples: int) -> None:
        """Count so many samples of silence that were put in: the time of what follows is measured from there."""
        self._samples += samples
        self.filled += samples

    def add(self, at_ns: int, samples: int) -> None:
        """Count a packet that was put in."""
        self._samples += samples
        self.end_ns = at_ns + samples * 1_000_000_000 // self._rate


class SoundTaker:
    """Base of the Opus and PCM extractors: joins the clocks of parts and fills gaps with silence."""

    rate: int

    def __init__(self, part: InputPart) -> None:
        assert part.track is not None
        self.packets = 0
        """Packets written."""
        self.broken = 0
        """Packets left out since no decoder would take them."""
        self.timeline = Timeline(self.rate)
        self._shift_ns = 0
        self._latest_ns = 0
        self.begin(part)

    def begin(self, part: InputPart) -> None:
        """From now on blocks are those of this part, which follows the one before."""
        assert part.track is not None
        self._scale_ns = part.scale_ns
        self._shift_ns = max(self.timeline.end_ns, self._latest_ns) if self.packets else 0

    def end(self, reader: PacketReader) -> None:
        """Note that the part is read to its end: another one begins when its last frame, of any track, has begun."""
        self._latest_ns = self._shift_ns + reader.ticks * self._scale_ns

    def take(self, reader: PacketReader, block: Block) -> Iterable[bytes]:
        """Take a block; returns the bytes that it adds, in pieces."""
        at_ns = block.ticks * self._scale_ns + self._shift_ns
        samples = self._samples(block.peek, block.size) if reader.plain(block) else 0
        if not samples or self.timeline.missing(at_ns):
            return self._unpacked(reader, block, at_ns)
        self.timeline.add(at_ns, samples)
        self.packets += 1
        return (self._write(reader.payload(block), samples, 0),)

    def _unpacked(self, reader: PacketReader, block: Block, at_ns: int) -> Iterator[bytes]:
        """The same for a block that is not plain, or comes after a gap."""
        for packet in reader.unpack(block):
            samples = self._samples(packet.payload, len(packet.payload))
            if not samples:
                self.broken += 1
                continue
            if packet.laced and self.packets:
                at_ns = self.timeline.end_ns
            elif missing := self.timeline.missing(at_ns):
                yield from self._silence(missing)
            self.timeline.add(at_ns, samples)
            self.packets += 1
            yield self._write(packet.payload, samples, packet.discard_ns)

    def _samples(self, peek: bytes, size: int) -> int:
        """Samples in a packet of so many bytes that begins so; 0 where no decoder would take it."""
        raise NotImplementedError

    def _write(self, payload: bytes, samples: int, discard_ns: int) -> bytes:
        raise NotImplementedError

    def _silence(self, samples: int) -> Iterator[bytes]:
        raise NotImplementedError

    def finish(self) -> bytes:
        """Return the bytes that end the file."""
        return b""


class OpusTaker(SoundTaker):
    """An Opus track as an Ogg Opus file."""

    rate = RATE

    def __init__(self, part: InputPart, app: str) -> None:
        super().__init__(part)
        track = part.track
        assert track is not None
        head = opus_head(
            track.codec_private, track.channels, track.codec_delay_ns, track.sampling_rate or RATE
        )
        self._ogg = OggOpusWriter(head, app, serial=1)
        self._discard = 0
        self._silent_packet = silent_packet(head)

    def _samples(self, peek: bytes, size: int) -> int:
        samples = opus_samples(peek, size)
        return samples if samples <= MAX_PACKET_SAMPLES else 0

    def _write(self, payload: bytes, samples: int, discard_ns: int) -> bytes:
        self._discard = min(in_samples(discard_ns), samples) if discard_ns > 0 else 0
        return self._ogg.add(payload, samples)

    def _silence(self, samples: int) -> Iterator[bytes]:
        count = samples // SILENT_FRAME
        self.timeline.fill(count * SILENT_FRAME)
        for _ in range(count):
            yield self._ogg.add(self._silent_packet, SILENT_FRAME)

    def finish(self) -> bytes:
        """Return the last page; what its last packet has too much is marked."""
        return self._ogg.finish(self._discard)


def silent_packet(head: bytes) -> bytes:
    """20 ms of digital silence, for each of the streams that the header names (RFC 6716, appendix B)."""
    streams = head[19] if head[18] else 1
    return b"\xf8\x02\xff\xfe" * (streams - 1) + (
        b"\xfc\xff\xfe" if head[9] == 2 and streams == 1 else b"\xf8\xff\xfe"
    )


class WavTaker(SoundTaker):
    """A PCM track as the samples of a WAV file, without its header."""

    def __init__(self, part: InputPart) -> None:
        assert part.track is not None
        form = pcm_format(part.track)
        assert form is not None
        self.form = form
        self.rate = form.rate
        self._turned = part.track.codec == "A_PCM/INT/BIG"
        super().__init__(part)

    def _samples(self, peek: bytes, size: int) -> int:
        return size // self.form.frame_bytes

    def _write(self, payload: bytes, samples: int, discard_ns: int) -> bytes:
        whole = samples * self.form.frame_bytes
        if len(payload) != whole:
            payload = payload[:whole]
        return little_endian(payload, self.form.bits) if self._turned else payload

    def _silence(self, samples: int) -> Iterator[bytes]:
        self.timeline.fill(samples)
        while samples > 0:
            yield self.form.silence(min(samples, _SILENT_CHUNK))
            samples -= _SILENT_CHUNK
