"""Takes over HTTP: what guests' pages send, and what directors see of it (`docs/protocol.md`, Takes).

What waits for the disk runs in threads, so that rooms go on beside it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.routing import BaseRoute

from rolltape.arrivals.listing import ArrivalState, Listing
from rolltape.arrivals.segments import read_content_digest
from rolltape.arrivals.wire import MAX_SEGMENT, Announcement, Completion, Held
from rolltape.room.messages import Arrived
from rolltape.server.bucket import Bucket
from rolltape.server.lasting import lasting
from rolltape.server.limits import BucketRate, Limiter
from rolltape.server.log import room_mark
from rolltape.server.rooms import Rooms
from rolltape.server.takes_downloads import Downloads
from rolltape.server.takes_mover import Mover, Pace, Waiting
from rolltape.server.takes_record import Owner
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_request import Asked, RequestGate, TakesLimits, answer
from rolltape.server.takes_room import now_ms
from rolltape.server.takes_store import TakesStore
from rolltape.server.tokens import Tokens
from rolltape.server.tracks_requests import TracksRequests
from rolltape.server.tracks_worker import TracksWorkers

__all__ = ["Takes"]

PROVERS = 2
"""Threads that read whole files through: more would only wait for the same disk."""
KEPT_RESULTS = 1000
TIDY_S = 3600.0
SWITCH_S = 0.0005
"""For how long a thread that writes takes may keep the interpreter from the rooms' (Python's own: 5 ms)."""
TOLD = BucketRate(1, 1)
"""How often directors are told of what one page sends."""

log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class Takes:
    """The takes of one server process; the application has its `routes`, and calls `start` and `close` once each.

    What waits for the disk runs in threads, so that rooms do not notice. Any process of the machine may serve any
    request about any take.
    """

    def __init__(
        self,
        store: TakesStore,
        tokens: Tokens,
        limits: TakesLimits | None = None,
        rooms: Rooms | None = None,
        track_workers: int = 0,
        bucket: Bucket | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`rooms` are told what arrives, for their directors; None: directors are told nothing.

        `bucket` is where what has arrived is moved, at this `pace`; None: it stays in the folder.
        """
        self._rooms = rooms
        self._workers = TracksWorkers(store, track_workers, self._broke_off, bucket)
        self._mover = None if bucket is None else Mover(store.spool, bucket, self._waiting, pace)
        self._moving: asyncio.Task[None] | None = None
        self._told = Limiter(TOLD, time.monotonic)
        self._store = store
        gate = self._gate = RequestGate(tokens, limits or TakesLimits())
        self._provers = ThreadPoolExecutor(PROVERS, "proofs")
        self._summers = ThreadPoolExecutor(1, "sums")
        """Of their own: what others complete meanwhile does not wait for sums."""
        self._summing: set[asyncio.Task[None]] = set()
        self._announcements = Limiter(self._gate.limits.announcements, time.monotonic)
        self._long: dict[Hashable, asyncio.Task[Any]] = {}
        """What takes long, until who asked for it has heard what came of it."""
        self._tidying: asyncio.Task[None] | None = None
        self.routes: list[BaseRoute] = [
            gate.route("/api/takes", "GET", self._list),
            gate.route("/api/takes/{take}", "DELETE", self._delete),
            gate.route("/api/takes/{take}/finish", "POST", self._finish),
            gate.route("/api/takes/{take}/{part}", "PUT", self._announce),
            gate.route("/api/takes/{take}/{part}/segments", "GET", self._segments),
            gate.route("/api/takes/{take}/{part}/complete", "POST", self._complete),
            gate.route("/api/takes/{take}/{part}/{at}", "PUT", self._put),
            *Downloads(store, tokens, gate, self._sum_up, bucket).routes,
            *TracksRequests(store.tracks, gate).routes,
        ]

    async def start(self) -> None:
        """Begin with what nobody asks for: finishing what its guest left, deleting what is due."""
        sys.setswitchinterval(SWITCH_S)
        self._tidying = asyncio.create_task(lasting("tidying takes", self._tidy, self._broke_off))
        await self._workers.start()
        if self._mover is not None:
            moving = lasting("moving takes", self._mover.run, self._broke_off)
            self._moving = asyncio.create_task(moving)

    async def close(self) -> None:
        """End: what is being written is written; what takes long is left, and begun again by the next server."""
        self._store.end()
        await self._end_moving()
        await self._workers.close()
        tasks = [*self._long.values(), *self._summing, *([self._tidying] if self._tidying else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for threads in (self._provers, self._summers):
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)
        await self._gate.close()
        self._store.close()

    async def _end_moving(self) -> None:
        if self._mover is None or self._moving is None:
            return
        await self._mover.end()
        self._moving.cancel()
        await asyncio.gather(self._moving, return_exceptions=True)

    def _wake(self) -> None:
        """There may be something to move, or to delete in the bucket."""
        if self._mover is not None:
            self._mover.wake()

    def _waiting(self, waiting: Waiting) -> None:
        if self._rooms is not None:
            self._rooms.gauge("bucket_answers", waiting.answers)
            self._rooms.gauge("bucket_waiting_files", waiting.files)
            self._rooms.gauge("bucket_waiting_bytes", waiting.bytes)

    def _broke_off(self, what: str) -> None:
        if self._rooms is not None:
            self._rooms.broke_off(what)

    async def _tell(self, asked: Asked, take: str, part: str, bytes: int, state: ArrivalState) -> None:
        """Directors are told at once how something ended, and once a second how it goes on."""
        owner = asked.owner
        is_due = self._told.allows(f"{owner.room_folder} {owner.guest_folder}")
        if self._rooms is not None and (is_due or state is not ArrivalState.OPEN):
            await self._rooms.arrived(asked.upload, Arrived(take, part, bytes, state))

    async def _tidy(self) -> None:
        while True:
            await asyncio.get_running_loop().run_in_executor(self._provers, self._store.tidy)
            self._wake()
            await asyncio.sleep(TIDY_S)

    # What a page sends.

    async def _announce(self, asked: Asked) -> Response:
        owner, take, part = asked.owner, asked.take, asked.part
        if not self._announcements.allows(f"{owner.room_folder} {owner.guest_folder}"):
            raise Refused.rate(5)
        with self._gate.counted(asked):
            told = await self._gate.said(asked, Announcement.from_json)
            await self._gate.in_thread(lambda: self._store.check(owner, 0))
            held = await self._gate.in_thread(lambda: self._store.announce(owner, take, part, told))
        await self._tell(asked, take, part, held.account.end, held.state)
        return answer(held.to_json())

    async def _put(self, asked: Asked) -> Response:
        owner, take, part = asked.owner, asked.take, asked.part
        at = asked.number(asked.request.path_params["at"])
        try:
            digest = read_content_digest(asked.request.headers.get("content-digest", ""))
        except ValueError as error:
            raise Refused.bad(str(error)) from None
        length = asked.length(MAX_SEGMENT)
        if not length:
            raise Refused.bad("there is nothing in it")
        with self._gate.counted(asked):
            await self._gate.in_thread(lambda: self._store.check(owner, length))
            content = await asked.body(length, self._gate.limits)
            account = await self._gate.in_thread(
                lambda: self._store.put(owner, take, part, at, content, digest)
            )
        await self._tell(asked, take, part, account.end, ArrivalState.OPEN)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def _segments(self, asked: Asked) -> Response:
        owner, take, part = asked.owner, asked.take, asked.part
        start = asked.number(asked.request.query_params.get("start", "0"))
        with self._gate.counted(asked):
            found = await self._gate.in_thread(lambda: self._store.segments(owner, take, part, start))
        return answer(found.to_json())

    async def _complete(self, asked: Asked) -> Response:
        owner, take, part = asked.owner, asked.take, asked.part
        with self._gate.counted(asked):
            told = await self._gate.said(asked, Completion.from_json)
            work = partial(self._store.complete, owner, take, part, told)
            held = await self._soon(("complete", owner, take, part), work)
        if held is None:
            return answer(Held(told.account, ArrivalState.PROVING).to_json(), 202)
        if held.state is ArrivalState.PROVING:  # in another process
            return answer(held.to_json(), 202)
        await self._tell(asked, take, part, held.account.end, held.state)
        if held.sha256:
            self._wake()
        else:
            task = asyncio.create_task(self._sum_up_soon(owner, take))
            self._summing.add(task)
            task.add_done_callback(self._summing.discard)
        log.info("A recording is there.", extra={"room": room_mark(owner.room), "bytes": held.account.end})
        return answer(held.to_json())

    async def _sum_up(self, owner: Owner, take: str) -> None:
        """Sum up what is complete of a take and is not yet, after what others wait for. Raises Refused, OSError."""
        work = partial(self._store.sum_up, owner, take)
        if not await asyncio.get_running_loop().run_in_executor(self._summers, work):
            extra = {"room": room_mark(owner.room)}
            log.error("A recording has changed on the disk since it was complete.", extra=extra)
        self._wake()

    async def _sum_up_soon(self, owner: Owner, take: str) -> None:
        """Sum it up; what cannot be now is when it is fetched, or tidied up."""
        try:
            await self._sum_up(owner, take)
        except (Refused, OSError) as error:
            extra = {"room": room_mark(owner.room), "why": str(error)}
            log.warning("A recording is summed up later.", extra=extra)

    async def _soon(self, key: Hashable, work: Callable[[], _Result]) -> _Result | None:
        """What comes of something that may take long; None: it goes on, and is to be asked for again."""
        task: asyncio.Task[_Result] | None = self._long.get(key)
        if task is None:
            running = asyncio.get_running_loop().run_in_executor(self._provers, work)
            task = self._long[key] = asyncio.create_task(_result(running))
            task.add_done_callback(_heard)
            if len(self._long) > KEPT_RESULTS:
                self._forget_one()
        await asyncio.wait({task}, timeout=self._gate.limits.proving_s)
        if not task.done():
            return None
        self._long.pop(key, None)
        return task.result()

    def _forget_one(self) -> None:
        done = next((key for key, task in self._long.items() if task.done()), None)
        if done is not None:
            del self._long[done]

    # What those may ask who see it.

    async def _list(self, asked: Asked) -> Response:
        with self._gate.counted(asked):
            found = await self._gate.in_thread(lambda: self._listing(asked))
        return answer(found.to_json())

    def _listing(self, asked: Asked) -> Listing:
        takes = self._store.listed(asked.owner, mine=not asked.is_director)
        if not asked.is_director:
            return Listing(tuple(takes), now_ms=now_ms())
        tracks = self._store.tracks
        listed = tracks.listed(asked.owner, (one.session for one in takes))
        return Listing(tuple(takes), tracks.queue.is_anybody_there(), listed, now_ms())

    async def _delete(self, asked: Asked) -> Response:
        whose, take = asked.whose, asked.take
        with self._gate.counted(asked):
            await self._gate.in_thread(lambda: self._store.delete(whose, take, asked.is_director))
        self._wake()
        log.info("A recording was deleted.", extra={"room": room_mark(whose.room), "by": asked.upload.role})
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def _finish(self, asked: Asked) -> Response:
        if not asked.is_director:
            raise Refused.forbidden("Only a director has a recording finished without its guest.")
        whose, take = asked.whose, asked.take
        with self._gate.counted(asked):
            work = partial(self._store.finish, whose, take)
            found = await self._soon(("finish", whose, take), work)
        if found is not None:
            self._wake()
            log.info("A recording was finished.", extra={"room": room_mark(whose.room)})
            return answer(Listing((found,)).to_json())
        listed = await self._gate.in_thread(lambda: self._store.listed(whose, mine=True))
        return answer(Listing(tuple(one for one in listed if one.take == take)).to_json(), 202)


async def _result(work: Awaitable[_Result]) -> _Result:
    return await work


def _heard(task: asyncio.Task[Any]) -> None:
    """What came of it is told to who asks; nobody may."""
    if not task.cancelled():
        task.exception()
