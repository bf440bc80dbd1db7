"""Microphones whose clocks are not the machine's: pipes of a sound server, fed with what there is to hear."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RATE", "Heard", "Microphone", "fed", "pipe_source"]

RATE = 48_000

Heard = Callable[[int, int, float], bytes]
"""Samples of 16 bits: from this one on, so many, of a microphone that takes so many in a second."""


@dataclass
class Microphone:
    """One that is so many millionths too fast."""

    pipe: Path
    ppm: float
    given: int = 0
    """Samples so far."""
    heard: Heard | None = None
    """What it alone hears, lost while nobody listens; None: what all do, which waits for who listens late."""

    @property
    def rate(self) -> float:
        """Samples that it takes in a second."""
        return RATE * (1 + self.ppm / 1e6)


def pipe_source(pipe: Path, name: str = "mic") -> str:
    """The sound server's module that makes a microphone of a pipe."""
    return f"module-pipe-source source_name={name} file={pipe} format=s16le rate={RATE} channels=1"


@contextmanager
def fed(heard: Heard, microphones: Sequence[Microphone]) -> Iterator[None]:
    """Have all of them hear at once, each by its own clock: the same, or what is a microphone's own."""
    over = threading.Event()

    def write() -> None:
        with ExitStack() as opened:
            outs = [opened.enter_context(one.pipe.open("wb", buffering=0)) for one in microphones]
            began = time.monotonic()
            while not over.wait(0.005):
                for one, out in zip(microphones, outs, strict=True):
                    due = int((time.monotonic() - began) * one.rate) - one.given
                    os.set_blocking(out.fileno(), one.heard is None)
                    out.write((one.heard or heard)(one.given, due, one.rate))
                    one.given += due

    feeding = threading.Thread(target=write)
    feeding.start()
    try:
        yield
    finally:
        over.set()
        feeding.join(10)
