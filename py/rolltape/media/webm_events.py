"""What a WebM file says while it is read, one fact each, in the order of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rolltape.media import ebml
from rolltape.media.ebml import UNKNOWN
from rolltape.media.ending import Patch


@dataclass(slots=True)
class SizeField:
    """An element's size field: its offset, width in bytes and value (`UNKNOWN` if open). The payload follows it."""

    offset: int
    width: int
    size: int

    @property
    def body(self) -> int:
        """Offset of the element's payload."""
        return self.offset + self.width

    def holds(self, end: int) -> bool:
        """Return True if the field is wide enough for a payload that ends at offset `end`."""
        return ebml.fits(end - self.body, self.width)

    def patch(self, end: int | None) -> Patch | None:
        """Return what makes the payload end at `end`, or at a place unknown; None where it says so already."""
        size = UNKNOWN if end is None else end - self.body
        if self.size == size:
            return None
        self.size = size
        return Patch(self.offset, ebml.write_size(size, self.width))


@dataclass(frozen=True, slots=True)
class SegmentStart:
    """The Segment begins; before it there was an EBML head with this DocType."""

    field: SizeField
    doc_type: str


@dataclass(frozen=True, slots=True)
class Element:
    """An element beside the clusters; `payload` is there for Info and Tracks, and empty for others."""

    ident: int
    start: int
    body: int
    end: int
    payload: bytes


@dataclass(slots=True)
class Cluster:
    """A Cluster begins."""

    offset: int
    field: SizeField
    end: int | None
    ticks: int | None = None
    """Its Timestamp, once that was met."""
    guessed: bool = False
    """There is no Timestamp that can be read; `ticks` is that of the block before."""
    cued: bool = False
    """For the one who makes the Cues."""


@dataclass(frozen=True, slots=True)
class ClusterEnd:
    """A Cluster of unknown size ends."""

    cluster: Cluster
    offset: int


@dataclass(slots=True)
class Block:
    """A whole SimpleBlock, or BlockGroup, of the latest Cluster (RFC 9559, section 10)."""

    cluster: Cluster
    position: int
    """Where it starts in the Cluster's payload."""
    end: int
    """The offset after it."""
    track: int = 0
    ticks: int = 0
    size: int = 0
    """Bytes of its payload."""
    peek: bytes = b""
    """The first two of them; none where there may be several frames in it."""
    key: bool = True
    duration: int = 0
    """In ticks, where it is said."""
    group: bool = False
    """It is a BlockGroup."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Something was not understood, and skipped by the size that it says."""

    start: int
    end: int
    beside: bool
    """It stands beside the clusters, not in one."""


@dataclass(frozen=True, slots=True)
class Resync:
    """Something made no sense; here reading goes on."""

    offset: int
    start: int
    """Where what made no sense begins."""
    cluster: Cluster | None
    """In which it stood; None: beside the clusters."""
    within: bool
    """It goes on with a block of that Cluster, not with a new Cluster."""


@dataclass(frozen=True, slots=True)
class SecondStart:
    """A second recording of the same tracks begins."""

    offset: int


Event: TypeAlias = SegmentStart | Element | Cluster | ClusterEnd | Block | Passed | Resync | SecondStart
