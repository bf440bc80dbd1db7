"""Moves what has arrived from the spool into a bucket: put, read back and compared, then removed from the folder.

One process of those that share a folder does it. A bucket that does not answer costs nothing but room in the spool:
it is tried again, after longer and longer pauses.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TypeVar

from rolltape.server.bucket import PART_BYTES, Bucket, BucketTrouble
from rolltape.server.log import room_mark
from rolltape.server.takes_folder import write_all
from rolltape.server.takes_record import PartRecord
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_spool import Errand, ErrandKind, Spool
from rolltape.server.tracks_queue import Job

__all__ = ["Mover", "Pace", "Waiting", "bring_back", "pause_s"]

LOOK_S = 15.0
"""So often it is looked what there is to do, beside what this process knows of."""
LONGEST_PAUSE_S = 300.0
END_S = 2.0
"""For how long a server that ends waits for what is being put to break off, so that none of it stays there."""

log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class _Over(Exception):
    """The server ends."""


class _Bent(Exception):
    """The disk gives other bytes than those that were proven."""


@dataclass(frozen=True)
class _Failure:
    """How often something has failed in a row, and when it is tried again at the earliest (`time.monotonic`)."""

    count: int = 0
    again_s: float = 0.0


@dataclass(frozen=True)
class Pace:
    """How often it is looked, and tried again."""

    look_s: float = LOOK_S
    first_pause_s: float = 2.0


@dataclass(frozen=True)
class Waiting:
    """What waits to be moved, and whether the bucket did what it was last asked."""

    files: int = 0
    bytes: int = 0
    answers: bool = True


def pause_s(failures: int, first_s: float = 2.0) -> float:
    """Return how many seconds to wait after so many failures in a row, 1 at least.

    >>> [pause_s(failures) for failures in (1, 2, 3, 8, 5000)]
    [2.0, 4.0, 8.0, 256.0, 300.0]
    """
    return float(min(LONGEST_PAUSE_S, first_s * 2 ** min(failures - 1, 20)))


class Mover:
    """Moves files of a spool into a bucket; `run` for as long as the server lasts, then `end`."""

    def __init__(
        self, spool: Spool, bucket: Bucket, told: Callable[[Waiting], None], pace: Pace | None = None
    ) -> None:
        """`told` hears how much waits, whenever that changes."""
        self._spool = spool
        self._bucket = bucket
        self._told = told
        self._pace = pace or Pace()
        self._failures = 0
        """In a row, of whatever it was."""
        self._failed: dict[tuple[object, ...], _Failure] = {}
        """What has failed: what always does must not keep the others."""
        self._woken = asyncio.Event()
        self._is_over = False
        self._at_rest = asyncio.Event()

    def wake(self) -> None:
        """Look at once: something has arrived, or was deleted."""
        self._woken.set()

    async def run(self) -> None:
        """Move what there is to move, until it is cancelled."""
        while not self._is_over:
            if not self._failures:
                self._woken.clear()
            pause = self._pace.look_s
            if await asyncio.to_thread(self._spool.may_move):
                pause = await self._round() or pause
            await self._rest(pause)
        self._at_rest.set()
        await asyncio.Event().wait()

    async def end(self) -> None:
        """Have what is being put break off, so that none of it stays in the bucket; `run` can be cancelled then."""
        self._is_over = True
        self._woken.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await self._at_rest.wait()

    async def _rest(self, seconds: float) -> None:
        """Wait; after a failure nothing but the end shortens that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
                while self._failures and not self._is_over:
                    self._woken.clear()
                    await self._woken.wait()

    async def _round(self) -> float | None:
        """Do all that there is to do; how long to wait then, if anything else than usual."""
        errands = await asyncio.to_thread(self._spool.errands)
        self._failed = {one.mark: self._failed[one.mark] for one in errands if one.mark in self._failed}
        left = sorted(
            errands, key=lambda one: (self._failure(one).count, one.part.done_ms if one.part else 0)
        )
        kept: list[Errand] = []
        """What stays for another round."""
        self._tell(left)
        while left and not self._is_over:
            errand = left.pop(0)
            if time.monotonic() < self._failure(errand).again_s:
                kept.append(errand)
                continue
            try:
                await self._do(errand)
            except _Over:
                return None
            except BucketTrouble as trouble:
                return self._after_failure(errand, trouble, [errand, *left, *kept])
            except (_Bent, OSError) as error:
                self._keep(errand, error)
                kept.append(errand)
            else:
                self._after_success(errand)
            self._tell([*left, *kept])
        return None

    def _after_success(self, errand: Errand) -> None:
        if self._failures and errand.kind is not ErrandKind.DROP:
            log.info("The bucket takes recordings again.", extra={"bucket": self._bucket.url})
            self._failures = 0

    def _keep(self, errand: Errand, error: _Bent | OSError) -> None:
        """Leave a file where it is: until the next server where the disk has bent it, else for a while."""
        if isinstance(error, _Bent):
            self._failed[errand.mark] = _Failure(1, math.inf)
            log.error(
                "A recording in the spool is not what it was: it stays there.", extra={"take": errand.id}
            )
            return
        count = self._failure(errand).count + 1
        self._failed[errand.mark] = _Failure(count, time.monotonic() + pause_s(count))
        log.warning("A recording cannot be moved.", extra={"error": error.strerror, "number": error.errno})

    def _after_failure(self, errand: Errand, trouble: BucketTrouble, left: list[Errand]) -> float:
        self._failed[errand.mark] = _Failure(self._failure(errand).count + 1)
        self._failures += 1
        pause = pause_s(self._failures, self._pace.first_pause_s)
        self._tell(left)
        log.warning(
            "Recordings stay in the spool: the bucket does not take them.",
            extra={"why": str(trouble), "waiting": len(left), "again_s": pause},
        )
        return pause

    def _failure(self, errand: Errand) -> _Failure:
        return self._failed.get(errand.mark, _Failure())

    def _tell(self, left: list[Errand]) -> None:
        moves = [one for one in left if one.kind is ErrandKind.MOVE]
        self._told(Waiting(len(moves), sum(one.bytes for one in moves), not self._failures))

    async def _do(self, errand: Errand) -> None:
        if errand.kind is ErrandKind.DELETE:
            await self._bucket.delete(errand.key)
            await asyncio.to_thread(self._spool.deleted, errand)
        elif errand.kind is ErrandKind.MOVE:
            await self._move(errand)
        else:
            await asyncio.to_thread(self._spool.drop, errand)

    async def _move(self, errand: Errand) -> None:
        assert errand.part is not None
        part = await asyncio.to_thread(self._spool.intend, errand)
        if part is None:
            return
        began_s = time.monotonic()
        # Where a key was noted before, a server ended between putting and noting that it is there.
        if not (errand.part.key and await self._holds(part)):
            if not await self._put(errand, part):
                return
            if not await self._holds(part):
                raise BucketTrouble(
                    f"The bucket {self._bucket.url} gives back other bytes than were put into it."
                )
        if await asyncio.to_thread(self._spool.moved, errand):
            room, took_s = room_mark(errand.owner.room), round(time.monotonic() - began_s, 1)
            log.info("A recording is in the bucket.", extra={"room": room, "bytes": part.bytes, "s": took_s})
            await asyncio.to_thread(self._spool.drop, errand)

    async def _put(self, errand: Errand, part: PartRecord) -> bool:
        """Put a file; False if it is not there any more."""
        try:
            fd = await asyncio.to_thread(self._spool.open, errand)
        except Refused:
            return False
        if fd is None:
            return False
        whole = sha256()
        try:
            content: bytes | AsyncIterator[bytes] = self._content(fd, part.bytes, whole.update)
            if part.bytes <= PART_BYTES:
                content = b"".join([piece async for piece in self._content(fd, part.bytes, whole.update)])
            await self._bucket.put(part.key, content, part.bytes, part.content_type)
        finally:
            os.close(fd)
        if whole.hexdigest() != part.sha256:
            raise _Bent
        return True

    async def _content(self, fd: int, size: int, count: Callable[[bytes], None]) -> AsyncIterator[bytes]:
        def read(at: int) -> bytes:
            piece = os.pread(fd, min(PART_BYTES, size - at), at)
            count(piece)
            return piece

        for at in range(0, size, PART_BYTES):
            if self._is_over:
                raise _Over
            yield await _in_thread(partial(read, at))

    async def _holds(self, part: PartRecord) -> bool:
        """Read an object back and compare it: True if it is the part's file."""
        if await self._bucket.size(part.key) != part.bytes:
            return False
        whole = sha256()
        async with contextlib.aclosing(self._bucket.read(part.key, 0, part.bytes)) as content:
            async for piece in content:
                if self._is_over:
                    raise _Over
                await asyncio.to_thread(whole.update, piece)
        return whole.hexdigest() == part.sha256


