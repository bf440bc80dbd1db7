"""Takes over HTTP: what guests' pages send, and what directors see of it (`docs/protocol.md`, Takes).

Whatever can be refused is refused before a byte of a body is read: who asks, how much at once, how large, how much
room there is. What waits for the disk runs in threads, so that rooms go on beside it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rolltape.arrivals.segments import read_content_digest
from rolltape.arrivals.wire import (
    MAX_ACCOUNT_BODY,
    MAX_SEGMENT,
    PROBLEM_TYPE,
    Announcement,
    ArrivalState,
    Completion,
    Held,
    Listing,
    Problem,
    is_part,
    is_take,
)
from rolltape.room.messages import Role
from rolltape.server.admission import address_of, is_foreign
from rolltape.server.limits import Limiter, Rate
from rolltape.server.log import room_mark
from rolltape.server.takes_record import Owner
from rolltape.server.takes_refused import Refused, refused_by_disk
from rolltape.server.takes_store import TakesStore
from rolltape.server.tokens import BadToken, Tokens, Upload

__all__ = ["Takes", "TakesLimits"]

THREADS = 8
PROVERS = 2
"""Threads that read whole files through: more would only wait for the same disk."""
KEPT_RESULTS = 1000

log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
_Handler = Callable[["Asked"], Awaitable[Response]]


@dataclass(frozen=True)
class TakesLimits:
    """How much one page or one address may ask for."""

    requests_of_page: int = 2
    """At once."""
    requests_of_address: int = 16
    idle_s: float = 20.0
    """For how long a body may stand still."""
    body_s: float = 300.0
    """For how long a body may take to arrive."""
    announcements: Rate = field(default_factory=lambda: Rate(1, 100))
    """Of one page."""
    proving_s: float = 2.0
    """For how long a completion waits for what it asks for."""


@dataclass(frozen=True)
class Asked:
    """A request whose token is right."""

    request: Request
    upload: Upload

    @property
    def owner(self) -> Owner:
        """Whose page it is."""
        return Owner(self.upload.room, self.upload.key_id, self.upload.uid)

    @property
    def is_director(self) -> bool:
        """True if it is a director's page."""
        return self.upload.role is Role.DIRECTOR

    @property
    def whose(self) -> Owner:
        """Whose take is meant: their own, or by a director's word another's. Raises Refused."""
        uid = self.request.query_params.get("uid", self.upload.uid)
        if uid != self.upload.uid and not self.is_director:
            raise Refused.forbidden("Only a director may do that with somebody else's recording.")
        return Owner(self.upload.room, self.upload.key_id, uid)

    @property
    def take(self) -> str:
        """The id of the take that is meant. Raises Refused."""
        id = str(self.request.path_params["take"])
        if not is_take(id):
            raise Refused.bad("there is no such id of a take")
        return id

    @property
    def part(self) -> str:
        """The name of the part that is meant. Raises Refused."""
        name = str(self.request.path_params["part"])
        if not is_part(name):
            raise Refused.bad("there is no such name of a part")
        return name

    def number(self, text: str) -> int:
        """A whole number of the address. Raises Refused."""
        if not text.isascii() or not text.isdecimal() or len(text) > 15:
            raise Refused.bad("there is a number in the address that is none")
        return int(text)

    def length(self, most: int) -> int:
        """How long the body is. Raises Refused where it is not told, or longer than any may be."""
        headers = self.request.headers
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Refused.encoded()
        told = headers.get("content-length", "")
        if not told.isascii() or not told.isdecimal() or "transfer-encoding" in headers:
            raise Refused.no_length()
        if len(told) > 15 or int(told) > most:
            raise (
                Refused.too_large() if most == MAX_SEGMENT else Refused.too_large("a request as long as that")
            )
        return int(told)

    async def body(self, length: int, limits: TakesLimits) -> bytes:
        """The whole body. Raises Refused where it does not come whole, or too slowly."""
        pieces, there = [], 0
        stream = self.request.stream()
        try:
            async with asyncio.timeout(limits.body_s):
                while there < length:
                    async with asyncio.timeout(limits.idle_s):
                        piece = await anext(stream, b"")
                    if not piece:
                        break
                    pieces.append(piece)
                    there += len(piece)
        except TimeoutError:
            raise Refused.slow() from None
        except ClientDisconnect:
            raise Refused.cut_short() from None
        if there != length:
            raise Refused.cut_short()
        return b"".join(pieces)


