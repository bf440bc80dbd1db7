"""The guest's page: sees themselves, presses one red button, and knows what is written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rolltape.core.errors import EngineError
from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document
from rolltape.pages.guest.devices import Devices
from rolltape.pages.guest.inputs import InputWatch
from rolltape.pages.guest.name import GuestName
from rolltape.pages.guest.own_takes import OwnTakes
from rolltape.pages.guest.preflight import ReadyView
from rolltape.pages.guest.recording_bar import RecordingBar
from rolltape.pages.guest.rehearsal import Rehearsal
from rolltape.pages.guest.saving import SavingCheck
from rolltape.pages.guest.summary import draw_after
from rolltape.pages.guest.uploading import GuestUploads
from rolltape.pages.interfaces import Browser, Capture
from rolltape.pages.meter import meter_percent
from rolltape.pages.prompt import BitratePrompt
from rolltape.pages.takes.takes import Takes
from rolltape.recording.container import prepare
from rolltape.recording.deck import Deck
from rolltape.recording.keep_up import KnownSlow
from rolltape.recording.part_recorder import Places
from rolltape.recording.preflight import REFUSED
from rolltape.recording.take import Take, TakeState
from rolltape.settings.bitrate import RecordMode, RecordWish
from rolltape.settings.capture_constraints import Kind
from rolltape.settings.codec import contents
from rolltape.settings.fragment import read_fragment
from rolltape.settings.link import Link
from rolltape.settings.order import Order, order_for

if TYPE_CHECKING:  # a guest without a room does not wait for these
    from rolltape.pages.guest.room import GuestRoom
    from rolltape.room.messages import GuestState

TICK_S = 0.2
BATTERY_EVERY_S = 30.0
SLOW_MEMORY = "slow-codecs"


@dataclass(frozen=True)
class _CutOff:
    """A recording that ended by itself while what it recorded was muted: it begins anew when that is back."""

    order: Order
    started_by: str


class GuestPage:
    """Everything on the guest's page, and the deck that records what camera and microphone give."""

    def __init__(self, link: Link, document: Document, browser: Browser) -> None:
        self._settings = link.settings
        self._document = document
        self._browser = browser
        self._devices = Devices(link.settings, document, browser, self._on_changed, self._on_captured)
        self._prompt = BitratePrompt(document, browser, self._start)
        self._name = GuestName(link.settings.label, link.settings.room, document, browser)
        known_slow = KnownSlow(
            lambda: browser.kept(SLOW_MEMORY), lambda said: browser.keep(SLOW_MEMORY, said)
        )
        self._deck = Deck(
            lambda: self._devices.capture,
            browser,
            self,
            lambda: self._name.title,
            link.settings.split_minutes,
            known_slow=known_slow,
        )
        self._room: GuestRoom | None = None
        self._secrets = read_fragment(link.fragment)
        self._takes = Takes(document, browser, lambda: self._deck.take, self._kbps, self._on_recovered)
        self._uploads = GuestUploads(link.settings, document, browser, self._deck, self._takes)
        self._uploads.moved = self._on_upload_moved
        self._ready = ReadyView(link.settings, document, browser)
        self._saving = SavingCheck(document, browser, self._takes.downloads_refused)
        self._rehearsal = Rehearsal(
            *(document, browser, lambda: self._devices.capture, self._order, known_slow, self._draw_plan)
        )
        self._opened = False
        self._plan_exists = False
        self._bar = RecordingBar(
            document, browser, self._deck, self._press, self._can_press, link.settings.has_record_button
        )
        self._own_takes = OwnTakes(browser)
        self._inputs = InputWatch()
        self._last_take: Take | None = None
        self._cut_off: _CutOff | None = None
        self._battery: tuple[int, bool] | None = None
        self._level = 0

    async def open(self) -> None:
        """Wire the page, show it, then open storage and devices side by side."""
        document = self._document
        document.on("hangup", "click", self._on_hangup)
        document.on("again", "click", self._browser.reload)
        self._bar.open()
        if self._settings.record.mode is RecordMode.REFUSED:
            document.notify(Notice(Level.INFO, REFUSED))
        document.ready("guest")
        document.spawn(self._tick())
        document.spawn(self._saving.watch())
        await asyncio.gather(self._open_takes(), self._devices.open(), self._open_room())
        document.show("hangup", self._devices.capture is not None)
        await self._draw_plan()
        document.enable("record", self._plan_exists)
        self._opened = True
        self._announce()
        if self._settings.autorecord is not None and self._plan_exists:
            await self._start(self._settings.autorecord)

    async def _open_takes(self) -> None:
        await self._takes.open()
        self._deck.places, self._deck.shelf = self._takes.places, self._takes.shelf
        self._uploads.open()
        await self._rehearsal.open(self._takes.places)
        if self._settings.room is not None:
            for take in await self._own_takes.over(self._takes.shelf):
                self._report(take)  # it may not have reached any director

    async def _open_room(self) -> None:
        if self._settings.room is None:
            return
        from rolltape.pages.guest.room import GuestRoom

        self._room = GuestRoom(
            self._settings,
            self._secrets,
            self._document,
            self._browser,
            self._deck,
            self._state,
            self._name.rename,
        )
        self._name.nameless = self._room.nameless
        self._name.open(self._announce)
        self._deck.room_time = self._room.at
        self._deck.room_readings = self._room.readings
        self._room.offered = self._uploads.offered
        self._room.measure(lambda: self._uploads.is_busy, self._uploads.note_delay)
        self._document.spawn(self._watch_battery())
        await self._room.open()

    async def _watch_battery(self) -> None:
        while True:
            self._battery = await self._browser.battery()
            await asyncio.sleep(BATTERY_EVERY_S)

    def _state(self) -> GuestState:
        """What is true right now, for the directors."""
        from rolltape.pages.guest.commands import cannot_record
        from rolltape.pages.guest.state import Circumstances, guest_state

        capture = self._devices.capture
        percent, charging = self._battery or (None, None)
        room = self._room
        now = Circumstances(
            label=self._name.label or "",
            refusal=cannot_record(self._settings, capture is not None, self._plan_exists),
            camera=capture.granted_video() if capture else None,
            level=self._level,
            minutes_left=self._takes.minutes_left,
            battery=percent,
            charging=charging,
            hidden=self._browser.is_hidden(),
            muted=room is not None and room.is_muted,
            clock_error_ms=room.clock_error_ms if room else None,
            warning=self._document.trouble(),
            warnings_told=self._document.troubles_told(),
            standing=self._document.standing(),
        )
        return guest_state(now, self._deck.take, self._deck.status, self._last_take)

    def _announce(self) -> None:
        if self._room is not None:
            self._room.announce()

    def _on_captured(self) -> None:
        """Camera or microphone are others than before: the room sees those; a recording that they ended goes on."""
        if self._room is not None:
            self._room.use(self._devices.capture)
        if self._cut_off is not None and self._deck.is_free and len(self._devices.muted) < 2:
            self._document.spawn(self._begin_anew(self._cut_off))

    async def _begin_anew(self, cut: _CutOff) -> None:
        self._cut_off = None
        try:
            await self._deck.start(cut.order, cut.started_by)
        except EngineError:
            self._cut_off = cut  # nothing can be recorded yet

    def _kbps(self) -> float:
        """The rate that was ordered, or would be: no moment of it decides about what is stored."""
        order = None if self._deck.is_free else self._deck.order
        return (order or self._order()).kbps

    # What the deck tells (deck.DeckView): none of it may raise.

    def notify(self, notice: Notice) -> None:
        """Show a notice (`DeckView`)."""
        self._document.notify(notice)

    def lift(self, subject: str) -> None:
        """Take away what was told of a subject (`DeckView`)."""
        self._document.lift(subject)

    async def make_room(self, kbps: float) -> None:
        """Clear what the last recording left on the page, and have room made for the next (`DeckView`)."""
        self._cut_off = None
        self._document.forget_trouble()
        self._document.show("after", False)
        self._document.spawn(self._rehearsal.clear())
        await self._takes.make_room(kbps)

    def show_take(self, take: Take) -> None:
        """Draw the take's state; whatever cannot be drawn, the recording and its end go on."""
        try:
            self._own_takes.add(take.id)
            self._document.guard(True)
            if take.is_over:
                self._last_take = (
                    take  # before the deck is free: an idle page without it would tell of its end twice
                )
            self._bar.draw()
            self._takes.show(take)
            self._uploads.show(take)
            self._announce()
        except Exception as error:
            self._document.report(error)

    async def take_over(self, take: Take) -> None:
        """Draw what became of the take, tell the directors, and look what the next would be (`DeckView`)."""
        self._uploads.show(take)
        self._document.guard(self._uploads.needs_page)
        self._last_take = take
        ended_by_itself = take.error and not self._deck.was_stopped
        if ended_by_itself and self._devices.muted and self._deck.order is not None:
            self._cut_off = _CutOff(self._deck.order, take.started_by)
        draw_after(self._document, take, self._uploads.sent_to(take))
        self._announce()
        self._report(take)
        await self._takes.draw()
        if self._plan_exists:
            await self._draw_plan()  # the next may be of another format: this one did not keep up

    def _on_upload_moved(self) -> None:
        """Whether the last take is sent has changed: what to do with its file too."""
        take = self._last_take
        if take is not None and self._deck.is_free:
            draw_after(self._document, take, self._uploads.sent_to(take), aloud=False)

    def _on_recovered(self, take: Take) -> None:
        """A take of an earlier visit is whole again."""
        self._uploads.recovered(take)
        self._report(take)

    def _report(self, take: Take) -> None:
        """Tell the directors of a take of this room that is over, also one that an earlier page began."""
        if self._room is not None and take.kept_parts and take.room == self._settings.room:
            self._room.report(take)

    async def _draw_plan(self) -> None:
        """Say before recording what it would be recorded as; what held before holds until that is known."""
        is_known = await self._draw_what_would_be()
        is_open = self._devices.capture is not None  # hung up meanwhile: nothing is recorded any more
        self._plan_exists = is_known and is_open and self._deck.places != Places(None, None)

    async def _draw_what_would_be(self) -> bool:
        """The same; whether this browser can record what there is."""
        if not self._browser.has_recorder():
            self._document.notify(
                Notice(Level.ERROR, "This browser cannot record: use a current Chrome, Edge or Firefox.")
            )
            return False
        capture = self._devices.capture
        if self._settings.record.mode is RecordMode.REFUSED or capture is None:
            return False
        found = await self._deck.plan(self._order())
        if found is None:
            self._tell_no_plan(capture)
            return False
        for notice in found.choice.notices:
            self._document.notify(notice)
        self._bar.draw_codec(found.choice.candidate.mime_type, found.choice.reason)
        prepare(contents(found.choice.candidate.mime_type).container)
        return True

    def _tell_no_plan(self, capture: Capture) -> None:
        """Say why nothing of what is there can be recorded; that there is nothing any more is told already."""
        has_sound = capture.granted_audio() is not None
        if self._order().wish.is_audio_only and not has_sound:
            self._warn("Nothing can be recorded: this link is for sound alone, and there is no microphone.")
        elif has_sound or capture.granted_video() is not None:
            self._warn("This browser can record none of what camera and microphone give: use another one.")

    def _can_press(self) -> bool:
        """Whether the button, and so the key, can begin a recording."""
        return self._settings.has_record_button and self._plan_exists

    async def _press(self) -> None:
        """Begin what the button records, once its bitrate is known."""
        if self._settings.record.mode is RecordMode.ASK:
            self._prompt.ask()
            return
        await self._start(self._settings.record)

    def _order(self) -> Order:
        """What the button would record."""
        wish = self._settings.autorecord or self._settings.record
        return order_for(self._settings, wish)

    async def _on_changed(self, kind: Kind, reason: str) -> None:
        """Other tracks are captured: a recording of them goes on in a new part."""
        order = self._deck.order
        if self._deck.is_free or order is None:
            if self._plan_exists:
                await self._draw_plan()
            return
        if kind == "video" and order.wish.is_audio_only:
            return
        await self._deck.source_changed(reason)

    async def _on_hangup(self) -> None:
        """Finish the recording first, then release the devices."""
        await self._deck.finish()
        self._cut_off = None
        await self._rehearsal.clear()
        self._plan_exists = False
        await self._devices.close()
        if self._room is not None:
            self._room.hang_up()
        self._document.text("no-picture", "You have hung up. Camera and microphone are off.")
        self._document.text("again", "Come back")
        self._document.show("again", True)
        for gone in ("checks", "devices"):
            self._document.show(gone, False)
        self._document.enable("record", False)
        self._document.show("hangup", False)
        self._document.show("readiness", False)

    async def _start(self, wish: RecordWish) -> None:
        try:
            await self._deck.start(order_for(self._settings, wish))
        except EngineError as error:
            self._warn(error.sentence)

    async def _tick(self) -> None:
        """Draw what changes by itself; timers of a hidden tab fall to one a second, which is enough."""
        while True:
            try:
                self._look()
            except Exception as error:
                # Whatever cannot be drawn, the recording and its watch go on.
                self._document.report(error)
            await asyncio.sleep(TICK_S)

    def _look(self) -> None:
        """See to the recording first, then draw."""
        self._deck.check()
        self._bar.draw()
        if self._room is not None:
            self._room.tick()
        self._uploads.draw(is_talking=self._room is not None and self._room.is_talking)
        self._devices.look()
        capture = self._devices.capture
        peak = capture.peak() if capture else None
        self._look_ahead(capture, peak)
        if capture is None:
            return
        self._level = meter_percent(peak or 0.0)
        self._document.attribute("level", "value", str(self._level))
        self._look_at_inputs(capture, peak)

    def _look_at_inputs(self, capture: Capture, peak: float | None) -> None:
        """Tell what is missing in what is recorded; of what the browser mutes that is known already."""
        notices: list[Notice] = []
        if self._deck.state is TakeState.RECORDING:
            sound = None if capture.is_muted("audio") else peak
            notices, over = self._inputs.look(self._browser.now_ms(), sound)
        else:
            over = self._inputs.rest()
        for subject in over:
            self._document.lift(subject)
        for notice in notices:
            self._document.notify(notice)

    def _look_ahead(self, capture: Capture | None, peak: float | None) -> None:
        """What is ready for a recording, and the test of it."""
        if self._opened:
            takes = self._takes
            self._ready.look(
                *(capture, peak, takes.places, self._plan_exists, takes.minutes_left, self._saving.now)
            )
        self._rehearsal.offer(self._deck.is_free and self._ready.can_test)
        self._rehearsal.look(peak)

    def _warn(self, sentence: str) -> None:
        self._document.notify(Notice(Level.WARNING, sentence))
