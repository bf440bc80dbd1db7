"""What arrives from a member of a room, as a source that a deck records like any other."""

from __future__ import annotations

from js import MediaStream, MediaStreamTrack, performance
from pyodide.ffi import to_js

from rolltape.browser.interop import member
from rolltape.browser.recorder import Recorder
from rolltape.core.errors import EngineError
from rolltape.recording.clock_log import Mark, SoundPath
from rolltape.recording.engine import Engine
from rolltape.settings.bitrate import Rates
from rolltape.settings.capture_constraints import GrantedAudio, GrantedVideo
from rolltape.settings.codec import Container, contents


class Inbound:
    """A stream that arrives (`deck.Source`); `name` is whose it is."""

    def __init__(self, stream: MediaStream, name: str) -> None:
        self._stream = stream
        self._name = name

    def granted_video(self) -> GrantedVideo | None:
        """Return what is known of the picture that arrives; None without one."""
        track = self._live("video")
        if track is None:
            return None
        settings = track.getSettings()
        return GrantedVideo(
            self._name,
            "",
            member(settings, "width") or 0,
            member(settings, "height") or 0,
            member(settings, "frameRate") or 0.0,
        )

    def granted_audio(self) -> GrantedAudio | None:
        """Return what is known of the sound that arrives; None without any."""
        if self._live("audio") is None:
            return None
        return GrantedAudio(self._name, "", 2, 48_000, False, False, False)

    def engine(self, mime_type: str, rates: Rates) -> Engine:
        """Make a recorder of what arrives, at these rates; it is not started. Raises EngineError."""
        if contents(mime_type).container is Container.WAV:
            raise EngineError("What arrives cannot be recorded as WAV.")
        kinds = ("audio",) if rates.video_kbps is None else ("video", "audio")
        tracks = [track for kind in kinds if (track := self._live(kind)) is not None]
        return Recorder(MediaStream.new(to_js(tracks)), mime_type, rates)

    has_silence = False

    def pictures(self) -> int | None:
        """Nobody can tell: what is lost on the way is not given."""
        return None

    async def shrink(self, width: int, height: int) -> bool:
        """Nothing is done: what arrives is of the size that it is sent in (`Source`)."""
        return False

    async def buffer_given(self) -> None:
        """Return at once: what arrives is not counted (`Source`)."""

    def mark(self) -> Mark:
        """The moment alone: a stream that arrives has no clock of its own here."""
        return Mark(0, performance.now())

    def sound_path(self) -> SoundPath:
        """Return that it came over a call (`Source`)."""
        return SoundPath("call")

    async def prepare(self) -> None:
        """Do nothing: what arrives flows already (`Source`)."""

    def _live(self, kind: str) -> MediaStreamTrack | None:
        """The track of this kind through which something comes: the browser mutes one that has nothing."""
        found = (track for track in self._stream.getTracks() if track.kind == kind)
        return next((track for track in found if track.readyState == "live" and not track.muted), None)
