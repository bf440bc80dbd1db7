"""The sound level as a meter shows it."""

from __future__ import annotations

import math

FLOOR_DBFS = -60.0


def meter_percent(peak: float) -> int:
    """Put a peak sample (0 to 1) on a scale of decibels: 0 at -60 dBFS and below, 100 at full scale."""
    if peak <= 0:
        return 0
    decibels = 20 * math.log10(peak)
    return max(0, min(100, round(100 * (1 - decibels / FLOOR_DBFS))))
