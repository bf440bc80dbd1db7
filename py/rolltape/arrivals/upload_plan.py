"""What of a part is to be sent next: rules over what the journal holds and what the host has acknowledged.

While a part is recorded, its header is a segment of its own and the rest follows up to where bytes never change again
(`stable`). When it is over, the last bytes follow, then the header once more, then both sides compare. A segment that
was not acknowledged is put again exactly as it was: the host may have it already.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.segments import EMPTY, Account, Segment

__all__ = ["Compared", "FileNow", "Progress", "Step", "StepKind", "compare", "following", "is_ahead"]


@dataclass(frozen=True)
class FileNow:
    """A part's file in the journal, as it is at a moment."""

    part: str
    """`part1` to `part9999`."""
    path: str
    """Its path in the journal."""
    type: str
    """Its MIME type."""
    head: int
    """Bytes at its beginning (the container's header) that are written once more at its end."""
    stable: int
    """Bytes up to here never change again, the head aside."""
    size: int | None = None
    """Its length in bytes once it is over; None while it is recorded."""
    is_whole: bool = True
    """False where the journal was in trouble while it was written: nothing that was sent before is relied on."""

    @property
    def limit(self) -> int:
        """Up to which byte it may be sent now."""
        return self.stable if self.size is None else self.size


@dataclass(frozen=True)
class Progress:
    """What this page knows of a part at the host. Every change makes a new one."""

    account: Account = EMPTY
    """What the host has acknowledged and is known to be what lies here."""
    is_announced: bool = False
    """True if the host was told of it by this visit."""
    to_compare: bool = False
    """True if the host's segments are to be compared with the file here, one by one, before more is sent."""
    head_due: bool = False
    """True if the header was sent before the part was over, so that it is to be put once more."""
    again: tuple[tuple[int, int], ...] = ()
    """Stretches (offset, length) that are to be put again, each a segment."""
    pending: tuple[int, int] | None = None
    """The stretch (offset, length) that was put and not acknowledged; the host may have it."""
    known: tuple[Segment, ...] = ()
    """Segments whose hash may be replaced: the header, and those to be put again."""
    state: ArrivalState = ArrivalState.OPEN
    """As the host said last."""

    @property
    def has_arrived(self) -> bool:
        """True if nothing more is to be done: it is complete, and known to be what lies here."""
        return self.is_finished and not self.to_compare

    @property
    def is_finished(self) -> bool:
        """True if the host takes no more of it; what it finished without its guest goes on."""
        return self.state is ArrivalState.COMPLETE

    def acknowledged(self, segment: Segment, file: FileNow) -> Progress:
        """Return what is known after the host has acknowledged this segment of `file`."""
        stretch = (segment.at, segment.length)
        before = next((one for one in self.known if (one.at, one.length) == stretch), None)
        account = self.account
        if segment.at == account.end:
            account = account.appended(segment)
        elif before is not None:
            account = account.replaced(before, segment)
        is_head = segment.at == 0 and segment.length == file.head
        known = tuple(one for one in self.known if one is not before)
        return replace(
            self,
            account=account,
            pending=None,
            again=tuple(one for one in self.again if one != stretch),
            known=(*known, segment) if segment.at == 0 else known,
            head_due=(is_head and file.size is None) if segment.at == 0 else self.head_due,
        )


class StepKind(StrEnum):
    """Kinds of steps; each is one or more requests of `Sender`."""

    ANNOUNCE = "announce"
    COMPARE = "compare"
    PUT = "put"
    COMPLETE = "complete"


@dataclass(frozen=True)
class Step:
    """The next thing to be done for a part."""

    kind: StepKind
    at: int = 0
    """For `PUT`: offset of the segment in the file."""
    length: int = 0
    """For `PUT`: its bytes."""


def following(progress: Progress, file: FileNow, most: int, may_complete: bool = True) -> Step | None:
    """Return the next step for a part, with at most `most` bytes in a new segment; None: nothing to do now.

    A segment that was put before is put with its old length, even if that is more.
    A part is complete only where `may_complete` says so: its take is over, or another part follows it.
    """
    if progress.has_arrived or not file.limit:
        return None
    if not progress.is_announced:
        return Step(StepKind.ANNOUNCE)
    if progress.to_compare or progress.account.end > file.limit:
        return Step(StepKind.COMPARE)
    if progress.pending is not None:
        return Step(StepKind.PUT, *progress.pending)
    if progress.again:
        return Step(StepKind.PUT, *progress.again[0])
    end = progress.account.end
    if end == 0 and file.head > 0 and file.size is None:
        return Step(StepKind.PUT, 0, file.head)
    if end < file.limit:
        return Step(StepKind.PUT, end, min(most, file.limit - end))
    if file.size is None:
        return None
    if progress.head_due:
        return Step(StepKind.PUT, 0, next(one.length for one in progress.known if one.at == 0))
    return Step(StepKind.COMPLETE) if may_complete else None


def is_ahead(progress: Progress, file: FileNow, step: Step) -> bool:
    """True if the step's bytes are beyond what lies here: the journal has lost some of what was sent from it."""
    return step.at + step.length > file.limit


@dataclass(frozen=True)
class Compared:
    """Outcome of `compare`: what of the host's segments can stay, and what is to be hashed."""

    segments: tuple[Segment, ...]
    """Those that lie within the file here, in order."""
    account: Account
    """The account of these."""
    unknown: tuple[Segment, ...]
    """Those of them of which nothing is known: their hashes are to be compared with the bytes here."""
    drop_from: int | None
    """Offset from which the host is to drop what goes beyond the file here; None: nothing does."""


def compare(held: Iterable[Segment], trusted: Account, file: FileNow, head_due: bool) -> Compared:
    """See which of the host's segments are the bytes here for sure, without reading any of them.

    These are the ones that `trusted` counts, if their sum is its digest. `held` is in order from the first byte;
    raises ValueError where it has a hole.
    """
    account, kept, known = EMPTY, [], 0
    drop_from = None
    for segment in held:
        if segment.end > file.limit:
            drop_from = segment.at
            break
        account = account.appended(segment)
        kept.append(segment)
        if account == trusted and file.is_whole:
            known = len(kept)
    unknown = kept[known:]
    if known and head_due:
        unknown = [kept[0], *unknown]
    return Compared(tuple(kept), account, tuple(unknown), drop_from)
