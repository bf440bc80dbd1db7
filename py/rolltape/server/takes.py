"""Takes over HTTP: what guests' pages send, and what directors see of it (`docs/protocol.md`, Takes).

What waits for the disk runs in threads, so that rooms go on beside it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from rolltape.arrivals.segments import read_content_digest
from rolltape.arrivals.wire import MAX_SEGMENT, Announcement, ArrivalState, Completion, Held, Listing
from rolltape.server.limits import Limiter
from rolltape.server.log import room_mark
from rolltape.server.takes_downloads import Downloads
from rolltape.server.takes_record import Owner
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_request import Asked, Door, TakesLimits, answer
from rolltape.server.takes_store import TakesStore
from rolltape.server.tokens import Tokens

__all__ = ["Takes"]

PROVERS = 2
"""Threads that read whole files through: more would only wait for the same disk."""
KEPT_RESULTS = 1000

log = logging.getLogger(__name__)


class Takes:
    """The takes of one server process; `routes` answer what pages ask."""

    def __init__(self, store: TakesStore, tokens: Tokens, limits: TakesLimits | None = None) -> None:
        self._store = store
        door = self._door = Door(tokens, limits or TakesLimits())
        self._provers = ThreadPoolExecutor(PROVERS, "proofs")
        self._announcements = Limiter(self._door.limits.announcements, time.monotonic)
        self._completing: dict[tuple[Owner, str, str], asyncio.Task[Held]] = {}
        self.routes: list[BaseRoute] = [
            door.route("/api/takes", "GET", self._list),
            door.route("/api/takes/{take}", "DELETE", self._delete),
            door.route("/api/takes/{take}/{part}", "PUT", self._announce),
            door.route("/api/takes/{take}/{part}/segments", "GET", self._segments),
            door.route("/api/takes/{take}/{part}/complete", "POST", self._complete),
            door.route("/api/takes/{take}/{part}/{at}", "PUT", self._put),
            *Downloads(store, tokens, door).routes,
        ]

    async def start(self) -> None:
        """Begin with what nobody asks for."""

    async def close(self) -> None:
        """End: what is being written is written, what takes long is left."""
        self._store.end()
        for task in self._completing.values():
            task.cancel()
        await asyncio.gather(*self._completing.values(), return_exceptions=True)
        await asyncio.to_thread(self._provers.shutdown, cancel_futures=True)
        await self._door.close()
        self._store.close()

    # What a page sends.

    async def _announce(self, asked: Asked) -> Response:
        owner, take, part = asked.owner, asked.take, asked.part
        if not self._announcements.allows(f"{owner.room_folder} {owner.guest_folder}"):
            raise Refused.rate(5)
        with self._door.counted(asked):
            told = await self._door.said(asked, Announcement.from_json)
            await self._door.in_thread(lambda: self._store.check(owner, 0))
            held = await self._door.in_thread(lambda: self._store.announce(owner, take, part, told))
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
        with self._door.counted(asked):
            await self._door.in_thread(lambda: self._store.check(owner, length))
            content = await asked.body(length, self._door.limits)
            await self._door.in_thread(lambda: self._store.put(owner, take, part, at, content, digest))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def _segments(self, asked: Asked) -> Response:
        owner, take, part = asked.owner, asked.take, asked.part
        start = asked.number(asked.request.query_params.get("start", "0"))
        with self._door.counted(asked):
            found = await self._door.in_thread(lambda: self._store.segments(owner, take, part, start))
        return answer(found.to_json())

    async def _complete(self, asked: Asked) -> Response:
        owner, take, part = asked.owner, asked.take, asked.part
        with self._door.counted(asked):
            told = await self._door.said(asked, Completion.from_json)
            held = await self._completed(owner, take, part, told)
        log.info(
            "A recording is there.",
            extra={"room": room_mark(owner.room), "bytes": held.account.end, "state": held.state},
        )
        return answer(held.to_json(), 202 if held.state is ArrivalState.PROVING else 200)

    async def _completed(self, owner: Owner, take: str, part: str, told: Completion) -> Held:
        """The result of a completion, if it is there soon; one that takes longer goes on, and is asked for again."""
        key = owner, take, part
        if key not in self._completing:
            work = asyncio.get_running_loop().run_in_executor(
                self._provers, lambda: self._store.complete(owner, take, part, told)
            )
            task = asyncio.ensure_future(_result(work))
            task.add_done_callback(_heard)
            self._completing[key] = task
            if len(self._completing) > KEPT_RESULTS:
                self._forget_one()
        task = self._completing[key]
        await asyncio.wait({task}, timeout=self._door.limits.proving_s)
        if not task.done():
            return Held(told.account, ArrivalState.PROVING)
        self._completing.pop(key, None)
        return task.result()

    def _forget_one(self) -> None:
        done = next((key for key, task in self._completing.items() if task.done()), None)
        if done is not None:
            del self._completing[done]

    # What those may ask who see it.

    async def _list(self, asked: Asked) -> Response:
        mine = not asked.is_director
        with self._door.counted(asked):
            found = await self._door.in_thread(lambda: self._store.listed(asked.owner, mine))
        return answer(Listing(tuple(found)).to_json())

    async def _delete(self, asked: Asked) -> Response:
        whose, take = asked.whose, asked.take
        with self._door.counted(asked):
            await self._door.in_thread(lambda: self._store.delete(whose, take, asked.is_director))
        log.info("A recording was deleted.", extra={"room": room_mark(whose.room), "by": asked.upload.role})
        return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def _result(work: Awaitable[Held]) -> Held:
    return await work


def _heard(task: asyncio.Task[Any]) -> None:
    """What came of it is told to who asks; nobody may."""
    if not task.cancelled():
        task.exception()
