"""A take while it is made: its parts one after the other, its pauses, its life from start to stop.

One task, `run`, goes from start to stop, and whatever goes wrong in it, the take gets an end in its log; everything
else only asks (`stop`, `pause`, `change`) or looks (`status`).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from contextlib import suppress

from rolltape.core.errors import RolltapeError
from rolltape.core.notice import Level
from rolltape.recording.clock_keeper import PartNow
from rolltape.recording.engine import Plan, not_started
from rolltape.recording.next_plan import NextPlan, Repair
from rolltape.recording.part_recorder import NOTHING_AFTER_MS, PartName, PartRecorder, Places
from rolltape.recording.part_sinks import Growing
from rolltape.recording.shelf import folder_of
from rolltape.recording.take import SPLIT, ShelfState, Take, TakeEvent, TakeState
from rolltape.recording.take_clock import RoomTime, TakeClock
from rolltape.recording.take_keeper import (
    NOTHING_YET,
    Log,
    Status,
    TakeKeeper,
)
from rolltape.recording.take_notices import TakeNotices

__all__ = ["Recording"]

STANDS_AFTER_MS = 2500.0
"""A file that has not come further for so long never does: its camera is gone. MP4 comes each 2 s."""
FLOW_TIMEOUT_S = 10.0
"""MP4 comes at key frames only, which are 2 s apart; a busy machine takes its time."""

QUIET = "The recorder had gone quiet."
NOTHING = "The recorder delivered nothing."
GIVES_OUT_S = 1.0
"""A recorder that withheld something gives it out at once when it is stopped."""


class Recording:
    """One take being made, `starting` from the first; with `split_ms`, in parts of that length.

    A deck makes it, runs it in one task, and asks it from others. `now_ms` is the page's monotonic clock.
    """

    def __init__(
        self,
        take: Take,
        wanted: Plan,
        places: Places,
        log: Log,
        notices: TakeNotices,
        now_ms: Callable[[], float],
        split_ms: float | None = None,
        repair: Repair | None = None,
        room_time: RoomTime = lambda own_ms: None,
        clock: Callable[[int], str] = lambda part: "",
    ) -> None:
        """`clock` tells what is known of a part's clocks, for its file. It raises nothing."""
        self._plan = wanted
        self._places = places
        self._now_ms = now_ms
        self._clocks = clock
        self._split_ms = split_ms
        self._numbers = itertools.count(1)
        """Of parts: one that was given is never given again, whatever becomes of its part."""
        self._current: PartRecorder | None = None
        self._parts: list[PartRecorder] = []
        """Those being written, more than one while it rolls over."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._rolls: set[asyncio.Task[bool]] = set()
        self._rolling = asyncio.Lock()
        self._owed: tuple[str, Plan] | None = None
        """A change that could not be made when it came: why, and how to record from then on."""
        self._cause = ""
        """Why the take ends by itself, where that is known better than by its last engine."""
        self._clock = TakeClock(now_ms, room_time)
        self._keeper = TakeKeeper(take.after(TakeEvent.START_REQUESTED), self._clock, log, notices)
        self._notices = notices
        self._next = NextPlan(repair, notices)

    @property
    def take(self) -> Take:
        """The take as it is now; `stopping` from the moment at which a stop was asked for."""
        return self._keeper.take

    @property
    def part_now(self) -> PartNow | None:
        """The part that is being recorded; None before there is one."""
        part = self._current
        if part is None:
            return None
        return PartNow(part.name.number, part.started_ms, part.mime_type, part.first_frame)

    @property
    def pictures(self) -> int | None:
        """Pictures in the file; None where nobody counts them, and while parts change or nothing is recorded."""
        part = self._current
        settled = self._may_roll and len(self._parts) == 1 and self.take.state is TakeState.RECORDING
        return part.stream.pictures if part is not None and settled else None

    @property
    def status(self) -> Status:
        """The recording's figures right now."""
        part = self._current
        if part is None:
            return Status(self.take.state, 0, 0, None, 0.0)
        numbers = {one.name.number for one in self._parts}
        written = sum(one.sinks.safe_bytes for one in self._parts)
        written += sum(one.bytes for one in self.take.parts if one.number not in numbers)
        rate = part.rate
        return Status(self.take.state, self._clock.elapsed_ms(), written, rate.fps, rate.kbps)

    @property
    def growing(self) -> list[Growing]:
        """The files of the journal that are being written now, in the order of their parts' numbers."""
        return sorted(filter(None, (one.growing for one in self._parts)), key=lambda one: one.number)

    async def run(self) -> Take:
        """Record until stopped; return the take as it ended.

        Errors end up in the take and in a notice. Nothing is raised but CancelledError, and even then every sink is
        closed and the take's end is in its log.
        """
        self._notices.begin()
        try:
            await self._keeper.log()
            await self._start()
            await self._until_over()
        except Exception as error:
            self._keeper.note_failure(self._why_broken(error))
        finally:
            await self._wind_up()
            self._notices.end()
        return self.take

    def _why_broken(self, error: Exception) -> str:
        """A sentence about an exception that ends the take: at its start, or a fault of this page's own."""
        if self._current is not None:
            told = error.sentence if isinstance(error, RolltapeError) else f"({error!r})"
            return f"The recording broke off; what was written is kept. {told}"
        return NOTHING_YET if self._keeper.is_stopping else not_started(error).sentence

    async def _start(self) -> None:
        """Have the first part run. Raises RolltapeError."""
        await self._begin_part("", self._plan)
        await self._keeper.advance(TakeEvent.STARTED)
        self._make_good()

    async def stop(self) -> None:
        """Ask for the end, and return when that is in the take's log; `run` returns once all is written.

        Asking twice, or before it has begun, is fine.
        """
        if self._keeper.is_stopping:
            return
        self._keeper.move_on(TakeEvent.STOP_REQUESTED)
        for part in self._running():
            part.stop()
        await self._keeper.log()

    async def pause(self) -> None:
        """Record nothing until `resume`; the pause is logged, since it closes up in the file.

        Nothing happens unless the take is recording. Returns when the pause is in the take's log.
        """
        if self.take.state is TakeState.RECORDING:
            for part in self._running():
                part.pause()
            self._keeper.begin_pause()
            await self._keeper.advance(TakeEvent.PAUSED)

    async def resume(self) -> None:
        """Go on after a pause, with the change that came meanwhile; nothing happens unless the take is paused.

        Returns when the end of the pause is in the take's log.
        """
        if self.take.state is TakeState.PAUSED:
            for part in self._running():
                part.resume()
            self._keeper.end_pause()
            await self._keeper.advance(TakeEvent.RESUMED)
            self._make_good()

    def check(self) -> None:
        """Tell of sinks in trouble, and split where it is time; call it about once a second."""
        for part in self._running():
            part.check()
            if not part.sinks.live() and not part.stop_asked and not self._keeper.is_stopping:
                self._notices.tell(Level.ERROR, "The recording stops: nothing can be written any more.")
                self._cause = " ".join(["Nothing can be written any more.", *part.sinks.broken()])
                part.stop()
        if self._current is not None:
            self._listen_to(self._current)
        if self._is_time_to_split():
            self._roll(self.roll_over(SPLIT))

    def _listen_to(self, part: PartRecorder) -> None:
        """See whether it delivers something."""
        quiet_ms = part.quiet_ms()
        if quiet_ms > part.patience_ms and self._may_roll:
            self._roll(self._revive(part))
        elif not part.stream.is_empty:
            self._notices.over("nothing-yet", part.name.number)
        elif quiet_ms > NOTHING_AFTER_MS:
            self._notices.hold(
                "nothing-yet",
                Level.WARNING,
                "Nothing is recorded yet: the recorder delivers nothing. If that goes on, another format is tried.",
                part.name.number,
            )

    def _roll(self, rolling: Coroutine[None, None, bool]) -> None:
        task = asyncio.create_task(rolling)
        self._rolls.add(task)
        task.add_done_callback(self._rolled)

    async def _revive(self, quiet: PartRecorder) -> bool:
        """Stop a recorder that withholds what it records, which makes it give that out; go on in a new part.

        It is stopped first: what it holds is safe only once it is written.
        """
        async with self._rolling:
            if not self._keeper.is_under_way:
                return False
            quiet.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(GIVES_OUT_S):
                    await quiet.over.wait()
            is_empty = quiet.stream.is_empty
            wanted = await self._next.after_silence(quiet)
            if wanted is None or await self._began(NOTHING if is_empty else QUIET, wanted) is None:
                return False
        self._notices.over("nothing-yet", quiet.name.number)
        if not is_empty:  # of another format its own notice tells
            self._tell_new_part(f"{QUIET} What it held is kept.")
        return True

    async def change(self, reason: str, wanted: Plan) -> bool:
        """Other tracks are there than before: go on with them, recorded by `wanted`, in a new part.

        True once they are recorded, and that is told. False: the part before records on, or nothing does; while
        the take is starting or paused the change is remembered, and made when it is recording.
        """
        if self.take.state is not TakeState.RECORDING:
            self._owed = (reason, wanted) if not self._keeper.is_stopping else None
            return False
        changed = await self.roll_over(reason, wanted)
        if changed:
            self._tell_new_part(reason)
        return changed

    def _make_good(self) -> None:
        """Make the change that came while it could not be made."""
        if self._owed is not None and self.take.state is TakeState.RECORDING:
            owed, self._owed = self._owed, None
            self._roll(self.change(*owed))

    async def roll_over(self, reason: str, wanted: Plan | None = None) -> bool:
        """Go on in a new part, recorded by `wanted` or as so far; True if there is one.

        The new engine starts on the same tracks before the old one stops, and the old one stops only when the
        new part holds something of every track, from before the old one's end on: what was captured is in one of
        the two, or in both. Where the
        old one delivers nothing any more, the new part's `gap_before_ms` tells what is missing.
        """
        async with self._rolling:
            before = self._current
            if before is None or not self._keeper.is_under_way:
                return False
            following = await self._began(reason, wanted or before.plan)
            return following is not None and await self._hand_over(before, following)

    async def _began(self, reason: str, wanted: Plan) -> PartRecorder | None:
        """A new part beside the one before; None if none could begin: that is told, unless a stop was the reason."""
        try:
            return await self._begin_part(reason, wanted)
        except RolltapeError as error:
            if not self._keeper.is_stopping:
                sentence = f"The recording could not go on in a new part. {error.sentence}"
                self._notices.tell(Level.WARNING, sentence)
            return None

    async def _hand_over(self, before: PartRecorder, following: PartRecorder) -> bool:
        if before.ended_ms is None:
            await self._clock.pauses.wait_recorded(following.flowing, FLOW_TIMEOUT_S)
            if not following.stream.has_media and not self._keeper.is_stopping:
                following.stop()
                self._current = before
                self._notices.tell(
                    Level.WARNING, "A new part gave nothing, so the recording goes on in the old."
                )
                return False
            await self._catch_up(before, following)
        before.stop()
        return True

    async def _catch_up(self, before: PartRecorder, following: PartRecorder) -> None:
        """Wait until the old file has come to where the new one begins: what its encoders hold would be lost."""
        while not before.over.is_set() and not before.reaches(following):
            before.grown.clear()
            stands_ms = self._clock.pauses.recorded_ms(before.grown_ms, self._now_ms())
            await self._clock.pauses.wait_recorded(before.grown, (STANDS_AFTER_MS - stands_ms) / 1000)
            if not before.grown.is_set():
                return

    async def _begin_part(self, reason: str, wanted: Plan) -> PartRecorder:
        """Open the next part and have it run. Raises RolltapeError."""
        name = self._next_name()
        part = PartRecorder(
            name,
            reason,
            self._notices.of_part(name.number),
            self._now_ms,
            self._clock.pauses,
            wanted,
            self._clocks,
        )
        await part.open(self._places, lambda: not self._keeper.is_stopping)
        for notice in part.plan.choice.notices:
            if notice not in self._plan.choice.notices:
                self._notices.notify(notice)
        before, self._current = self._current, part
        self._parts.append(part)
        self._tasks.add(asyncio.create_task(self._write(part, before)))
        if self._clock.pauses.is_paused:
            part.pause()
        if self._keeper.is_stopping:
            part.stop()
        if not self.take.parts:
            self._clock.begins_with(part)
        described = part.described(0, ShelfState.RECORDING)
        self._keeper.put(self._clock.joined(described, part.started_ms, None))
        if before is not None:
            await self._keeper.log()
        return part

    def _next_name(self) -> PartName:
        number = next(self._numbers)
        stem = self.take.name if number == 1 and self._split_ms is None else f"{self.take.name}_part{number}"
        return PartName(number, self.take.id, stem, folder_of(self.take))

    async def _write(self, part: PartRecorder, before: PartRecorder | None) -> None:
        """A part's own task: from its first chunk to its last, and then its end."""
        try:
            await part.run()
        finally:
            finished = await part.finish()
            self._parts.remove(part)
            if finished is None:
                self._drop(part)
            else:
                follows = before if before is not None and not before.stream.is_empty else None
                self._keeper.put(self._clock.joined(finished, part.started_ms, follows))
                if part.ends_early:
                    self._keeper.note_early_end(finished.delivered)
                if part.error is not None and part.stop_asked:
                    self._keeper.note_torn_end(part.error)

    def _drop(self, part: PartRecorder) -> None:
        """A part that holds nothing is none of the take's; the take begins where the first one that does begins."""
        self._keeper.drop(part.name.number)
        if self._clock.is_begun_by(part) and self._parts:
            self._clock.begins_with(self._parts[0])

    async def _until_over(self) -> None:
        """Wait for every part; where the last one broke off by itself, go on in another if that can be."""
        while self._tasks:
            await self._until_one_is_over()
            current = self._current
            if current is not None and not self._tasks:
                self._clock.ended_ms = current.ended_ms
                if self._keeper.is_under_way and not await self._go_on_after(current):
                    why = current.error.sentence if current.error else ""
                    self._keeper.note_end(self._cause or self._next.cause or why)
                    break
            else:
                await self._keeper.log()

    async def _until_one_is_over(self) -> None:
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        over = {task for task in self._tasks if task.done()}
        self._tasks -= over
        for task in over:
            await task
        async with self._rolling:
            pass  # a new part that is being begun is among the tasks afterwards

    async def _go_on_after(self, part: PartRecorder) -> bool:
        """Go on in a new part after an engine's error, in the next format if this one never worked.

        Where it ended without one, its tracks have: go on with what is alive.
        """
        if self._cause or self._next.cause:
            return False
        reason = part.error.sentence if part.error else "The recorder had ended."
        wanted = await self._next.after_end(part)
        if wanted is None or not await self.roll_over(reason, wanted):
            return False
        self._clock.ended_ms = None
        self._tell_new_part(reason)
        return True

    def _tell_new_part(self, reason: str) -> None:
        self._notices.tell(Level.WARNING, f"{reason} The recording goes on in a new part.")

    async def _wind_up(self) -> None:
        """Have every part end and every sink close, whatever came before; then log that the take is over."""
        if not self._keeper.is_stopping:
            self._keeper.move_on(TakeEvent.STOP_REQUESTED)
        self._stop_parts()
        for roll in self._rolls:
            roll.cancel()
        async with self._rolling:
            self._stop_parts()  # among them one that was just being begun
        while self._tasks:
            over, self._tasks = await asyncio.wait(self._tasks)
            for error in filter(None, (task.exception() for task in over if not task.cancelled())):
                self._keeper.note_failure(f"The recording broke off; what was written is kept. ({error!r})")
        self._keeper.end_pause()
        failure = TakeEvent.FAILED if self._current is not None else TakeEvent.START_FAILED
        await self._keeper.end(failure)

    def _stop_parts(self) -> None:
        for part in self._running():
            part.stop()

    def _rolled(self, task: asyncio.Task[bool]) -> None:
        """What may go wrong is told where it does; anything else goes to whom the page hands what nobody expected."""
        self._rolls.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            words = "Something went wrong while a new part was begun."
            task.get_loop().call_exception_handler({"message": words, "exception": error})

    def _running(self) -> list[PartRecorder]:
        return [part for part in self._parts if part.ended_ms is None]

    @property
    def _may_roll(self) -> bool:
        return not self._rolls and not self._rolling.locked()

    def _is_time_to_split(self) -> bool:
        part = self._current
        if self._split_ms is None or part is None or not self._may_roll:
            return False
        return self.take.state is TakeState.RECORDING and part.recorded_ms >= self._split_ms
