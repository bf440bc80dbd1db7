"""A guest in a room: announces what is true, sees and hears the others, hands on what a director asks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from rolltape.arrivals.upload_pace import DelaySource
from rolltape.arrivals.wire import UploadOffer
from rolltape.core.clock import Instant, Reading
from rolltape.core.errors import SinkError, Unsupported
from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document
from rolltape.pages.guest.commands import Commands
from rolltape.pages.guest.people import People
from rolltape.pages.identity import identity
from rolltape.pages.interfaces import Browser, Capture
from rolltape.pages.room_time import RoomTime
from rolltape.recording.clock_log import ClockLog
from rolltape.recording.deck import Deck
from rolltape.recording.take import Take
from rolltape.room.client import JoinRequest, RoomClient, RoomError, new_secret
from rolltape.room.messages import (
    Command,
    CommandKind,
    Going,
    GuestState,
    Message,
    Role,
    Sender,
    Signal,
    nameless,
    room_key,
)
from rolltape.room.peers import Peers
from rolltape.room.report_pieces import reports_of
from rolltape.settings.fragment import Secrets
from rolltape.settings.link import Settings

TICK_MS = 1000.0
IDLE_TICK_MS = 5000.0
CALLS_EVERY_S = 1.0
"""So often a call is asked for its round trips while something is sent beside it."""
REMEMBERED_TAKES = 50
NO_CALLS = (
    "This browser makes no calls: the room neither sees nor hears you, and you see and hear nobody. You can be "
    "recorded all the same."
)


class GuestRoom:
    """The guest's side of a room; `state` tells what is true of the guest right now."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        document: Document,
        browser: Browser,
        deck: Deck,
        state: Callable[[], GuestState],
        rename: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._document = document
        self._browser = browser
        self._deck = deck
        self._state = state
        self._client = RoomClient(browser.room_line(), self)
        self._outgoing = browser.outgoing()
        self._people = People(document, self._outgoing)
        make = browser.peer_maker(self._outgoing)
        if make is None:
            document.notify(Notice(Level.WARNING, NO_CALLS))
        self._peers = Peers(self._client, Role.GUEST, make, self._people.show_stream, document.spawn)
        self._commands = Commands(settings, document, browser, deck, state, rename, self._client, self._peers)
        self._time = RoomTime(self._client, browser.now_ms)
        self._takes: deque[Take] = deque(maxlen=REMEMBERED_TAKES)
        self._directors: frozenset[str] = frozenset()
        self._announced_ms = 0.0
        self._announcing = False
        self._changed = False
        self._let_go: Callable[[], None] = lambda: None
        self._page = new_secret(6)
        self.offered: Callable[[UploadOffer], None] = lambda offer: None
        """Told of the host's offer to keep takes, with each new token."""
        browser.on_leaving(lambda: self._say_last(Going.UNLOADED))

    @property
    def is_muted(self) -> bool:
        """True if the room does not hear this guest."""
        return self._people.is_muted

    @property
    def clock_error_ms(self) -> int | None:
        """How well the room's clock is known here."""
        return self._time.error_ms

    @property
    def is_talking(self) -> bool:
        """True if somebody else is there: pictures and sound go over this machine's line."""
        return self._client.connected and bool(self._client.present)

    def measure(self, busy: Callable[[], bool], heard: Callable[[DelaySource, float, str], None]) -> None:
        """While `busy`, have the line's delay measured and told: by what, in ms, and whose."""
        self._document.spawn(
            self._time.measure(busy, lambda delay_ms: heard(DelaySource.CLOCK, delay_ms, ""))
        )
        self._document.spawn(self._measure_calls(busy, heard))

    async def _measure_calls(
        self, busy: Callable[[], bool], heard: Callable[[DelaySource, float, str], None]
    ) -> None:
        while True:
            if busy():
                for uid, took_ms in (await self._peers.round_trips_ms()).items():
                    heard(DelaySource.CALL, took_ms, uid)
            await asyncio.sleep(CALLS_EVERY_S)

    def nameless(self) -> str:
        """What this guest is called here while they have given no name; empty: not known yet."""
        return nameless(self._client.uid) if self._client.uid else ""

    def at(self, own_ms: float) -> Instant | None:
        """Return a moment of this page's clock on the room's; None where that is not known yet."""
        return self._time.at(own_ms)

    def readings(self) -> Sequence[Reading]:
        """Return all readings of the room's clock, in order."""
        return self._time.readings

    async def open(self) -> None:
        """Offer to join; a page that is loaded again joins by itself where a press has joined the room before."""
        self._document.on("join", "click", self._join)
        if self._browser.kept(self._joined_name) and self._browser.is_reload():
            await self._join()
            return
        self._document.show("join-place", True)
        self._where("you are not in it yet")

    @property
    def _joined_name(self) -> str:
        return f"joined-{room_key(self._settings.room or '')}"

    async def _join(self) -> None:
        """Join the room, and stay in it."""
        self._document.show("join-place", False)
        self._browser.keep(self._joined_name, "yes")
        secret, self._let_go = await identity(self._browser, "guest")
        self._where("connecting …")
        try:
            await self._client.open(
                JoinRequest(
                    self._settings.room or "",
                    Role.GUEST,
                    self._settings.stream_id or "",
                    secret,
                    self._settings.label or "",
                    invite=self._secrets.invite,
                ),
                self._browser.remembered(f"key-of-{self._settings.room}"),
            )
        except Unsupported as error:
            self.room_closed(error.sentence)
            return
        self._document.spawn(self._time.keep())

    def use(self, capture: Capture | None) -> None:
        """Send to the others what is captured now, nothing for None; the page calls it when its devices change."""
        if capture is None:
            self._outgoing.close()
        else:
            capture.send_through(self._outgoing)
        self._document.spawn(self._peers.refresh())

    def hang_up(self) -> None:
        """Leave the room because the person pressed so; directors are told first, if the line is there."""
        self._say_last(Going.HUNG_UP)
        self.close()

    def _say_last(self, going: Going) -> None:
        """The page's last word; what it recorded ends with it, whatever is said later."""
        self._client.say(replace(self._state(), page=self._page, going=going, can_record=False))

    def close(self) -> None:
        """Leave the room without a word, end all connections and stop what is sent to others."""
        self._peers.close()
        self._outgoing.close()
        self._client.close()
        self._let_go()
        self._document.show("join-place", False)
        self._people.show(())
        self._where("left")

    # Announcing.

    def tick(self) -> None:
        """Announce if the last time is TICK_MS ago, IDLE_TICK_MS while nothing records; the page's clock calls it."""
        patience = IDLE_TICK_MS if self._deck.is_free else TICK_MS
        if self._browser.now_ms() - self._announced_ms >= patience:
            self.announce()

    def announce(self) -> None:
        """Tell the directors what is true now; what changes while that is on its way is told after it."""
        self._changed = True
        if not self._announcing and self._client.connected:
            self._announcing = True
            self._document.spawn(self._announce())

    async def _announce(self) -> None:
        try:
            while self._changed and self._client.connected:
                self._changed = False
                self._announced_ms = self._browser.now_ms()
                await self._client.send(replace(self._state(), page=self._page))
        except RoomError as error:
            self._browser.log(f"The state was not announced. {error.sentence}")
        finally:
            self._announcing = False

    def report(self, take: Take) -> None:
        """Tell the directors of a finished take, for their session file."""
        self._takes.append(take)
        self._document.spawn(self._report(take))

    async def _report(self, take: Take) -> None:
        try:
            for piece in reports_of(take, await self._clock_of(take)):
                await self._client.send(piece)
        except RoomError as error:
            self._browser.log(f"The take was not reported; it will be to the next director. {error.sentence}")

    async def _clock_of(self, take: Take) -> ClockLog | None:
        """What is known of the take's clocks; a take is reported without them too."""
        shelf = self._deck.shelf
        try:
            return None if shelf is None else await shelf.clock(take)
        except SinkError as error:
            self._browser.log(f"The take's clocks cannot be read. {error.sentence}")
            return None

    async def _tell_all(self) -> None:
        self.announce()
        for take in [] if self._client.waiting else list(self._takes):
            await self._report(take)

    # What the room tells (room_client.RoomListener).

    def room_connected(self, connected: bool) -> None:
        """Say everything anew after each welcome; False: only that the connection is lost (`RoomListener`)."""
        if not connected:
            self._where("connection lost; your recording is not affected")
            return
        self._browser.remember(f"key-of-{self._settings.room}", self._client.key_id)
        if self._client.upload is not None:
            self.offered(self._client.upload)
        self._directors = frozenset()
        self.room_members()
        if not self._client.waiting:
            self._peers.connect()
        self._document.spawn(self._tell_all())

    def room_members(self) -> None:
        """Draw who is there; a director who has just come is told everything (`RoomListener`)."""
        self._people.show(list(self._client.members.values()))
        self._peers.members_changed()
        directors = frozenset(one.uid for one in self._client.directors)
        if directors - self._directors and self._client.connected:
            self._document.spawn(self._tell_all())
        self._directors = directors
        if self._client.waiting:
            self._where("waiting until a director lets you in; nobody sees or hears you yet")
        else:
            self._where("the director is here" if directors else "waiting for the director")

    def room_message(self, sender: Sender, message: Message) -> None:
        """Do what a director asks for, or take a step of a connection; others are left aside (`RoomListener`)."""
        if isinstance(message, Signal):
            self._document.spawn(self._peers.receive(sender, message))
        elif isinstance(message, Command):
            self._document.spawn(self._obey(sender, message))

    def room_refused(self, reason: str) -> None:
        """Show why the server does not let this page in at the moment; it is tried again (`RoomListener`)."""
        self._where(reason)

    def room_closed(self, reason: str) -> None:
        """Say that the server lets this page in no more, and why (`RoomListener`); recording goes on."""
        self._peers.close()
        self._people.show(())
        self._where("not in the room")
        self._warn(f"{reason} Recording works here all the same, and a running one goes on.")

    async def _obey(self, sender: Sender, command: Command) -> None:
        answer = await self._commands.carry_out(sender, command)
        if answer is None:
            return
        try:
            await self._client.send(answer)
        except RoomError as error:
            self._browser.log(f"A command was not answered. {error.sentence}")
        if command.kind is CommandKind.REMOVE and answer.accepted:
            self.close()
        self.announce()

    def _where(self, how: str) -> None:
        self._document.text("where", f"Room {self._settings.room}: {how}")

    def _warn(self, sentence: str) -> None:
        self._document.notify(Notice(Level.WARNING, sentence))
