"""The others in the room, on the guest's page: a picture and a name each, and what is sent to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rolltape.pages.document import Document, View
from rolltape.room.messages import Member, Role
from rolltape.room.peers import Outgoing

BUTTONS = {"audio": "mute-audio", "video": "mute-video"}


class People:
    """Draws the others; muting goes to what is sent, never to what is recorded."""

    def __init__(self, document: Document, outgoing: Outgoing) -> None:
        self._document = document
        self._outgoing = outgoing
        self._streams: dict[str, object | None] = {}
        self._members: Sequence[Member] = ()
        self._muted = {"audio": False, "video": False}
        for kind, button in BUTTONS.items():
            document.on(button, "click", partial(self._mute, kind))

    @property
    def is_muted(self) -> bool:
        """True if the room does not hear this guest."""
        return self._muted["audio"]

    def show(self, members: Sequence[Member]) -> None:
        """Draw these, directors first."""
        self._members = sorted(
            members, key=lambda one: (one.role is Role.GUEST, one.label.casefold(), one.uid)
        )
        rows = self._document.rows("people", "person-template", [one.uid for one in self._members])
        for one in self._members:
            self._fill(rows[one.uid], one)
        self._document.show("people-section", bool(self._members))

    def show_stream(self, uid: str, stream: object | None) -> None:
        """Show what arrives from a member; None: nothing does."""
        self._streams[uid] = stream
        self.show(self._members)

    def _fill(self, row: View, member: Member) -> None:
        role = "Director" if member.role is Role.DIRECTOR else "Guest"
        row.attribute("", "data-person", member.uid)
        row.text("person-name", member.label or role)
        row.text("person-role", role if member.present else f"{role} · connection lost")
        row.picture("person-picture", self._streams.get(member.uid))

    def _mute(self, kind: str) -> None:
        muted = self._muted[kind] = not self._muted[kind]
        self._outgoing.mute(kind, muted)
        self._document.attribute(BUTTONS[kind], "aria-pressed", str(muted).lower())
