"""Camera and microphone: asked for, taken over from the page's start, their own tracks recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from js import MediaStream, MediaStreamTrack, navigator, performance, window
from pyodide.ffi import to_js

from rolltape.browser import frames
from rolltape.browser.audio_graph import AudioGraph
from rolltape.browser.frames import Frames
from rolltape.browser.interop import Listeners, maybe, member, translated
from rolltape.browser.pcm import PcmRecorder
from rolltape.browser.pictures import PictureCount
from rolltape.browser.recorder import Recorder, buffer_given, samples_given
from rolltape.core.errors import DeviceError, RolltapeError, Unsupported
from rolltape.core.uses import Uses
from rolltape.recording.clock_log import Mark, SoundPath
from rolltape.settings.bitrate import Rates
from rolltape.settings.capture_constraints import (
    EARLY_CONSTRAINTS,
    Constraints,
    Device,
    GrantedAudio,
    GrantedVideo,
)
from rolltape.settings.codec import Container, contents, holds_one_size

if TYPE_CHECKING:
    from rolltape.room import peers

SHRINK_TIMEOUT_S = 3.0


class Capture:
    """A camera's track and a microphone's, which are recorded, and an audio graph that measures the sound."""

    def __init__(self, on_ended: Callable[[str], object]) -> None:
        self._on_ended = on_ended
        self.camera: MediaStreamTrack | None = None
        self.microphone: MediaStreamTrack | None = None
        self.graph: AudioGraph | None = None
        self._pictures: PictureCount | None = None
        self._aside = False
        self.records_silence = False
        """Whether the newest engine has silence in the microphone's place."""
        self._records_graph = False
        self._uses = Uses()
        """Of the devices' tracks, by id: this capture uses those that it has now, an engine those that it records."""
        self._own: dict[str, Callable[[], None]] = {}
        """Lets go of the track of a kind."""
        self._listeners = Listeners()

    async def use(self, wish: Constraints) -> None:
        """Ask for devices and use them in the place of those before. Raises DeviceError, Unsupported.

        A recording of what was there before needs a new part; its tracks run on while an engine records them.
        """
        stream = await ask(wish)
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

    @property
    def has_silence(self) -> bool:
        """Whether there is a track of silence, for a recording of the sound alone whose microphone is gone."""
        return self.graph is not None and self.graph.running

    def _sound(self) -> MediaStreamTrack | None:
        """The track that is recorded: the microphone's own; while that is gone, or muted, the graph's silence.

        A recorder that begins with a muted track waits for its first sound in Firefox, and holds back the pictures.
        """
        microphone = _live(self.microphone)
        if (microphone is None or microphone.muted) and self.graph is not None and self.graph.running:
            return self.graph.track
        return microphone

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

    async def prepare(self) -> None:
        """Have the graph run, before a recording (`Source`)."""
        if self.graph is not None:
            await self.graph.resume()

    def _own_rate(self) -> int | None:
        """The microphone's rate; None without one, or where the browser does not tell (quirk 5)."""
        if self.microphone is None:
            return None
        rate: int | None = member(self.microphone.getSettings(), "sampleRate")
        return rate

    def engine(self, mime_type: str, rates: Rates) -> Recorder | PcmRecorder:
        """A recorder of the camera's track, if the rates name video, and the microphone's. Raises EngineError."""
        if contents(mime_type).container is Container.WAV:
            recorder: Recorder | PcmRecorder = self._pcm_recorder(mime_type)
            self._keep_for(recorder, self.microphone)
            self.records_silence, self._records_graph = False, True
            return recorder
        camera = None if rates.video_kbps is None else _live(self.camera)
        sound = self._sound()
        with ExitStack() as unused:
            one_size = holds_one_size(mime_type)
            steady = Frames(camera, one_size) if camera is not None and frames.are_needed() else None
            if steady is not None:
                unused.callback(steady.close)
            tracks = [steady.track if steady is not None else camera, sound]
            stream = MediaStream.new(to_js([track for track in tracks if track is not None]))
            recorder = Recorder(stream, mime_type, rates, steady)
            unused.pop_all()
        self._keep_for(recorder, camera, sound)
        self.records_silence = sound is not None and sound is not self.microphone
        self._records_graph = False
        return recorder

    def _pcm_recorder(self, mime_type: str) -> PcmRecorder:
        """A recorder of samples, with a graph of its own at the microphone's rate: nothing is resampled."""
        graph = AudioGraph(self._own_rate())
        graph.connect(_live(self.microphone))
        return PcmRecorder(graph, mime_type)

    def _keep_for(self, recorder: Recorder | PcmRecorder, *tracks: MediaStreamTrack | None) -> None:
        """Have the devices' tracks run as long as they are recorded."""
        for track in tracks:
            if track is not None and track in (self.camera, self.microphone):
                recorder.closing.append(self._uses.use(track.id, track.stop))

    def preview(self) -> MediaStream | None:
        """Return the guest's own picture, without sound; None without a picture."""
        return MediaStream.new(to_js([self.camera])) if self.camera else None

    def is_muted(self, kind: str) -> bool:
        """True if the browser mutes the track of this kind, which is there and gives nothing."""
        track = _live(self.camera if kind == "video" else self.microphone)
        return track is not None and track.muted

    @property
    def counts_all_pictures(self) -> bool:
        """Whether `pictures` counts what the camera gave, and not only what was shown of it."""
        return self._pictures is not None and self._pictures.is_exact

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

    async def shrink(self, width: int, height: int) -> bool:
        """Have the camera give a picture of this size from now on; whether it is smaller then. Raises nothing.

        Where the camera has no such size the browser scales its pictures (`resizeMode`, W3C Media Capture).
        """
        before, camera = self.granted_video(), _live(self.camera)
        if before is None or camera is None:
            return False
        wish = {
            "width": {"ideal": width},
            "height": {"ideal": height},
            "frameRate": {"ideal": before.fps or 30},
        }
        try:
            async with asyncio.timeout(SHRINK_TIMEOUT_S):
                with translated():
                    await camera.applyConstraints(to_js(wish))
        except (RolltapeError, TimeoutError):
            return False
        after = self.granted_video()
        return after is not None and after.width * after.height < before.width * before.height

    async def buffer_given(self) -> None:
        """Wait until the microphone has just given a buffer; where it does not count them, the audio graph."""
        microphone = _live(self.microphone)
        is_counted = microphone is not None and await buffer_given(microphone) is not None
        if not is_counted and self.graph is not None:
            await self.graph.buffer_given()

    def mark(self) -> Mark:
        """The clocks of the sound that there are, read now; of part 0."""
        microphone = _live(self.microphone)
        graph_ms, graph_page_ms = (self.graph.time_ms() if self.graph is not None else None) or (None, None)
        frames = None if microphone is None else samples_given(microphone)
        return Mark(0, performance.now(), frames, graph_ms, graph_page_ms)

    def sound_path(self) -> SoundPath:
        """Where the sound of the newest engine comes from."""
        microphone = _live(self.microphone)
        if self.records_silence or microphone is None:
            return SoundPath("silence" if self.records_silence else "")
        latency_s = member(microphone.getSettings(), "latency")
        return SoundPath(
            "graph" if self._records_graph else "track",
            None if latency_s is None else latency_s * 1000,
            self._own_rate(),
        )

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
    """Ask for the devices, of one kind at least; where both are not to be had together, for one of them.

    Raises DeviceError if none can be had, Unsupported where the browser gives none at all.
    """
    if member(navigator, "mediaDevices") is None:
        raise Unsupported(
            "This page gets no camera or microphone because it was not opened over HTTPS: open it by an address that "
            "begins with https://."
            if not window.isSecureContext
            else "This browser gives pages no camera or microphone: use a current Chrome, Edge or Firefox."
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
    assert first is not None, "nothing was asked for"
    raise first


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
