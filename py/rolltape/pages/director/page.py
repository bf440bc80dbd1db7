"""The director's page: opens the room, hears its guests, and asks them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from rolltape.core.errors import Unsupported
from rolltape.core.notice import Level, Notice
from rolltape.pages.director.guests import Cards
from rolltape.pages.director.inbound import InboundDeck
from rolltape.pages.director.keys import RoomKeys
from rolltape.pages.director.links import Links
from rolltape.pages.director.news import NewsView
from rolltape.pages.director.session import SessionView
from rolltape.pages.director.talk import Talk
from rolltape.pages.document import Document
from rolltape.pages.identity import identity
from rolltape.pages.interfaces import Browser
from rolltape.pages.room_time import RoomTime
from rolltape.pages.takes.takes import Takes
from rolltape.recording.take import Take, TakeState
from rolltape.room.client import JoinRequest, RoomClient, RoomError, new_secret
from rolltape.room.director_model import Control
from rolltape.room.guest_news import Told
from rolltape.room.messages import (
    Answer,
    Arrived,
    Command,
    CommandKind,
    Door,
    GuestState,
    Message,
    Role,
    Sender,
    SendRates,
    Signal,
    TakeReport,
)
from rolltape.room.peers import Peers
from rolltape.settings.fragment import Secrets, read_fragment, write_fragment
from rolltape.settings.link import Link
from rolltape.settings.order import Order
from rolltape.settings.order_form import FORMATS, BadOrder, first_choice, read_order

TICK_S = 0.25
NO_CALLS = (
    "This browser makes no calls: you neither see nor hear your guests, and they do not hear you. "
    "They can be recorded all the same."
)
ARRIVING_EVERY = 8
"""Ticks between two looks at what arrives."""
RATES_PATIENCE_S = 3.0
READY_ANYWAY_S = 4.0


class DirectorPage:
    """A room as its director sees it (`RoomListener`, `guests.Actions`)."""

    def __init__(self, link: Link, document: Document, browser: Browser) -> None:
        self._settings = link.settings
        self._room = link.settings.director or ""
        self._secrets = read_fragment(link.fragment)
        self._document = document
        self._browser = browser
        self._client = RoomClient(browser.room_line(), self)
        self._control = Control()
        self._inbound: dict[str, InboundDeck] = {}
        self._cards = Cards(document, self._control, self._inbound, self, browser.now_ms)
        self._news = NewsView(document, browser)
        self._links = Links(document, browser, link.settings)
        self._session = SessionView(document, browser, self._room)
        self._cards.arrived = self._session.arrivals.card
        self._outgoing = browser.outgoing()
        make = browser.peer_maker(self._outgoing)
        if make is None:
            document.notify(Notice(Level.WARNING, NO_CALLS))
        self._peers = Peers(self._client, Role.DIRECTOR, make, self.show_stream, document.spawn)
        self._talk = Talk(document, browser, link.settings, self._outgoing, self._peers.refresh)
        self._takes = Takes(document, browser, self._live, self._kbps)
        self._answers: dict[str, asyncio.Future[str]] = {}
        self._time = RoomTime(self._client, browser.now_ms)
        self._key = ""
        self._keys = RoomKeys(browser, self._room)
        self._had_guests = False
        self._is_ready = False

    async def open(self) -> None:
        """Wire the page, show it, and open the room."""
        document = self._document
        document.on("start-all", "click", lambda: self._ask_all(CommandKind.START))
        document.on("stop-all", "click", lambda: self._ask_all(CommandKind.STOP))
        document.on("pause-all", "click", lambda: self._ask_all(self._cards.pause_kind()))
        document.on("invited-only", "change", self._on_door)
        bitrate, format = first_choice(self._settings)
        document.fill("all-bitrate", bitrate)
        document.options("all-format", list(FORMATS.items()), format)
        document.text("director-title", f"Room {self._room}")
        self._where("connecting …")
        self._cards.draw()
        document.on("own-key", "click", lambda: self._use_key(self._keys.kept))
        document.on("link-key", "click", lambda: self._use_key(self._secrets.key))
        document.spawn(self._be_ready_anyway())
        document.spawn(self._tick())
        await self._takes.open()
        document.spawn(self._time.keep())
        if self._keys.is_asked(self._secrets.key):
            self._where("which key is right?")
            document.show("director-controls", False)
            document.show("key-choice", True)
            self._be_ready()
        else:
            await self._use_key(self._secrets.key or self._keys.kept or new_secret())

    def _be_ready(self) -> None:
        """The page can be used: its links are there, or it says why not."""
        if not self._is_ready:
            self._is_ready = True
            self._document.ready("director")

    async def _be_ready_anyway(self) -> None:
        """What is kept here can be used without a server too."""
        await asyncio.sleep(READY_ANYWAY_S)
        self._be_ready()

    async def _use_key(self, key: str) -> None:
        """Open the room with this key; the address then has it."""
        self._key = key
        self._keys.choose(key)
        self._browser.set_fragment(write_fragment(Secrets(key=key)))
        self._document.show("key-choice", False)
        self._document.show("director-controls", True)
        self._where("connecting …")
        await self._join()

    async def _join(self) -> None:
        secret, _ = await identity(self._browser, "director")
        label = self._settings.label or "The director"
        request = JoinRequest(
            self._room, Role.DIRECTOR, "", secret, label, self._key, self._keys.invite_for(self._key)
        )
        try:
            await self._client.open(request)
        except Unsupported as error:
            self.room_closed(f"{error.sentence} A director needs a server with rooms.")

    # What the room tells (room_client.RoomListener).

    def room_connected(self, connected: bool) -> None:
        """Draw that the connection is there, or gone (`RoomListener`)."""
        self._where("connected" if connected else "connection lost, trying again")
        self._document.show("refused", False)
        if not connected:
            self._control.disconnected()
            self._cards.draw()
            return
        if self._client.upload is not None:
            self._session.arrivals.offered(self._client.upload)
            self._document.open("session-list", True)
        self._keys.accepted(self._key, self._client.invite)
        self._links.show(self._client.invite, self._key)
        self._be_ready()
        self._document.tick("invited-only", self._client.invited_only)
        self._tell(self._control.welcomed(self._client.members, self._browser.now_ms()))
        self._members_changed()
        self._peers.connect()

    def room_members(self) -> None:
        """Draw who is there now (`RoomListener`)."""
        self._tell(self._control.members(self._client.members, self._browser.now_ms()))
        self._members_changed()

    def room_message(self, sender: Sender, message: Message) -> None:
        """Take in what a guest's page or the server says, and draw that guest; any other message is left aside."""
        uid = sender.uid
        if isinstance(message, GuestState):
            told = self._control.heard(uid, message, self._browser.now_ms())
            if told:
                self._session.arrivals.hurry()
            self._tell(told)
        elif isinstance(message, Answer):
            self._tell(self._control.answered(uid, message))
            waiting = self._answers.get(message.id)
            if waiting is not None and not waiting.done():
                waiting.set_result("" if message.accepted else message.reason)
        elif isinstance(message, TakeReport):
            member = self._client.members.get(uid)
            is_new = self._session.add(uid, message, member is not None and not member.waiting)
            if is_new and message.take.state is TakeState.RECOVERED:
                self._tell(self._control.recovered(uid, message.take))
        elif isinstance(message, Arrived):
            self._session.arrivals.heard(uid, message)
        elif isinstance(message, Door):
            self._document.tick("invited-only", message.invited_only)
            return
        elif isinstance(message, Signal):
            self._document.spawn(self._peers.receive(sender, message))
            return
        self._cards.draw_one(uid)

    def room_refused(self, reason: str) -> None:
        """Say that somebody else has the room at the moment; it goes on asking (`RoomListener`)."""
        self._where("not directed from here at the moment, trying again")
        self._document.text("refused-reason", reason)
        self._document.text("refused-help", "This page has directed the room before, so it goes on trying.")
        self._document.show("refused", True)
        self._be_ready()

    def room_closed(self, reason: str) -> None:
        """Say why the server does not let this page direct the room, and what to do (`RoomListener`)."""
        self._be_ready()
        self._where("not directed from here")
        self._control.disconnected()
        self._peers.close()
        self._document.show("director-controls", False)
        self._document.text("refused-reason", reason)
        kept = self._keys.kept
        if kept and kept != self._key:
            self._browser.set_fragment(write_fragment(Secrets(key=kept)))
            self._document.text(
                "refused-help",
                "This machine keeps another key for this room, and it is in the address now: reload to try it.",
            )
        self._document.show("refused", True)
        self._document.notify(Notice(Level.ERROR, reason))

    def show_stream(self, uid: str, stream: object | None) -> None:
        """Show what arrives from a guest; None: nothing does."""
        self._cards.show_stream(uid, stream)
        if uid in self._inbound:
            self._inbound[uid].use(stream)

    def _members_changed(self) -> None:
        self._peers.members_changed()
        self._cards.draw()
        if self._control.rows and not self._had_guests:
            self._had_guests = True
            self._document.open("invite", False)

    async def _on_door(self) -> None:
        """Only invited guests come in from now on, or others wait to be let in; the server has the last word."""
        try:
            await self._client.send(Door(self._document.ticked("invited-only")))
        except RoomError as error:
            self._document.tick("invited-only", self._client.invited_only)
            self._document.notify(Notice(Level.WARNING, error.sentence))

    # Asking.

    def _order(self, uid: str) -> Order | None:
        """What is ordered of this guest; None where the fields say nothing that can be ordered, which is told."""
        document = self._document
        bitrate, format = document.value("all-bitrate"), document.value("all-format")
        try:
            return self._cards.order(uid, bitrate, format, self._settings)
        except BadOrder as error:
            document.notify(Notice(Level.WARNING, error.sentence))
            return None

    def _kbps(self) -> float:
        """The rate that would be recorded at here."""
        document = self._document
        try:
            return read_order(
                document.value("all-bitrate"), document.value("all-format"), self._settings
            ).kbps
        except BadOrder:
            return Order(self._settings.record).kbps

    def _command(self, uid: str, kind: CommandKind) -> Command:
        return Command(uid, new_secret(9), kind, self._settings.label or "The director")

    async def ask(self, uid: str, kind: CommandKind, label: str = "") -> None:
        """Ask a guest for something; what comes of it is shown when they say so."""
        row = self._control.rows.get(uid)
        if row is None or not row.may(kind):
            return
        order = self._order(uid) if kind is CommandKind.START else None
        if kind is CommandKind.START and order is None:
            return
        command = replace(self._command(uid, kind), label=label, order=order)
        self._control.ask(command, self._browser.now_ms())
        self._cards.draw()
        try:
            await self._client.send(command)
        except RoomError as error:
            self._tell(self._control.failed(command, error.sentence))
        self._cards.draw()

    async def _ask_all(self, kind: CommandKind) -> None:
        """Ask all whose state allows it."""
        asked = [uid for uid, row in self._control.rows.items() if row.may(kind)]
        await asyncio.gather(*(self.ask(uid, kind) for uid in asked))

    async def take_off(self, uid: str) -> None:
        """Stop recording what arrives from a guest and remove them from the room; who is gone, from this page."""
        deck = self._inbound.get(uid)
        if deck is not None:
            await deck.stop()
        if self._control.rows[uid].member.present:
            await self.ask(uid, CommandKind.REMOVE)
        else:
            self._control.forget(uid)
            self._cards.draw()

    # Recording what arrives.

    async def record_inbound(self, uid: str) -> None:
        """Record on this page what arrives from a guest, or stop that.

        Raises KeyError for a uid that has no card.
        """
        name, deck = self._control.rows[uid].name, self._inbound.get(uid)
        if deck is not None and deck.state is not TakeState.IDLE:
            await deck.stop()
            return
        if deck is None:
            deck = self._inbound[uid] = InboundDeck(
                uid,
                name,
                self._room,
                self._document,
                self._browser,
                self._takes,
                lambda rates: self._ask_rates(uid, rates),
                self._inbound_changed,
            )
            deck.use(self._cards.stream(uid))
        deck.rename(name)
        order = self._order(uid)
        if order is not None:
            await deck.toggle(order)

    def _inbound_changed(self) -> None:
        self._document.guard(self._live() is not None)
        self._cards.draw()

    async def _ask_rates(self, uid: str, rates: SendRates | None) -> str:
        command = replace(self._command(uid, CommandKind.SEND_RATES), rates=rates)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answers[command.id] = answer
        try:
            await self._client.send(command)
            async with asyncio.timeout(RATES_PATIENCE_S):
                return await answer
        except RoomError as error:
            return error.sentence
        except TimeoutError:
            return "The guest's page has not answered."
        finally:
            del self._answers[command.id]

    def _live(self) -> Take | None:
        return next((deck.take for deck in self._inbound.values() if deck.take is not None), None)

    # Showing.

    def _tell(self, told: list[Told]) -> None:
        self._news.tell(told)

    async def _tick(self) -> None:
        """Draw what changes by itself; whatever cannot be drawn, recordings go on."""
        ticks = 0
        while True:
            ticks += 1
            try:
                await self._look(ticks)
            except Exception as error:
                self._document.report(error)
            await asyncio.sleep(TICK_S)

    async def _look(self, ticks: int) -> None:
        for deck in self._inbound.values():
            deck.check()
        self._tell(self._control.check(self._browser.now_ms()))
        if ticks % ARRIVING_EVERY == 0:
            for uid, deck in list(self._inbound.items()):
                if deck.state is not TakeState.IDLE:
                    self._cards.show_arriving(uid, await self._peers.arriving(uid))
        self._cards.draw()

    def _where(self, how: str) -> None:
        self._document.text("where", f"Room {self._room}: {how}")
