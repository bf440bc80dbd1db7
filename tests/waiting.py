"""Waiting for a state, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_State = TypeVar("_State")


def wait_for(condition: Callable[[], _State | None], what: str, seconds: float = 20.0) -> _State:
    """Wait until the condition gives something true, and return that."""
    until = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < until, f"Waited {seconds} s in vain until {what}."
        time.sleep(0.02)