class Takes:
    """The takes of one server process; `routes` answer what pages ask."""

    def __init__(self, store: TakesStore, tokens: Tokens, limits: TakesLimits | None = None) -> None:
        self._store = store
        self._tokens = tokens
        self._limits = limits or TakesLimits()
        self._threads = ThreadPoolExecutor(THREADS, "takes")
        self._provers = ThreadPoolExecutor(PROVERS, "proofs")
        self._at_once: Counter[tuple[str, ...]] = Counter()
        self._announcements = Limiter(self._limits.announcements, time.monotonic)
        self._completing: dict[tuple[Owner, str, str], asyncio.Task[Held]] = {}
        self.routes: list[BaseRoute] = [
            self._route("/api/takes", "GET", self._list),
            self._route("/api/takes/{take}", "DELETE", self._delete),
            self._route("/api/takes/{take}/{part}", "PUT", self._announce),
            self._route("/api/takes/{take}/{part}/segments", "GET", self._segments),
            self._route("/api/takes/{take}/{part}/complete", "POST", self._complete),
            self._route("/api/takes/{take}/{part}/{at}", "PUT", self._put),
        ]

    async def start(self) -> None:
        """Begin with what nobody asks for."""

    async def close(self) -> None:
        """End: what is being written is written, what takes long is left."""
        self._store.end()
        for task in self._completing.values():
            task.cancel()
        await asyncio.gather(*self._completing.values(), return_exceptions=True)
        for threads in (self._threads, self._provers):
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)
        self._store.close()

    def _route(self, path: str, method: str, handler: _Handler) -> Route:
        async def answered(request: Request) -> Response:
            try:
                return await handler(self._asked(request))
            except Refused as refused:
                return _refusal(refused.problem)
            except OSError as error:
                log.warning("The disk refuses takes.", extra={"error": error.strerror, "number": error.errno})
                return _refusal(refused_by_disk(error).problem)

        return Route(path, answered, methods=[method])

    def _asked(self, request: Request) -> Asked:
        if is_foreign(request.scope):
            raise Refused.forbidden("Recordings are sent from their own server's pages only.")
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if kind.lower() != "bearer":
                raise BadToken("There is none.")
            return Asked(request, self._tokens.read_upload(token.strip()))
        except BadToken:
            raise Refused.token() from None

    # What a page sends.

    async def _announce(self, asked: Asked) -> Response:
        owner, take, part = asked.owner, asked.take, asked.part
        if not self._announcements.allows(f"{owner.room_folder} {owner.guest_folder}"):
            raise Refused.rate(5)
        with self._counted(asked):
            told = await self._said(asked, Announcement.from_json)
            await self._in_thread(lambda: self._store.check(owner, 0))
            held = await self._in_thread(lambda: self._store.announce(owner, take, part, told))
        return _answer(held.to_json())

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
        with self._counted(asked):
            await self._in_thread(lambda: self._store.check(owner, length))
            content = await asked.body(length, self._limits)
            await self._in_thread(lambda: self._store.put(owner, take, part, at, content, digest))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def _segments(self, asked: Asked) -> Response:
        owner, take, part = asked.owner, asked.take, asked.part
        start = asked.number(asked.request.query_params.get("start", "0"))
        with self._counted(asked):
            found = await self._in_thread(lambda: self._store.segments(owner, take, part, start))
        return _answer(found.to_json())

    async def _complete(self, asked: Asked) -> Response:
        owner, take, part = asked.owner, asked.take, asked.part
        with self._counted(asked):
            told = await self._said(asked, Completion.from_json)
            held = await self._completed(owner, take, part, told)
        log.info(
            "A recording is there.",
            extra={"room": room_mark(owner.room), "bytes": held.account.end, "state": held.state},
        )
        return _answer(held.to_json(), 202 if held.state is ArrivalState.PROVING else 200)

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
        await asyncio.wait({task}, timeout=self._limits.proving_s)
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
        with self._counted(asked):
            found = await self._in_thread(lambda: self._store.listed(asked.owner, mine))
        return _answer(Listing(tuple(found)).to_json())

    async def _delete(self, asked: Asked) -> Response:
        whose, take = asked.whose, asked.take
        with self._counted(asked):
            await self._in_thread(lambda: self._store.delete(whose, take, asked.is_director))
        log.info("A recording was deleted.", extra={"room": room_mark(whose.room), "by": asked.upload.role})
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    # How.

    @contextmanager
    def _counted(self, asked: Asked) -> Iterator[None]:
        """A request is under way. Raises Refused where too many are."""
        limits, owner = self._limits, asked.owner
        page = "page", owner.room_folder, owner.guest_folder
        address = "address", address_of(asked.request.scope)
        if (
            self._at_once[page] >= limits.requests_of_page
            or self._at_once[address] >= limits.requests_of_address
        ):
            raise Refused.rate()
        for one in (page, address):
            self._at_once[one] += 1
        try:
            yield
        finally:
            for one in (page, address):
                self._at_once[one] -= 1
                if not self._at_once[one]:
                    del self._at_once[one]

    async def _said(self, asked: Asked, read: Callable[[str], _Result]) -> _Result:
        """The body as JSON. Raises Refused."""
        body = await asked.body(asked.length(MAX_ACCOUNT_BODY), self._limits)
        try:
            return read(body.decode())
        except ValueError as error:
            raise Refused.bad(str(error)) from None

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


async def _result(work: Awaitable[Held]) -> Held:
    return await work


def _heard(task: asyncio.Task[Any]) -> None:
    """What came of it is told to who asks; nobody may."""
    if not task.cancelled():
        task.exception()


def _answer(body: str, status: int = 200) -> Response:
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


def _refusal(problem: Problem) -> Response:
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    return Response(problem.to_json(), problem.status, headers, PROBLEM_TYPE)
