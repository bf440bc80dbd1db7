"""The host that takes are sent to: requests made by a worker of their own (`static/upload.js`).

Nothing here raises for what goes wrong on the way: an answer with status 0 says that none came.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from js import URL, MessageEvent, Worker, document
from pyodide.ffi import to_js

from rolltape.arrivals.interfaces import HostAnswer, Piece
from rolltape.browser import locks
from rolltape.browser.interop import Listeners
from rolltape.browser.journal import JournalPiece
from rolltape.browser.scripts import script_url

PATIENCE_S = 150.0
"""Longer than the worker's own: one that answers nothing for this long is replaced."""
STOPPED = (0, "", "", 0, 0.0)
USED_UP, USED_UP_S = 100, 10.0
"""A worker that has made so many requests, and lives for so long, is replaced: as long as it has little else to keep,
Chromium keeps what is left of requests that are over, some 10 MB a minute.
"""


class UploadHost:
    """Sends through a worker, which lives from the first request on; one that dies is replaced at the next."""

    def __init__(self) -> None:
        self._asked = 0
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._worker: Worker | None = None
        self._name = ""
        """Of the worker, and of the lock that it holds."""
        self._listeners = Listeners()
        self._guard: asyncio.Task[None] | None = None
        self._hired_at, self._hired_s = 0, 0.0
        """How many requests had been made when the worker was hired, and when that was."""

    async def ask(self, method: str, path: str, token: str, body: str = "") -> HostAnswer:
        """Send a text."""
        headers = [["Authorization", f"Bearer {token}"]]
        if body:
            headers.append(["Content-Type", "application/json"])
        answer, _ = await self._send(0, path, method, headers, body or None)
        return answer

    async def put(self, path: str, token: str, piece: Piece, wait_ms: float) -> tuple[HostAnswer, str]:
        """Wait, then send bytes, which are gone afterwards; the answer, and their SHA-256 in base64."""
        assert isinstance(piece, JournalPiece)
        return await self._send(wait_ms, path, "PUT", [["Authorization", f"Bearer {token}"]], piece)

    async def sha256(self, piece: Piece) -> str:
        """The SHA-256 of bytes in base64; empty where it was not computed."""
        _, sha256 = await self._send(0, "", "", [], piece)
        return sha256

    async def _send(
        self, wait_ms: float, path: str, method: str, headers: list[list[str]], body: object
    ) -> tuple[HostAnswer, str]:
        worker = self._hired()
        self._asked += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._open[self._asked] = answer
        address = URL.new(path, document.baseURI).href if path else ""
        if isinstance(body, JournalPiece):
            message = to_js([self._asked, wait_ms, address, method, headers, body.data])
            worker.postMessage(message, to_js([body.data.buffer]))
        else:
            worker.postMessage(to_js([self._asked, wait_ms, address, method, headers, body]))
        try:
            async with asyncio.timeout(PATIENCE_S + wait_ms / 1000):
                status, sha256, text, wait_s, took_ms = await answer
        except TimeoutError:
            self._dismiss()
            status, sha256, text, wait_s, took_ms = STOPPED
        return HostAnswer(status, text, wait_s or None, took_ms), sha256

    def _hired(self) -> Worker:
        lived_s = time.monotonic() - self._hired_s
        if not self._open and self._asked - self._hired_at >= USED_UP and lived_s >= USED_UP_S:
            self._dismiss()
        if self._worker is None:
            self._hired_at, self._hired_s = self._asked, time.monotonic()
            self._name = f"rolltape-upload-{os.urandom(8).hex()}"
            self._worker = Worker.new(script_url("static/upload.js"), name=self._name)
            self._listeners.add(self._worker, "message", self._on_answer)
            self._listeners.add(self._worker, "error", lambda event: self._dismiss())
        return self._worker

    def _on_answer(self, event: MessageEvent) -> None:
        if self._guard is None:  # now that it has spoken it holds its lock: a worker dies without a word
            self._guard = asyncio.ensure_future(self._await_death(self._name))
        number, *told = event.data
        answer = self._open.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(told)

    async def _await_death(self, name: str) -> None:
        await locks.until_free(name)
        if name == self._name:
            self._dismiss()

    def _dismiss(self) -> None:
        """End the worker; what it has not answered has no answer."""
        if self._worker is not None:
            self._worker.terminate()
        self._listeners.close()
        self._worker = self._guard = None
        self._name = ""
        unanswered, self._open = self._open, {}
        for answer in unanswered.values():
            if not answer.done():
                answer.set_result(STOPPED)
