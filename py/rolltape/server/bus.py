"""What is told to a room, carried to the server's other processes, where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["Alone", "Bus", "Target", "Told"]


class Target(StrEnum):
    """Who in a room something is for; `Told.name` says which."""

    ALL = "all"
    """Everybody who is in, but the one of this uid."""
    ROLE = "role"
    ONE = "one"
    """The one of this uid."""
    END = "end"
    """The connection of this id, which ends; there is nothing to tell."""
    ADMIT = "admit"
    """The one of this uid, who waited and is in from now on; there is nothing to tell."""
    WAITING = "waiting"
    """All who wait, whose connections end."""
    CLAIM = "claim"
    """Directors of other keys than the one of this id, whose connections end."""


@dataclass(frozen=True)
class Told:
    """Something for a room, from any process."""

    room: str
    target: Target
    name: str
    text: str = ""
    """A frame, without line feeds."""


class Bus(Protocol):
    """Hands on what this process tells; what others tell is given to whoever made it."""

    async def start(self) -> None:
        """Begin to hear what others tell."""

    def tell(self, told: Told) -> None:
        """Tell the other processes, soon."""

    async def close(self) -> None:
        """Say what is still to be said, as far as that is possible, and end."""


class Alone:
    """There are no other processes."""

    async def start(self) -> None:
        """Nothing is heard."""

    def tell(self, told: Told) -> None:
        """Nobody else is there."""

    async def close(self) -> None:
        """Nothing waits."""
