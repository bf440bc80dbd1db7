"""A camera's pictures on their way to the recorder, kept while the page's main thread is held up (quirk 16).

`static/frames.js`, a worker, reads the camera and writes a track of its own (W3C MediaStreamTrack Insertable
Media Processing); what is recorded is that track.
"""

from __future__ import annotations

import asyncio

import js
from js import MediaStreamTrack, MessageEvent, Worker, performance, window
from pyodide.ffi import to_js

from rolltape.browser.interop import Listeners, member
from rolltape.browser.scripts import script_url
from rolltape.recording.first_picture import FirstPicture

DRAIN_TIMEOUT_S = 10.0
FLOW_TIMEOUT_S = 2.0
ANSWER = {"answer": True}
STOP, GO_ON = {"pass": False}, {"pass": True}
DRAIN = {"drain": True}


def are_needed() -> bool:
    """Return True if this browser's recorder gets pictures on the main thread, and a worker can stand in between."""
    return (
        member(window, "MediaStreamTrackProcessor") is not None
        and member(window, "MediaStreamTrackGenerator") is not None
    )


class Frames:
    """A track with a camera's pictures, every one of them, however long the page is held up.

    They have the size that the camera's track says, where a browser only marks them so (quirk 26); with `one_size`
    that of the first of them, a turned phone's with black at its sides.
    """

    def __init__(self, camera: MediaStreamTrack, one_size: bool = False) -> None:
        self.track = js.MediaStreamTrackGenerator.new(kind="video")
        self._flowing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._drained: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.first = FirstPicture()
        self._worker = Worker.new(script_url("static/frames.js"))
        self._listeners = Listeners()
        self._listeners.add(self._worker, "message", self._on_message)
        ends = {
            "readable": js.MediaStreamTrackProcessor.new(track=camera).readable,
            "writable": self.track.writable,
        }
        self._worker.postMessage(to_js(ends | {"one_size": one_size}), to_js(list(ends.values())))

    def _on_message(self, event: MessageEvent) -> None:
        received = getattr(event.data, "received", None)
        if received is not None:
            self._worker.postMessage(to_js(ANSWER))
            self.first.saw(event.data.stamp, received - performance.timeOrigin)
            if not self._flowing.done():
                self._flowing.set_result(None)
        elif getattr(event.data, "stopped", False):
            if not self._stopped.done():
                self._stopped.set_result(None)
        elif not self._drained.done():
            self._drained.set_result(None)

    async def flow(self) -> None:
        """Wait until pictures come, and then until none is on its way to the recorder; none passes until `begin`.

        A recorder that waits for the worker begins its file later than it says, and one that still gets what was
        written before begins with a picture that nobody counts as its first. Raises nothing.
        """
        await asyncio.wait([self._flowing], timeout=FLOW_TIMEOUT_S)
        self._worker.postMessage(to_js(STOP))
        await asyncio.wait([self._stopped], timeout=FLOW_TIMEOUT_S)

    def begin(self) -> None:
        """Let pictures pass again, to a recorder that has just been begun: the next one is its file's first."""
        self.first.ask()
        self._worker.postMessage(to_js(GO_ON))

    async def drain(self) -> None:
        """Take no more of the camera, and wait until the recorder was given what is held.

        It gives up waiting after DRAIN_TIMEOUT_S: what is still held then is not recorded. Raises nothing.
        """
        self._worker.postMessage(to_js(DRAIN))
        await asyncio.wait([self._drained], timeout=DRAIN_TIMEOUT_S)

    def close(self) -> None:
        """Let go of the worker, with all that it holds; its track ends. Call it when the recorder has stopped."""
        self._listeners.close()
        self._worker.terminate()
        self.track.stop()
        self._flowing.cancel()
        self._stopped.cancel()
        self._drained.cancel()
