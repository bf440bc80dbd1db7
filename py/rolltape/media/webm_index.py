"""What a recording's bytes have said so far: tracks, clusters, key frames, times, gaps, where it can be cut.

The index is fed with the file from its first byte, in pieces of any size, and keeps a few numbers for
each cluster. It is also what finishing and recovery need to know: see `rolltape.media.webm`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from rolltape.media import ebml
from rolltape.media.ebml import UNKNOWN, Id
from rolltape.media.ending import Patch
from rolltape.media.webm_events import (
    Block,
    Cluster,
    ClusterEnd,
    Element,
    Event,
    Passed,
    Resync,
    SecondStart,
    SegmentStart,
    SizeField,
)
from rolltape.media.webm_header import WebmError
from rolltape.media.webm_layout import KeyFrames, Layout
from rolltape.media.webm_reader import Reader
from rolltape.media.webm_track import Counter, Gap, Kind, Track, TrackProgress

GAP_MS: Final = 500.0
"""A track without a frame for longer than this has a gap."""
MAX_GAPS: Final = 256
"""So many gaps of a file are kept with their times; any further ones are only counted."""
JUMP_MS: Final = 10_000
"""Times that go further ahead between two Clusters, and come back, are wrong."""
MAX_DAMAGES: Final = 256
"""So many damaged stretches of a file are kept."""
AUDIO_CUE_MS: Final = 5_000
"""Without video there is a cue about as often as this."""

_KEPT_AT_END: Final = frozenset({Id.TAGS, Id.CHAPTERS, Id.ATTACHMENTS})
"""What players may want of what stands behind the last Cluster."""
_CUE_TRACK_ORDER: Final = (Kind.VIDEO, Kind.AUDIO, Kind.OTHER)


@dataclass(frozen=True, slots=True)
class _Jump:
    """The times went far ahead."""

    ticks: int
    """From here."""
    lasts: dict[int, int]
    """When each track's latest frame began."""