async def bring_back(spool: Spool, bucket: Bucket | None, job: Job, has_room: Callable[[int], bool]) -> str:
    """Fetch what a job needs from the bucket back into the folder, compared; return a sentence where that fails.

    The files stay until the job is over. Raises Refused where all is gone, and OSError.
    """
    for errand in await asyncio.to_thread(spool.to_fetch, job):
        part = errand.part
        assert part is not None
        if bucket is None:
            return "Its recordings lie in a bucket that what makes the tracks was not started with."
        if not await asyncio.to_thread(has_room, part.bytes):
            return (
                "The host's disk has no room to fetch the recordings back. Delete something, then ask again."
            )
        try:
            is_whole = await _fetch(spool, bucket, errand, part)
        except BucketTrouble as trouble:
            log.warning("A recording cannot be fetched for its tracks.", extra={"why": str(trouble)})
            return "The bucket that the host keeps recordings in does not answer: ask again later."
        if not is_whole:
            return (
                f"The bucket that the host keeps recordings in does not hold {part.name} any more as it was."
            )
    return ""


async def _fetch(spool: Spool, bucket: Bucket, errand: Errand, part: PartRecord) -> bool:
    """Fetch a file back; False if the bucket has it no more, or another one."""
    if await bucket.size(part.key) != part.bytes:
        return False
    whole, at = sha256(), 0
    fd = await asyncio.to_thread(spool.fetching, errand)
    try:
        async with contextlib.aclosing(bucket.read(part.key, 0, part.bytes)) as content:
            async for piece in content:
                whole.update(piece)
                await _in_thread(partial(write_all, fd, piece, at))
                at += len(piece)
        is_whole = whole.hexdigest() == part.sha256
        if is_whole:
            await _in_thread(partial(spool.fetched, errand))
        return is_whole
    finally:
        os.close(fd)
        await asyncio.shield(asyncio.to_thread(spool.discard_fetched, errand))


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    """Do what has to do with a descriptor in a thread; it is over when this ends, also where this is cancelled."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
