"""Camera and microphone: asked for, taken over from the page's start, fed into one audio graph."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from js import AudioContext, AudioNode, Float32Array, MediaStream, MediaStreamTrack, navigator, window
from pyodide.ffi import JsException, to_js

from rolltape.browser import frames
from rolltape.browser.frames import Frames
from rolltape.browser.interop import Listeners, maybe, member, translated
from rolltape.browser.pcm import PcmRecorder
from rolltape.browser.pictures import PictureCount
from rolltape.browser.recorder import Recorder
from rolltape.core.errors import DeviceError, EngineError, Unsupported
from rolltape.core.uses import Uses
from rolltape.settings.bitrate import Rates
from rolltape.settings.capture_constraints import (
    EARLY_CONSTRAINTS,
    Constraints,
    Device,
    GrantedAudio,
    GrantedVideo,
)
from rolltape.settings.codec import Container, contents

if TYPE_CHECKING:
    from rolltape.room import peers

SAMPLE_RATE_HZ = 48_000
RESUME_TIMEOUT_S = 2.0
ANALYSER_SAMPLES = 2048


class AudioGraph:
    """One AudioContext behind which microphones are swapped: source → mix → what records and measures it.

    At `sample_rate_hz`, or without it at the rate of the machine's own sound. A silent constant source is
    always connected, since Chromium withholds the whole recording while a destination has no source
    (docs/browser-quirks.md, quirk 1).
    """

    def __init__(self, sample_rate_hz: int | None = SAMPLE_RATE_HZ) -> None:
        options = {"sampleRate": sample_rate_hz} if sample_rate_hz else {}
        self._context = AudioContext.new(**options)
        # Two channels whatever the microphone has: mono is heard on both sides, and no swap changes the file.
        self._mix = self._context.createGain()
        self._mix.channelCount = 2
        self._mix.channelCountMode = "explicit"
        self._destination = self._context.createMediaStreamDestination()
        self._analyser = self._context.createAnalyser()
        self._analyser.fftSize = ANALYSER_SAMPLES
        self._samples = Float32Array.new(ANALYSER_SAMPLES)
        silence = self._context.createConstantSource()
        gain = self._context.createGain()
        gain.gain.value = 0
        silence.connect(gain).connect(self._mix)
        self._mix.connect(self._destination)
        self._mix.connect(self._analyser)
        silence.start()
        self._silence = silence  # kept, or it may be collected
        self._source: AudioNode | None = None
        self.track: MediaStreamTrack = self._destination.stream.getAudioTracks()[0]

    def connect(self, microphone: MediaStreamTrack | None) -> None:
        """Feed this microphone into the graph instead of the one before."""
        if self._source is not None:
            self._source.disconnect()
            self._source = None
        if microphone is not None:
            source = self._context.createMediaStreamSource(MediaStream.new(to_js([microphone])))
            source.connect(self._mix)
            self._source = source

    @property
    def sample_rate_hz(self) -> int:
        """The rate of everything in it."""
        return round(self._context.sampleRate)

    def recorder(self, mime_type: str) -> PcmRecorder:
        """A recorder of the graph's samples, as a WAV file."""
        return PcmRecorder(self._context, self._mix, self._destination, mime_type)

    async def resume(self) -> None:
        """Let the graph run: a browser may hold it until the first gesture, or for ever (quirk 4)."""
        if self._context.state != "running":
            await asyncio.wait([asyncio.ensure_future(self._resumed())], timeout=RESUME_TIMEOUT_S)

    async def _resumed(self) -> None:
        with suppress(JsException):  # the context was closed meanwhile; `running` tells
            await self._context.resume()

    @property
    def running(self) -> bool:
        """True if sound flows."""
        return self._context.state == "running"

    def peak(self) -> float | None:
        """The highest sample of the last 43 ms, 0 to 1 and above when clipped; None while it does not run.

        A graph that stands gives zeros, whatever the microphone gives.
        """
        if not self.running:
            return None
        self._analyser.getFloatTimeDomainData(self._samples)
        samples = array("f", self._samples.to_bytes())
        return max(max(samples), -min(samples))

    async def close(self) -> None:
        """Release the graph; its track ends its sound."""
        self.connect(None)
        await self._context.close()