class Index:
    """The index of one WebM or Matroska file. All that is public is to be read only."""

    def __init__(self, gap_ms: float = GAP_MS) -> None:
        self.end = 0
        """The offset after the last thing that is whole, Cues aside: here a torn file may be cut."""
        self.doc_type = ""
        self.layout = Layout()
        self.cluster_offsets = array("Q")
        """Of the clusters that have a block."""
        self.cluster_ticks = array("Q")
        self.key_frames = KeyFrames()
        """Without video: a block about every AUDIO_CUE_MS."""
        self.gaps: list[Gap] = []
        """The first MAX_GAPS of them; what a block that comes later fills of one is none."""
        self.damages: list[tuple[int, int]] = []
        """Stretches (from, to) that made no sense; the first MAX_DAMAGES of them."""
        self.open_ended = 0
        """How many sizes, or damaged stretches, leave no room for being put right."""
        self.passed_over = 0
        """Bytes in all damaged stretches."""
        self.runs = 1
        """How many recordings of the same tracks there are, one behind the other."""
        self._gap_ms = gap_ms
        self._reader = Reader()
        self._counters: dict[int, Counter] = {}
        self._progress: dict[int, TrackProgress] = {}
        """What was told of each track since bytes came: it is asked for several times a chunk."""
        self._cue_track = 0
        self._segment_body = 0
        self._last: Cluster | None = None
        self._inside: Cluster | None = None
        """The Cluster that is not known to be over."""
        self._extra: tuple[int, int] | None = None
        """The latest element behind clusters, and where the file could be cut before it."""
        self._patches: list[Patch] = []
        self._jump: _Jump | None = None

    # What it knows.

    @property
    def size(self) -> int:
        """Bytes fed so far."""
        return self._reader.size

    @property
    def error(self) -> WebmError | None:
        """Why it could not go on."""
        return self._reader.error

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks, as soon as they are known."""
        return self._reader.tracks

    @property
    def tick_ms(self) -> float:
        """A tick of the file's clock, in milliseconds."""
        return self.layout.timestamp_scale_ns / 1e6

    @property
    def duration_ticks(self) -> float:
        """End of the last frame of any track in ticks of TimestampScale: the value of Duration."""
        return max((counter.end() for counter in self._counters.values() if counter.blocks), default=0.0)

    @property
    def duration_ms(self) -> float:
        """End of the last frame of any track, in milliseconds."""
        return self.duration_ticks * self.tick_ms

    @property
    def blocks(self) -> int:
        """Whole blocks of all tracks."""
        return sum(counter.blocks for counter in self._counters.values())

    @property
    def drift_ms(self) -> float | None:
        """By how much the first audio track's samples last longer than its timestamps say.

        Where samples are put end to end, as editors do, the sound is so much late against the picture at
        the end of the file (early, if negative). None where samples cannot be counted.
        """
        audio = [counter for counter in self._counters.values() if counter.track.kind is Kind.AUDIO]
        return audio[0].drift_ms() if audio else None

    def progress(self, track: int) -> TrackProgress:
        """Return the progress of the track of this number. Raises KeyError before the first cluster."""
        found = self._progress.get(track)
        if found is None:
            found = self._progress[track] = self._counters[track].progress()
        return found

    @property
    def finished(self) -> bool:
        """The file needs nothing: its sizes are known, there are Duration, SeekHead and, at its end, Cues."""
        layout, last = self.layout, self._last
        if layout.segment is None or last is None or last.field.size == UNKNOWN:
            return False
        end = last.field.body + last.field.size
        return (
            layout.segment.body + layout.segment.size == self.size
            and (not self.key_frames or layout.cues >= end)
            and layout.seek_head
            and layout.duration is not None
            and self._reader.between
            and not (self._patches or self.open_ended or self.damages)
        )

    # Feeding.

    def feed(self, data: bytes) -> None:
        """Take the file's next bytes.

        Raises WebmError where it cannot go on, and then at every call: at the beginning of what is no
        WebM, at a header without tracks, at a second recording behind the first. What is known stays.
        """
        self._take(self._reader.feed(data))
        if self._reader.error:
            raise self._reader.error

    def end_reading(self) -> None:
        """No more bytes will come: take what was held until it was seen what follows it."""
        self._take(self._reader.end())

    def _take(self, events: Iterable[Event]) -> None:
        self._progress.clear()
        for event in events:
            if type(event) is Block:
                self._block(event)
            else:
                self._other(event)

    def drain(self) -> list[Patch]:
        """Return the patches due since the last call, each once: sizes of closed clusters, covers over damage."""
        patches, self._patches = self._patches, []
        return patches

    @property
    def cut(self) -> int:
        """How many bytes at the file's end are no use to anybody: an older index, or what cannot be read."""
        return self.size - self.end

    def close(self) -> list[Patch]:
        """Close the last cluster at `end`, where the file is cut; returns the patches. Nothing more may be fed."""
        if self._extra and self._extra[0] > self.size:
            self.end = self._extra[1]
        inside = self._inside
        if inside and inside.field.body <= self.end:
            self._close(inside.field, self.end)
        return [patch for patch in self.drain() if patch.offset < self.end]

    def _other(self, event: Event) -> None:
        match event:
            case Cluster():
                self._begin(event)
            case ClusterEnd():
                self._close(event.cluster.field, event.offset)
                self._inside = None
            case Passed():
                self._pass(event)
            case Element():
                self._element(event)
            case SecondStart():
                self.runs += 1
            case SegmentStart():
                self.doc_type = event.doc_type
                self.layout.segment = event.field
                self._segment_body = event.field.body
            case Resync():
                self._mend(event)
            case _:
                pass

    def _begin(self, cluster: Cluster) -> None:
        if not self.layout.clusters:
            self.layout.clusters = self.end = cluster.offset
            self._counters = {t.number: Counter(t, self.tick_ms, self._gap_ms) for t in self.tracks}
            self._cue_track = min(self.tracks, key=lambda t: _CUE_TRACK_ORDER.index(t.kind)).number
        self._inside = cluster
        for counter in self._counters.values():
            counter.mark()

    def _block(self, block: Block) -> None:
        cluster = block.cluster
        is_first = cluster is not self._last
        if is_first:
            self._look_for_jump(cluster.ticks or 0)
        counter = self._counters[block.track]
        if self.gaps and block.ticks < counter.last:
            self.gaps = _filled(self.gaps, block.track, block.ticks * self.tick_ms, self._gap_ms)
        gap = counter.add(block)
        if gap and len(self.gaps) < MAX_GAPS:
            self.gaps.append(gap)
        if is_first:
            self._last = cluster
            if cluster.guessed:
                self._put_date(block)
            self.cluster_offsets.append(cluster.offset)
            self.cluster_ticks.append(cluster.ticks or 0)
        if not cluster.cued and block.track == self._cue_track:
            self._cue(block)
        self.end = block.end

    def _look_for_jump(self, ticks: int) -> None:
        """A Cluster far ahead, from which the times come back, is dated wrongly: it counts for no time at all."""
        far = JUMP_MS / self.tick_ms
        latest = max((counter.last for counter in self._counters.values() if counter.blocks), default=ticks)
        if self._jump and ticks < self._jump.ticks + far:
            for number, last in self._jump.lasts.items():
                self._counters[number].last = last
            self.gaps = [gap for gap in self.gaps if gap.from_ms < self._jump.ticks * self.tick_ms - JUMP_MS]
            self._jump = None
        elif not self._jump and ticks - latest > far:
            lasts = {number: counter.last for number, counter in self._counters.items()}
            self._jump = _Jump(latest, lasts)

    def _cue(self, block: Block) -> None:
        """Cues name only clusters with a video key frame: elsewhere H.264 and AV1 show rubbish at first."""
        if self._counters[block.track].track.kind is Kind.VIDEO:
            wanted = block.key
        else:
            ticks = self.key_frames.ticks
            wanted = not ticks or (block.ticks - ticks[-1]) * self.tick_ms >= AUDIO_CUE_MS
        if wanted:
            block.cluster.cued = True
            self.key_frames.add(
                block.track, block.ticks, block.cluster.offset, block.position, self._segment_body
            )

    def _close(self, field: SizeField, end: int) -> None:
        """Have a size written; where there is no room for it, that it is unknown: a damaged one may be too small."""
        holds = field.holds(end)
        if not holds:
            self.open_ended += 1
        if patch := field.patch(end if holds else None):
            self._patches.append(patch)

    def _element(self, element: Element) -> None:
        """What stands beside the clusters is kept, behind the last one too, but for older Cues."""
        self.layout.note(element)
        if not self.layout.clusters:
            self.end = element.end
            return
        self._inside = None
        if element.ident in _KEPT_AT_END:
            self._extra = element.end, self.end
            self.end = element.end

    def _pass(self, passed: Passed) -> None:
        """Beside the clusters it becomes a Void: mkvmerge loses its way there, and may read nothing behind it."""
        if passed.beside:
            self._patches.append(Patch(passed.start, ebml.void_header(passed.end - passed.start)))
        if self.layout.clusters:
            self.end = passed.end

    def _mend(self, resync: Resync) -> None:
        """What made no sense becomes a Void: of its Cluster, or behind that, if the next thing is a Cluster."""
        start, end = resync.start, resync.offset
        if not resync.within:
            if resync.cluster:
                self._close(resync.cluster.field, start)
            self._inside = None
        if end == start:
            return
        self.passed_over += end - start
        if len(self.damages) < MAX_DAMAGES:
            self.damages.append((start, end))
        if end - start < 2:
            self.open_ended += 1
            return
        self._patches.append(Patch(start, ebml.void_header(end - start)))

    def _put_date(self, block: Block) -> None:
        """Give a Cluster whose Timestamp is damaged another, in the room before its first block."""
        ticks = ebml.element(Id.TIMESTAMP, ebml.uint_payload(block.cluster.ticks or 0))
        left = block.position - len(ticks)
        if left == 0 or left >= 2:
            head = ticks + (ebml.void_header(left) if left else b"")
            self._patches.append(Patch(block.cluster.field.body, head))


def _filled(gaps: list[Gap], track: int, at_ms: float, least_ms: float) -> list[Gap]:
    """The gaps without what a frame of the track at this time fills of one."""
    kept = []
    for gap in gaps:
        if gap.track == track and gap.from_ms < at_ms < gap.to_ms:
            pieces = (replace(gap, to_ms=at_ms), replace(gap, from_ms=at_ms))
            kept += [piece for piece in pieces if piece.to_ms - piece.from_ms > least_ms]
        else:
            kept.append(gap)
    return kept
