"""The keys of a room on this machine: which one is kept, and what shows that the room was directed from here."""

from __future__ import annotations

from rolltape.pages.interfaces import Memory
from rolltape.room.messages import room_key

__all__ = ["RoomKeys"]


class RoomKeys:
    """What is kept of one room; a key is kept once the server has accepted it, and never replaced by another."""

    def __init__(self, browser: Memory, room: str) -> None:
        self._browser = browser
        self._key_name = f"key-{room_key(room)}"
        self._invite_name = f"invite-{room_key(room)}"

    @property
    def kept(self) -> str:
        """The key that directed the room from here; empty: none did."""
        return self._browser.kept(self._key_name)

    def is_asked(self, given: str) -> bool:
        """True if a link's key is to be asked about: whoever sent it may mean to direct the room too."""
        return (
            bool(given) and self.kept not in ("", given) and self._browser.remembered(self._key_name) != given
        )

    def choose(self, key: str) -> None:
        """Keep the key that was meant, for as long as the tab is open: a reload does not ask again."""
        self._browser.remember(self._key_name, key)

    def accepted(self, key: str, invite: str) -> None:
        """Keep a key that the server let direct the room, and `invite`, its signature that it did."""
        if not self.kept:
            self._browser.keep(self._key_name, key)
        if self.kept == key and invite:
            self._browser.keep(self._invite_name, invite)

    def invite_for(self, key: str) -> str:
        """What shows a server that was started anew that the room was this key's; empty: nothing does."""
        return self._browser.kept(self._invite_name) if key == self.kept else ""
