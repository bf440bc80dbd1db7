"""A camera's pictures on their way to the recorder, kept while the page's main thread is held up (quirk 16).

`static/frames.js`, a worker, reads the camera and writes a track of its own (W3C MediaStreamTrack Insertable
Media Processing); what is recorded is that track.
"""

from __future__ import annotations

import asyncio
import math

import js
from js import MediaStreamTrack, MessageEvent, Worker, performance, window
from pyodide.ffi import to_js

from rolltape.browser.interop import Listeners, member
from rolltape.browser.scripts import script_url

DRAIN_TIMEOUT_S = 10.0
FLOW_TIMEOUT_S = 2.0
ANSWER = {"answer": True}
DRAIN = {"drain": True}


def are_needed() -> bool:
    """Return True if this browser's recorder gets pictures on the main thread, and a worker can stand in between."""
    return (
        member(window, "MediaStreamTrackProcessor") is not None
        and member(window, "MediaStreamTrackGenerator") is not None
    )


class Frames:
    """A track with a camera's pictures, every one of them, however long the page is held up."""

    def __init__(self, camera: MediaStreamTrack) -> None:
        self.track = js.MediaStreamTrackGenerator.new(kind="video")
        self._flowing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._drained: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked_ms = math.inf
        self.first_ms: float | None = None
        """When the first picture after `flow` was captured, by the page's clock; None before there is one."""
        self._worker = Worker.new(script_url("static/frames.js"))
        self._listeners = Listeners()
        self._listeners.add(self._worker, "message", self._on_message)
        ends = {
            "readable": js.MediaStreamTrackProcessor.new(track=camera).readable,
            "writable": self.track.writable,
        }
        self._worker.postMessage(to_js(ends), to_js(list(ends.values())))

    def _on_message(self, event: MessageEvent) -> None:
        captured = getattr(event.data, "captured", None)
        if captured is not None:
            self._worker.postMessage(to_js(ANSWER))
            captured_ms = captured - performance.timeOrigin
            if self.first_ms is None and captured_ms >= self._asked_ms:
                self.first_ms = captured_ms
            if not self._flowing.done():
                self._flowing.set_result(None)
        elif not self._drained.done():
            self._drained.set_result(None)

    async def flow(self) -> None:
        """Wait for the first picture: a recorder that waits for the worker begins its file later than it says."""
        await asyncio.wait([self._flowing], timeout=FLOW_TIMEOUT_S)
        self._asked_ms = performance.now()

    async def drain(self) -> None:
        """Take no more of the camera, and wait until the recorder was given what is held."""
        self._worker.postMessage(to_js(DRAIN))
        await asyncio.wait([self._drained], timeout=DRAIN_TIMEOUT_S)

    def close(self) -> None:
        """Let go of the worker; its track ends."""
        self._listeners.close()
        self._worker.terminate()
        self.track.stop()
        self._flowing.cancel()
        self._drained.cancel()
