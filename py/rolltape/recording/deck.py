"""A deck: records takes from one source, one at a time, from the order to the finished take.

The source may be a guest's own capture or what arrives from elsewhere; the deck does not know. Who presses the
button does not matter either: start while stopping, stop while starting and asking twice are all fine.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from rolltape.core.clock import Instant
from rolltape.core.errors import EngineError
from rolltape.core.naming import take_name
from rolltape.core.notice import Level, Notice
from rolltape.recording.engine import Engine, Plan, plan
from rolltape.recording.part_recorder import Places
from rolltape.recording.shelf import Shelf
from rolltape.recording.take import Take, TakeState
from rolltape.recording.take_recorder import Recording, Status
from rolltape.settings.bitrate import Rates
from rolltape.settings.capture_constraints import GrantedAudio, GrantedVideo
from rolltape.settings.codec import AudioCodec, VideoCodec, candidates
from rolltape.settings.order import Order

__all__ = ["Deck", "DeckBrowser", "DeckView", "Source", "Title"]


class Source(Protocol):
    """What is recorded: camera and microphone, or a stream that arrives."""

    def granted_video(self) -> GrantedVideo | None:
        """The picture there is; None without one."""

    def granted_audio(self) -> GrantedAudio | None:
        """The sound there is; None without any."""

    def engine(self, mime_type: str, rates: Rates) -> Engine:
        """A recorder of it; without a video rate, of the sound alone. Raises EngineError."""

    async def prepare(self, lossless: bool) -> None:
        """Before a recording: let sound flow, for lossless sound at its own rate."""


class DeckBrowser(Protocol):
    """What a deck asks of the browser."""

    def now_ms(self) -> float:
        """A clock that only goes forward, in milliseconds."""

    def utc_offset_minutes(self) -> int:
        """Local time minus UTC."""

    def can_record(self, mime_type: str) -> bool:
        """Whether a recorder for this type exists."""

    async def efficient(self, width: int, height: int, fps: float, kbps: int) -> frozenset[VideoCodec]:
        """The codecs encoded smoothly and with little power at this size and rate."""

    async def hold(self, take_id: str) -> Callable[[], None]:
        """Mark a take as being recorded by this tab; call the result to let go."""

    async def keep_awake(self, on: bool) -> None:
        """Keep the screen on, where the browser lets it; not any more with False."""


class DeckView(Protocol):
    """Who looks at the deck: a page. Nothing it does may raise, or the recording would suffer."""

    def notify(self, notice: Notice) -> None:
        """Tell a person."""

    async def make_room(self, kbps: float) -> None:
        """A recording at this rate is about to begin."""

    def show_take(self, take: Take) -> None:
        """The take has changed its state or its parts."""

    async def take_over(self, take: Take) -> None:
        """The take is finished, or has failed, and the deck is free again."""


class Title(Protocol):
    """Whom a take is named after."""

    @property
    def label(self) -> str | None:
        """The guest's name as it is now."""

    @property
    def room(self) -> str | None:
        """The room's name."""


