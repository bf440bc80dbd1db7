"""Tracks that are there and give nothing: muted by the browser, or a camera whose pictures stand.

A muted track ends nothing, but gives silence, or nothing (W3C Media Capture and Streams, section 4.3.1). A recorder
that waits for a camera's pictures holds back the sound, in Chromium all of it.
"""

from __future__ import annotations

from rolltape.core.notice import Level, Notice
from rolltape.settings.capture_constraints import Kind

__all__ = ["SETTLED_MS", "STANDS_MS", "SUBJECTS", "MutedTracks", "StandingCamera", "notice_of"]

SETTLED_MS = 800.0
"""What is shorter is no mute: a device that is switched may give one."""
STANDS_MS = 1200.0
"""A camera that gives no picture for so long stands. A recorder that withholds is stopped after two seconds, of which
half a one may have passed with the last picture: by then recordings are to do without the camera."""
STANDS_BUSY_MS = 5000.0
"""The same on a machine that is starved, and where only pictures that are shown can be counted: a busy machine shows
none for a while."""
PAUSE_MS = 4000.0
"""A camera that stood for less was only held up."""
FIRST_PICTURE_MS = 6000.0
"""A camera may take its time for the first one."""
BLOCKED_AFTER_MS = 1500.0
"""Where looks are further apart than this, the page itself was held up, and the count is old."""

_BY = "by a call, another program, or a switch"
_CAMERA = Notice(
    Level.WARNING,
    f"The camera gives no pictures: it is muted, {_BY}, or held up. None are recorded until it gives some again.",
    "camera-muted",
)
_MICROPHONE = Notice(
    Level.WARNING,
    f"The microphone is muted, {_BY}. While it is, silence is recorded; see to it if that is not meant.",
    "microphone-muted",
)
_BOTH = Notice(
    Level.ERROR,
    f"The microphone is muted, {_BY}, and the camera gives no pictures. Nothing of you is recorded now; it goes on "
    "by itself as soon as one of them is back.",
    "both-muted",
)
SUBJECTS = tuple(notice.subject for notice in (_CAMERA, _MICROPHONE, _BOTH))


class StandingCamera:
    """Watches the number of pictures that a camera has given.

    A starved machine's camera gives nothing for a second or two, time and again, and each new part costs it more: so
    each pause that was taken for a stand doubles the patience.
    """

    def __init__(self) -> None:
        self._total: int | None = None
        self._since_ms = 0.0
        self._looked_ms = 0.0
        self._patience_ms = STANDS_MS
        self._stands = False

    def look(self, now_ms: float, total: int | None, exact: bool = True) -> bool:
        """Whether it stands; `total` is how many pictures it has given in all, None where nobody can tell."""
        held_up = now_ms - self._looked_ms > BLOCKED_AFTER_MS
        self._looked_ms = now_ms
        if total is None or total != self._total or held_up:
            if self._stands and total is not None and now_ms - self._since_ms < PAUSE_MS:
                self._patience_ms = min(2 * self._patience_ms, STANDS_BUSY_MS)
            self._total, self._since_ms = total, now_ms
        patience_ms = self._patience_ms if exact else STANDS_BUSY_MS
        self._stands = now_ms - self._since_ms >= (patience_ms if total else FIRST_PICTURE_MS)
        return self._stands


class MutedTracks:
    """What is muted, once it has been for a moment; what is back counts at once."""

    def __init__(self) -> None:
        self.kinds: frozenset[Kind] = frozenset()
        """Those that are muted now."""
        self._since: dict[Kind, float] = {}

    def look(
        self, now_ms: float, muted: frozenset[Kind], stands: frozenset[Kind] = frozenset()
    ) -> frozenset[Kind]:
        """Take in what the tracks say; the kinds for which something has changed.

        Those of `stands` have given nothing for a while, and count at once.
        """
        self._since = {kind: self._since.get(kind, now_ms) for kind in muted}
        before = self.kinds
        settled = {kind for kind in muted if kind in before or now_ms - self._since[kind] >= SETTLED_MS}
        self.kinds = stands | settled
        return before ^ self.kinds


def notice_of(kinds: frozenset[Kind]) -> Notice | None:
    """Return what to tell while these kinds are muted."""
    if len(kinds) == 2:
        return _BOTH
    if not kinds:
        return None
    return _CAMERA if "video" in kinds else _MICROPHONE
