"""The guests on the director's page: a card each, its buttons, picture and sound."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from rolltape.pages.cached_view import CachedView
from rolltape.pages.director import guest_card
from rolltape.pages.director.inbound import InboundDeck
from rolltape.pages.document import Document
from rolltape.recording.take import TakeState
from rolltape.room.director_model import Control
from rolltape.room.guest_row import GuestRow
from rolltape.room.messages import CommandKind, GuestState
from rolltape.room.peers import Arriving
from rolltape.settings.link import Settings
from rolltape.settings.order import Order
from rolltape.settings.order_form import FORMATS, read_order

MANY = 8
"""With more guests than this, cards are small, so that all are on one screen."""


class Actions(Protocol):
    """What the buttons of the cards do; the director's page does it. What is raised becomes a notice."""

    async def ask(self, uid: str, kind: CommandKind, label: str = "") -> None:
        """Ask a guest for something, `label` being the new name of a RENAME. They may refuse, or not answer."""

    async def record_inbound(self, uid: str) -> None:
        """Record on this page what arrives from a guest, or stop that."""

    async def take_off(self, uid: str) -> None:
        """Remove a guest from the room, or from this page where they are gone."""


class Cards:
    """Draws a card for each guest, and what is true of all together; the director's page makes one.

    Guests are those of `control`, by their uid. A card of a uid that is not there is not drawn, and no error.
    """

    def __init__(
        self,
        document: Document,
        control: Control,
        inbound: Mapping[str, InboundDeck],
        actions: Actions,
        now_ms: Callable[[], float],
    ) -> None:
        self._document = document
        self._control = control
        self._inbound = inbound
        self._actions = actions
        self._now_ms = now_ms
        self._rows: dict[str, CachedView] = {}
        self._streams: dict[str, object | None] = {}
        self._arriving: dict[str, Arriving] = {}
        self.arrived: Callable[[str, GuestState], str] = lambda uid, told: ""
        """How far the guest's take is on its way to the host, in words."""
        self._muted: set[str] = set()
        self._listening = False
        document.on("listen", "click", self._on_listen)

    def stream(self, uid: str) -> object | None:
        """Return the MediaStream that arrives from a guest; None if none does."""
        return self._streams.get(uid)

    def show_stream(self, uid: str, stream: object | None) -> None:
        """Show what arrives from a guest from now on, a MediaStream; None: nothing."""
        self._streams[uid] = stream
        self.draw_one(uid)

    def show_arriving(self, uid: str, arriving: Arriving) -> None:
        """Take in figures of what arrives from a guest; they are drawn with the next `draw` or `draw_one`."""
        self._arriving[uid] = arriving

    def order(self, uid: str, bitrate: str, format: str, base: Settings) -> Order:
        """Return what is ordered of this guest: their own fields go before those for all. Raises BadOrder."""
        row = self._rows.get(uid)
        own_bitrate = row.value("own-bitrate").strip() if row else ""
        own_format = row.value("own-format") if row else "all"
        return read_order(own_bitrate or bitrate, own_format if own_format in FORMATS else format, base)

    def draw(self) -> None:
        """Draw everybody, and what is true of all together."""
        guests = self._control.rows
        views = self._document.rows("guests", "guest-template", list(guests))
        for uid in [uid for uid in self._rows if uid not in guests]:
            del self._rows[uid]
            self._muted.discard(uid)
        for uid in guests:
            if uid not in self._rows:
                self._rows[uid] = CachedView(views[uid])
                self._wire(self._rows[uid], uid)
            self._draw_card(uid)
        self._document.attribute("guests", "data-many", str(len(guests) > MANY).lower())
        self._draw_totals()

    def draw_one(self, uid: str) -> None:
        """Draw one guest, and what is true of all together."""
        self._draw_card(uid)
        self._draw_totals()

    def _draw_totals(self) -> None:
        guests, document = self._control.rows, self._document
        document.show("no-guests", not guests)
        inside = sum(not one.is_waiting for one in guests.values())
        document.enable("start-all", self._any_may(CommandKind.START))
        document.enable("stop-all", self._any_may(CommandKind.STOP))
        document.enable("pause-all", self._any_may(CommandKind.PAUSE) or self._any_may(CommandKind.RESUME))
        document.text("pause-all", "Pause all" if self._is_any_recording() else "Go on, all")
        recording = sum(one.is_busy for one in guests.values())
        document.show("tally", recording > 0)
        document.text("tally-text", f"Recording: {recording} of {inside} guests")

    def _draw_card(self, uid: str) -> None:
        guest, row = self._control.rows.get(uid), self._rows.get(uid)
        if guest is None or row is None:
            return
        guest_card.fill(row, guest, self._now_ms())
        row.text("arrived", self.arrived(uid, guest.state or GuestState()))
        stream, deck = self._streams.get(uid), self._inbound.get(uid)
        row.picture("picture", stream)
        self._draw_sound(row, uid, guest)
        state = deck.state if deck else TakeState.IDLE
        guest_card.fill_inbound(row, guest.name, state, self._arriving.get(uid), stream is not None)

    def _draw_sound(self, row: CachedView, uid: str, guest: GuestRow) -> None:
        heard = self._listening and uid not in self._muted
        volume = row.value("volume")
        row.sound("picture", (float(volume) / 100 if volume else 1.0) if heard else 0.0)
        row.text("mute", "Hear" if uid in self._muted else "Mute")
        row.attribute("mute", "aria-pressed", str(uid in self._muted).lower())
        row.attribute("mute", "aria-label", f"Mute {guest.name} here")
        row.attribute("volume", "aria-label", f"How loud {guest.name} is here")

    def pause_kind(self) -> CommandKind:
        """Return what the pause button for all asks for: pausing while anybody records, else going on."""
        return CommandKind.PAUSE if self._is_any_recording() else CommandKind.RESUME

    def _is_any_recording(self) -> bool:
        guests = self._control.rows.values()
        paused = any(one.shown_state == TakeState.PAUSED for one in guests)
        return not paused or any(one.shown_state == TakeState.RECORDING for one in guests)

    def _any_may(self, kind: CommandKind) -> bool:
        return any(one.may(kind) for one in self._control.rows.values())

    def _on_listen(self) -> None:
        self._listening = not self._listening
        self._document.attribute("listen", "aria-pressed", str(self._listening).lower())
        self._document.text("listen", "Stop listening" if self._listening else "Listen")
        self.draw()

    def _wire(self, row: CachedView, uid: str) -> None:
        actions = self._actions
        row.on("start", "click", lambda: actions.ask(uid, CommandKind.START))
        row.on("stop", "click", lambda: actions.ask(uid, CommandKind.STOP))
        row.on("pause", "click", lambda: self._pause(uid))
        row.on("record-inbound", "click", lambda: actions.record_inbound(uid))
        row.on("rename", "click", lambda: self._rename(row, uid))
        row.on("new-name", "enter", lambda: self._rename(row, uid))
        row.on("let-in", "click", lambda: actions.ask(uid, CommandKind.LET_IN))
        row.on("turn-away", "click", lambda: actions.take_off(uid))
        row.on("remove", "click", lambda: self._remove(row, uid))
        row.on("remove", "blur", lambda: self._not_sure(row, uid))
        row.on("mute", "click", lambda: self._mute(uid))
        row.on("volume", "input", lambda: self.draw_one(uid))

    def _pause(self, uid: str) -> Awaitable[None]:
        paused = self._control.rows[uid].take_state is TakeState.PAUSED
        return self._actions.ask(uid, CommandKind.RESUME if paused else CommandKind.PAUSE)

    def _mute(self, uid: str) -> None:
        self._muted ^= {uid}
        self.draw_one(uid)

    async def _rename(self, row: CachedView, uid: str) -> None:
        label = row.value("new-name").strip()
        if label:
            row.fill("new-name", "")
            await self._actions.ask(uid, CommandKind.RENAME, label[:80])

    async def _remove(self, row: CachedView, uid: str) -> None:
        """Asked twice, since it cannot be taken back; one who is gone is only taken off the page."""
        if self._control.rows[uid].member.present and row.value("remove") != "sure":
            row.attribute("remove", "value", "sure")
            self.draw_one(uid)
            return
        await self._actions.take_off(uid)

    def _not_sure(self, row: CachedView, uid: str) -> None:
        row.attribute("remove", "value", "")
        self.draw_one(uid)
