"""The room's clock: how far this page's own clock is from it, and how well that is known.

A page asks the server for its time and notes when it asked and when the answer came. The server read its clock
somewhere in between, so half that time is a bound for the error (Cristian, "Probabilistic clock synchronization",
1989); the quickest answer gives the best bound. Clocks drift apart, so a bound grows with its age.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DRIFT", "Instant", "Reading", "RoomClock"]

DRIFT = 50e-6
"""How far apart two clocks may run: computers' crystals are good to some 20 to 50 parts in a million."""

KEPT = 64


@dataclass(frozen=True)
class Reading:
    """One question to the server; its own clock in milliseconds, this page's in milliseconds."""

    asked_ms: float
    answered_ms: float
    server_ms: float

    @property
    def offset_ms(self) -> float:
        """Server's clock minus this page's, most probably."""
        return self.server_ms - (self.asked_ms + self.answered_ms) / 2

    def error_ms(self, at_ms: float) -> float:
        """By how much the offset may be wrong at a moment of this page's clock."""
        return (self.answered_ms - self.asked_ms) / 2 + DRIFT * abs(at_ms - self.answered_ms)


@dataclass(frozen=True)
class Instant:
    """A moment on the room's clock, milliseconds since 1970, and by how much that may be wrong either way."""

    at_ms: float
    error_ms: float


class RoomClock:
    """Turns moments of this page's clock into moments of the room's."""

    def __init__(self) -> None:
        self._readings: list[Reading] = []

    def add(self, reading: Reading) -> None:
        """Take a reading in; one that goes backwards in time is left out."""
        if reading.answered_ms >= reading.asked_ms:
            self._readings.append(reading)
            if len(self._readings) > KEPT:
                worst = max(self._readings[:-1], key=lambda one: one.error_ms(reading.answered_ms))
                self._readings.remove(worst)

    def at(self, own_ms: float) -> Instant | None:
        """Return a moment of this page's clock on the room's; None while nothing is known."""
        if not self._readings:
            return None
        best = min(self._readings, key=lambda one: one.error_ms(own_ms))
        return Instant(own_ms + best.offset_ms, best.error_ms(own_ms))
