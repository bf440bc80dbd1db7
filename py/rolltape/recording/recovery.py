"""Mends a file of the journal whose end is torn: cut at the last whole block, then finished in place.

Cutting and overwriting take no room, so this works on a full disk too; where not even the index fits, the
file goes without.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rolltape.core.errors import SinkError
from rolltape.media.ending import Ending, Patch
from rolltape.recording.container import ContainerStream, reader_for
from rolltape.recording.sinks import Store
from rolltape.recording.take import Part
from rolltape.recording.timeline import ClosedPause, Hole, holes
from rolltape.settings.codec import Container

SLICE_BYTES = 1 << 20


class Readable(Protocol):
    """A file, as far as it is read here."""

    @property
    def size(self) -> int:
        """Bytes."""

    async def read(self, start: int, end: int) -> bytes:
        """Read the bytes from `start` to before `end`."""


class Patchable(Protocol):
    """An open file, as far as it is changed here: a `PatchableSink`, or a host's file."""

    def write(self, data: bytes) -> None:
        """Add bytes at its end."""

    def patch(self, patches: Sequence[Patch]) -> None:
        """Overwrite bytes in place, after all that was written before."""

    async def truncate(self, size: int) -> None:
        """Cut everything from `size` on off. Raises SinkError."""

    async def settle(self) -> None:
        """Wait until everything is on the disk. Raises SinkError."""

    async def close(self) -> int:
        """Let go of the file; return its size in bytes. Raises SinkError."""


class Opens(Protocol):
    """Where the file lies: a `Store`, or a host's folder."""

    async def create(self, path: str) -> Patchable:
        """Open a file for writing. Raises SinkError."""


@dataclass(frozen=True)
class Mended:
    """Outcome of recovering one file."""

    size: int
    duration_ms: int
    problem: str
    """A sentence where it could not be finished; it is kept as it was then."""
    holes: tuple[Hole, ...] = ()
    """What it lacks between its times."""
    passed_over: int = 0
    """Bytes in it that made no sense."""
    cut: int = 0
    """Bytes that nobody could have read and that were cut off at its end."""

    def part(self, part: Part) -> Part:
        """Return the part with what is known of it now."""
        return replace(
            part,
            bytes=self.size,
            duration_ms=self.duration_ms,
            holes=self.holes,
            passed_over=self.passed_over,
            cut=self.cut,
        )


async def mend(store: Store, path: str, container: Container, clock: str = "") -> Mended | None:
    """Read a file and finish it, with what is known of its clocks; None if there is nothing in it."""
    file = await store.file(path)
    if file is None or not file.size:
        return None
    reader = reader_for(container)
    async for _ in read_into(reader, file):
        pass
    return await finish_in_place(store, path, reader, file.size, clock=clock)


async def read_into(reader: ContainerStream, file: Readable) -> AsyncIterator[float]:
    """Feed the file to the reader slice by slice, as far as it understands it; yields the share done."""
    for start in range(0, file.size, SLICE_BYTES):
        reader.feed(await file.read(start, min(start + SLICE_BYTES, file.size)))
        if reader.problem:
            return
        yield min(1.0, (start + SLICE_BYTES) / file.size)


async def finish_in_place(
    store: Opens,
    path: str,
    reader: ContainerStream,
    size: int,
    pauses: Sequence[ClosedPause] = (),
    clock: str = "",
) -> Mended:
    """Cut off what is torn and write what a finished file has; `reader` was fed with all of it.

    `pauses` are the take's, as they lie in this file: they are no holes. `clock` is what is known of its clocks.
    """
    duration_ms = round(reader.duration_ms or 0)
    if reader.problem:
        return Mended(size, duration_ms, f"It is kept as it was written: {reader.problem}")
    ending = reader.finish(clock)
    duration_ms = round(reader.duration_ms or 0)
    found = holes(reader.silences, reader.has_both, pauses)
    cut = size - ending.truncate_to if ending.truncate_to is not None else 0
    try:
        file = await store.create(path)
    except SinkError as error:
        return Mended(size, duration_ms, f"It could not be made seekable. {error.sentence}", found)
    try:
        if ending.truncate_to is not None:
            await file.truncate(ending.truncate_to)
        file = await _append(store, path, file, ending)
    except SinkError as error:
        return Mended(
            await _closed(file, size), duration_ms, f"It could not be made seekable. {error.sentence}", found
        )
    return Mended(await file.close(), duration_ms, "", found, reader.passed_over, cut)


async def _closed(file: Patchable, size: int) -> int:
    """Close a file that is in trouble; its size as far as that is known."""
    try:
        return await file.close()
    except SinkError:
        return size


async def _append(store: Opens, path: str, file: Patchable, ending: Ending) -> Patchable:
    """Append the index and patch the header; where there is no room for the index, go without.

    Raises SinkError; gives the sink that is to be closed.
    """
    try:
        file.write(ending.append)
        await file.settle()
        patches = ending.patches
    except SinkError:
        await file.close()
        file = await store.create(path)
        await file.truncate(ending.end)
        patches = ending.patches_alone
    file.patch(patches)
    await file.settle()
    return file
