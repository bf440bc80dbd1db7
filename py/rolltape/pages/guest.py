"""The guest's page: sees themselves, presses one red button, and knows what is written."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace

from rolltape.bitrate import DEFAULT_VIDEO_KBPS, RecordMode, RecordWish, rates
from rolltape.codec import AudioCodec, candidates, describe
from rolltape.constraints import Kind
from rolltape.engine import Plan, plan
from rolltape.errors import RolltapeError
from rolltape.link import Link
from rolltape.naming import take_name
from rolltape.notice import Level, Notice
from rolltape.pages import words
from rolltape.pages.devices import Devices
from rolltape.pages.inputs import InputWatch
from rolltape.pages.meter import meter_percent
from rolltape.pages.prompt import BitratePrompt
from rolltape.pages.shelf import ShelfView
from rolltape.pages.space import SpaceView
from rolltape.pages.view import Browser, Document
from rolltape.part import Places
from rolltape.recording import Recording
from rolltape.shelf import Shelf
from rolltape.take import Take, TakeState

TICK_S = 0.2
SPACE_EVERY_S = 10.0
PCM_KBPS = 48_000 * 2 * 32 / 1000
RECORD_KEY, PAUSE_KEY = "r", "p"
BUTTON_WORDS = {
    TakeState.IDLE: "Record",
    TakeState.STARTING: "Starting …",
    TakeState.RECORDING: "Stop",
    TakeState.PAUSED: "Stop",
    TakeState.STOPPING: "Finishing …",
}
DESTINATIONS = {
    (True, True): "your Downloads folder while you record, and a crash-proof copy in this browser",
    (True, False): "your Downloads folder while you record; this browser keeps no crash-proof copy",
    (False, True): "a crash-proof copy in this browser; save it from the list below when it is finished",
    (False, False): "nowhere: this browser gives no place to write it to",
}


class GuestPage:
    """Everything on the guest's page, and the one recording it can make at a time."""

    def __init__(self, link: Link, document: Document, browser: Browser) -> None:
        self._settings = link.settings
        self._document = document
        self._browser = browser
        self._devices = Devices(link.settings, document, browser, self._on_changed)
        self._prompt = BitratePrompt(document, browser, self._start)
        self._wish: RecordWish | None = None
        self._plan_exists = False
        self._places = Places(None, None)
        self._shelf: Shelf | None = None
        self._shelf_view: ShelfView | None = None
        self._recording: Recording | None = None
        self._task: asyncio.Task[None] | None = None
        self._drawn: TakeState | None = None
        self._inputs = InputWatch()
        self._space_view: SpaceView | None = None

    async def open(self) -> None:
        """Wire the page, show it, then open storage and devices side by side."""
        document = self._document
        document.on("record", "click", self._on_record)
        document.on("pause", "click", self._on_pause)
        document.on("hangup", "click", self._on_hangup)
        document.on_key(RECORD_KEY, self._on_record_key)
        document.on_key(PAUSE_KEY, self._on_pause)
        document.text("where", f"Room {self._settings.room}" if self._settings.room else "")
        document.show("record", self._settings.has_record_button)
        if self._settings.record.mode is RecordMode.REFUSED:
            document.notify(Notice(Level.INFO, "This link does not allow recording."))
        document.ready("guest")
        document.spawn(self._tick())
        await asyncio.gather(self._open_places(), self._devices.open())
        document.show("hangup", self._devices.capture is not None)
        await self._draw_plan()
        document.enable("record", self._plan_exists)
        if self._settings.autorecord is not None and self._plan_exists:
            await self._start(self._settings.autorecord)

    async def _open_places(self) -> None:
        store = downloads = None
        try:
            store = await self._browser.store()
        except RolltapeError as error:
            self._warn(f"{error.sentence} If this page crashes while recording, the recording may be lost.")
        try:
            downloads = await self._browser.downloads()
        except RolltapeError as error:
            self._warn(f"{error.sentence} It is kept here; save it from the list when it is finished.")
        self._places = Places(store, downloads)
        if store is not None:
            self._shelf = Shelf(store, self._browser.running)
            self._shelf_view = ShelfView(self._document, self._browser, self._shelf)
            self._space_view = SpaceView(self._document, self._browser, self._shelf)
            await self._shelf_view.draw()
            self._document.spawn(self._watch_space(self._space_view))
            self._document.spawn(self._recover(self._shelf))
        self._document.text("destination", DESTINATIONS[downloads is not None, store is not None])

    async def _watch_space(self, view: SpaceView) -> None:
        """Look at the room that is left every ten seconds, at the rate that is really recorded."""
        while True:
            recording = self._recording
            kbps = (recording.status.kbps if recording else 0.0) or self._asked_kbps()
            await view.look(kbps, recording=recording is not None)
            await asyncio.sleep(SPACE_EVERY_S)

    def _asked_kbps(self) -> float:
        """The rate that is asked for, with uncompressed stereo at 48 kHz where that is."""
        wish = self._wish or self._settings.autorecord or self._settings.record
        if wish.mode is RecordMode.REFUSED:
            return float(DEFAULT_VIDEO_KBPS)
        asked = rates(wish, self._settings.pcm, self._settings.audio_bitrate_kbps)
        return (asked.video_kbps or 0) + (PCM_KBPS if asked.audio_kbps is None else asked.audio_kbps)

    async def _plan(self, wish: RecordWish) -> Plan | None:
        capture = self._devices.capture
        if capture is None:
            return None
        video = None if wish.is_audio_only else capture.granted_video()
        audio = capture.granted_audio()
        asked = rates(wish, self._settings.pcm, self._settings.audio_bitrate_kbps)
        efficient = (
            await self._browser.efficient(video.width, video.height, video.fps, wish.kbps)
            if video
            else frozenset()
        )
        listed = candidates(
            self._settings.codec_wish(wish),
            has_video=video is not None,
            has_audio=audio is not None,
            efficient=efficient,
        )
        return plan(
            listed,
            asked if video else replace(asked, video_kbps=None),
            capture.engine,
            self._browser.can_record,
        )

    async def _draw_plan(self) -> None:
        """Say before recording what it would be recorded as."""
        self._plan_exists = False
        if not self._browser.has_recorder():
            self._document.notify(
                Notice(Level.ERROR, "This browser cannot record: use a current Chrome, Edge or Firefox.")
            )
            return
        if self._settings.record.mode is RecordMode.REFUSED or self._devices.capture is None:
            return
        wish = self._settings.autorecord or self._settings.record
        found = await self._plan(wish)
        self._plan_exists = found is not None and self._places != Places(None, None)
        if found is None:
            self._warn("This browser can record none of what camera and microphone give.")
            return
        for notice in found.choice.notices:
            self._document.notify(notice)
        self._draw_codec(found.choice.candidate.mime_type, found.choice.reason)

    def _draw_codec(self, mime_type: str, reason: str) -> None:
        self._document.text("codec", f"{reason} ({mime_type})")

    async def _on_record(self) -> None:
        if self._recording is not None:
            if self._recording.take.state in (TakeState.RECORDING, TakeState.PAUSED):
                await self._recording.stop()
            return
        if self._settings.record.mode is RecordMode.ASK:
            self._prompt.ask()
            return
        await self._start(self._settings.record)

    async def _on_record_key(self) -> None:
        """The key does what the button does, where there is one that can be pressed."""
        if self._recording is not None or (self._settings.has_record_button and self._plan_exists):
            await self._on_record()

    async def _on_changed(self, kind: Kind, reason: str) -> None:
        """Other tracks are captured: a recording of them goes on in a new part."""
        recording = self._recording
        if recording is None or self._wish is None:
            if self._plan_exists:
                await self._draw_plan()
            return
        if kind == "video" and self._wish.is_audio_only:
            return
        wanted_plan = await self._plan(self._wish)
        if wanted_plan is not None and await recording.roll_over(reason, wanted_plan):
            self._warn(f"{reason} The recording goes on in a new part.")

    async def _on_pause(self) -> None:
        if self._recording is None:
            return
        if self._recording.take.state is TakeState.PAUSED:
            await self._recording.resume()
        else:
            await self._recording.pause()

    async def _on_hangup(self) -> None:
        """Finish the recording first, then release the devices."""
        if self._recording is not None:
            await self._recording.stop()
        if self._task is not None:
            await asyncio.wait([self._task])
        self._plan_exists = False
        await self._devices.close()
        self._document.text("no-picture", "You have hung up. Reload the page to come back.")
        self._document.enable("record", False)
        self._document.show("hangup", False)

    async def _start(self, wish: RecordWish) -> None:
        if self._recording is not None or self._task is not None:
            return
        self._task = asyncio.current_task()  # holds the place until the recording has its own
        try:
            await self._start_recording(wish)
        except BaseException:
            self._task = None
            raise

    async def _start_recording(self, wish: RecordWish) -> None:
        wanted_plan = await self._plan(wish)
        capture = self._devices.capture
        if wanted_plan is None or capture is None:
            self._warn("There is nothing that could be recorded.")
            self._task = None
            return
        await capture.prepare(wanted_plan.choice.candidate.audio is AudioCodec.PCM)
        take = await self._new_take(wanted_plan)
        minutes = self._settings.split_minutes
        self._wish = wish
        if self._space_view is not None:
            await self._space_view.prepare(self._asked_kbps())
        self._recording = Recording(
            take,
            wanted_plan,
            self._places,
            self._log,
            self._document.notify,
            self._browser.now_ms,
            None if minutes is None else minutes * 60_000,
            self._repair,
        )
        self._task = asyncio.create_task(self._record(self._recording))

    async def _repair(self) -> Plan | None:
        """After a recorder has gone quiet: let sound flow again; how to record what is alive."""
        capture = self._devices.capture
        if capture is None or self._wish is None:
            return None
        wanted_plan = await self._plan(self._wish)
        if wanted_plan is not None:
            await capture.prepare(wanted_plan.choice.candidate.audio is AudioCodec.PCM)
        return wanted_plan

    async def _new_take(self, wanted_plan: Plan) -> Take:
        number = await self._shelf.next_number() if self._shelf else 1
        now_ms = round(time.time() * 1000)
        settings = self._settings
        take = Take(
            id=f"{now_ms:013d}-{os.urandom(4).hex()}",
            number=number,
            name="",
            started_at_ms=now_ms,
            utc_offset_minutes=self._browser.utc_offset_minutes(),
            label=settings.label,
            room=settings.room,
            rates=wanted_plan.rates,
        )
        return replace(take, name=take_name(take.label, take.room, take.started_at, number))

    async def _record(self, recording: Recording) -> None:
        """The recording's own task: from start to a drawn shelf."""
        let_go = await self._browser.hold(recording.take.id)
        self._document.guard(True)
        try:
            await self._browser.keep_awake(True)
            await recording.run()
        except Exception as error:
            self._document.notify(
                Notice(Level.ERROR, f"The recording broke off; what was written is kept. ({error})")
            )
            raise
        finally:
            let_go()
            self._document.guard(False)
            self._draw_if_possible()
            self._recording = self._task = None
            await self._draw_shelf()
            await self._browser.keep_awake(False)

    async def _log(self, take: Take) -> None:
        """Draw at once, then put the take's state on the disk."""
        self._draw_if_possible(take)
        if self._shelf is not None:
            await self._shelf.log(take)

    def _draw_if_possible(self, take: Take | None = None) -> None:
        """Whatever cannot be drawn, the recording and its end go on; `take` is shown on the shelf too."""
        try:
            self._draw()
            if take is not None and self._shelf_view is not None:
                self._shelf_view.show(take)
        except Exception as error:
            self._document.report(error)

    async def _draw_shelf(self, live: Take | None = None) -> None:
        """The same for the list of takes."""
        try:
            if self._shelf_view is not None:
                await self._shelf_view.draw(live)
        except Exception as error:
            self._document.report(error)

    async def _recover(self, shelf: Shelf) -> None:
        """Finish what an earlier visit left behind, and what another tab records once that tab is gone."""
        for take in await shelf.unfinished():
            self._document.spawn(self._recover_take(shelf, take.id))

    async def _recover_take(self, shelf: Shelf, id: str) -> None:
        """Wait until no tab holds this take; recover it if it is not finished by then."""
        let_go = await self._browser.hold(id)
        try:
            for take in await shelf.unfinished():
                if take.id == id:
                    await self._finish(shelf, take)
        finally:
            let_go()
        await self._draw_shelf(self._recording.take if self._recording else None)

    async def _finish(self, shelf: Shelf, take: Take) -> None:
        async for share in shelf.recover(take):
            self._document.text("where", f"Recovering a recording: {share:.0%}")
        self._document.text("where", f"Room {self._settings.room}" if self._settings.room else "")
        self._document.notify(
            Notice(Level.INFO, f"A recording that was not finished is back in the list below: {take.name}.")
        )

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
        if self._recording is not None:
            self._recording.check()
        self._draw()
        capture = self._devices.capture
        if capture is None:
            return
        peak = capture.peak()
        self._document.attribute("level", "value", str(meter_percent(peak)))
        status = self._recording.status if self._recording else None
        if status is None or status.state is not TakeState.RECORDING:
            self._inputs.rest()
            return
        fps = status.fps if capture.granted_video() else None
        for notice in self._inputs.look(
            self._browser.now_ms(), peak if capture.granted_audio() else None, fps
        ):
            self._document.notify(notice)

    def _draw(self) -> None:
        """Draw the recording's state: always what is true."""
        status = self._recording.status if self._recording else None
        state = status.state if status and status.state in BUTTON_WORDS else TakeState.IDLE
        if state is not self._drawn:
            self._drawn = state
            self._draw_state(state)
        document = self._document
        if status is not None:
            document.text("elapsed", words.clock(status.elapsed_ms))
            document.attribute("elapsed", "datetime", words.duration(status.elapsed_ms))
            document.text("bytes", words.size(status.bytes))
            document.attribute("bytes", "value", str(status.bytes))
            picture = f"{status.fps:.0f} fps · " if status.fps else ""
            document.text("rate", f"{picture}{words.rate(status.kbps)}" if status.kbps else "–")

    def _draw_state(self, state: TakeState) -> None:
        document = self._document
        running = state in (TakeState.RECORDING, TakeState.PAUSED, TakeState.STOPPING)
        document.attribute("record", "data-state", state)
        document.text("record-text", BUTTON_WORDS[state])
        document.show("record", self._settings.has_record_button or running)
        document.show("pause", state in (TakeState.RECORDING, TakeState.PAUSED))
        document.text("pause", "Go on" if state is TakeState.PAUSED else "Pause")
        document.show("tally", running)
        take = self._recording.take if self._recording else None
        if take is not None:
            who = "you started it" if take.started_by == "you" else f"{take.started_by} started it"
            document.text("tally-text", f"{'Paused' if state is TakeState.PAUSED else 'Recording'}: {who}")
            if take.mime_type:
                self._draw_codec(take.mime_type, describe(take.mime_type))

    def _warn(self, sentence: str) -> None:
        self._document.notify(Notice(Level.WARNING, sentence))
