"""The browser's MediaRecorder (W3C MediaStream Recording) as an Engine: start, chunks, stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import js
from js import Blob, BlobEvent, Event, MediaStream, MediaStreamTrack, performance, window

from rolltape.browser.frames import Frames
from rolltape.browser.interop import Listeners, at_once, changed, error_of, member, translated
from rolltape.core.errors import EngineError, RolltapeError
from rolltape.settings.bitrate import Rates

if TYPE_CHECKING:
    from js import MediaRecorder

TIMESLICE_MS = 500
KEY_FRAME_INTERVAL_MS = 2000
START_TIMEOUT_S = 5.0
BUFFER_TIMEOUT_MS = 500.0
"""A microphone's buffers are of 10 to 46 ms; a busy machine keeps them back for longer."""
BEGINNINGS = 5
"""A recording begins so many times at most, until no buffer came meanwhile."""


def is_supported() -> bool:
    """True if this browser has a MediaRecorder at all."""
    return member(window, "MediaRecorder") is not None


def can_record(mime_type: str) -> bool:
    """True if the browser says that it can record this type; `start` may still fail."""
    return is_supported() and bool(js.MediaRecorder.isTypeSupported(mime_type))


@contextmanager
def _engine_errors(sentence: str = "The browser's recorder does not start.") -> Iterator[None]:
    """Whatever the browser raises here means this."""
    try:
        with translated():
            yield
    except EngineError:
        raise
    except RolltapeError as error:
        raise EngineError(sentence, error.detail) from error


def samples_given(track: MediaStreamTrack) -> int | None:
    """How many samples of a channel a microphone has given; None where it does not count them.

    `deliveredFrames` (`MediaStreamTrackAudioStats`, W3C Media Capture Extensions), which is what is recorded;
    `totalFrames` has what was lost on the way besides (quirk 28).
    """
    stats = member(track, "stats")
    return None if stats is None else int(stats.deliveredFrames)


async def buffer_given(track: MediaStreamTrack) -> int | None:
    """Wait until a microphone has just given a buffer; how many samples of a channel it has given in all by then.

    None where it does not count them, or gives none, as while it is switched off. At any other moment nobody would
    know how much of a buffer had been heard.
    """
    if samples_given(track) is None or not track.enabled or track.muted:
        return None
    given = await changed(lambda: samples_given(track) or 0, BUFFER_TIMEOUT_MS)
    return None if given is None else int(given)


