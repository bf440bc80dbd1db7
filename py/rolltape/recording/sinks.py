"""Where the bytes of a recording go: what a sink is, whatever it writes to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rolltape.core.errors import SinkError
from rolltape.media.ending import Patch
from rolltape.recording.acknowledgements import Ledger


class Sink(Protocol):
    """A place that takes a recording's bytes in order, and says what it has safely taken.

    A part uses it: `write` from beginning to end, then `settle`, then `close`, once each, also after an error.
    """

    @property
    def name(self) -> str:
        """`journal`, `folder` or `download`."""

    @property
    def ledger(self) -> Ledger:
        """Count of bytes given and acknowledged."""

    @property
    def error(self) -> SinkError | None:
        """The reason why it takes no more bytes; None while it does."""

    def write(self, data: bytes) -> None:
        """Hand bytes over without waiting; a sink with an error ignores them. Never raises."""

    async def settle(self) -> None:
        """Wait until everything handed over is acknowledged. Raises SinkError."""

    async def close(self) -> int:
        """Let go of the place; how many bytes it holds.

        Raises SinkError where it cannot be let go, or what it holds is not what was written; it is not asked again.
        """


class PatchableSink(Sink, Protocol):
    """A sink whose bytes can be changed afterwards, as a file's can and a download's cannot."""

    def patch(self, patches: Sequence[Patch]) -> None:
        """Overwrite bytes in place, after all that was written before; never raises."""

    async def truncate(self, size: int) -> None:
        """Cut everything from `size` on off. Raises SinkError."""


class StoredBytes(Protocol):
    """A file as it lies on the disk."""

    @property
    def size(self) -> int:
        """Bytes."""

    async def read(self, start: int, end: int) -> bytes:
        """Read the bytes from `start` to before `end`, fewer only at its end. Raises RolltapeError."""

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """All of it from its beginning, in pieces of some hundred kB to some MB."""

    def address(self, content_type: str) -> str:
        """Return an address at which the page can play it, until it is forgotten (`Storage.forget`)."""

    def save(self, name: str, content_type: str) -> None:
        """Have it copied into the person's downloads. Whether that comes about, the browser does not tell."""


class Store(Protocol):
    """The journal's files by path: names joined by `/`. All raise RolltapeError where the storage refuses."""

    async def create(self, path: str) -> PatchableSink:
        """Open a file for writing behind what it holds, made if it is not there. Raises SinkError."""

    async def append_text(self, path: str, text: str) -> None:
        """Add text at the end and put it on the disk. Raises SinkError."""

    async def names(self, path: str) -> list[str]:
        """Return the names in a folder, sorted; none if there is no such folder."""

    async def file(self, path: str) -> StoredBytes | None:
        """Return the file as it is on the disk; None if there is none."""

    async def text(self, path: str) -> str:
        """Read a whole file as text, also one that is being added to; empty if there is none."""

    async def remove(self, path: str) -> None:
        """Delete a folder and all that is in it."""


class DownloadSink(Sink, Protocol):
    """A download, which can be broken off."""

    async def abandon(self) -> None:
        """Break it off instead of `close`: the file is not to be taken for whole. Raises SinkError."""


class Downloads(Protocol):
    """The browser's downloads, written while a recording is made."""

    async def create(self, id: str, name: str, content_type: str) -> DownloadSink:
        """Begin a download. Raises SinkError."""


class Folder(Protocol):
    """A folder on the person's disk that they chose; it is remembered, and may have to be allowed again."""

    @property
    def name(self) -> str:
        """The folder's name, as the person knows it."""

    async def is_allowed(self) -> bool:
        """Return True if it may be written without asking."""

    async def ask(self) -> bool:
        """Ask the person, who has just pressed a button; whether it may be written."""

    async def create(self, name: str) -> PatchableSink:
        """Open a new file of this name for writing; it is there once it is closed. Raises SinkError."""

    async def size(self, name: str) -> int | None:
        """Return the size of the file of this name there, in bytes; None if there is none, or nobody may look."""


@dataclass
class FolderChoice:
    """The folder that is written from the next part on; None: the downloads are."""

    folder: Folder | None = None
