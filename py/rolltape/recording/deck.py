"""A deck: records takes from one source, one at a time, from the order to the finished take.

The source may be a guest's own capture or what arrives from elsewhere; the deck does not know. Who presses the
button does not matter either: start while stopping, stop while starting and asking twice are all fine. A run of the
deck is one task: whatever goes wrong in it, and wherever it is cancelled, the deck is free afterwards.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from rolltape.core.clock import Instant, Reading
from rolltape.core.errors import EngineError, RolltapeError
from rolltape.core.naming import take_name
from rolltape.core.notice import Level, Notice
from rolltape.recording.beside import aside, told, unexpected
from rolltape.recording.clock_keeper import ClockKeeper
from rolltape.recording.clock_log import browser_of
from rolltape.recording.deck_interfaces import DeckBrowser, DeckView, Source, Title
from rolltape.recording.engine import STOPPED, Plan, not_started, plan
from rolltape.recording.format_keeper import FormatKeeper
from rolltape.recording.keep_up import KnownSlow
from rolltape.recording.part_recorder import Places
from rolltape.recording.part_sinks import Growing
from rolltape.recording.shelf import Shelf
from rolltape.recording.take import Take, TakeState
from rolltape.recording.take_keeper import Status
from rolltape.recording.take_notices import TakeNotices
from rolltape.recording.take_recorder import Recording
from rolltape.settings.codec import candidates
from rolltape.settings.order import Order

__all__ = ["Deck"]

LOCK_TIMEOUT_S = 5.0
"""The lock of a new take is nobody else's: a browser that does not grant it at once does not grant it."""
ASIDE_TIMEOUT_S = 10.0
"""So long a recording's start waits for what it can do without."""
ROOM_UNSEEN = "The browser did not say in time how much room is left. The recording begins all the same."
UNLOCKED = (
    "Other tabs are not told of this recording: do not open this page in another one until it is finished."
)


@dataclass(eq=False)
class _Running:
    """One run of the deck, from the order to the end of the take."""

    order: Order
    started_by: str
    begun: asyncio.Future[None]
    """Done once there is a take; EngineError: there will be none."""
    task: asyncio.Task[None] | None = None
    recording: Recording | None = None
    clocks: ClockKeeper | None = None
    """What is noted of clocks meanwhile; None where nothing is."""
    stop_requested: bool = False
    source_changed: bool = False
    """Other tracks came before there was a recording; one that there is takes them itself."""


