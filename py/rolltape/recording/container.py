"""Containers as streams: an engine's bytes on their way to the sinks, and what makes the file whole.

WebM and WAV are finished in place; MP4 (written as fragments) and Ogg go through untouched, but for a torn end
of MP4. What reads each type is imported when the first of its files is made: guests are waiting for the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rolltape.media.ending import NOTHING, Ending, Patch
from rolltape.recording.timeline import Silence
from rolltape.settings.codec import Container

__all__ = ["ContainerStream", "Untouched", "prepare", "reader_for", "stream_for"]


class ContainerStream(Protocol):
    """One file of a recording: fed with what the engine delivers, it gives what is to be written."""

    def feed(self, chunk: bytes) -> bytes:
        """Take a chunk; returns the bytes to write for it. Never raises, whatever the bytes are."""

    def patches(self) -> Sequence[Patch]:
        """Return the patches due since the last call, each once: overwrites in place of bytes that were given out."""

    def finish(self, clock: str = "") -> Ending:
        """Return the writes that make the file whole and seekable; called once, after the last `feed`.

        `clock`, what is known of its clocks, is kept in it where the container has a place for that.
        """

    @property
    def head(self) -> int:
        """Bytes at the beginning that the end may still change, the header; 0 where none are, or not yet."""

    @property
    def stable(self) -> int:
        """Up to here no byte behind `head` changes any more once the `patches` are written; it never shrinks."""

    @property
    def problem(self) -> str:
        """A sentence about why the bytes are kept as they come; empty while they are understood."""

    @property
    def has_media(self) -> bool:
        """True if something of every track is in it."""

    @property
    def is_empty(self) -> bool:
        """True if nothing that could be played is in it; bytes that are not understood may be."""

    @property
    def first_picture_ms(self) -> float | None:
        """Time in the file of its first picture, in ms; None without one, or where the container does not tell."""

    @property
    def duration_ms(self) -> float | None:
        """Duration of the file in ms; None where the container does not tell."""

    @property
    def whole_until_ms(self) -> float | None:
        """Until when the file has something of every track; None where the container does not tell."""

    @property
    def whole_from_ms(self) -> float | None:
        """From when on the file has something of every track; None before, and where the container does not tell."""

    @property
    def latest_ms(self) -> float | None:
        """When the latest sample begins of the track that is furthest behind; None as above."""

    @property
    def silences(self) -> Sequence[Silence]:
        """Stretches in which a track has nothing, as far as the container tells."""

    @property
    def has_both(self) -> bool:
        """True if there are pictures and sound in it."""

    @property
    def passed_over(self) -> int:
        """Bytes that made no sense and were passed over."""

    @property
    def pictures(self) -> int | None:
        """Count of pictures so far; None without a picture track, or where the container does not tell."""


def stream_for(container: Container) -> ContainerStream:
    """Make a stream for a new file of this type; the first of each type imports its reader."""
    if container in (Container.WEBM, Container.MATROSKA):
        from rolltape.recording.webm_container import Webm

        return Webm()
    if container is Container.MP4:
        from rolltape.recording.mp4_container import Mp4

        return Mp4()
    if container is Container.WAV:
        from rolltape.recording.wav_container import Wav

        return Wav()
    return Untouched()


def prepare(container: Container) -> None:
    """Have what reads this type imported: before somebody presses the button, rather than then."""
    stream_for(container)


def reader_for(container: Container) -> ContainerStream:
    """Make a stream that is fed with a file as it lies on the disk, to finish what was not finished."""
    if container in (Container.WEBM, Container.MATROSKA):
        from rolltape.recording.webm_container import TornWebm

        return TornWebm()
    return stream_for(container)


class Untouched:
    """Any other file: what the recorder gives is the file."""

    problem = ""
    first_picture_ms: float | None = None
    duration_ms: float | None = None
    whole_until_ms: float | None = None
    whole_from_ms: float | None = None
    latest_ms: float | None = None
    pictures: int | None = None
    silences: Sequence[Silence] = ()
    has_both = False
    passed_over = 0
    head = 0

    def __init__(self) -> None:
        self.stable = 0

    @property
    def has_media(self) -> bool:
        """True if a byte has come."""
        return self.stable > 0

    @property
    def is_empty(self) -> bool:
        """True if no byte has come."""
        return not self.has_media

    def feed(self, chunk: bytes) -> bytes:
        """Return the chunk itself (`ContainerStream`)."""
        self.stable += len(chunk)
        return chunk

    def patches(self) -> Sequence[Patch]:
        """Return none: nothing is put right in place (`ContainerStream`)."""
        return ()

    def finish(self, clock: str = "") -> Ending:
        """Return nothing to write: the file is not finished in place (`ContainerStream`)."""
        return NOTHING