class Deck:
    """Records one take at a time from `source`, which is None while there is nothing to record."""

    def __init__(
        self,
        source: Callable[[], Source | None],
        browser: DeckBrowser,
        view: DeckView,
        title: Title,
        split_minutes: float | None = None,
    ) -> None:
        self.places = Places(None, None)
        self.shelf: Shelf | None = None
        self.room_time: Callable[[float], Instant | None] = lambda own_ms: None
        """Turns moments of the browser's clock into moments of the room's, where there is a room."""
        self._source = source
        self._browser = browser
        self._view = view
        self._title = title
        self._split_ms = None if split_minutes is None else split_minutes * 60_000
        self._order: Order | None = None
        self._recording: Recording | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> TakeState:
        """The state of the take being made; `idle` while there is none."""
        return self._recording.take.state if self._recording else TakeState.IDLE

    @property
    def status(self) -> Status | None:
        """What is true of the take being made; None while there is none."""
        return self._recording.status if self._recording else None

    @property
    def take(self) -> Take | None:
        """The take being made; None while there is none."""
        return self._recording.take if self._recording else None

    @property
    def order(self) -> Order | None:
        """What the take being made, or the last one, was ordered as."""
        return self._order

    @property
    def is_free(self) -> bool:
        """Whether a recording could be started."""
        return self._recording is None and self._task is None

    async def plan(self, order: Order) -> Plan | None:
        """How to record what is there as it is ordered; None if nothing is there or the browser cannot."""
        source = self._source()
        if source is None:
            return None
        wish = order.wish
        video = None if wish.is_audio_only else source.granted_video()
        efficient = (
            await self._browser.efficient(video.width, video.height, video.fps, wish.kbps)
            if video
            else frozenset()
        )
        listed = candidates(
            order.codec,
            has_video=video is not None,
            has_audio=source.granted_audio() is not None,
            efficient=efficient,
        )
        asked = order.rates if video else replace(order.rates, video_kbps=None)
        return plan(listed, asked, source.engine, self._browser.can_record)

    async def start(self, order: Order, started_by: str = "you") -> bool:
        """Begin a take; whether one was begun: False where one is being made already.

        Raises EngineError where there is nothing to record. What goes wrong later ends up in the take.
        """
        if not self.is_free:
            return False
        self._task = asyncio.current_task()  # holds the place until the recording has its own
        try:
            await self._begin(order, started_by)
        except BaseException:
            self._task = None
            raise
        return True

    async def stop(self) -> None:
        """Ask for the end of the take being made, if there is one."""
        if self._recording is not None:
            await self._recording.stop()

    async def finish(self) -> None:
        """Stop, and wait until everything is written."""
        await self.stop()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def pause(self) -> None:
        """Record nothing until `resume`."""
        if self._recording is not None:
            await self._recording.pause()

    async def resume(self) -> None:
        """Go on after a pause."""
        if self._recording is not None:
            await self._recording.resume()

    async def source_changed(self, reason: str) -> bool:
        """Other tracks are there than before: go on with them in a new part; whether there is one."""
        recording, order = self._recording, self._order
        if recording is None or order is None:
            return False
        wanted = await self.plan(order)
        return wanted is not None and await recording.roll_over(reason, wanted)

    def check(self) -> None:
        """See to the recording; call it about once a second."""
        if self._recording is not None:
            self._recording.check()

    async def _begin(self, order: Order, started_by: str) -> None:
        wanted = await self.plan(order)
        source = self._source()
        if wanted is None or source is None:
            raise EngineError("There is nothing that could be recorded.")
        await source.prepare(wanted.choice.candidate.audio is AudioCodec.PCM)
        take = await self._new_take(wanted, started_by)
        self._order = order
        await self._view.make_room(order.kbps)
        self._recording = Recording(
            take,
            wanted,
            self.places,
            self._log,
            self._view.notify,
            self._browser.now_ms,
            self._split_ms,
            self._repair,
            self.room_time,
        )
        self._task = asyncio.create_task(self._record(self._recording))

    async def _new_take(self, wanted: Plan, started_by: str) -> Take:
        number = await self.shelf.next_number() if self.shelf else 1
        now_ms = round(time.time() * 1000)
        take = Take(
            id=f"{now_ms:013d}-{os.urandom(4).hex()}",
            number=number,
            name="",
            started_at_ms=now_ms,
            utc_offset_minutes=self._browser.utc_offset_minutes(),
            label=self._title.label,
            room=self._title.room,
            started_by=started_by,
            rates=wanted.rates,
        )
        return replace(take, name=take_name(take.label, take.room, take.started_at, number))

    async def _record(self, recording: Recording) -> None:
        """The recording's own task: from start to a finished take."""
        let_go = await self._browser.hold(recording.take.id)
        try:
            await self._browser.keep_awake(True)
            await recording.run()
        except Exception as error:
            self._view.notify(
                Notice(Level.ERROR, f"The recording broke off; what was written is kept. ({error})")
            )
            raise
        finally:
            let_go()
            self._view.show_take(recording.take)
            self._recording = self._task = None
            await self._view.take_over(recording.take)
            await self._browser.keep_awake(False)

    async def _log(self, take: Take) -> None:
        """Show the take's state at once, then put it on the disk; `_record` shows its end, once that is there."""
        if not take.is_over:
            self._view.show_take(take)
        if self.shelf is not None:
            await self.shelf.log(take)

    async def _repair(self) -> Plan | None:
        """After a recorder has gone quiet: let sound flow again; how to record what is alive."""
        source = self._source()
        if source is None or self._order is None:
            return None
        wanted = await self.plan(self._order)
        if wanted is not None:
            await source.prepare(wanted.choice.candidate.audio is AudioCodec.PCM)
        return wanted
