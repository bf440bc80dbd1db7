"""What is said to a process that writes one track's sound, and what it says; and how the sound is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rolltape.core.json_fields import Fields, compact_json
from rolltape.tracks.outputs import SoundKind, opened_sound
from rolltape.tracks.plan import GuestTrack
from rolltape.tracks.sound import write_sound

__all__ = ["SoundLine", "SoundOrder", "write_order"]


@dataclass(frozen=True)
class SoundOrder:
    """A track whose sound is to be written."""

    track: GuestTrack
    files: tuple[Path, ...]
    """By the numbers that its pieces have."""
    channels: int
    kind: SoundKind
    began: datetime | None
    """When the first sample was captured, if that is known."""
    place: Path
    force: bool
    """Whether it is written over what is there."""


def write_order(order: SoundOrder, path: Path, told: Callable[[float], None]) -> dict[int, int]:
    """Write the sound to `path`, in this process, while `told` hears the share that is done.

    Returns how many samples of which file could not be decoded and are silence. Raises OSError, ConvertError.
    """
    with opened_sound(path, order.kind, order.channels, order.track.length, order.began) as output:
        return write_sound(order.track, order.files, order.channels, output, told)


@dataclass(frozen=True)
class SoundLine:
    """A line of its output: how far it is, or at its end what came of it."""

    share: float = 0.0
    broken: dict[int, int] | None = None
    """At the end, where the sound is there: samples that could not be decoded, by file."""
    sentence: str = ""
    """At the end, where it is not: why, for a person."""
    errno: int = 0
    """With a sentence that is the system's own: its number."""

    def to_json(self) -> str:
        """Write the line."""
        told: dict[str, object] = {"share": self.share, "sentence": self.sentence, "errno": self.errno}
        if self.broken is not None:
            told["broken"] = [{"file": file, "samples": samples} for file, samples in self.broken.items()]
        return compact_json(told)

    @classmethod
    def from_json(cls, text: str) -> SoundLine:
        """Read a line. Raises ValueError."""
        found = Fields.from_json(text)
        broken = None
        if "broken" in found.plain():
            broken = {one.whole("file"): one.whole("samples") for one in found.rows("broken")}
        return cls(found.number("share"), broken, found.text("sentence"), found.whole("errno"))
