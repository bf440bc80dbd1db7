"""How many pictures a camera has given: counted at the camera, not in the file and not by what it was asked for."""

from __future__ import annotations

from js import HTMLVideoElement, MediaStream, MediaStreamTrack, document
from pyodide.ffi import create_proxy, jsnull, to_js

from rolltape.browser.interop import member

__all__ = ["PictureCount"]


class PictureCount:
    """The pictures of one camera's track.

    By the track's own statistics (W3C Media Capture Extensions, MediaStreamTrack Statistics); where a browser has
    none, by a video element that is not in the document (`requestVideoFrameCallback`). Browsers show no pictures in
    a hidden tab, so there nothing is known that way.
    """

    def __init__(self, camera: MediaStreamTrack) -> None:
        self._camera = camera
        self._video: HTMLVideoElement | None = None
        self._note_proxy = create_proxy(self._note)
        self._asked: int | None = None
        """The callback that is waited for."""
        self._shown = 0
        self.is_exact = member(camera, "stats") is not None
        """Whether the camera's own statistics tell; else what is shown is counted, which may be less."""
        if not self.is_exact:
            self._watch()

    def _watch(self) -> None:
        video: HTMLVideoElement = document.createElement("video")
        if member(video, "requestVideoFrameCallback") is None:
            return
        video.muted = video.autoplay = True
        video.srcObject = MediaStream.new(to_js([self._camera]))
        self._video = video

    def _note(self, now_ms: float, facts: object) -> None:
        self._asked = None
        self._shown = int(member(facts, "presentedFrames") or self._shown + 1)

    def total(self) -> int | None:
        """So many it has given until about now; None where nobody can tell. Call it several times a second."""
        stats = member(self._camera, "stats")
        if stats is not None:
            # What is discarded makes the frame rate asked for out of the camera's own
            return int(stats.totalFrames) - int(stats.discardedFrames)
        if self._video is None or document.hidden:
            return None
        if self._asked is None:
            self._asked = self._video.requestVideoFrameCallback(self._note_proxy)
        return self._shown

    def close(self) -> None:
        """Let go of the camera."""
        if self._video is not None:
            if self._asked is not None:
                self._video.cancelVideoFrameCallback(self._asked)
            self._video.srcObject = jsnull
            self._video = None
        self._note_proxy.destroy()
