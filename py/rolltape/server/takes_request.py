"""Requests about takes: who asks, how much at once, a body that comes whole, and what is answered.

Whatever can be refused is refused before a byte of a body is read.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from rolltape.arrivals.paths import is_part, is_take
from rolltape.arrivals.problem import PROBLEM_TYPE, Problem
from rolltape.arrivals.wire import MAX_ACCOUNT_BODY, MAX_SEGMENT
from rolltape.room.messages import Role
from rolltape.server.admission import address_of, is_foreign
from rolltape.server.limits import BucketRate
from rolltape.server.takes_record import Owner
from rolltape.server.takes_refused import Refused, refused_by_disk
from rolltape.server.tokens import BadToken, Tokens, UploadClaims

__all__ = ["Asked", "RequestGate", "TakesLimits", "answer"]

THREADS = 8

log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class TakesLimits:
    """How much one page or one address may ask for. Beyond it requests are refused, and may be made again later."""

    requests_of_page: int = 2
    """Of one page at once."""
    requests_of_address: int = 16
    """Of one address at once."""
    downloads_of_address: int = 16
    """Downloads that one address has under way at once."""
    idle_s: float = 20.0
    """Seconds for which a body may stand still."""
    body_s: float = 300.0
    """Seconds that a body may take to arrive."""
    announcements: BucketRate = field(default_factory=lambda: BucketRate(1, 100))
    """Announcements of one page."""
    tracks: BucketRate = field(default_factory=lambda: BucketRate(0.2, 10))
    """Of one room: how often tracks are asked for."""
    proving_s: float = 2.0
    """Seconds that a completion waits for its outcome before it is answered that it goes on."""


@dataclass(frozen=True)
class Asked:
    """A request with a valid upload token."""

    request: Request
    upload: UploadClaims

    @property
    def owner(self) -> Owner:
        """The page that asks."""
        return Owner(self.upload.room, self.upload.key_id, self.upload.uid)

    @property
    def is_director(self) -> bool:
        """True if it is a director's page."""
        return self.upload.role is Role.DIRECTOR

    @property
    def whose(self) -> Owner:
        """Whose take is meant: their own, or as `uid` says where a director asks. Raises Refused for anybody else."""
        uid = self.request.query_params.get("uid", self.upload.uid)
        if uid != self.upload.uid and not self.is_director:
            raise Refused.forbidden("Only a director may do that with somebody else's recording.")
        return Owner(self.upload.room, self.upload.key_id, uid)

    @property
    def take(self) -> str:
        """Id of the take that the path names. Raises Refused if it is none."""
        id = str(self.request.path_params["take"])
        if not is_take(id):
            raise Refused.bad("there is no such id of a take")
        return id

    @property
    def part(self) -> str:
        """Name of the part that the path names. Raises Refused if it is none."""
        name = str(self.request.path_params["part"])
        if not is_part(name):
            raise Refused.bad("there is no such name of a part")
        return name

    def number(self, text: str) -> int:
        """Read a whole number of the address. Raises Refused."""
        if not text.isascii() or not text.isdecimal() or len(text) > 15:
            raise Refused.bad("there is a number in the address that is none")
        return int(text)

    def length(self, most: int) -> int:
        """Return the body's length in bytes. Raises Refused where it is not told, or more than `most`."""
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
        """Return the whole body of `length` bytes. Raises Refused where it does not come whole, or too slowly."""
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


class RequestGate:
    """What every request about takes passes before its handler: token, limits, and problems for what is refused."""

    def __init__(self, tokens: Tokens, limits: TakesLimits) -> None:
        self.limits = limits
        self._tokens = tokens
        self._threads = ThreadPoolExecutor(THREADS, "takes")
        self._at_once: Counter[tuple[str, ...]] = Counter()

    async def close(self) -> None:
        """Wait for what threads are writing; what has not begun is not done."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    def route(self, path: str, method: str, handler: Callable[[Asked], Awaitable[Response]]) -> Route:
        """Make a route whose `handler` is called for whoever has an upload token; others are refused."""
        return self.open_route(path, [method], lambda request: handler(self._asked(request)))

    def open_route(
        self, path: str, methods: list[str], handler: Callable[[Request], Awaitable[Response]]
    ) -> Route:
        """Make a route whose handler asks itself who it is; what is refused is answered with a problem."""

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except Refused as refused:
                return _refusal(refused.problem)
            except OSError as error:
                log.warning("The disk refuses takes.", extra={"error": error.strerror, "number": error.errno})
                return _refusal(refused_by_disk(error).problem)

        return Route(path, answered, methods=methods)

    @contextmanager
    def counted(self, asked: Asked) -> Iterator[None]:
        """Count a request while it is under way. Raises Refused where too many of its page or address are."""
        limits, owner = self.limits, asked.owner
        page = "page", owner.room_folder, owner.guest_folder
        address = "address", address_of(asked.request.scope)
        with self.at_once(page, limits.requests_of_page), self.at_once(address, limits.requests_of_address):
            yield

    @contextmanager
    def at_once(self, what: tuple[str, ...], most: int) -> Iterator[None]:
        """Count one more of these while it is under way. Raises Refused where `most` are already."""
        if self._at_once[what] >= most:
            raise Refused.rate()
        self._at_once[what] += 1
        try:
            yield
        finally:
            self._at_once[what] -= 1
            if not self._at_once[what]:
                del self._at_once[what]

    async def said(self, asked: Asked, read: Callable[[str], _Result]) -> _Result:
        """Read the body with `read`, which raises ValueError. Raises Refused for what it does not take."""
        body = await asked.body(asked.length(MAX_ACCOUNT_BODY), self.limits)
        try:
            return read(body.decode())
        except ValueError as error:
            raise Refused.bad(str(error)) from None

    async def in_thread(self, work: Callable[[], _Result]) -> _Result:
        """Do what waits for the disk in a thread, while everything else goes on; what it raises is raised."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

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


def answer(body: str, status: int = 200) -> Response:
    """Make an answer of `body`, a JSON text, that no cache keeps."""
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


def _refusal(problem: Problem) -> Response:
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    return Response(problem.to_json(), problem.status, headers, PROBLEM_TYPE)
