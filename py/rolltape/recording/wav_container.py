"""WAV as a stream: what our own recorder of lossless sound writes."""

from __future__ import annotations

from collections.abc import Sequence

from rolltape.media.ending import Ending
from rolltape.media.wav_recording import WavStream
from rolltape.recording.timeline import Silence

__all__ = ["Wav"]


class Wav(WavStream):
    """A WAV file from our own recorder; its problem is that it is none."""

    first_picture_ms: float | None = None
    pictures: int | None = None
    silences: Sequence[Silence] = ()
    has_both = False
    passed_over = 0

    def finish(self, clock: str = "") -> Ending:
        """Return the header's sizes; a WAV file has no place for `clock` (`ContainerStream`)."""
        return super().finish()

    @property
    def is_empty(self) -> bool:
        """True if no sample has come, and nothing that is not understood."""
        return not self.duration_ms and not self.problem

    @property
    def whole_from_ms(self) -> float | None:
        """All channels begin together."""
        return 0.0 if self.duration_ms else None

    @property
    def latest_ms(self) -> float | None:
        """A sample is short."""
        return self.duration_ms or None

    @property
    def whole_until_ms(self) -> float | None:
        """All channels end together."""
        return self.duration_ms
