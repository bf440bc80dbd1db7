"""A take while it is made: its parts one after the other, its pauses, its life from start to stop.

One task, `run`, goes from start to stop; everything else only asks (`stop`, `pause`, `roll_over`) or looks
(`status`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace

from rolltape.core.clock import Instant
from rolltape.core.errors import EngineError, RolltapeError, SinkError
from rolltape.core.notice import Level, Notice
from rolltape.recording.engine import Engine, Plan, plan
from rolltape.recording.part_recorder import PartName, PartRecorder, Places
from rolltape.recording.shelf import folder_of
from rolltape.recording.take import SPLIT, Delivery, Part, ShelfState, Take, TakeEvent, TakeState

__all__ = ["Engine", "Places", "Plan", "Recording", "Status", "plan"]

FLOW_TIMEOUT_S = 10.0
"""MP4 comes at key frames only, which are 2 s apart; a busy machine takes its time."""
YOUNG_MS = 5000.0
"""An engine that breaks off before this age never really worked: the next format is tried."""


@dataclass(frozen=True)
class Status:
    """What can be told of a recording right now."""

    state: TakeState
    elapsed_ms: int
    """Time recorded, pauses left out."""
    bytes: int
    """Bytes safely written: acknowledged by the journal, or by the download where there is no journal."""
    fps: float | None
    """Pictures a second in the file over the last seconds, by the clock; None where they are not counted."""
    kbps: float
    """Bits a second over the last seconds, divided by 1000; 0 before there is a second to measure."""


Log = Callable[[Take], Awaitable[None]]
"""Puts a take's present state into the journal. Raises SinkError."""

Repair = Callable[[], Awaitable[Plan | None]]
"""Puts right what it can of a capture that delivers nothing; how to record what is alive, None if nothing is."""

ENDS_EARLY = {
    Delivery.DOWNLOADS: "The copy kept here ends early; the file in your Downloads folder is whole.",
    Delivery.FOLDER: "The copy kept here ends early; the file in the folder you chose is whole.",
    None: "The copy kept here ends early, and no other is whole.",
}
"""By the place that holds the whole."""

QUIET = "The recorder had gone quiet."


