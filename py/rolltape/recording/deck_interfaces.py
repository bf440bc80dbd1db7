"""What a deck needs of its surroundings: a source to record, a browser, and a page that looks at it.

A guest's page, its test recording and a director's page that records what arrives each bring their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rolltape.core.notice import Notice
from rolltape.recording.clock_log import Mark, SoundPath
from rolltape.recording.engine import Engine
from rolltape.recording.take import Take
from rolltape.settings.bitrate import Rates
from rolltape.settings.capture_constraints import GrantedAudio, GrantedVideo
from rolltape.settings.codec import VideoCodec

__all__ = ["DeckBrowser", "DeckView", "Source", "Title"]


class Source(Protocol):
    """A source of pictures and sound for a deck: camera and microphone, or a stream that arrives.

    Its tracks may end or change at any time; then `Deck.source_changed` is called.
    """

    def granted_video(self) -> GrantedVideo | None:
        """Settings of the picture there is now; None without one."""

    def granted_audio(self) -> GrantedAudio | None:
        """Settings of the sound there is now; None without any."""

    def engine(self, mime_type: str, rates: Rates) -> Engine:
        """Make a recorder of its tracks as they are; without a video rate, of the sound alone. Raises EngineError."""

    @property
    def has_silence(self) -> bool:
        """True if it has silence to record in the place of a sound that is gone for a while."""

    async def prepare(self) -> None:
        """Let sound flow; the deck waits for it before each plan that is recorded."""

    def pictures(self) -> int | None:
        """Count of pictures that it has given so far; None without a picture, and where nobody can tell."""

    async def shrink(self, width: int, height: int) -> bool:
        """Give a picture of this size from now on, on the same track; whether it is smaller then. Raises nothing."""

    async def buffer_given(self) -> None:
        """Wait until its microphone, or an audio graph, has just given a buffer, 0.2 s at most: for a mark."""

    def mark(self) -> Mark:
        """Read the clocks of its sound that there are, now; the part's number is left 0."""

    def sound_path(self) -> SoundPath:
        """Return where the sound that is recorded comes from."""


class DeckBrowser(Protocol):
    """The part of a browser that a deck needs; `browser/facade.py` implements it."""

    def now_ms(self) -> float:
        """Read a clock that only goes forward, in milliseconds."""

    def utc_offset_minutes(self) -> int:
        """Return local time minus UTC, in minutes."""

    def can_record(self, mime_type: str) -> bool:
        """True if a recorder for this MIME type exists; its start may fail all the same."""

    async def efficient(self, width: int, height: int, fps: float, kbps: int) -> frozenset[VideoCodec]:
        """Return the codecs that this machine encodes smoothly and with little power at this size and rate.

        W3C Media Capabilities; empty where the browser does not tell.
        """

    def agent(self) -> str:
        """Return what the browser calls itself, with its versions."""

    async def hold(self, take_id: str) -> Callable[[], None]:
        """Mark a take as being recorded by this tab; call the result to let go. Raises where it cannot be marked."""

    async def keep_awake(self, holder: object, on: bool) -> None:
        """Keep the screen on for this holder, where the browser lets it; with False not any more."""


class DeckView(Protocol):
    """The page that looks at a deck. What it raises is reported; no recording ends or fails to start by it."""

    def notify(self, notice: Notice) -> None:
        """Tell a person."""

    def lift(self, subject: str) -> None:
        """What was told of a subject holds no more."""

    async def make_room(self, kbps: float) -> None:
        """A recording at this rate in kbps is about to begin: free storage for it. The deck waits."""

    def show_take(self, take: Take) -> None:
        """The take has changed its state or its parts; the log has it a moment later."""

    async def take_over(self, take: Take) -> None:
        """The take is finished, or has failed, and the deck is free again: once for every take that was shown."""


@dataclass(frozen=True)
class Title:
    """Names that a take is called after, as they are when it begins; its files bear them."""

    label: str | None
    """The guest's name; None: without one."""
    room: str | None
    """The room's name; None: in no room."""
