"""The director's page: every guest as they really are, and the buttons that ask them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from rolltape.bitrate import DEFAULT_VIDEO_KBPS, RecordMode, parse_bitrate, record_value, wish_for
from rolltape.codec import CodecWish, VideoCodec
from rolltape.control import Control
from rolltape.fragment import Secrets, read_fragment, write_fragment
from rolltape.link import Link, Page, link_for
from rolltape.notice import Level, Notice
from rolltape.order import Order, order_for
from rolltape.pages import guest_card
from rolltape.pages.inbound import InboundDeck
from rolltape.pages.room_time import RoomTime
from rolltape.pages.takes import Takes
from rolltape.pages.view import Browser, Document, View
from rolltape.peers import Arriving, Peers
from rolltape.room import (
    Answer,
    Command,
    CommandKind,
    GuestState,
    Message,
    Role,
    Sender,
    SendRates,
    Signal,
    TakeReport,
)
from rolltape.room_client import JoinRequest, RoomClient, RoomError, new_secret
from rolltape.session import session_json, session_otio
from rolltape.take import Take, TakeState

TICK_S = 0.25
ARRIVING_EVERY = 8
"""Ticks between two looks at what arrives."""


class DirectorPage:
    """A room as its director sees it."""

    def __init__(self, link: Link, document: Document, browser: Browser) -> None:
        self._settings = link.settings
        self._room = link.settings.director or ""
        self._secrets = read_fragment(link.fragment)
        self._document = document
        self._browser = browser
        self._client = RoomClient(browser.room_line(), self)
        self._control = Control()
        self._outgoing = browser.outgoing()
        self._peers = Peers(
            self._client, Role.DIRECTOR, browser.peer_maker(self._outgoing), self, document.spawn
        )
        self._takes = Takes(document, browser, self._live, lambda: self._order().kbps)
        self._reports: dict[str, Take] = {}
        self._inbound: dict[str, InboundDeck] = {}
        self._answers: dict[str, asyncio.Future[str]] = {}
        self._streams: dict[str, object | None] = {}
        self._arriving: dict[str, Arriving] = {}
        self._wired: set[str] = set()
        self._time = RoomTime(self._client, browser.now_ms)

    async def open(self) -> None:
        """Wire the page, open the room, show it."""
        document = self._document
        document.on("start-all", "click", lambda: self._ask_all(CommandKind.START))
        document.on("stop-all", "click", lambda: self._ask_all(CommandKind.STOP))
        document.on("copy-guest-link", "click", self._copy)
        document.on("session-json", "click", self._save_json)
        document.on("session-otio", "click", self._save_otio)
        document.on("alarm-sound", "change", self._on_alarm_sound)
        document.fill("all-bitrate", record_value(self._default().wish) or str(DEFAULT_VIDEO_KBPS))
        document.text("director-title", f"Room {self._room}")
        document.text("where", f"Room {self._room}: connecting …")
        key = self._key()
        document.ready("director")
        document.spawn(self._tick())
        await self._takes.open()
        self._document.spawn(self._time.keep())
        await self._client.open(
            JoinRequest(
                self._room,
                Role.DIRECTOR,
                self._remembered("director-uid", new_secret(9)),
                self._remembered("director-secret", new_secret()),
                self._settings.label or "The director",
                key=key,
            )
        )

    def _key(self) -> str:
        """The room's key: from the address, else kept on this machine, else a new one, put into the address."""
        name = f"key-{self._room}"
        key = self._secrets.key or self._browser.kept(name) or new_secret()
        self._browser.keep(name, key)
        self._browser.set_fragment(write_fragment(Secrets(key=key)))
        return key

    def _remembered(self, name: str, otherwise: str) -> str:
        found = self._browser.remembered(name) or otherwise
        self._browser.remember(name, found)
        return found

    # What the room tells (room_client.RoomListener).

    def room_connected(self, connected: bool) -> None:
        """The connection is there, or gone."""
        self._document.text(
            "where", f"Room {self._room}: {'connected' if connected else 'connection lost, trying again'}"
        )
        if not connected:
            return
        guest = replace(self._settings, page=Page.GUEST, director=None, room=self._room, label=None)
        if guest.record.mode is RecordMode.ABSENT:
            guest = replace(guest, record=wish_for(DEFAULT_VIDEO_KBPS))
        address = self._browser.page_address() + link_for(guest)
        self._document.fill("guest-link", address + write_fragment(Secrets(invite=self._client.invite)))
        self.room_members()
        self._peers.connect()

    def room_members(self) -> None:
        """Somebody came, went, or changed."""
        self._tell(self._control.members(self._client.members))
        self._peers.members_changed()
        self._draw()

    def room_message(self, sender: Sender, message: Message) -> None:
        """A guest's word."""
        now_ms = self._browser.now_ms()
        if isinstance(message, GuestState):
            self._tell(self._control.state(sender.uid, message, now_ms))
        elif isinstance(message, Answer):
            self._tell(self._control.answer(sender.uid, message))
            waiting = self._answers.pop(message.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result("" if message.accepted else message.reason)
        elif isinstance(message, TakeReport):
            self._reports[message.take.id] = message.take
        elif isinstance(message, Signal):
            self._document.spawn(self._peers.receive(sender, message))
        self._draw()

    def room_closed(self, reason: str) -> None:
        """The server does not let this page direct the room."""
        self._document.text("where", f"Room {self._room}: not directed from here")
        self._document.show("director-controls", False)
        self._document.notify(Notice(Level.ERROR, reason))

    def show_stream(self, uid: str, stream: object | None) -> None:
        """What arrives from a guest (peers.PeersView)."""
        self._streams[uid] = stream
        if uid in self._inbound:
            self._inbound[uid].use(stream)
        self._draw()

    # Asking.

    def _default(self) -> Order:
        wish = self._settings.record
        return order_for(self._settings, wish if wish.is_ready else wish_for(DEFAULT_VIDEO_KBPS))

    def _order(self) -> Order:
        """What the fields for all say; what cannot be read there is told, and the usual is taken."""
        wish = parse_bitrate(self._document.value("all-bitrate"))
        if isinstance(wish, Notice):
            self._document.notify(wish)
            return self._default()
        chosen = self._document.value("all-format")
        codec = next((one for one in VideoCodec if one == chosen), self._settings.video_codec)
        pcm = chosen == "pcm" or self._settings.pcm
        wanted = CodecWish(codec, chosen == "mp4" or self._settings.mp4, pcm)
        if wish.is_audio_only:
            wanted = CodecWish(pcm=wish.mode is RecordMode.AUDIO_PCM)
        return Order(wish, wanted, self._settings.audio_bitrate_kbps)

    def _command(self, uid: str, kind: CommandKind, order: Order | None = None, label: str = "") -> Command:
        by = self._settings.label or "The director"
        return Command(uid, new_secret(9), kind, by, order, label)

    async def _ask(self, uid: str, kind: CommandKind, label: str = "") -> None:
        row = self._control.rows.get(uid)
        if row is None or not row.may(kind):
            return
        command = self._command(uid, kind, self._order() if kind is CommandKind.START else None, label)
        self._control.ask(command, self._browser.now_ms())
        self._draw()
        try:
            await self._client.send(command)
        except RoomError as error:
            self._tell(self._control.failed(command, error.sentence))
            self._draw()

    async def _ask_all(self, kind: CommandKind) -> None:
        await asyncio.gather(*(self._ask(uid, kind) for uid in list(self._control.rows)))

    async def _pause(self, uid: str) -> None:
        row = self._control.rows[uid]
        paused = row.state is not None and row.state.state is TakeState.PAUSED
        await self._ask(uid, CommandKind.RESUME if paused else CommandKind.PAUSE)

    async def _rename(self, uid: str, row: View) -> None:
        label = row.value("new-name").strip()
        if label:
            await self._ask(uid, CommandKind.RENAME, label[:80])

    async def _remove(self, uid: str, row: View) -> None:
        """Asked twice, since it cannot be taken back; one who is offline is only taken off the page."""
        if row.value("remove") != "sure":
            row.attribute("remove", "value", "sure")
            row.text("remove", "Really remove?")
            return
        if self._control.rows[uid].member.present:
            await self._ask(uid, CommandKind.REMOVE)
        self._control.forget(uid)
        self._draw()

    # Recording what arrives.

    async def _record_inbound(self, uid: str) -> None:
        deck = self._inbound.get(uid)
        if deck is None:
            deck = self._inbound[uid] = InboundDeck(
                self._control.rows[uid].name,
                self._room,
                self._document,
                self._browser,
                self._takes,
                lambda rates: self._ask_rates(uid, rates),
                self._draw,
            )
            deck.use(self._streams.get(uid))
        deck.rename(self._control.rows[uid].name)
        await deck.toggle(self._order())

    async def _ask_rates(self, uid: str, rates: SendRates | None) -> str:
        command = replace(self._command(uid, CommandKind.SEND_RATES), rates=rates)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answers[command.id] = answer
        try:
            await self._client.send(command)
            async with asyncio.timeout(3):
                return await answer
        except RoomError as error:
            return error.sentence
        except TimeoutError:
            return "The guest's page has not answered."
        finally:
            self._answers.pop(command.id, None)

    def _live(self) -> Take | None:
        return next((deck.take for deck in self._inbound.values() if deck.take is not None), None)

    # Session files, link, alarms.

    async def _copy(self) -> None:
        await self._browser.copy(self._document.value("guest-link"))
        self._document.text("copied", "Copied.")

    def _save_json(self) -> None:
        self._save(session_json, ".json", "application/json")

    def _save_otio(self) -> None:
        self._save(session_otio, ".otio", "application/json")

    def _save(self, write: Callable[[str, list[Take]], str], ending: str, content_type: str) -> None:
        takes = list(self._reports.values())
        if not takes:
            self._document.notify(
                Notice(Level.INFO, "No guest has finished a recording yet, so there is nothing to line up.")
            )
            return
        self._browser.save_text(f"{self._room}_session{ending}", write(self._room, takes), content_type)

    def _on_alarm_sound(self) -> None:
        self._browser.keep("alarm-sound", self._document.value("alarm-sound"))

    def _tell(self, notices: list[Notice]) -> None:
        for notice in notices:
            self._document.notify(notice)
        if notices and self._document.value("alarm-sound") == "on":
            worst = any(notice.level is not Level.INFO for notice in notices)
            self._browser.beep(880.0 if worst else 440.0)

    # Drawing.

    async def _tick(self) -> None:
        ticks = 0
        while True:
            for deck in self._inbound.values():
                deck.check()
            self._tell(self._control.check(self._browser.now_ms()))
            ticks += 1
            if ticks % ARRIVING_EVERY == 0:
                for uid, deck in self._inbound.items():
                    if deck.state is not TakeState.IDLE:
                        self._arriving[uid] = await self._peers.arriving(uid)
            self._draw()
            await asyncio.sleep(TICK_S)

    def _draw(self) -> None:
        guests = self._control.rows
        rows = self._document.rows("guests", "guest-template", list(guests))
        self._wired &= set(guests)
        self._document.show("no-guests", not guests)
        recording = sum(one.is_busy for one in guests.values())
        self._document.show("tally", recording > 0)
        self._document.text("tally-text", f"Recording: {recording} of {len(guests)} guests")
        for uid, guest in guests.items():
            row = rows[uid]
            if uid not in self._wired:
                self._wire(row, uid)
                self._wired.add(uid)
            guest_card.fill(row, guest, self._browser.now_ms())
            row.picture("picture", self._streams.get(uid))
            deck = self._inbound.get(uid)
            state = deck.state if deck else TakeState.IDLE
            guest_card.fill_inbound(row, state, self._arriving.get(uid))
            row.enable("record-inbound", state is not TakeState.IDLE or self._streams.get(uid) is not None)

    def _wire(self, row: View, uid: str) -> None:
        row.on("start", "click", lambda: self._ask(uid, CommandKind.START))
        row.on("stop", "click", lambda: self._ask(uid, CommandKind.STOP))
        row.on("pause", "click", lambda: self._pause(uid))
        row.on("record-inbound", "click", lambda: self._record_inbound(uid))
        row.on("rename", "click", lambda: self._rename(uid, row))
        row.on("remove", "click", lambda: self._remove(uid, row))