class Recording:
    """One take being made; with `split_ms`, in parts of that length."""

    def __init__(
        self,
        take: Take,
        wanted: Plan,
        places: Places,
        log: Log,
        notify: Callable[[Notice], None],
        now_ms: Callable[[], float],
        split_ms: float | None = None,
        repair: Repair | None = None,
        room_time: Callable[[float], Instant | None] = lambda own_ms: None,
    ) -> None:
        self.take = take
        self._repair = repair
        self._room_time = room_time
        self._plan = wanted
        self._places = places
        self._log = log
        self._notify = notify
        self._now_ms = now_ms
        self._split_ms = split_ms
        self._current: PartRecorder | None = None
        self._parts: list[PartRecorder] = []
        """Those being written, more than one while it rolls over."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._rolls: set[asyncio.Task[bool]] = set()
        self._rolling = asyncio.Lock()
        self._deliveries: set[Delivery | None] = set()
        """What holds each part that is over; None: nothing outside the journal."""
        self._reported: set[str] = set()
        self._stop_asked = False
        self._first: PartRecorder | None = None
        self._placed_ms: float | None = None
        """The beginning that was put on the room's clock."""
        self._paused_ms = 0.0
        self._paused_at_ms: float | None = None
        self._ended_ms: float | None = None

    @property
    def status(self) -> Status:
        """What is true now."""
        part = self._current
        if part is None:
            return Status(self.take.state, 0, 0, None, 0.0)
        running = self._running()
        numbers = {one.name.number for one in running}
        written = sum(one.safe_bytes for one in running)
        written += sum(one.bytes for one in self.take.parts if one.number not in numbers)
        rate = part.rate
        return Status(self.take.state, self._elapsed_ms(), written, rate.fps, rate.kbps)

    async def run(self) -> Take:
        """Record until stopped; the take as it ended. Errors end up in the take and in a notice."""
        await self._advance(TakeEvent.START_REQUESTED)
        try:
            part = await self._begin_part("", self._plan)
        except RolltapeError as error:
            await self._fail(TakeEvent.START_FAILED, f"The recording could not start. {error.sentence}")
            return self.take
        self._first = part
        await self._advance(TakeEvent.STARTED)
        if self._stop_asked:
            part.stop()
        try:
            await self._until_over()
        finally:
            for roll in self._rolls:
                roll.cancel()
        whole_at = {where for where in self._deliveries if where is not None}
        for where in whole_at if whole_at == self._deliveries else ():
            self.take = self.take.with_delivery(where)
        is_kept = self.take.bytes or self.take.delivered
        await self._end(TakeEvent.STOPPED if is_kept else TakeEvent.FAILED)
        return self.take

    async def stop(self) -> None:
        """Ask for the end; asking twice, or before it has begun, is fine."""
        if self._stop_asked or self.take.is_over:
            return
        self._stop_asked = True
        if self.take.state is not TakeState.STARTING:
            for part in self._running():
                part.stop()
        await self._advance(TakeEvent.STOP_REQUESTED)

    async def pause(self) -> None:
        """Record nothing until `resume`; the pause is logged, since it closes up in the file."""
        if self.take.state is TakeState.RECORDING:
            for part in self._running():
                part.pause()
            self._paused_at_ms = self._now_ms()
            self.take = self.take.with_pause(self._on_takes_clock(self._paused_at_ms))
            await self._advance(TakeEvent.PAUSED)

    async def resume(self) -> None:
        """Go on after a pause."""
        if self.take.state is TakeState.PAUSED:
            for part in self._running():
                part.resume()
            self._end_pause()
            await self._advance(TakeEvent.RESUMED)

    def check(self) -> None:
        """Tell of sinks in trouble, and split where it is time; call it about once a second."""
        for part in self._running():
            part.check()
            if not part.live_sinks() and not self._stop_asked:
                self._report("no sink", Level.ERROR, "The recording stops: nothing can be written any more.")
                part.stop()
        current = self._current
        if current is not None and current.is_quiet() and not self._rolls and not self._rolling.locked():
            self._roll(self._revive(current))
        elif self._is_time_to_split():
            self._roll(self.roll_over(SPLIT))

    def _roll(self, rolling: Coroutine[None, None, bool]) -> None:
        task = asyncio.create_task(rolling)
        self._rolls.add(task)
        task.add_done_callback(self._rolled)

    async def _revive(self, quiet: PartRecorder) -> bool:
        """Stop a recorder that withholds what it records, which makes it give that out; go on in a new part.

        It is stopped first: what it holds is safe only once it is written.
        """
        async with self._rolling:
            if self._stop_asked or not self._is_under_way():
                return False
            quiet.stop()
            wanted = await self._repair() if self._repair is not None else quiet.plan
            if wanted is None:
                return False
            try:
                await self._begin_part(QUIET, wanted)
            except RolltapeError as error:
                sentence = f"The recording could not go on in a new part. {error.sentence}"
                self._report("part", Level.WARNING, sentence)
                return False
        self._report(
            QUIET, Level.WARNING, f"{QUIET} What it held is kept; the recording goes on in a new part."
        )
        return True

    async def roll_over(self, reason: str, wanted: Plan | None = None) -> bool:
        """Go on in a new part, recorded by `wanted` or as so far; whether there is one.

        The new engine starts on the same tracks before the old one stops, and the old one stops only when the
        new part holds something of every track: what was captured is in one of the two, or in both. Where the
        old one delivers nothing any more, the new part's `gap_before_ms` tells what is missing.
        """
        async with self._rolling:
            before = self._current
            if before is None or self._stop_asked or not self._is_under_way():
                return False
            try:
                following = await self._begin_part(reason, wanted or before.plan)
            except RolltapeError as error:
                sentence = f"The recording could not go on in a new part. {error.sentence}"
                self._report("part", Level.WARNING, sentence)
                return False
            return await self._hand_over(before, following)

    async def _hand_over(self, before: PartRecorder, following: PartRecorder) -> bool:
        if self.take.state is not TakeState.PAUSED and before.ended_ms is None:
            try:
                async with asyncio.timeout(FLOW_TIMEOUT_S):
                    await following.flowing.wait()
            except TimeoutError:
                following.stop()
            if not following.stream.has_media and not self._stop_asked:
                self._current = before
                self._report(
                    "part", Level.WARNING, "A new part gave nothing, so the recording goes on in the old."
                )
                return False
        before.stop()
        return True

    async def _begin_part(self, reason: str, wanted: Plan) -> PartRecorder:
        """Open the next part and have it run. Raises RolltapeError."""
        part = PartRecorder(self._next_name(), reason, self._report, self._now_ms, wanted)
        await part.open(self._places)
        for notice in part.plan.choice.notices:
            if notice not in self._plan.choice.notices:
                self._notify(notice)
        before, self._current = self._current, part
        self._parts.append(part)
        if self.take.state is TakeState.PAUSED:
            part.pause()
        if self._stop_asked and self.take.state is not TakeState.STARTING:
            part.stop()
        if part.name.number == 1:
            self.take = self.take.with_mime_type(part.mime_type)
        described = part.described(0, ShelfState.RECORDING)
        if before is not None:
            self.take = self.take.with_part(
                replace(described, started_ms=self._on_takes_clock(part.started_ms))
            )
            await self._log_take()
        else:
            self.take = self.take.with_part(described)
        self._tasks.add(asyncio.create_task(self._write(part, before)))
        return part

    def _next_name(self) -> PartName:
        """A part in which nothing was written leaves its number to the next."""
        kept = (part for part in self.take.parts if part.bytes or part.state is ShelfState.RECORDING)
        number = 1 + max((part.number for part in kept), default=0)
        stem = self.take.name if number == 1 and self._split_ms is None else f"{self.take.name}_part{number}"
        return PartName(number, self.take.id, stem, folder_of(self.take))

    async def _write(self, part: PartRecorder, before: PartRecorder | None) -> None:
        """A part's own task: from its first chunk to its last, and then its end."""
        await part.run()
        finished = await part.finish()
        self._deliveries.add(part.delivery)
        self.take = self.take.with_part(self._joined(finished, part, before))
        if part.ends_early:
            self.take = self.take.with_error(ENDS_EARLY[part.delivery])
        self._parts.remove(part)

    def _joined(self, finished: Part, part: PartRecorder, before: PartRecorder | None) -> Part:
        """The part with its place on the take's clock, and what it shares with the one before or lacks."""
        if before is None:
            return finished
        return replace(
            finished,
            started_ms=self._on_takes_clock(part.started_ms),
            overlap_before_ms=max(0, round(before.media_end_ms - part.started_ms)),
            gap_before_ms=max(0, round(part.started_ms - before.whole_until_ms)),
        )

    async def _until_over(self) -> None:
        """Wait for every part; where the last one broke off by itself, go on in another if that can be."""
        while self._tasks:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            over = {task for task in self._tasks if task.done()}
            self._tasks -= over
            for task in over:
                await task
            async with self._rolling:
                pass  # a new part that is being begun is among the tasks afterwards
            current = self._current
            if current is not None and not self._tasks:
                self._ended_ms = current.ended_ms
                if self._is_under_way() and not await self._go_on_after(current):
                    self._note_end(current.error)
                    break
            else:
                await self._log_take()
        if self._paused_at_ms is not None:
            self._end_pause()

    async def _go_on_after(self, part: PartRecorder) -> bool:
        """Go on in a new part after an engine's error, in the next format if this one never worked."""
        error = part.error
        if not isinstance(error, EngineError):
            return False
        wanted = part.plan.after_failure(error) if part.recorded_ms < YOUNG_MS else part.plan
        if wanted is None or not await self.roll_over(error.sentence, wanted):
            return False
        self._ended_ms = None
        self._report("engine", Level.WARNING, f"{error.sentence} The recording goes on in a new part.")
        return True

    def _note_end(self, error: RolltapeError | None) -> None:
        """It stopped by itself: an encoder's error, or every track ended."""
        sentence = error.sentence if error else "Camera and microphone are gone."
        self._report(
            "engine", Level.ERROR, f"The recording has stopped. {sentence} What was recorded is kept."
        )
        self.take = self.take.with_error(sentence)

    async def _fail(self, event: TakeEvent, sentence: str) -> None:
        self._notify(Notice(Level.ERROR, sentence))
        self.take = self.take.with_error(sentence)
        await self._end(event)

    async def _advance(self, event: TakeEvent) -> None:
        """Move the take on, then log it: the page shows the new state before the disk has it."""
        self.take = self.take.after(event)
        await self._log_take()

    async def _end(self, event: TakeEvent) -> None:
        """Log that the take is over, then let it be: who sees it finished may close the page at once."""
        self._stop_asked = True
        self._note_room_start()
        over = self.take.after(event)
        if self._is_under_way():
            self.take = self.take.after(TakeEvent.STOP_REQUESTED)
        await self._write_log(over)
        self.take = over

    async def _log_take(self) -> None:
        self._note_room_start()
        await self._write_log(self.take)

    async def _write_log(self, take: Take) -> None:
        try:
            await self._log(take)
        except SinkError as error:
            sentence = f"The recording's notes could not be written. {error.sentence}"
            self._report("log", Level.WARNING, sentence)

    def _note_room_start(self) -> None:
        """Put the start on the room's clock, as well as that is known by now."""
        began = self._room_time(self._began_ms) if self._first is not None else None
        known = self.take.room_error_ms
        if began is not None and (
            known is None or began.error_ms < known or self._placed_ms != self._began_ms
        ):
            self._placed_ms = self._began_ms
            self.take = self.take.with_room_start(round(began.at_ms), math.ceil(began.error_ms))

    @property
    def _began_ms(self) -> float:
        return self._first.started_ms if self._first is not None else 0.0

    def _report(self, subject: str, level: Level, sentence: str) -> None:
        """Tell once a recording and subject."""
        if subject not in self._reported:
            self._reported.add(subject)
            self._notify(Notice(level, sentence))

    def _rolled(self, task: asyncio.Task[bool]) -> None:
        self._rolls.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report("part", Level.WARNING, f"The recording could not go on in a new part. ({error})")

    def _running(self) -> list[PartRecorder]:
        return [part for part in self._parts if part.ended_ms is None]

    def _is_under_way(self) -> bool:
        return self.take.state in (TakeState.RECORDING, TakeState.PAUSED)

    def _is_time_to_split(self) -> bool:
        part = self._current
        if self._split_ms is None or part is None or self._rolls or self._rolling.locked():
            return False
        return self.take.state is TakeState.RECORDING and part.recorded_ms >= self._split_ms

    def _end_pause(self) -> None:
        assert self._paused_at_ms is not None
        now_ms = self._ended_ms or self._now_ms()
        self._paused_ms += now_ms - self._paused_at_ms
        self._paused_at_ms = None
        self.take = self.take.with_pause_over(self._on_takes_clock(now_ms))

    def _on_takes_clock(self, at_ms: float) -> int:
        return round(at_ms - self._began_ms)

    def _elapsed_ms(self) -> int:
        if not self._began_ms:
            return 0
        until = self._paused_at_ms or self._ended_ms or self._now_ms()
        return round(until - self._began_ms - self._paused_ms)
