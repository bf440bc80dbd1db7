"""Lossless sound where MediaRecorder has none: an AudioWorklet's samples as a WAV file (W3C Web Audio).

The worklet, `static/pcm.js`, hands on the graph's samples as they are; this engine puts a WAV header before
them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from js import AudioWorkletNode, MessageEvent, performance, window
from pyodide.ffi import to_js

from rolltape.browser.audio_graph import AudioGraph
from rolltape.browser.interop import Listeners, member
from rolltape.core.errors import EngineError
from rolltape.media.wav_recording import header
from rolltape.settings.codec import Container, contents

CHANNELS = 2
WORKLET = "static/pcm.js"


def can_record(mime_type: str) -> bool:
    """Return True if this engine writes the type, and the browser has what it needs."""
    return contents(mime_type).container is Container.WAV and bool(member(window, "AudioWorkletNode"))


class PcmRecorder:
    """Records what an audio graph gives, at its sample rate; pauses leave no silence. The graph is closed with it."""

    first_frame: int | None = None
    """The graph's samples are not the microphone's."""

    def __init__(self, graph: AudioGraph, mime_type: str) -> None:
        self.mime_type = mime_type
        self.error: EngineError | None = None
        self.closing: list[Callable[[], None]] = []
        """Called once it is closed: lets go of what it has recorded."""
        self._graph = graph
        self._closed: asyncio.Task[None] | None = None
        self._node: AudioWorkletNode | None = None
        self._blocks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._listeners = Listeners()
        self._stopped = False
        self._asked_ms: float | None = None

    async def start(self) -> None:
        """Begin. Raises EngineError where the browser runs no graph, or cannot load the worklet."""
        await self._graph.resume()
        if not self._graph.running:
            raise EngineError("This browser gives the page no sound to record.")
        try:
            self._node = await self._graph.worklet(WORKLET, "pcm")
        except Exception as error:
            raise EngineError("This browser cannot record lossless sound.", str(error)) from error
        self._listeners.add(self._node.port, "message", self._on_message)
        self._listeners.add(self._node, "processorerror", self._on_error)
        self._node.port.start()
        self._blocks.put_nowait(header(self._graph.sample_rate_hz, CHANNELS))
        self._asked_ms = performance.now()
        self._graph.tap(self._node)

    def _on_message(self, event: MessageEvent) -> None:
        block = event.data
        self._blocks.put_nowait(block.to_bytes() if hasattr(block, "to_bytes") else None)

    def _on_error(self, event: object) -> None:
        self.error = EngineError("The recorder of lossless sound failed.")
        self._blocks.put_nowait(None)

    def began_ms(self, first_picture_ms: float | None) -> float | None:
        """When it was asked to begin: the next block of the graph's is its first."""
        return self._asked_ms

    async def chunks(self) -> AsyncIterator[bytes]:
        """The WAV header, then blocks of samples."""
        while (block := await self._blocks.get()) is not None:
            yield block

    def stop(self) -> None:
        """Ask for the end; `chunks` ends after the last samples."""
        if not self._stopped:
            self._stopped = True
            self._tell("stop")

    def pause(self) -> None:
        """Take no samples until `resume`."""
        self._tell("pause")

    def resume(self) -> None:
        """Go on after `pause`."""
        self._tell("resume")

    def _tell(self, message: str) -> None:
        if self._node is not None:
            self._node.port.postMessage(to_js(message))

    def close(self) -> None:
        """Close the graph; whatever still runs is stopped."""
        self.stop()
        self._listeners.close()
        self._node = None
        if self._closed is None:
            self._closed = asyncio.ensure_future(self._graph.close())
        while self.closing:
            self.closing.pop()()
