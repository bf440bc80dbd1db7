"""Which connections of this process are in which group: python-socketio's, without looking through all of them.

The library looks for a connection that ends in every group there is, and writes what nobody here will hear.
"""

from __future__ import annotations

from typing import Any

from socketio.async_manager import AsyncManager

__all__ = ["Groups"]


class Groups(AsyncManager):  # type: ignore[misc]
    """The groups of one process."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._of: dict[str, set[str | None]] = {}
        """The groups that each connection is in."""

    async def emit(self, event: str, data: Any, namespace: str, room: str | None = None, **more: Any) -> None:
        """Say something to those of a group who are here."""
        if (more.get("to") or room) in self.rooms.get(namespace, {}):
            await super().emit(event, data, namespace, room, **more)

    def basic_enter_room(
        self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None
    ) -> None:
        """A connection is in a group."""
        super().basic_enter_room(sid, namespace, room, eio_sid)
        self._of.setdefault(sid, set()).add(room)

    def basic_leave_room(self, sid: str, namespace: str, room: str | None) -> None:
        """A connection is in a group no more."""
        super().basic_leave_room(sid, namespace, room)
        groups = self._of.get(sid, set())
        groups.discard(room)
        if not groups:
            self._of.pop(sid, None)

    def basic_disconnect(self, sid: str, namespace: str, **more: Any) -> None:
        """A connection has ended."""
        for group in tuple(self._of.get(sid, ())):
            self.basic_leave_room(sid, namespace, group)
        self.callbacks.pop(sid, None)
        for pending in (self.pending_connect, self.pending_disconnect):
            if sid in pending.get(namespace, ()):
                pending[namespace].remove(sid)
