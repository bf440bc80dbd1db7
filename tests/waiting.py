"""Waiting for a state, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_State = TypeVar("_State")


def wait_for(
    condition: Callable[[], _State | None], what: str | Callable[[], str], seconds: float = 20.0
) -> _State:
    """Wait until the condition gives something true, and return that; `what` says what was waited for."""
    until = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= until:
            raise AssertionError(f"Waited {seconds} s in vain until {what() if callable(what) else what}.")
        time.sleep(0.02)
