"""When the first picture of a file was captured, told from what a worker between camera and recorder saw.

A picture bears a time stamp of its capture, by a clock that only its camera knows, and is received some time later:
a few milliseconds, or a hundred where the machine is busy. The quickest so far says how the two clocks lie.
"""

from __future__ import annotations

import math

__all__ = ["FirstPicture"]


class FirstPicture:
    """One recorder's; tell it of each picture in the order in which the recorder gets them."""

    def __init__(self) -> None:
        self._behind_ms = math.inf
        """The page's clock less the camera's, with the way of the quickest picture."""
        self._is_asked = False
        self._stamp_ms: float | None = None

    def ask(self) -> None:
        """Call this when the recorder has just been begun, and gets nothing yet: the next picture is its first."""
        self._is_asked = True

    def saw(self, stamp_ms: float, received_ms: float) -> None:
        """Note one: its own time stamp, and when it was received by the page's clock; both in milliseconds."""
        self._behind_ms = min(self._behind_ms, received_ms - stamp_ms)
        if self._is_asked and self._stamp_ms is None:
            self._stamp_ms = stamp_ms

    @property
    def captured_ms(self) -> float | None:
        """When the first was captured, by the page's clock; None before it came. Later ones make it exacter."""
        return None if self._stamp_ms is None else self._stamp_ms + self._behind_ms
