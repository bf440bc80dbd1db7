"""Where things stand in a file that is to be finished: the header's parts and rooms, and the Cues to come."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final

from rolltape.media import ebml
from rolltape.media.ebml import Id
from rolltape.media.ending import Patch
from rolltape.media.webm_events import Element, SizeField
from rolltape.media.webm_header import DEFAULT_SCALE_NS, DURATION_ROOM, read_scale


@dataclass(slots=True)
class Layout:
    """Offsets of the header's parts, 0 for what there is not, and what Info says."""

    segment: SizeField | None = None
    clusters: int = 0
    """The first Cluster."""
    info: int = 0
    tracks: int = 0
    seek_room: int = 0
    """The SeekHead and the Voids right behind the Segment's head, from here ..."""
    seek_room_end: int = 0
    """... to here."""
    seek_head: bool = False
    """There is a SeekHead among them."""
    duration_room: int = 0
    """The Duration in Info, or a Void of its size."""
    cues: int = 0
    """The Cues, wherever they are."""
    tags: int = 0
    """The Tags behind the clusters."""
    duration: float | None = None
    """The Duration that is written, in ticks."""
    timestamp_scale_ns: int = DEFAULT_SCALE_NS
    writing_app: str = ""

    def note(self, element: Element) -> None:
        """Learn from an element beside the clusters."""
        if element.ident == Id.CUES:
            self.cues = element.start
        elif element.ident == Id.TAGS and self.clusters:
            self.tags = element.start
        if self.clusters:
            return
        if element.ident == Id.INFO:
            self.info = element.start
            self._read_info(element)
        elif element.ident == Id.TRACKS:
            self.tracks = element.start
        elif element.ident in (Id.SEEK_HEAD, Id.VOID) and not (self.info or self.tracks):
            self.seek_room = self.seek_room or element.start
            self.seek_room_end = element.end
            self.seek_head |= element.ident == Id.SEEK_HEAD

    def seek_patch(self, cues: int, tags: int = 0) -> Patch | None:
        """Return the SeekHead in its room (RFC 9559, section 5.1.1); None where there is no room for it.

        `cues` and `tags` are where these are, 0 for none.
        """
        assert self.segment is not None
        places = ((Id.INFO, self.info), (Id.TRACKS, self.tracks), (Id.CUES, cues), (Id.TAGS, tags))
        entries = [_seek(ident, place - self.segment.body) for ident, place in places if place]
        head = ebml.element(Id.SEEK_HEAD, b"".join(entries))
        left = self.seek_room_end - self.seek_room - len(head)
        if left < 0 or left == 1:
            return None
        return Patch(self.seek_room, head + (ebml.void(left) if left else b""))

    def duration_patch(self, ticks: float) -> Patch | None:
        """Return the Duration in its room (RFC 9559, section 5.1.2.10); None where there is none."""
        if not self.duration_room:
            return None
        return Patch(self.duration_room, ebml.element(Id.DURATION, ebml.float_payload(ticks)))

    def _read_info(self, info: Element) -> None:
        self.timestamp_scale_ns = read_scale(info.payload)
        for ident, start, body, end in ebml.children(info.payload):
            value = info.payload[body:end]
            if ident == Id.WRITING_APP:
                self.writing_app = ebml.read_string(value)
            elif ident == Id.DURATION:
                self.duration = ebml.read_float(value)
            if ident in (Id.DURATION, Id.VOID) and end - start == DURATION_ROOM:
                self.duration_room = info.body + start


class KeyFrames:
    """The first key frame of each Cluster that has one, and the same as Cues (RFC 9559, section 5.1.5).

    The Cues are encoded as the key frames come, so that they cost nothing at the end.
    """

    def __init__(self) -> None:
        self.ticks = array("q")
        self.clusters = array("Q")
        """The offset of its Cluster in the file."""
        self.positions = array("Q")
        """Its position in the Cluster's payload."""
        self._points = bytearray()

    def __len__(self) -> int:
        return len(self.ticks)

    def add(self, track: int, ticks: int, cluster: int, position: int, segment_body: int) -> None:
        """Note a key frame of `track` at `ticks`, and encode its CuePoint.

        `cluster` is the offset of its Cluster in the file, `position` its own in the Cluster's payload,
        `segment_body` the offset of the Segment's payload, from which Cues count. They come in the file's order.
        """
        self.ticks.append(ticks)
        self.clusters.append(cluster)
        self.positions.append(position)
        where = (
            _uint(Id.CUE_TRACK, track)
            + _uint(Id.CUE_CLUSTER_POSITION, cluster - segment_body)
            + _uint(Id.CUE_RELATIVE_POSITION, position)
        )
        point = _uint(Id.CUE_TIME, max(ticks, 0)) + ebml.element(Id.CUE_TRACK_POSITIONS, where)
        self._points += ebml.element(Id.CUE_POINT, point)

    def cues(self) -> bytes:
        """Write the Cues element; nothing where there is no key frame, since Cues may not be empty."""
        return ebml.element(Id.CUES, bytes(self._points)) if self._points else b""


_SEEK_POSITION_WIDTH: Final = 8


def _seek(ident: int, position: int) -> bytes:
    """One entry of the SeekHead, always of the same length."""
    place = ebml.element(Id.SEEK_POSITION, position.to_bytes(_SEEK_POSITION_WIDTH, "big"))
    return ebml.element(Id.SEEK, ebml.element(Id.SEEK_ID, ebml.write_id(ident)) + place)


def _uint(ident: int, value: int) -> bytes:
    return ebml.element(ident, ebml.uint_payload(value))