class Capture:
    """A camera track, a microphone track and the audio graph: what a recorder records."""

    def __init__(self, on_ended: Callable[[str], object]) -> None:
        self._on_ended = on_ended
        self.camera: MediaStreamTrack | None = None
        self.microphone: MediaStreamTrack | None = None
        self.graph: AudioGraph | None = None
        self._pictures: PictureCount | None = None
        self._aside = False
        self._uses = Uses()
        """Of the devices' tracks, by id: this capture uses those that it has now, an engine those that it records."""
        self._own: dict[str, Callable[[], None]] = {}
        """Lets go of the track of a kind."""
        self._listeners = Listeners()

    async def use(self, wish: Constraints) -> bool:
        """Ask for devices and use them in the place of those before. Raises DeviceError, Unsupported.

        A microphone is swapped behind the graph, and recordings go on. True if they need a new part. A camera that
        was there before runs on while an engine records it.
        """
        stream = await ask(wish)
        heard_before = self._sound()
        for track in stream.getTracks():
            before = self.camera if track.kind == "video" else self.microphone
            if track.kind == "video":
                self.camera = track
                self._aside = False
                self._stop_counting()
                self._pictures = PictureCount(track)
            else:
                self.microphone = track
                if self.graph is None:
                    self.graph = AudioGraph()
                self.graph.connect(track)
            self._replace(track.kind, before, self._uses.use(track.id, track.stop))
            self._listeners.add(track, "ended", lambda event, kind=track.kind: self._on_ended(kind))
        return bool(stream.getVideoTracks()) or heard_before is not self._sound()

    def _sound(self) -> MediaStreamTrack | None:
        """The track that is recorded: the graph's, or where the graph does not run the microphone's own."""
        return self.graph.track if self.graph is not None and self.graph.running else self.microphone

    def _replace(
        self, kind: str, before: MediaStreamTrack | None, let_go: Callable[[], None] = lambda: None
    ) -> None:
        """Let go of the track of this kind; `let_go` is the way to let go of the one in its place."""
        if before is not None:
            self._listeners.drop(before)
            self._own[kind]()
        self._own[kind] = let_go

    def _stop_counting(self) -> None:
        if self._pictures is not None:
            self._pictures.close()
            self._pictures = None

    def lose(self, kind: str) -> str:
        """Go on without the camera (`video`) or microphone (`audio`), which has ended; what that was called."""
        lost = self.camera if kind == "video" else self.microphone
        if kind == "video":
            self._replace(kind, self.camera)
            self.camera = None
            self._stop_counting()
        else:
            self._replace(kind, self.microphone)
            self.microphone = None
            if self.graph is not None:
                self.graph.connect(None)
        return str(lost.label) if lost is not None else ""

    async def prepare(self, lossless: bool) -> None:
        """Before a recording: have the graph run, for lossless sound at the microphone's own rate."""
        if self.graph is None or self.microphone is None:
            return
        wanted = self._own_rate() if lossless else SAMPLE_RATE_HZ
        if wanted != self.graph.sample_rate_hz:
            before, self.graph = self.graph, AudioGraph(wanted)
            self.graph.connect(self.microphone)
            await before.close()
        await self.graph.resume()

    def _own_rate(self) -> int | None:
        """The microphone's rate; None where the browser does not tell (quirk 5)."""
        assert self.microphone is not None
        rate: int | None = member(self.microphone.getSettings(), "sampleRate")
        return rate

    def engine(self, mime_type: str, rates: Rates) -> Recorder | PcmRecorder:
        """A recorder of the camera's track, if the rates name video, and the graph's. Raises EngineError."""
        if contents(mime_type).container is Container.WAV:
            if self.graph is None or not self.graph.running:
                raise EngineError("This browser gives the page no sound to record.")
            return self.graph.recorder(mime_type)
        camera = None if rates.video_kbps is None else _live(self.camera)
        sound = self._sound()
        with ExitStack() as unused:
            steady = Frames(camera) if camera is not None and frames.are_needed() else None
            if steady is not None:
                unused.callback(steady.close)
            tracks = [steady.track if steady is not None else camera, sound]
            stream = MediaStream.new(to_js([track for track in tracks if track is not None]))
            recorder = Recorder(stream, mime_type, rates, steady)
            unused.pop_all()
        for track in (camera, sound):
            if track is not None and track in (self.camera, self.microphone):
                recorder.closing.append(self._uses.use(track.id, track.stop))
        return recorder

    def preview(self) -> MediaStream | None:
        """The guest's own picture, without sound."""
        return MediaStream.new(to_js([self.camera])) if self.camera else None

    def is_muted(self, kind: str) -> bool:
        """True if the browser mutes the track of this kind, which is there and gives nothing."""
        track = _live(self.camera if kind == "video" else self.microphone)
        return track is not None and track.muted

    def set_aside(self, aside: bool) -> None:
        """Count the camera as none until this is called off: it is there and gives no pictures."""
        self._aside = aside

    def granted_video(self) -> GrantedVideo | None:
        """What the camera really gives; None where there is none, or it has ended or is muted."""
        camera = _live(self.camera)
        if camera is None or camera.muted or self._aside:
            return None
        settings = camera.getSettings()
        return GrantedVideo(
            camera.label,
            member(settings, "deviceId") or "",
            member(settings, "width") or 0,
            member(settings, "height") or 0,
            member(settings, "frameRate") or 0.0,
        )

    def granted_audio(self) -> GrantedAudio | None:
        """What the microphone really gives; None where there is none, or it has ended."""
        microphone = _live(self.microphone)
        if microphone is None:
            return None
        settings = microphone.getSettings()
        return GrantedAudio(
            microphone.label,
            member(settings, "deviceId") or "",
            member(settings, "channelCount") or 0,
            member(settings, "sampleRate") or 0,
            bool(member(settings, "echoCancellation")),
            bool(member(settings, "noiseSuppression")),
            bool(member(settings, "autoGainControl")),
        )

    def peak(self) -> float | None:
        """The loudest sample of the last moment, 0 to 1; None without a microphone, and where nobody can tell."""
        return self.graph.peak() if self.graph is not None and self.microphone is not None else None

    def pictures(self) -> int | None:
        """How many the camera has given; None without one, and where nobody can tell."""
        return self._pictures.total() if self._pictures is not None else None

    def send_through(self, outgoing: peers.Outgoing) -> None:
        """Have camera and microphone sent to others, apart from what is recorded."""
        from rolltape.browser.peer import Outgoing

        assert isinstance(outgoing, Outgoing)
        outgoing.use(self.camera, self.microphone)

    async def close(self) -> None:
        """Release camera, microphone and graph, whoever uses them."""
        self._listeners.close()
        self._stop_counting()
        self._uses.release_all()
        self.camera = self.microphone = None
        if self.graph is not None:
            await self.graph.close()
            self.graph = None


