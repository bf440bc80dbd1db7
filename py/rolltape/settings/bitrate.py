"""How many kbps: what a link or a person asks for, turned into the rates of a recording.

1 kbps is 1000 bit/s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from rolltape.core.notice import Level, Notice, quoted

__all__ = [
    "ABSENT",
    "ASK",
    "DEFAULT_VIDEO_KBPS",
    "REFUSED",
    "Rates",
    "RecordMode",
    "RecordWish",
    "RecordingRefused",
    "inbound_audio_kbps",
    "inbound_rates",
    "lossy",
    "opus_kbps",
    "parse_bitrate",
    "rates",
    "record_value",
    "recorded_audio_kbps",
    "whole_number",
    "wish_for",
]

DEFAULT_VIDEO_KBPS = 6000
"""Filled in where a person is asked, and taken where nobody says."""

MIN_VIDEO_KBPS = 50
MAX_VIDEO_KBPS = 1_000_000
"""Browsers hold bit/s in 32 bits: more would wrap around to a tiny rate."""

MIN_OPUS_KBPS = 6
MAX_OPUS_KBPS = 510

PCM_INBOUND_KBPS = 256
PCM_FALLBACK_KBPS = 256
"""Beside video, where PCM was wanted and the browser has none."""

AUDIO_BY_VIDEO: tuple[tuple[int, int, int], ...] = (
    # video kbps at least, inbound audio, recorded audio
    (4000, 128, 128),
    (2500, 80, 128),
    (0, 32, 32),
)
"""The audio rates by video rate, from the table "Bitrates" of the specification."""


class RecordMode(StrEnum):
    """The kinds of recording that the parameter `record` can ask for."""

    ABSENT = "absent"
    """Nothing said: no record button; the director can still start."""
    ASK = "ask"
    """A record button that asks for the bitrate."""
    VIDEO = "video"
    AUDIO_PCM = "audio-pcm"
    AUDIO_OPUS = "audio-opus"
    REFUSED = "refused"


@dataclass(frozen=True)
class RecordWish:
    """A recording that is asked for: its kind and its rate in kbps (1000 bit/s).

    `kbps` is the video rate for VIDEO, the audio rate (positive) for AUDIO_OPUS, the rate filled in or
    taken unless somebody says otherwise for ASK and ABSENT, and 0 for AUDIO_PCM and REFUSED.
    """

    mode: RecordMode
    kbps: int = DEFAULT_VIDEO_KBPS

    @property
    def has_button(self) -> bool:
        """True if the guest gets a record button."""
        return self.mode not in (RecordMode.ABSENT, RecordMode.REFUSED)

    @property
    def is_ready(self) -> bool:
        """True if a recording can start at once; False if the guest has to be asked for the bitrate, or refuses."""
        return self.mode in (RecordMode.VIDEO, RecordMode.AUDIO_PCM, RecordMode.AUDIO_OPUS)

    @property
    def is_audio_only(self) -> bool:
        """True for recordings of sound alone."""
        return self.mode in (RecordMode.AUDIO_PCM, RecordMode.AUDIO_OPUS)


ABSENT = RecordWish(RecordMode.ABSENT)
ASK = RecordWish(RecordMode.ASK)
REFUSED = RecordWish(RecordMode.REFUSED, 0)


@dataclass(frozen=True)
class Rates:
    """The rates a recorder, or a sender, is asked for."""

    video_kbps: int | None
    """None: no video."""
    audio_kbps: int | None
    """None: uncompressed PCM."""


class RecordingRefused(Exception):
    """Rates were asked for although the link refuses recording."""

    def __init__(self) -> None:
        super().__init__("This guest's link refuses recording, so there are no rates to record at.")


def rates(wish: RecordWish, pcm: bool = False, audio_bitrate_kbps: int | None = None) -> Rates:
    """Give the rates to record at; where nobody said a bitrate, those of 6000 kbps.

    `pcm` asks for PCM beside video; with AUDIO_OPUS it means nothing. `audio_bitrate_kbps` fixes the audio
    rate wherever audio is compressed. Raises `RecordingRefused` for a REFUSED wish.
    """
    if wish.mode is RecordMode.REFUSED:
        raise RecordingRefused
    if wish.mode is RecordMode.AUDIO_PCM:
        return Rates(video_kbps=None, audio_kbps=None)
    if wish.mode is RecordMode.AUDIO_OPUS:
        return Rates(video_kbps=None, audio_kbps=opus_kbps(audio_bitrate_kbps or wish.kbps))
    audio_kbps = None if pcm else recorded_audio_kbps(wish.kbps, audio_bitrate_kbps)
    return Rates(video_kbps=wish.kbps, audio_kbps=audio_kbps)


def lossy(uncompressed: Rates, audio_bitrate_kbps: int | None = None) -> Rates:
    """Give the rates to use instead where PCM was wanted and the browser has none.

    Without video that is the best Opus there is; beside video a rate well above the table's. Rates without
    PCM stay as they are.
    """
    if uncompressed.audio_kbps is not None:
        return uncompressed
    best = MAX_OPUS_KBPS if uncompressed.video_kbps is None else PCM_FALLBACK_KBPS
    return Rates(uncompressed.video_kbps, opus_kbps(audio_bitrate_kbps or best))


def inbound_rates(wish: RecordWish, pcm: bool = False, audio_bitrate_kbps: int | None = None) -> Rates:
    """Give the rates a guest is asked to send at while the director records what arrives."""
    recorded = rates(wish, pcm, audio_bitrate_kbps)
    if wish.mode is RecordMode.AUDIO_OPUS:
        return recorded
    if wish.mode is RecordMode.AUDIO_PCM:
        return Rates(None, inbound_audio_kbps(0, True, audio_bitrate_kbps))
    return Rates(wish.kbps, inbound_audio_kbps(wish.kbps, pcm, audio_bitrate_kbps))


def recorded_audio_kbps(video_kbps: int, override: int | None = None) -> int:
    """Give the rate of the recorded Opus audio beside video of that many kbps."""
    return opus_kbps(override) if override else _row(video_kbps)[2]


def inbound_audio_kbps(video_kbps: int, pcm: bool = False, override: int | None = None) -> int:
    """Give the rate of the audio a guest sends beside video of that many kbps."""
    if override:
        return opus_kbps(override)
    return PCM_INBOUND_KBPS if pcm else _row(video_kbps)[1]


def wish_for(kbps: int) -> RecordWish:
    """Read a number as `record` does: above 0 video, 0 lossless audio, below 0 Opus at that many kbps."""
    if kbps > 0:
        return RecordWish(RecordMode.VIDEO, min(max(kbps, MIN_VIDEO_KBPS), MAX_VIDEO_KBPS))
    if kbps == 0:
        return RecordWish(RecordMode.AUDIO_PCM, 0)
    return RecordWish(RecordMode.AUDIO_OPUS, opus_kbps(-kbps))


def record_value(wish: RecordWish) -> str | None:
    """Write a wish as the value of `record` in a link; None where the parameter is left out."""
    fixed = {RecordMode.ABSENT: None, RecordMode.ASK: "", RecordMode.REFUSED: "false"}
    if wish.mode in fixed:
        return fixed[wish.mode]
    return str(-wish.kbps if wish.mode is RecordMode.AUDIO_OPUS else wish.kbps)


def parse_bitrate(text: str) -> RecordWish | Notice:
    """Read what a person typed when asked for the bitrate, by the rules of `record`."""
    if not text.strip():
        return Notice(Level.WARNING, f"Please type a bitrate in kbps, for example {DEFAULT_VIDEO_KBPS}.")
    kbps = whole_number(text)
    if kbps is None:
        example = f"please type one, for example {DEFAULT_VIDEO_KBPS}"
        return Notice(Level.WARNING, f"{quoted(text)} is not a whole number of kbps; {example}.")
    return wish_for(kbps)


def opus_kbps(kbps: int) -> int:
    """Hold a rate to what Opus can do."""
    return min(max(kbps, MIN_OPUS_KBPS), MAX_OPUS_KBPS)


def whole_number(text: str) -> int | None:
    """Read a whole number, however long; None where the text is none.

    Beyond a thousand million it is held there: every caller's limit is far below.
    """
    match = re.fullmatch(r"([+-]?)0*([0-9]+)", text.strip().replace("\N{MINUS SIGN}", "-"))
    if match is None:
        return None
    sign, digits = match.groups()
    size = int(digits) if len(digits) < 10 else 10**9
    return -size if sign == "-" else size


def _row(video_kbps: int) -> tuple[int, int, int]:
    return next(row for row in AUDIO_BY_VIDEO if video_kbps >= row[0] or row[0] == 0)
