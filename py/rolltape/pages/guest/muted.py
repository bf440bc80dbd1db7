"""Tracks that the browser mutes: a call, another program, a switch, or a camera that gives no pictures at all.

A muted track is there and ends nothing, but gives silence, or nothing (W3C Media Capture and Streams, section 4.3.1).
"""

from __future__ import annotations

from rolltape.core.notice import Level, Notice
from rolltape.settings.capture_constraints import Kind

__all__ = ["SETTLED_MS", "SUBJECTS", "MutedTracks", "notice_of"]

SETTLED_MS = 800.0
"""Chromium mutes a camera after less than a second without a picture, which a busy machine may have by itself."""

_BY = "by a call, another program, or a switch"
_CAMERA = Notice(
    Level.WARNING,
    f"The camera is muted, {_BY}. While it is, no pictures are recorded; they are as soon as it is back.",
    "camera-muted",
)
_MICROPHONE = Notice(
    Level.WARNING,
    f"The microphone is muted, {_BY}. While it is, silence is recorded; see to it if that is not meant.",
    "microphone-muted",
)
_BOTH = Notice(
    Level.ERROR,
    f"Camera and microphone are both muted, {_BY}. Nothing of you is recorded now; it goes on by itself as soon "
    "as one of them is back.",
    "both-muted",
)
SUBJECTS = tuple(notice.subject for notice in (_CAMERA, _MICROPHONE, _BOTH))


class MutedTracks:
    """What is muted, once it has been for a moment; what is back counts at once."""

    def __init__(self) -> None:
        self.kinds: frozenset[Kind] = frozenset()
        """Those that are muted now."""
        self._since: dict[Kind, float] = {}

    def look(self, now_ms: float, muted: frozenset[Kind]) -> frozenset[Kind]:
        """Take in what the tracks say; the kinds for which something has changed."""
        self._since = {kind: self._since.get(kind, now_ms) for kind in muted}
        before = self.kinds
        self.kinds = frozenset(
            kind for kind in muted if kind in before or now_ms - self._since[kind] >= SETTLED_MS
        )
        return before ^ self.kinds


def notice_of(kinds: frozenset[Kind]) -> Notice | None:
    """Return what to tell while these kinds are muted."""
    if len(kinds) == 2:
        return _BOTH
    if not kinds:
        return None
    return _CAMERA if "video" in kinds else _MICROPHONE