class Deck:
    """Records one take at a time from `source`, which gives None while there is nothing to record."""

    def __init__(
        self,
        source: Callable[[], Source | None],
        browser: DeckBrowser,
        view: DeckView,
        title: Callable[[], Title],
        split_minutes: float | None = None,
        known_slow: KnownSlow | None = None,
        switches: bool = True,
    ) -> None:
        """`title` is asked when a take begins, `known_slow` is what this machine remembers of formats.

        With `split_minutes` a take is made in parts of that length. Without `switches` a format that is too slow is
        told and remembered, but the take goes on in it.
        """
        self.places = Places(None, None)
        """Where takes are written; set by the page before the first, or there is nowhere to record to."""
        self.shelf: Shelf | None = None
        """Keeps takes' logs; None where there is no journal, and then no log is kept."""
        self.room_time: Callable[[float], Instant | None] = lambda own_ms: None
        """Turns moments of the browser's clock into the room's; None where there is no room, or nothing is known."""
        self.room_readings: Callable[[], Sequence[Reading]] = lambda: ()
        """Gives the readings of the room's clock so far, in order; none without a room."""
        self._source = source
        self._browser = browser
        self._view = view
        self._title = title
        self._split_ms = None if split_minutes is None else split_minutes * 60_000
        self._formats = FormatKeeper(
            known_slow or KnownSlow.of_this_page(), self.plan, self._notify, self._lift, switches
        )
        self._switches = switches
        self._running: _Running | None = None
        """While a take is being made, from the order on."""
        self._latest: _Running | None = None
        """The same, and afterwards until the next."""

    @property
    def state(self) -> TakeState:
        """The state of the take being made, `starting` from the order on; `idle` while there is none."""
        return self.status.state if self.status else TakeState.IDLE

    @property
    def status(self) -> Status | None:
        """Figures of the take being made, from the order on; None while the deck is free."""
        if self._running is None:
            return None
        if self._running.recording is not None:
            return self._running.recording.status
        state = TakeState.STOPPING if self._running.stop_requested else TakeState.STARTING
        return Status(state, 0, 0, None, 0.0)

    @property
    def take(self) -> Take | None:
        """The take being made; None while there is none, and from the order until there is."""
        return self._recording.take if self._recording else None

    @property
    def growing(self) -> list[Growing]:
        """The files of the journal that are being written, by part; more than one while parts change."""
        return self._recording.growing if self._recording else []

    @property
    def order(self) -> Order | None:
        """The order of the take being made, or of the last one; None before the first."""
        return self._latest.order if self._latest else None

    @property
    def was_stopped(self) -> bool:
        """True if somebody asked for the end of the take being made, or of the last one."""
        return self._latest is not None and self._latest.stop_requested

    @property
    def is_free(self) -> bool:
        """True if no take is being made, so that one could be started."""
        return self._running is None

    @property
    def _recording(self) -> Recording | None:
        return self._running.recording if self._running else None

    async def plan(self, order: Order) -> Plan | None:
        """Return how to record what is there as it is ordered; None if nothing is there, or the browser cannot.

        Nothing is started by it. The formats in it are tried in order when it is recorded.
        """
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
        may_be_silent = (
            video is not None or wish.is_audio_only
        )  # else there would be nothing to record at all
        slow = self._formats.slow(video, efficient)
        listed = candidates(
            order.codec,
            has_video=video is not None,
            has_audio=source.granted_audio() is not None or (may_be_silent and source.has_silence),
            efficient=efficient,
            slow=slow,
        )
        asked = order.rates if video else replace(order.rates, video_kbps=None)
        return plan(listed, asked, source.engine, self._browser.can_record, slow)

    async def start(self, order: Order, started_by: str = "you") -> bool:
        """Begin a take; True once there is one, which is `starting` then, False where one is being made already.

        `started_by` is `you` or a director's name. Raises EngineError, with a sentence, where none can be made, or
        where it was stopped before. What goes wrong later ends up in the take; that anything is recorded is not
        said by this. If the caller is cancelled meanwhile, the take goes on.
        """
        if self._running is not None:
            return False
        running = _Running(order, started_by, asyncio.get_running_loop().create_future())
        self._running = self._latest = running
        running.task = asyncio.create_task(self._run(running))
        await asyncio.shield(running.begun)
        return True

    async def stop(self) -> None:
        """Ask for the end of the take being made, at any moment since the order; without one, nothing.

        It returns once that is in the log, not once the take has ended: `finish` waits.
        """
        if self._running is not None:
            self._running.stop_requested = True
        if self._recording is not None:
            await self._recording.stop()

    async def finish(self) -> None:
        """Stop, and wait until everything is written, the page is told and the deck is free."""
        running = self._running
        await self.stop()
        if running is not None and running.task is not None:
            await asyncio.wait([running.task])

    async def pause(self) -> None:
        """Record nothing until `resume`; only while it records, else nothing is done."""
        if self._recording is not None:
            await self._recording.pause()

    async def resume(self) -> None:
        """Go on after a pause; without one, nothing is done."""
        if self._recording is not None:
            await self._recording.resume()

    async def source_changed(self, reason: str) -> bool:
        """The source has other tracks than before: go on with them in a new part. True if they are recorded now.

        `reason` is a sentence, kept with the part. The page is told when they are recorded. False: the part before
        records on, or the take is starting or paused, and then they are recorded once it records.
        """
        running = self._running
        if running is None:
            return False
        if running.recording is None:
            running.source_changed = True
            return False
        wanted = await self.plan(running.order)
        return wanted is not None and await running.recording.change(reason, wanted)

    def check(self) -> None:
        """Look at the recording (sinks in trouble, silence, the time to split), about five times a second."""
        running = self._running
        if running is not None and running.recording is not None:
            running.recording.check()
            self._formats.look(self._browser.now_ms(), running.order, self._source(), running.recording)

    async def _run(self, running: _Running) -> None:
        """The deck's task, from the order to the finished take."""
        let_go: Callable[[], None] | None = None
        try:
            wanted = await self._prepared(running.order)
            take = await self._new_take(wanted, running.started_by)
            await aside(self._make_room(running.order.kbps))
            let_go = await self._hold(take.id)
            await aside(self._browser.keep_awake(self, True))
            while running.source_changed:
                running.source_changed = False
                wanted = await self._prepared(running.order)
            if running.stop_requested:
                raise EngineError(STOPPED)
            running.recording = self._recorder_of(running, take, wanted)
            running.begun.set_result(None)
            async with self._clock_kept(take, running, running.recording):
                await running.recording.run()
        except Exception as error:
            if running.begun.done():
                unexpected(error)
            else:
                running.begun.set_exception(error if isinstance(error, EngineError) else not_started(error))
        finally:
            if not running.begun.done():  # cancelled
                running.begun.set_exception(EngineError(STOPPED))
            if let_go is not None:
                told(let_go)
            await self._leave(running)

    @asynccontextmanager
    async def _clock_kept(self, take: Take, running: _Running, recording: Recording) -> AsyncIterator[None]:
        """Have the take's clocks noted meanwhile; a recording does not depend on it."""
        shelf = self.shelf
        if shelf is None:
            yield
            return
        running.clocks = keeper = ClockKeeper(
            browser_of(self._browser.agent()),
            self._source,
            lambda: recording.part_now,
            lambda: self.room_readings(),
            lambda lines: shelf.note_clock(take, lines),
        )
        keeping = asyncio.create_task(aside(keeper.run()))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])
            await aside(keeper.note())

    async def _leave(self, running: _Running) -> None:
        """Free the deck, then say so: a page that asks is told the truth."""
        recording = running.recording
        if recording is not None:
            told(lambda: self._view.show_take(recording.take))
        self._running = None
        if self._switches:  # else it is told for the next recording, and its view takes it away
            self._formats.over()
        try:
            await aside(self._browser.keep_awake(self, False))
        finally:
            if recording is not None:
                await aside(self._view.take_over(recording.take))

    async def _prepared(self, order: Order) -> Plan:
        """How to record, with sound flowing. Raises EngineError where nothing is there."""
        wanted = await self._repair(order)
        if wanted is None:
            raise EngineError("There is nothing that could be recorded.")
        return wanted

    def _recorder_of(self, running: _Running, take: Take, wanted: Plan) -> Recording:
        return Recording(
            take,
            wanted,
            self.places,
            self._log,
            TakeNotices(self._notify, self._lift),
            self._browser.now_ms,
            self._split_ms,
            lambda: self._repair(running.order),
            self.room_time,
            lambda part: self._clock_of(running, part),
        )

    def _clock_of(self, running: _Running, part: int) -> str:
        """What the file of a part tells of its clocks; without that it is whole all the same."""
        try:
            return running.clocks.told_by(part) if running.clocks is not None else ""
        except Exception as error:
            unexpected(error)
            return ""

    async def _hold(self, take_id: str) -> Callable[[], None] | None:
        """Tell other tabs of the take; where the browser does not let it, record all the same."""
        try:
            async with asyncio.timeout(LOCK_TIMEOUT_S):
                return await self._browser.hold(take_id)
        except Exception as error:
            said = error.sentence if isinstance(error, RolltapeError) else repr(error)
            self._notify(Notice(Level.WARNING, f"{UNLOCKED} ({said})"))
            return None

    def _notify(self, notice: Notice) -> None:
        told(lambda: self._view.notify(notice))

    def _lift(self, subject: str) -> None:
        told(lambda: self._view.lift(subject))

    async def _new_take(self, wanted: Plan, started_by: str) -> Take:
        number = await self._next_number()
        title = self._title()
        now_ms = round(time.time() * 1000)
        take = Take(
            id=f"{now_ms:013d}-{os.urandom(4).hex()}",
            number=number,
            name="",
            started_at_ms=now_ms,
            utc_offset_minutes=self._browser.utc_offset_minutes(),
            label=title.label,
            room=title.room,
            started_by=started_by,
            rates=wanted.rates,
        )
        return replace(take, name=take_name(take.label, take.room, take.started_at, number))

    async def _make_room(self, kbps: float) -> None:
        """Have room made, if that is done in time: the recording waits for it."""
        try:
            async with asyncio.timeout(ASIDE_TIMEOUT_S):
                await self._view.make_room(kbps)
        except TimeoutError:
            self._notify(Notice(Level.WARNING, ROOM_UNSEEN))

    async def _next_number(self) -> int:
        """The take's number; where the journal cannot be read, or not in time, it is recorded as the first."""
        try:
            async with asyncio.timeout(ASIDE_TIMEOUT_S):
                return await self.shelf.next_number() if self.shelf else 1
        except Exception as error:
            unexpected(error)
            return 1

    async def _log(self, take: Take) -> None:
        """Show the take's state at once, then put it on the disk; `_leave` shows its end, once that is there."""
        if not take.is_over:
            told(lambda: self._view.show_take(take))
        if self.shelf is not None:
            await self.shelf.log(take)

    async def _repair(self, order: Order) -> Plan | None:
        """Let sound flow; how to record what is alive, None where nothing is."""
        source = self._source()
        wanted = await self.plan(order)
        if source is not None and wanted is not None:
            await source.prepare()
        return wanted
