"""What is to be recorded, and how: asked for by a link, a person at the page, or a director."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rolltape.settings.bitrate import DEFAULT_VIDEO_KBPS, Rates, RecordMode, RecordWish, rates
from rolltape.settings.codec import CodecWish
from rolltape.settings.link import Settings

__all__ = ["PCM_KBPS", "Order", "order_for"]

PCM_KBPS = 48_000 * 2 * 32 / 1000
"""Uncompressed stereo at 48 kHz, 32 bits a sample."""


_ANY_CODEC = CodecWish()


@dataclass(frozen=True)
class Order:
    """One recording as it is wanted, before anybody looked at what is there to record."""

    wish: RecordWish
    codec: CodecWish = _ANY_CODEC
    audio_bitrate_kbps: int | None = None
    """None: by the video's rate."""

    @property
    def rates(self) -> Rates:
        """The rates to ask a recorder for. Raises RecordingRefused for a REFUSED wish."""
        return rates(self.wish, self.codec.pcm, self.audio_bitrate_kbps)

    @property
    def kbps(self) -> float:
        """Expected rate of the file in kbps, pictures and sound together; PCM counts as stereo at 48 kHz."""
        if self.wish.mode is RecordMode.REFUSED:
            return float(DEFAULT_VIDEO_KBPS)
        asked = self.rates
        return (asked.video_kbps or 0) + (PCM_KBPS if asked.audio_kbps is None else asked.audio_kbps)

    def or_as(self, settings: Settings) -> Order:
        """This order; where it leaves the format to the browser, the format is the one `settings` of a link name."""
        return self if self.codec != _ANY_CODEC else replace(self, codec=settings.codec_wish(self.wish))


def order_for(settings: Settings, wish: RecordWish) -> Order:
    """Return the order a link makes with this wish for the bitrate."""
    return Order(wish, settings.codec_wish(wish), settings.audio_bitrate_kbps)
