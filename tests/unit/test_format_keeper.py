"""A format that does not keep up is followed by the next, unless it is insisted on or nothing better is known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from rolltape.core.notice import Level, Notice
from rolltape.recording.clock_keeper import PartNow
from rolltape.recording.engine import Plan, plan
from rolltape.recording.format_keeper import INSISTED, NEXT_TIME, NONE_BETTER, SMALLER, SUBJECT, FormatKeeper
from rolltape.recording.keep_up import KnownSlow
from rolltape.settings.bitrate import wish_for
from rolltape.settings.capture_constraints import GrantedVideo
from rolltape.settings.codec import CodecWish, VideoCodec, candidates
from rolltape.settings.order import Order

SPEED = {VideoCodec.VP8: 11, VideoCodec.H264: 30, VideoCodec.VP9: 30, VideoCodec.AV1: 2}


class Studio:
    """A camera of 30 pictures a second, and encoders of which each writes as many as it can."""

    def __init__(
        self, order: Order, switches: bool = True, speed: dict[VideoCodec, int] | None = None
    ) -> None:
        self.order = order
        self.speed = SPEED if speed is None else speed
        self.ms = 0.0
        self.given = 0.0
        self.held = 0.0
        self.number = 0
        self.codecs: list[VideoCodec] = []
        self.reasons: list[str] = []
        self.notices: list[Notice] = []
        self.lifted: list[str] = []
        self.size = (1280, 720)
        self.shrinks = False
        self.efficient: frozenset[VideoCodec] = frozenset()
        self.known_slow = KnownSlow.of_this_page()
        self.keeper = FormatKeeper(
            self.known_slow, self.plan, self.notices.append, self.lifted.append, switches
        )

    def pictures_of_camera(self) -> int:
        return int(self.given)

    def granted_video(self) -> GrantedVideo:
        return GrantedVideo("camera", "1", *self.size, 30.0)

    async def shrink(self, width: int, height: int) -> bool:
        if self.shrinks:
            self.size = (width, height)
        return self.shrinks

    async def plan(self, order: Order) -> Plan | None:
        slow = self.keeper.slow(self.granted_video(), self.efficient)

        def engine(mime_type: str, rates: object) -> Any:
            raise AssertionError

        listed = candidates(order.codec, slow=slow)
        return plan(listed, order.rates, engine, lambda mime_type: True, slow)

    @property
    def part_now(self) -> PartNow:
        return PartNow(self.number, 0.0, f"video/webm;codecs={self.codecs[-1]},opus")

    @property
    def pictures(self) -> int:
        return int(self.held)

    async def change(self, reason: str, wanted: Plan) -> bool:
        assert wanted.choice.candidate.video is not None
        self.reasons.append(reason)
        self.begin(wanted.choice.candidate.video)
        return True

    def begin(self, codec: VideoCodec) -> None:
        self.codecs.append(codec)
        self.number += 1
        self.held = 0.0

    async def record(self, seconds: float) -> None:
        first = await self.plan(self.order)
        assert first is not None and first.choice.candidate.video is not None
        self.begin(first.choice.candidate.video)
        camera = Camera(self)
        for _ in range(round(seconds * 5)):
            self.ms += 200
            self.given += 6
            self.held += self.speed[self.codecs[-1]] / 5
            self.keeper.look(self.ms, self.order, camera, self)
            for _ in range(5):
                await asyncio.sleep(0)


class Camera:
    def __init__(self, studio: Studio) -> None:
        self.pictures = studio.pictures_of_camera
        self.granted_video = studio.granted_video
        self.shrink = studio.shrink


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await story()

    asyncio.run(whole())


def order(codec: VideoCodec | None = None) -> Order:
    return Order(wish_for(6000), CodecWish(codec))


def test_it_goes_on_in_the_next_format_and_the_next_recording_begins_in_it() -> None:
    studio = Studio(order())
    run(lambda: studio.record(20))

    assert studio.codecs == [VideoCodec.VP8, VideoCodec.H264] and studio.reasons == ["VP8 did not keep up."]
    (told,) = studio.notices
    assert "Of 30 pictures a second that the camera gives only 11 are recorded" in told.text

    assert studio.lifted == [SUBJECT], "once the other was seen to keep up"

    run(lambda: studio.record(20))
    assert studio.codecs[2:] == [VideoCodec.H264] and len(studio.notices) == 1


def test_what_is_insisted_on_stays_and_is_told_once() -> None:
    studio = Studio(order(VideoCodec.VP8))
    run(lambda: studio.record(30))

    assert studio.codecs == [VideoCodec.VP8] and studio.reasons == []
    (told,) = studio.notices
    assert told.level is Level.WARNING and "only 11" in told.text and INSISTED in told.text
    assert studio.lifted == []
    studio.speed = dict.fromkeys(VideoCodec, 30)
    run(lambda: studio.record(10))
    assert studio.lifted == [SUBJECT]
    studio.speed = SPEED
    run(lambda: studio.record(10))
    assert studio.notices == [told, told], "anew the next time"


def test_where_none_keeps_up_and_no_picture_is_smaller_the_quickest_is_tried() -> None:
    studio = Studio(order(), speed=dict.fromkeys(VideoCodec, 9))
    run(lambda: studio.record(60))

    assert studio.codecs == [VideoCodec.VP8, VideoCodec.H264]
    assert NONE_BETTER in studio.notices[-1].text and len(studio.notices) == 2


def test_where_no_format_is_expected_to_keep_up_the_picture_gets_smaller_at_once() -> None:
    studio = Studio(order(), speed=dict.fromkeys(VideoCodec, 9))
    studio.size, studio.shrinks = (1920, 1080), True
    run(lambda: studio.record(4))

    assert studio.size == (1280, 720) and studio.reasons == ["The picture is smaller."]
    assert studio.codecs == [VideoCodec.VP8, VideoCodec.H264], "at this size it is expected to"
    run(lambda: studio.record(60))
    assert studio.size == (960, 540), "1080, 720, 540"
    told = [notice.text.split(": this machine does not keep up. ")[1] for notice in studio.notices]
    assert NONE_BETTER in told[-1] and SMALLER.format(960, 540) in told


def test_what_the_browser_has_in_hardware_is_tried_before_the_picture_gets_smaller() -> None:
    studio = Studio(order(), speed=SPEED | {VideoCodec.VP8: 5, VideoCodec.H264: 12})
    studio.size, studio.shrinks = (1920, 1080), True
    studio.efficient = frozenset({VideoCodec.VP9})
    run(lambda: studio.record(30))

    assert studio.codecs == [VideoCodec.VP8, VideoCodec.VP9] and studio.size == (1920, 1080)


def test_a_smaller_picture_that_is_kept_up_with_is_the_end_of_it() -> None:
    studio = Studio(order(VideoCodec.VP8), speed=dict.fromkeys(VideoCodec, 9))
    studio.shrinks = True
    run(lambda: studio.record(20))
    assert studio.size == (1280, 720), "what is insisted on is only told of"

    studio = Studio(order(), speed=dict.fromkeys(VideoCodec, 9))
    studio.shrinks = True
    run(lambda: studio.record(18))
    assert studio.size == (960, 540)
    studio.speed = dict.fromkeys(VideoCodec, 30)
    run(lambda: studio.record(10))
    assert studio.lifted[-1] == SUBJECT


def test_a_test_recording_finds_it_out_for_the_next() -> None:
    studio = Studio(order(), switches=False)
    run(lambda: studio.record(5))

    assert studio.codecs == [VideoCodec.VP8]
    (told,) = studio.notices
    assert NEXT_TIME in told.text
    run(lambda: studio.record(5))
    assert studio.codecs[1:] == [VideoCodec.H264] and len(studio.notices) == 1
