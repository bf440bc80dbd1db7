"""What is told to a room, carried to the server's other processes, where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["Alone", "Bus", "BusMessage", "Recipients"]


class Recipients(StrEnum):
    """Whom in a room something is for; `BusMessage.name` says which of them."""

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
class BusMessage:
    """Something that one process tells the members of a room, wherever they are connected."""

    room: str
    target: Recipients
    name: str
    text: str = ""
    """A frame, without line feeds."""


class Bus(Protocol):
    """Publishes to the other processes; what they publish is given to the callback of whoever made the bus.

    Delivery is at most once, in order from each process. What was lost on the way is told of by none; processes that
    may have missed something greet everybody anew.
    """

    async def start(self) -> None:
        """Begin to receive what others publish."""

    def tell(self, told: BusMessage) -> None:
        """Publish to the other processes, soon; never waits."""

    async def close(self) -> None:
        """Publish what still waits, as far as that is possible, and end."""


class Alone:
    """There are no other processes."""

    async def start(self) -> None:
        """Hear nothing: there is no other process (`Bus`)."""

    def tell(self, told: BusMessage) -> None:
        """Tell nobody: there is no other process (`Bus`)."""

    async def close(self) -> None:
        """Do nothing: nothing waits (`Bus`)."""
