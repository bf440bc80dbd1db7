"""The shelf: every take on this machine, read from the journal, recovered, saved, deleted.

A take is a folder `takes/ID` with its parts (`part1` …), notes that others keep of it, and `take.jsonl`, a log: lines
that say the whole take as it then was, and after each of them lines that say what is new. A torn line loses nothing:
the next says again what it was to say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, replace

from rolltape.core.errors import DeviceBusy, SinkError
from rolltape.recording import take_log
from rolltape.recording.clock_log import CLOCK, ClockLog
from rolltape.recording.container import reader_for
from rolltape.recording.recovery import finish_in_place, read_into
from rolltape.recording.sinks import Store, StoredBytes
from rolltape.recording.take import Delivery, Part, ShelfState, Take, TakeEvent
from rolltape.recording.timeline import ClosedPause
from rolltape.settings.codec import contents

FOLDER = "takes"
LOG = "take.jsonl"
HEAD_BYTES = 4096
"""A log's first line, which has no parts yet, is shorter."""


def folder_of(take: Take) -> str:
    """Return the folder of this take in the journal."""
    return f"{FOLDER}/{take.id}"


def path_of(take: Take, file: str) -> str:
    """Return the path of a file of this take in the journal."""
    return f"{folder_of(take)}/{file}"


@dataclass(frozen=True)
class _Said:
    """What the log of a take is known to say."""

    take: Take
    whole_bytes: int
    """Of the last line with the whole take."""
    new_bytes: int
    """Of the lines since. When they are more than a whole one, the next is whole: the log stays proportional to what
    is new, and no single line is all that a take depends on."""


class Shelf:
    """The takes in a store; `running` tells the ids of takes that a tab is recording right now."""

    def __init__(self, store: Store, running: Callable[[], Awaitable[Collection[str]]]) -> None:
        self._store = store
        self._running = running
        self._said: dict[str, _Said] = {}

    async def takes(self) -> list[Take]:
        """Every take whose log can be read, newest first."""
        found = []
        for id in await self._store.names(FOLDER):
            take = await self.take(id)
            if take is not None:
                found.append(take)
        return sorted(found, key=lambda take: (take.started_at_ms, take.number), reverse=True)

    async def log(self, take: Take) -> None:
        """Put the take's present state into its log. Raises SinkError.

        Of one take no two calls may be under way at once; only what is on the disk counts as said.
        """
        said = self._said.pop(take.id, None)  # nothing of it, if this fails
        is_whole = said is None or said.new_bytes > said.whole_bytes
        line = take_log.log_line(take, None if said is None or is_whole else said.take)
        await self._store.append_text(path_of(take, LOG), line)
        if said is None or is_whole:
            self._said[take.id] = _Said(take, len(line), 0)
        else:
            self._said[take.id] = _Said(take, said.whole_bytes, said.new_bytes + len(line))

    async def next_number(self) -> int:
        """Return the number of the next take on this machine; of each log its beginning is read."""
        numbers = [await self._number(id) for id in await self._store.names(FOLDER)]
        return 1 + max(numbers, default=0)

    async def _number(self, id: str) -> int:
        """A take's number, which is the same in every line of its log; 0: nobody can read it."""
        path = f"{FOLDER}/{id}/{LOG}"
        file = await self._store.file(path)
        if file is None:
            return 0
        try:
            take = take_log.read_log(await file.read(0, min(file.size, HEAD_BYTES)))
        except DeviceBusy:  # it has grown meanwhile: another tab is recording it
            take = None
        take = take or await self.take(id)
        return take.number if take else 0

    async def take(self, id: str) -> Take | None:
        """One take; None if its log cannot be read."""
        return take_log.read_log(await self._store.text(f"{FOLDER}/{id}/{LOG}"))

    async def recover(self, take: Take) -> AsyncIterator[float]:
        """Finish an abandoned take from its journal; yields the share done, 0 to 1, and then logs the result.

        The torn end is cut off at the last whole block. A file that cannot be read is kept as it is.
        """
        names = [name for name in await self._store.names(folder_of(take)) if name.startswith("part")]
        recovered = take.after(TakeEvent.FOUND)
        clock = await self.clock(take)
        for done, name in enumerate(names):
            file = await self._store.file(path_of(take, name))
            part = _part_named(take, name, done + 1)
            if part.state is not ShelfState.RECORDING or file is None or not file.size:
                continue
            reader = reader_for(contents(take.type_of(part)).container)
            async for share in read_into(reader, file):
                yield (done + share) / len(names)
            pauses = closed_pauses(take, part)
            told = clock.told_by(part.number)
            mended = await finish_in_place(self._store, path_of(take, name), reader, file.size, pauses, told)
            recovered = recovered.with_part(replace(mended.part(part), state=ShelfState.RECOVERED))
            if mended.problem:
                recovered = recovered.with_error(mended.problem)
        if not recovered.bytes:
            recovered = replace(take.after(TakeEvent.FAILED), error="Nothing had been written yet.")
        await self.log(recovered)

    async def note_clock(self, take: Take, lines: str) -> None:
        """Add lines to what is known of the take's clocks. Raises SinkError."""
        await self._store.append_text(path_of(take, CLOCK), lines)

    async def clock(self, take: Take) -> ClockLog:
        """Read what is known of the take's clocks; nothing of one that was recorded before they were noted."""
        return ClockLog.from_lines(await self._store.text(path_of(take, CLOCK)))

    async def file(self, take: Take, number: int = 1) -> StoredBytes:
        """Return the file of one part as it lies on the disk. Raises SinkError if it is gone."""
        part = next((part for part in take.parts if part.number == number), None)
        file = await self._store.file(path_of(take, part.file)) if part else None
        if file is None:
            raise SinkError("This recording is not in the browser's storage any more.")
        return file

    async def save(self, take: Take) -> Take:
        """Have the finished files copied into the person's downloads; return the take, noted as saved in its log.

        Whether they arrive there, the browser does not tell. Raises RolltapeError where one cannot be read.
        """
        kept = take.stored_parts
        for part in kept:
            kind = contents(take.type_of(part))
            tail = f"_part{part.number}" if len(kept) > 1 else ""
            (await self.file(take, part.number)).save(take.name + tail + kind.ending, kind.content_type)
        saved = take.with_delivery(Delivery.SAVED)
        await self.log(saved)
        return saved

    async def delete(self, take: Take) -> None:
        """Delete the take and its files. Raises SinkError while a tab records, finishes or recovers it."""
        if take.id in await self._running():
            raise SinkError(
                "This take is not deleted: a page is still recording, finishing or recovering it."
            )
        self._said.pop(take.id, None)
        await self._store.remove(f"{FOLDER}/{take.id}")


def closed_pauses(take: Take, part: Part) -> list[ClosedPause]:
    """Return the take's pauses during a part, as they lie in its file."""
    found, closed_ms = [], 0
    for pause in take.pauses:
        if pause.to_ms is None or pause.to_ms < part.started_ms:
            continue
        length_ms = pause.to_ms - max(pause.from_ms, part.started_ms)
        found.append(ClosedPause(max(0, pause.from_ms - part.started_ms - closed_ms), length_ms))
        closed_ms += length_ms
    return found


def _part_named(take: Take, file: str, position: int) -> Part:
    """What the log knows of the part in this file; without a word there, what its name says."""
    known = next((part for part in take.parts if part.file == file), None)
    digits = file.removeprefix("part")
    return known or Part(int(digits) if digits.isdecimal() else position, file)
