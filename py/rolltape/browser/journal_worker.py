"""The journal's worker: asked one operation after the other, replaced when it dies or hangs.

Sync access handles exist in workers only (W3C File System), so `static/journal.js` holds them. What a worker did not
answer is asked of the next; where there is no next, every question still open ends with a SinkError.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from js import MessageEvent, Uint8Array, Worker
from pyodide.ffi import to_js

from rolltape.browser import locks
from rolltape.browser.interop import NO_ROOM, Listeners, error_of, uint8array
from rolltape.browser.scripts import script_url
from rolltape.core.errors import SinkError, StorageFull

ANSWER_WITHIN_S = 20.0
"""A disk under load may take its time for one write; a worker that answers nothing for this long hangs."""
HELD_UP_S = 1.0
"""A timer that is later than this tells of a page that was held up: the answers may be waiting behind it."""
OPENING = ("open", "append", "read")
"""What needs no handle that an earlier worker held."""
STOPPED = "What writes the crash-proof copy stopped."
SILENT = "What writes the crash-proof copy does not answer."


Piece = tuple[int, int, int]
"""Where a piece of what is written goes in the file, and from where to before where it lies in the data."""


@dataclass(frozen=True)
class Request:
    """What the worker was asked; kept until it answers."""

    operation: str
    path: str
    argument: bytes | int | None
    at: int | Sequence[Piece] | None
    """From where on to read, or where each piece of what is to be written goes."""
    answer: asyncio.Future[int]
    read: list[Uint8Array] = field(default_factory=list)
    """What was read, once it is answered."""

    @property
    def end(self) -> int:
        """How long the file has to be once this is written; 0 for what does not write at places."""
        return max(at + to - begin for at, begin, to in self.at) if isinstance(self.at, Sequence) else 0


class JournalWorker:
    """The worker that lives now. Every question is answered, or ends with a SinkError, in bounded time:
    twice `ANSWER_WITHIN_S` after the last answer.
    """

    def __init__(self) -> None:
        self._unanswered: dict[int, Request] = {}
        self._open: list[str] = []
        self._asked = 0
        self._stuck = 0
        """The oldest question that the worker before did not answer in time."""
        self._timer: asyncio.TimerHandle | None = None
        self._guards: set[asyncio.Task[None]] = set()
        self._hire()

    def _hire(self) -> None:
        """Start a worker; its name is the lock that it holds while it lives."""
        self._dead = False
        self._answered = False
        self._lock = f"rolltape-journal-{os.urandom(8).hex()}"
        self._worker = Worker.new(script_url("static/journal.js"), name=self._lock)
        self._listeners = Listeners()
        self._listeners.add(self._worker, "message", self._on_answer)
        self._listeners.add(self._worker, "error", self._on_worker_error)

    def ask(
        self,
        operation: str,
        path: str,
        argument: bytes | int | None = None,
        at: Sequence[Piece] | None = None,
    ) -> asyncio.Future[int]:
        """Have the worker do one operation after all that it was asked before; the answer is the file's size.

        The future raises SinkError. Where no worker lives, what opens a file starts one.
        """
        request = Request(operation, path, argument, at, asyncio.get_running_loop().create_future())
        return self._ask(request).answer

    async def read(self, path: str, at: int, length: int) -> Uint8Array:
        """Bytes of a file from there on, fewer where it ends before; also of one that is being written.

        What was asked to be written before is in them. Raises SinkError.
        """
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        request = self._ask(Request("read", path, length, at, answer))
        await request.answer
        return request.read[0]

    def _ask(self, request: Request) -> Request:
        self._asked += 1
        if self._dead and request.operation in OPENING:
            self._hire()
        if self._dead:
            request.answer.set_exception(SinkError(STOPPED))
            return request
        self._unanswered[self._asked] = request
        self._post(self._asked, request)
        if self._timer is None:
            self._wait()
        return request

    def close(self) -> None:
        """Stop the worker; what it has not answered ends with a SinkError."""
        self._give_up(STOPPED, "")

    def _post(self, number: int, request: Request) -> None:
        data = request.argument
        if not isinstance(data, bytes):
            place = [] if request.at is None else [request.at]
            self._worker.postMessage(to_js([number, request.operation, request.path, data, *place]))
            return
        array = uint8array(data)
        message = to_js([number, request.operation, request.path, array, request.at])
        self._worker.postMessage(message, to_js([array.buffer]))

    def _on_answer(self, event: MessageEvent) -> None:
        number, *told = event.data
        if not number:
            guard = asyncio.ensure_future(self._await_death(self._lock))
            self._guards.add(guard)
            guard.add_done_callback(self._guards.discard)
            return
        self._answered = True
        self._wait()
        request = self._unanswered.pop(number, None)
        if request is None:
            return  # asked of the worker before too
        size, *more = told
        if size < 0:
            found = error_of(*more)
            failure = found if isinstance(found, SinkError) else None
            _fail(request, failure or SinkError("The browser's storage failed.", found.detail))
            return
        if size < request.end:  # Firefox says nothing when the disk is full (quirk 17)
            _fail(request, StorageFull(NO_ROOM))
            return
        request.read.extend(more)
        if request.operation == "open":
            self._open.append(request.path)
        elif request.operation == "close" and request.path in self._open:
            self._open.remove(request.path)
        if not request.answer.done():
            request.answer.set_result(size)

    async def _await_death(self, lock: str) -> None:
        """Replace the worker that holds this lock when it dies: it does so without a word."""
        await locks.until_free(lock)
        if lock == self._lock and not self._dead:
            self._replace(STOPPED)

    def _wait(self) -> None:
        """Wait for the next answer, from now on, where one is owed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._unanswered:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(ANSWER_WITHIN_S, self._on_silence, loop.time() + ANSWER_WITHIN_S)

    def _on_silence(self, due_s: float) -> None:
        """It hangs, unless the page itself did: stop it, so that its handles are free for the next."""
        self._timer = None
        if asyncio.get_running_loop().time() - due_s > HELD_UP_S:
            self._wait()
            return
        oldest = next(iter(self._unanswered), 0)
        if oldest == self._stuck:
            self._give_up(SILENT, "")
        elif oldest:
            self._stuck = oldest
            self._replace(SILENT)

    def _replace(self, reason: str) -> None:
        """Ask another worker what this one did not answer; one that never answered anything has no successor."""
        if not self._answered:
            self._give_up(reason, "")
            return
        self._dismiss()
        self._hire()
        reopened, self._open = self._open, []
        pending, self._unanswered = self._unanswered, {}
        for path in reopened:
            self.ask("open", path).add_done_callback(_heard)
        for number, request in pending.items():
            self._unanswered[number] = request
            self._post(number, request)
        self._wait()

    def _on_worker_error(self, event: object) -> None:
        self._give_up(STOPPED, str(getattr(event, "message", "")))

    def _give_up(self, sentence: str, detail: str) -> None:
        self._dead = True
        self._dismiss()
        unanswered, self._unanswered = self._unanswered, {}
        self._open.clear()
        self._wait()
        for request in unanswered.values():
            _fail(request, SinkError(sentence, detail))

    def _dismiss(self) -> None:
        """End the worker, if it is not dead already: whatever it holds is free then."""
        self._listeners.close()
        self._worker.terminate()


def _fail(request: Request, error: SinkError) -> None:
    if not request.answer.done():
        request.answer.set_exception(error)


def _heard(answer: asyncio.Future[int]) -> None:
    """A file that does not open again is told by the first write to it."""
    if not answer.cancelled():
        answer.exception()