def _live(track: MediaStreamTrack | None) -> MediaStreamTrack | None:
    """The track, unless it has ended: a recorder of it would fail, or write pictures that stand."""
    return track if track is not None and track.readyState == "live" else None


async def ask(constraints: Constraints) -> MediaStream:
    """Ask for the devices; where both are wanted and not to be had together, for one of them.

    Raises DeviceError if none can be had, Unsupported where the browser gives none at all.
    """
    if member(navigator, "mediaDevices") is None:
        raise Unsupported(
            "This page gets no camera or microphone because it was not opened over HTTPS."
            if not window.isSecureContext
            else "This browser gives pages no camera or microphone."
        )
    pending = member(window, "rolltapeEarly")
    if constraints == EARLY_CONSTRAINTS and pending is not None:
        early: MediaStream | None = maybe(await pending)
        window.rolltapeEarly = None
        if early is not None:
            if all(track.readyState == "live" for track in early.getTracks()):
                return early
            for track in early.getTracks():  # one has ended while the page loaded: ask for both anew
                track.stop()
    await release_early()
    first: DeviceError | None = None
    for wish in constraints.alternatives():
        try:
            with translated():
                return await navigator.mediaDevices.getUserMedia(to_js(_as_plain(wish)))
        except DeviceError as error:
            first = first or error
    raise first or Unsupported("Neither camera nor microphone was asked for.")


async def release_early() -> None:
    """Let go of what the page's start asked for, if nobody took it over."""
    early = member(window, "rolltapeEarly")
    window.rolltapeEarly = None
    if early is not None:
        stream = maybe(await early)
        for track in stream.getTracks() if stream is not None else ():
            track.stop()


def _as_plain(wish: Constraints) -> Mapping[str, Any]:
    return {"audio": wish.audio or False, "video": wish.video or False}


async def devices() -> list[Device]:
    """The cameras and microphones there are; names are empty before permission was given."""
    if member(navigator, "mediaDevices") is None:
        return []
    with translated():
        found = await navigator.mediaDevices.enumerateDevices()
    return [
        Device(info.kind.removesuffix("input"), info.deviceId, info.label)
        for info in found
        if "input" in info.kind
    ]


def on_devices_changed(listeners: Listeners, handler: Callable[[], object]) -> None:
    """Call the handler whenever a device is plugged in or out."""
    if member(navigator, "mediaDevices") is not None:
        listeners.add(navigator.mediaDevices, "devicechange", lambda event: handler())
