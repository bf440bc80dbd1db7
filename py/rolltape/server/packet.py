"""What of Socket.IO (protocol 5) a page may say: its own events, as text; python-socketio would take more."""

from __future__ import annotations

import re
from typing import Any

from socketio.packet import EVENT, Packet

__all__ = ["TextPacket", "is_spoken_here"]

RESERVED = frozenset({"connect", "disconnect", "*"})
"""Events of the library's own: sent by a page they would call the server's handlers."""

_FRAME = re.compile(r"(?:1|3|40|41)\Z|40\{|42\d{0,9}\[")
"""Engine.IO's close and pong; connect, disconnect and events of the default namespace."""


def is_spoken_here(text: object) -> bool:
    """True if a frame is one that our pages send: nothing binary, no other namespaces, nothing to put together.

    >>> is_spoken_here('420["state","{}"]')
    True
    >>> is_spoken_here('451-["state",{"_placeholder":true,"num":0}]')
    False
    """
    return isinstance(text, str) and _FRAME.match(text) is not None


class TextPacket(Packet):  # type: ignore[misc]
    """A packet, read with more care than the library's."""

    uses_binary_events = False

    def decode(self, encoded_packet: str) -> Any:
        """Read a packet. Raises ValueError."""
        found = super().decode(encoded_packet)
        if self.packet_type == EVENT:
            if not isinstance(self.data, list) or not self.data or not isinstance(self.data[0], str):
                raise ValueError("an event without a name")
            if self.data[0] in RESERVED:
                self.data[0] = f"not:{self.data[0]}"
        return found
