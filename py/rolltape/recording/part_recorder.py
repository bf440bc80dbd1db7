"""One part of a take while it is made: an engine's chunks, through the container, into the sinks.

The engine waits for no sink: a chunk is handed over and acknowledged later. However the engine ends, the part ends.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from rolltape.core.errors import EngineError, RolltapeError, SinkError
from rolltape.core.notice import Level
from rolltape.media.ending import NOTHING, Ending
from rolltape.recording.container import ContainerStream, stream_for
from rolltape.recording.engine import Engine, Plan, as_engine_error, start_engine
from rolltape.recording.missing import of_hole, of_lag
from rolltape.recording.part_sinks import Growing, PartName, PartSinks, Places, sentence_of
from rolltape.recording.pause_clock import PauseClock
from rolltape.recording.take import Part, ShelfState
from rolltape.recording.take_notices import PartNotices
from rolltape.recording.throughput import Rate, Throughput
from rolltape.recording.timeline import STEADY_MS, FileTimeline, Hole, LagNews, LagWatch, holes
from rolltape.settings.codec import Container, contents

__all__ = ["PartName", "PartRecorder", "Places"]

WHY_HOLE = "the machine slept, or was too busy. The recording goes on; make sure that it stays awake."
WHY_BEHIND = "this machine is too busy to keep up. The recording goes on; close what you do not need."

QUIET_AFTER_MS = 2000.0
"""A recorder that delivers every half second and then nothing for this long withholds what it records (quirk 1)."""
QUIET_AFTER_MP4_MS = 8000.0
"""MP4 is delivered at key frames only, which are two seconds apart."""
EMPTY_AFTER_MS = 4000.0
"""The same for the first chunk of all: encoders begin slowly on a busy machine, and another format is a loss."""
EMPTY_AFTER_MP4_MS = 7000.0
"""Within ten seconds another format is recorded."""
NOTHING_AFTER_MS = 3000.0
"""A person is told of a part that has nothing after this time."""
BLOCKED_AFTER_MS = 1500.0
"""Where looks are further apart than this, the page itself was held up, and chunks may be waiting."""
STOP_PATIENCE_S = 30.0
"""A recorder that was asked to stop and has delivered nothing for this long will not end by itself."""


class PartRecorder:
    """A part being made: `open`, then `run` beside everything else, then `finish`; after a failed `open`, nothing."""

    def __init__(
        self,
        name: PartName,
        reason: str,
        notices: PartNotices,
        now_ms: Callable[[], float],
        pauses: PauseClock,
        wanted: Plan,
        clock: Callable[[int], str] = lambda part: "",
    ) -> None:
        """`clock` tells what is known of a part's clocks, for its file."""
        self.name = name
        self.reason = reason
        self.plan = wanted
        """How it is recorded; begins with the format that started."""
        self.mime_type = ""
        self.started_ms = 0.0
        """When its file's time began, by the clock `now_ms`; known best once it holds something of every track."""
        self.first_frame: int | None = None
        """What the microphone had counted before its file's first sample; None: unknown."""
        self.ended_ms: float | None = None
        self.error: EngineError | None = None
        """Why the engine stopped by itself; None if it was asked to, or if every track ended."""
        self.ends_early = False
        """Whether the journal's copy lacks the end."""
        self.flowing = asyncio.Event()
        """Set once the file holds something of every track, and when it is over."""
        self.over = asyncio.Event()
        """Set when no chunk comes any more."""
        self.grown = asyncio.Event()
        """Set whenever its file has come further in every track, and when it is over; who waits clears it."""
        self.grown_ms = 0.0
        """When it did last."""
        self._notices = notices
        self._now_ms = now_ms
        self._pauses = pauses
        self._clocks = clock
        self._engine: Engine | None = None
        self._stream: ContainerStream = stream_for(contents("").container)
        self.sinks = PartSinks(name, notices, now_ms)
        self._lag = LagWatch()
        self._holes_told = 0
        self._problem_told = False
        self._clock = FileTimeline()
        self._stop_asked_ms: float | None = None
        self._patience: asyncio.Timeout | None = None
        """What the next chunk is waited for with."""
        self._heard_ms = 0.0
        self._looked_ms = 0.0
        self._checked_ms = math.inf
        """When it was checked last."""
        self._stood_ms = -math.inf
        """When the page itself had last stood still."""
        self._throughput = Throughput()
        self._came = 0

    async def open(self, places: Places, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Open the sinks and start the engine.

        Raises RolltapeError, whatever the browser raised; nothing is left open then, nor when this is cancelled.
        """
        try:
            await self.sinks.open_journal(places.store)
            self._engine, self.plan = await start_engine(self.plan, is_wanted)
            self._heard_ms = self._looked_ms = self.grown_ms = self._now_ms()
            self.started_ms = self._engine.began_ms(None) or self._now_ms()
            self.first_frame = self._engine.first_frame
            self.mime_type = self._engine.mime_type or self.plan.choice.candidate.mime_type
            self._stream = stream_for(contents(self.mime_type).container)
            await self.sinks.open_outside(places, self.mime_type)
            if not self.sinks.live():
                raise SinkError("This browser gives no place to write it to.")
        except BaseException as error:
            self._over()
            await self.sinks.close_unused()
            self._notices.all_over()
            if isinstance(error, Exception) and not isinstance(error, RolltapeError):
                raise as_engine_error(error) from error
            raise

    async def run(self) -> None:
        """Write every chunk until the engine has stopped, in whatever way: `error` tells; nothing is raised."""
        assert self._engine is not None
        try:
            chunks = aiter(self._engine.chunks())
            while (chunk := await self._next(chunks)) is not None:
                self._take_in(chunk)
            self.error = self._engine.error
        except Exception as error:
            self.error = as_engine_error(error)
        finally:
            self._over()

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        """The next chunk; None after the last. Raises EngineError where the engine was asked to stop and does not."""
        try:
            async with asyncio.timeout(STOP_PATIENCE_S if self.stop_asked else None) as self._patience:
                return await anext(chunks)
        except StopAsyncIteration:
            return None
        except TimeoutError:
            if self._patience is not None and self._patience.expired():
                raise EngineError("The browser's recorder did not stop when it was asked to.") from None
            raise

    def _over(self) -> None:
        """The engine has ended, or is to end now."""
        if self.ended_ms is None:
            self.ended_ms = self._now_ms()
        self.flowing.set()
        self.over.set()
        self.grown.set()
        if self._engine is not None:
            self._asked(self._engine.close)

    def _asked(self, what: Callable[[], None]) -> bool:
        """Ask something of the engine; whether it took it. What it raises is told, and does not end anything else."""
        try:
            what()
        except Exception as error:
            self._notices.tell(Level.WARNING, f"The recorder does not obey. {sentence_of(error)}")
            return False
        return True

    @property
    def stop_asked(self) -> bool:
        """True if its end was asked for."""
        return self._stop_asked_ms is not None

    def stop(self) -> None:
        """Ask for the end; asking twice is fine."""
        if self.stop_asked or self._engine is None:
            return
        self._stop_asked_ms = self._now_ms()
        patience_s = STOP_PATIENCE_S if self._asked(self._engine.stop) else 0.0
        if self._patience is not None and self.ended_ms is None:
            self._patience.reschedule(asyncio.get_running_loop().time() + patience_s)

    def pause(self) -> None:
        """Take nothing in until `resume`."""
        if self._engine is not None:
            self._asked(self._engine.pause)

    def resume(self) -> None:
        """Go on."""
        if self._engine is not None:
            self._asked(self._engine.resume)
            self._heard_ms = self._now_ms()
            self._throughput.restart()

    def quiet_ms(self) -> float:
        """For how long the engine has delivered nothing; look about once a second.

        0 while it need not: it is paused, stopped or over, or the page itself was held up and chunks may be waiting.
        """
        now_ms = self._now_ms()
        if now_ms - self._looked_ms > BLOCKED_AFTER_MS:
            self._heard_ms = now_ms
        self._looked_ms = now_ms
        if self.stop_asked or self._pauses.is_paused or self.ended_ms is not None:
            return 0.0
        return now_ms - self._heard_ms

    @property
    def patience_ms(self) -> float:
        """For how long the engine may deliver nothing, by its format and whether it ever has."""
        is_mp4 = contents(self.mime_type).container is Container.MP4
        if self._stream.is_empty:
            return EMPTY_AFTER_MP4_MS if is_mp4 else EMPTY_AFTER_MS
        return QUIET_AFTER_MP4_MS if is_mp4 else QUIET_AFTER_MS

    @property
    def stream(self) -> ContainerStream:
        """The container's view of the bytes so far."""
        return self._stream

    @property
    def growing(self) -> Growing | None:
        """Its file in the journal as it is now; None where nothing of it is, or not all that was written."""
        stream = self._stream
        if not self.sinks.has_journal or not stream.stable:
            return None
        return Growing(self.name.number, self.name.path, self.mime_type, stream.head, stream.stable)

    @property
    def rate(self) -> Rate:
        """Rates of what came lately, by the clock."""
        return self._throughput.rate(self._now_ms())

    @property
    def recorded_ms(self) -> float:
        """For how long it has been recording, pauses left out."""
        return self._pauses.recorded_ms(self.started_ms, self.ended_ms or self._now_ms())

    @property
    def holes(self) -> tuple[Hole, ...]:
        """Gaps between the timestamps of its file."""
        return holes(self._stream.silences, self._stream.has_both, self._pauses.closed(self.started_ms))

    @property
    def behind_ms(self) -> int:
        """Milliseconds by which its file is shorter than the time that went by, holes aside; 0 up to a second."""
        return self._clock.behind_ms if self.ended_ms is None else self._clock.behind_at_end_ms

    def check(self) -> None:
        """Tell of sinks in trouble, and of what is missing."""
        self.sinks.check()
        found = self.holes
        if len(found) > self._holes_told:
            self._holes_told = len(found)
            self._notices.tell_hole(f"{of_hole(found[-1])}: {WHY_HOLE}")
        now_ms, behind_ms = self._now_ms(), self.behind_ms
        if now_ms - self._checked_ms > BLOCKED_AFTER_MS:
            self._stood_ms = now_ms
        self._checked_ms = now_ms
        match self._lag.look(now_ms, behind_ms):
            case LagNews.GROWS:
                why = WHY_HOLE if now_ms - self._stood_ms < STEADY_MS else WHY_BEHIND
                self._notices.hold("behind", Level.WARNING, f"{of_lag(behind_ms)}: {why}")
            case LagNews.OVER:
                self._notices.over("behind")

    @property
    def media_end_ms(self) -> float:
        """Moment when its last sample was captured, in ms of the page's clock."""
        return self._by_the_clock(self._stream.duration_ms)

    @property
    def whole_until_ms(self) -> float:
        """Until when it has both picture and sound, by the clock."""
        return self._by_the_clock(self._stream.whole_until_ms)

    def reaches(self, following: PartRecorder) -> bool:
        """Return True if its file goes on, in every track, until the one of `following` has begun.

        Encoders that are stopped lose what they still had to do. What does not tell its times is taken to reach.
        """
        latest_ms, from_ms = self._stream.latest_ms, following.stream.whole_from_ms
        if latest_ms is None or from_ms is None:
            return True
        return self._by_the_clock(latest_ms) >= following._by_the_clock(from_ms)

    def _by_the_clock(self, in_file_ms: float | None) -> float:
        """A moment of the file by the clock; its end where the container does not tell."""
        if in_file_ms is None:
            return self.ended_ms or self._now_ms()
        return self._pauses.moment_ms(self.started_ms, in_file_ms)

    async def finish(self) -> Part | None:
        """Close every sink, files made seekable; what has become of the part, None if it holds nothing.

        No sink's end waits for another's, and none keeps another from its own: what goes wrong is told.
        """
        if self.flowing.is_set():
            self._date()
        clock = self._clocks(self.name.number)
        kind = contents(self.mime_type).container
        end = await self.sinks.finish(self._ending(clock), kind, self._stream.is_empty, clock)
        self._notices.all_over()
        self.ends_early = end.ends_early
        if self._stream.is_empty or not end.holds_something:
            return None
        finished = replace(self.described(end.size, ShelfState.FINISHED), delivered=end.delivery)
        return finished if end.duration_ms is None else replace(finished, duration_ms=end.duration_ms)

    def described(self, size: int, state: ShelfState) -> Part:
        """Return the part as far as it is known; the caller adds the times on the take's clock."""
        duration = self._stream.duration_ms
        return Part(
            number=self.name.number,
            file=self.name.file,
            bytes=size,
            duration_ms=max(0, round(self.recorded_ms if duration is None else duration)),
            mime_type=self.mime_type,
            reason=self.reason,
            state=state,
            holes=self.holes,
            behind_ms=self.behind_ms,
        )

    def _take_in(self, chunk: bytes) -> None:
        """Hand one chunk to both sinks; nothing here waits."""
        self._heard_ms = self._now_ms()
        before_ms = self._stream.latest_ms
        data = self._stream.feed(chunk)
        if self._stream.latest_ms != before_ms:
            self.grown_ms = self._heard_ms
            self.grown.set()
        self._compare()
        self._came += len(chunk)
        self._throughput.note(self._heard_ms, self._stream.pictures, self._came)
        if self._stream.problem and not self._problem_told:
            self._problem_told = True
            self._notices.tell(Level.WARNING, f"The recording is kept as it comes: {self._stream.problem}")
        self.sinks.write(data, self._stream.patches())
        if self._stream.has_media and not self.flowing.is_set():
            self._date()
            self.flowing.set()

    def _compare(self) -> None:
        """Compare what the file holds with what went by, until the end was asked for."""
        media_ms = self._stream.duration_ms
        if media_ms is not None and self.flowing.is_set():
            until_ms = self._now_ms() if self._stop_asked_ms is None else self._stop_asked_ms
            self._clock.note(self._pauses.recorded_ms(self.started_ms, until_ms), media_ms)

    def _date(self) -> None:
        """Say when the file's time began, as the engine knows it now."""
        assert self._engine is not None
        self.started_ms = self._engine.began_ms(self._stream.first_picture_ms) or self.started_ms

    def _ending(self, clock: str) -> Ending:
        try:
            return self._stream.finish(clock)
        except Exception as error:  # what was written stays; it is only not seekable
            self._notices.tell(Level.WARNING, f"The recording is kept as it came: {sentence_of(error)}")
            return NOTHING
