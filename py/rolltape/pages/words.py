"""Numbers as people read them."""

from __future__ import annotations

from datetime import datetime

UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """Write a number of bytes: `0 B`, `12.3 MB`. 1 kB is 1000 bytes, as on a disk's label."""
    value = float(count)
    unit = UNITS[0]
    for unit in UNITS:
        if value < 999.5 or unit == UNITS[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit in ("B", "kB") else f"{value:.1f} {unit}"


def clock(milliseconds: int) -> str:
    """Write a length in milliseconds: `0:07`, `12:34`, `1:02:03`."""
    minutes, seconds = divmod(max(0, milliseconds) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def duration(milliseconds: int) -> str:
    """Write a length for machines, as HTML's `time` wants it: `PT12.3S`."""
    return f"PT{max(0, milliseconds) / 1000:.1f}S"


def rate(kbps: float) -> str:
    """Write a bitrate given in kbps: `96 kbit/s`, `6.0 Mbit/s`."""
    return f"{kbps:.0f} kbit/s" if kbps < 1000 else f"{kbps / 1000:.1f} Mbit/s"


def moment(at: datetime) -> str:
    """Write a date and time of day: `22 Nov 2026, 13:05`."""
    return f"{at.day} {at:%b %Y, %H:%M}"


def left(elapsed_ms: float, share: float) -> str:
    """Write how long something may still take of which a share is done: `about 2 min left`; at first nothing."""
    if share < 0.01 or elapsed_ms < 500:
        return ""
    seconds = elapsed_ms / 1000 * (1 - share) / share
    if seconds < 60:
        return f"about {max(1, round(seconds))} s left"
    return f"about {round(seconds / 60)} min left"
