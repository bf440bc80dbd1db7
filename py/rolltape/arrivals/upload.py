"""One take on its way to the host: what there is of it here, how far it is, and whether it goes on by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from rolltape.arrivals.segments import EMPTY
from rolltape.arrivals.upload_notes import Choice, UploadNotes
from rolltape.arrivals.upload_pace import MAX_SLICE
from rolltape.arrivals.upload_plan import (
    FileNow,
    Progress,
)
from rolltape.arrivals.upload_state import UploadState

__all__ = ["TakeNow", "Upload"]


@dataclass(frozen=True)
class TakeNow:
    """A take of the journal as it is at a moment, recorded or over."""

    plain: Mapping[str, object]
    """As its log has it (`recording.take_log.plain_take`), for the host's list."""
    files: tuple[FileNow, ...]
    """Its parts in order, those in which something is."""
    is_over: bool
    """True if nothing more is recorded of it."""


@dataclass(eq=False)
class Upload:
    """One take on its way to the host. Pages make it and read it; only `Sender` changes it."""

    id: str
    """The take's."""
    folder: str
    """The take's folder in the journal."""
    notes: UploadNotes
    """What an earlier visit noted, or this one's offer."""
    now: Callable[[], TakeNow]
    """Tells what there is of the take; it is asked again before each request."""
    clock: Callable[[], Awaitable[Mapping[str, object] | None]]
    """Reads what the take's page noted of clocks, for the host's session file; None: nothing. Raises nothing."""
    state: UploadState = UploadState.OFF
    why: str = ""
    """A sentence: what it waits for, or why it was refused."""
    parts: dict[str, Progress] = field(default_factory=dict)
    """What the host holds, by the part's name."""
    is_signed_out: bool = False
    """True if the host does not know its token any more: `Sender.add` with another one."""
    is_host_full: bool = False
    """True while the host has no room for more of it; `why` says so."""
    noted_ms: float = 0.0
    """When its progress was noted last, by the sender's clock."""
    most: int = MAX_SLICE
    """Bytes of one segment at most; less once something on the way has refused as many."""

    @property
    def arrived(self) -> int:
        """Bytes that the host has acknowledged, over all parts."""
        return sum(part.account.end for part in self.parts.values())

    @property
    def total(self) -> int:
        """Bytes that may be sent by now, over all parts; more while it is recorded."""
        return sum(file.limit for file in self.now().files)

    def distrust(self) -> None:
        """Take nothing for acknowledged until every segment at the host is compared with the files here.

        For a take whose files were repaired after something of them was sent.
        """
        self.parts = {
            name: replace(part, account=EMPTY, to_compare=True) for name, part in self.parts.items()
        }

    @property
    def is_under_way(self) -> bool:
        """True if it goes on without anybody's doing: now, or when its recording is over."""
        return self.state in (
            UploadState.SENDING,
            UploadState.WAITING,
            UploadState.CLOSING,
            UploadState.PROVING,
        )

    @property
    def is_at_work(self) -> bool:
        """True if something of it may be sent now: what was agreed to for afterwards waits for its end."""
        return self.is_under_way and (self.notes.choice is Choice.NOW or self.now().is_over)

    @property
    def is_over(self) -> bool:
        """True if nothing more of it is to be sent."""
        return self.state in (UploadState.ARRIVED, UploadState.REFUSED, UploadState.WITHDRAWN)
