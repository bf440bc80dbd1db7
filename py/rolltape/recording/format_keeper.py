"""Sees to it that what is recorded keeps up with its camera: the next format where this one does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from rolltape.core.notice import Level, Notice
from rolltape.recording.clock_keeper import PartNow
from rolltape.recording.engine import Plan
from rolltape.recording.keep_up import KeepUp, KnownSlow, Shortfall
from rolltape.settings.capture_constraints import GrantedVideo
from rolltape.settings.codec import VideoCodec, contents, holds_one_size
from rolltape.settings.order import Order

__all__ = ["SUBJECT", "FormatKeeper"]

SUBJECT = "keep-up"
INSISTED = "The format stays, since it was asked for. Close what you do not need."
NONE_BETTER = "No format is known that would. The recording goes on; close what you do not need."
SMALLER = "The picture is recorded smaller from now on: {0}×{1}."
ANOTHER = "Another format is tried."
NEXT_TIME = "The next recording begins in another format."


def _name(codec: VideoCodec) -> str:
    return "H.264" if codec is VideoCodec.H264 else codec.upper()


def _picture(video: GrantedVideo) -> tuple[int, int, float]:
    return video.width, video.height, video.fps


class Camera(Protocol):
    """What gives the pictures."""

    def pictures(self) -> int | None:
        """How many it has given in all; None without a picture, and where nobody can tell."""

    def granted_video(self) -> GrantedVideo | None:
        """The picture there is; None without one."""

    async def shrink(self, width: int, height: int) -> bool:
        """Give a picture of this size from now on, on the same track; whether it is smaller then."""


class RecordingUnderWay(Protocol):
    """A recording under way."""

    @property
    def part_now(self) -> PartNow | None:
        """The part that is being recorded."""

    @property
    def pictures(self) -> int | None:
        """Pictures in its file; None where they are not to be compared."""

    async def change(self, reason: str, wanted: Plan) -> bool:
        """Go on in a new part, recorded by `wanted`."""


class FormatKeeper:
    """Of one deck; `plan` makes the plan anew, with what was learnt."""

    def __init__(
        self,
        known_slow: KnownSlow,
        plan: Callable[[Order], Awaitable[Plan | None]],
        notify: Callable[[Notice], None],
        lift: Callable[[str], None],
        switches: bool,
    ) -> None:
        self._known_slow = known_slow
        self._plan = plan
        self._notify = notify
        self._lift = lift
        self._switches = switches
        self._keep_up = KeepUp()
        self._following: asyncio.Task[None] | None = None
        self._told: tuple[RecordingUnderWay, str] | None = None
        """What was told last, and of which recording."""
        self._shrunk = False
        """Whether the picture was made smaller: no codec kept up with it as it was."""

    def slow(
        self, video: GrantedVideo | None, efficient: frozenset[VideoCodec] = frozenset()
    ) -> frozenset[VideoCodec]:
        """The codecs that are known, or expected, not to keep up with this picture; `efficient` are in hardware."""
        if video is None:
            return frozenset()
        picture = _picture(video)
        return self._known_slow.at(*picture) | (self._known_slow.expected(*picture) - efficient)

    def look(self, now_ms: float, order: Order, camera: Camera | None, recording: RecordingUnderWay) -> None:
        """Call it several times a second while something is recorded."""
        part = recording.part_now
        codec = contents(part.encoder).video if part is not None else None
        busy = self._following is not None and not self._following.done()
        given = camera.pictures() if camera is not None and codec is not None and not busy else None
        found = self._keep_up.look(now_ms, given, recording.pictures)
        if self._keep_up.keeps_up or (self._told is not None and self._told[0] is not recording):
            self.over()
        if found is not None and codec is not None and camera is not None:
            self._keep_up.restart()
            self._following = asyncio.create_task(self._follow(order, camera, recording, codec, found))

    def over(self) -> None:
        """What was told holds no more: it keeps up, or the recording is another or over; it may be told anew."""
        if self._told is not None:
            self._told = None
            self._lift(SUBJECT)

    async def _follow(
        self, order: Order, camera: Camera, recording: RecordingUnderWay, codec: VideoCodec, found: Shortfall
    ) -> None:
        """Remember it, and go on in a format that keeps up, else with a smaller picture, else in a quicker format.

        What is insisted on stays.
        """
        video = camera.granted_video()
        if video is None:
            return
        self._known_slow.add(codec, video.width, video.height, found.held_fps)
        wanted = await self._plan(order)
        following = wanted.choice.candidate.video if wanted is not None else None
        if order.codec.video is codec:
            self._tell(recording, found, INSISTED)
            return
        none_better = (
            wanted is None or following is codec or following in self._known_slow.at(*_picture(video))
        )
        hopeless = none_better or self._shrunk or (wanted is not None and following in wanted.slow)
        if hopeless and await self._shrink(camera, video, following or codec):
            self._shrunk = True
            await self._go_on_smaller(order, camera, recording, codec, found)
        elif none_better or self._shrunk or wanted is None:
            self._tell(recording, found, NONE_BETTER)
        elif self._switches:
            self._tell(recording, found, ANOTHER)
            await recording.change(f"{_name(codec)} did not keep up.", wanted)
        else:
            self._tell(recording, found, NEXT_TIME)

    async def _shrink(self, camera: Camera, video: GrantedVideo, codec: VideoCodec) -> bool:
        size = self._known_slow.smaller(codec, *_picture(video)) if self._switches else None
        return size is not None and await camera.shrink(*size)

    async def _go_on_smaller(
        self, order: Order, camera: Camera, recording: RecordingUnderWay, codec: VideoCodec, found: Shortfall
    ) -> None:
        """Recorders follow a picture's size, but for files that hold one only.

        A new part begins only for these, and where this codec is too slow for the smaller picture too.
        No second encoder makes a starved machine worse without need.
        """
        video = camera.granted_video()
        if video is None:
            return
        self._tell(recording, found, SMALLER.format(video.width, video.height))
        wanted = await self._plan(order)
        following = wanted.choice.candidate.video if wanted is not None else None
        too_slow = wanted is not None and following is not codec and codec in wanted.slow
        part = recording.part_now
        keeps_its_size = part is not None and holds_one_size(part.encoder)
        if wanted is not None and (too_slow or keeps_its_size):
            await recording.change("The picture is smaller.", wanted)

    def _tell(self, recording: RecordingUnderWay, found: Shortfall, what_then: str) -> None:
        """Say it once a recording, in the same words."""
        if self._told != (recording, what_then):
            self._told = recording, what_then
            self._notify(Notice(Level.WARNING, f"{found.sentence} {what_then}", SUBJECT))