class Recorder:
    """Records one stream as one type; chunks come in order, the last one before `chunks` ends.

    `frames` is what its pictures pass through, its own to close.
    """

    def __init__(
        self, stream: MediaStream, mime_type: str, rates: Rates, frames: Frames | None = None
    ) -> None:
        options: dict[str, object] = {"mimeType": mime_type}
        if rates.video_kbps is not None:
            options["videoBitsPerSecond"] = rates.video_kbps * 1000
            options["videoKeyFrameIntervalDuration"] = KEY_FRAME_INTERVAL_MS
        if rates.audio_kbps is not None:
            options["audioBitsPerSecond"] = rates.audio_kbps * 1000
        self.closing: list[Callable[[], None]] = []
        """What else is to be done at `close`: to let go of the tracks that it records."""
        self._frames = frames
        self._asked_ms: float | None = None
        self.first_frame: int | None = None
        self._ending: asyncio.Task[None] | None = None
        self._listeners = Listeners()
        with _engine_errors():
            self._new = partial(js.MediaRecorder.new, stream, **options)
            self._recorder = self._made()
        self._blobs: asyncio.Queue[Blob | None] = asyncio.Queue()
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: EngineError | None = None

    def _made(self) -> MediaRecorder:
        """One of the browser's, listened to."""
        made = self._new()
        self._listeners.add(made, "start", self._on_start)
        self._listeners.add(made, "dataavailable", self._on_data)
        self._listeners.add(made, "stop", self._on_stop)
        self._listeners.add(made, "error", self._on_error)
        return made

    def _on_start(self, event: Event) -> None:
        if not self._started.done():
            self._started.set_result(None)

    def _on_data(self, event: BlobEvent) -> None:
        self._on_start(event)
        if event.data.size:
            self._blobs.put_nowait(event.data)

    def _on_stop(self, event: Event) -> None:
        if not self._started.done():
            self._started.set_exception(
                self.error or EngineError("The browser's recorder stopped before it began.")
            )
        self._blobs.put_nowait(None)

    def _on_error(self, event: Event) -> None:
        cause = getattr(event, "error", None)
        found = error_of(cause.name, cause.message) if cause else None
        if not isinstance(found, EngineError):
            found = EngineError("The browser's recorder broke off.", found.detail if found else "")
        self.error = found

    @property
    def mime_type(self) -> str:
        """What is really written; true once started (Chromium puts H.264 into Matroska)."""
        return self._recorder.mimeType

    async def start(self) -> None:
        """Begin; returns when the recorder runs. Raises EngineError."""
        if self._frames is not None:
            await self._frames.flow()
        try:
            with _engine_errors():
                await self._begin()
            if self._frames is not None:
                self._frames.begin()
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._started
        except TimeoutError:
            self.close()
            raise EngineError("The browser's recorder did not begin.") from None
        except EngineError:
            self.close()
            raise

    async def _begin(self) -> None:
        """Start the browser's recorder, of sound alone at a known sample of the microphone's where it can be known.

        A page that is held up does not know what came between its looking at the counter and the start: it looks
        again, and begins anew before anything was taken from the recorder.
        """
        microphone = self._microphone_alone()
        for beginnings_left in reversed(range(BEGINNINGS)):
            self.first_frame = None if microphone is None else await buffer_given(microphone)
            self._asked_ms = performance.now()
            self._recorder.start(TIMESLICE_MS)
            if microphone is None or self.first_frame is None:
                return
            if await at_once(partial(samples_given, microphone)) == self.first_frame:
                return
            self.first_frame = None
            if beginnings_left:
                self._listeners.close()
                self._recorder.stop()
                self._recorder = self._made()

    def _microphone_alone(self) -> MediaStreamTrack | None:
        """What is recorded, where that is sound alone."""
        stream = self._recorder.stream
        return None if len(stream.getVideoTracks()) else next(iter(stream.getAudioTracks()), None)

    def began_ms(self, first_picture_ms: float | None) -> float | None:
        """When the first picture was captured, less its time in the file; else when the recorder was asked to begin.

        The recorder's own `start` event comes late, by up to 80 ms in Chromium: it waits for the encoders.
        """
        captured_ms = self._frames.first.captured_ms if self._frames is not None else None
        if captured_ms is None or first_picture_ms is None:
            return self._asked_ms
        return captured_ms - first_picture_ms

    async def chunks(self) -> AsyncIterator[bytes]:
        """Every chunk until the recorder has stopped; a chunk is a range of bytes, not of media.

        Raises EngineError where one cannot be read.
        """
        while (blob := await self._blobs.get()) is not None:
            with _engine_errors("What the browser recorded cannot be read."):
                buffer = await blob.arrayBuffer()
            yield buffer.to_bytes()

    def stop(self) -> None:
        """Ask for the end and return at once; `chunks` ends after the last data. Asking twice is fine."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        if self._frames is not None:
            await self._frames.drain()
        if self._recorder.state != "inactive":
            self._recorder.stop()

    def pause(self) -> None:
        """Take nothing in until `resume`: the file closes up over it. Nothing happens unless it is recording."""
        if self._recorder.state == "recording":
            self._recorder.pause()

    def resume(self) -> None:
        """Go on after `pause`. Nothing happens unless it is paused."""
        if self._recorder.state == "paused":
            self._recorder.resume()

    def close(self) -> None:
        """Take the listeners off, stop what still runs, and let go of the tracks.

        What the recorder holds is lost then: `stop`, and `chunks` to its end, come first. Closing twice is fine.
        """
        self._listeners.close()
        if self._recorder.state != "inactive":
            self._recorder.stop()
        if self._frames is not None:
            self._frames.close()
        if not self._started.done():
            self._started.cancel()
        while self.closing:
            self.closing.pop()()
