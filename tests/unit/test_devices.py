"""Devices that die, come back, are stood in for, or are muted: what is used, and what is told while it is true."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import pytest

from page_fakes import FakeDocument
from rolltape.core.errors import DeviceBusy, DeviceError, DeviceNotFound, PermissionDenied
from rolltape.pages.guest.devices import HEARD, MUTED, UNMUTED, Devices, is_same
from rolltape.pages.guest.muted import SETTLED_MS, STANDS_MS, MutedTracks, StandingCamera
from rolltape.pages.interfaces import Browser
from rolltape.recording.part_recorder import QUIET_AFTER_MS
from rolltape.settings.capture_constraints import Constraints, Device, GrantedAudio, GrantedVideo, Kind
from rolltape.settings.link import parse_link

DELIVERED_EVERY_MS = 500.0


class FakeCapture:
    """Uses the devices that are plugged in."""

    def __init__(self, plugged: dict[Kind, list[str]]) -> None:
        self.plugged = plugged
        self.used: dict[Kind, str] = {}
        self.muted: set[str] = set()
        self.given: int | None = None
        self.aside = False
        self.records_silence = False
        self.rate_hz = 48_000

    async def use(self, wish: Constraints) -> None:
        for kind, asked in (("video", wish.video), ("audio", wish.audio)):
            if asked is None:
                continue
            labels = self.plugged[cast("Kind", kind)]
            if not labels:
                raise DeviceNotFound("There is no such device or file.")
            which = cast("dict[str, str]", asked.get("deviceId", {}))
            wanted = which.get("exact") or which.get("ideal")
            self.used[cast("Kind", kind)] = wanted if wanted in labels else labels[0]

    def lose(self, kind: str) -> str:
        return self.used.pop(cast("Kind", kind), "")

    def granted_video(self) -> GrantedVideo | None:
        label = self.used.get("video")
        if not label or "video" in self.muted or self.aside:
            return None
        return GrantedVideo(label, label, 640, 360, 30.0)

    def granted_audio(self) -> GrantedAudio | None:
        label = self.used.get("audio")
        return GrantedAudio(label, label, 2, self.rate_hz, False, False, False) if label else None

    def is_muted(self, kind: str) -> bool:
        return kind in self.muted

    counts_all_pictures = True

    def pictures(self) -> int | None:
        return self.given

    def set_aside(self, aside: bool) -> None:
        self.aside = aside

    def preview(self) -> object | None:
        return None

    async def close(self) -> None:
        self.used.clear()


class FakeBrowser:
    """Devices that are plugged in and out; their ids are their names."""

    def __init__(self) -> None:
        self.plugged: dict[Kind, list[str]] = {"video": ["Cam"], "audio": ["Yeti", "Built-in"]}
        self.made = FakeCapture(self.plugged)
        self.ended: Callable[[str], None] = lambda kind: None
        self.changed: Callable[[], Awaitable[None]] | None = None
        self.ms = 0.0

    def now_ms(self) -> float:
        return self.ms

    async def capture(self, wish: Constraints, on_ended: Callable[[str], None]) -> FakeCapture:
        self.ended = on_ended
        await self.made.use(wish)
        return self.made

    async def devices(self) -> list[Device]:
        return [Device(kind, label, label) for kind, labels in self.plugged.items() for label in labels]

    def on_devices_changed(self, handler: Callable[[], Awaitable[None]]) -> None:
        self.changed = handler


@dataclass
class Scene:
    document: FakeDocument
    browser: FakeBrowser
    devices: Devices
    parts: list[tuple[Kind, str]]

    async def unplug(self, kind: Kind, label: str) -> None:
        """What a browser does when a device goes: its track ends, the list is another."""
        self.browser.plugged[kind].remove(label)
        if self.browser.made.used.get(kind) == label:
            self.browser.ended(kind)
        await self.quiet()
        await self.tell()

    async def plug(self, kind: Kind, label: str) -> None:
        self.browser.plugged[kind].insert(0, label)
        await self.tell()

    async def tell(self) -> None:
        assert self.browser.changed is not None
        await self.browser.changed()
        await self.quiet()

    async def mute(self, *kinds: Kind) -> None:
        """These are muted, for longer than a moment."""
        self.browser.made.muted = set(kinds)
        for _ in range(3):
            self.devices.look()
            self.browser.ms += SETTLED_MS
        await self.quiet()

    async def quiet(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)

    @property
    def standing(self) -> list[str]:
        return [notice.text for notice in self.document.standing()]

    @property
    def subjects(self) -> list[str]:
        return [notice.subject for notice in self.document.standing()]


def story(test: Callable[[Scene], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def whole() -> None:
            document, browser, parts = FakeDocument(), FakeBrowser(), list[tuple[Kind, str]]()

            async def changed(kind: Kind, reason: str) -> None:
                parts.append((kind, reason))

            settings = parse_link("?record=2500").settings
            devices = Devices(settings, document, cast("Browser", browser), changed, lambda: None)
            await devices.open()
            parts.clear()
            await test(Scene(document, browser, devices, parts))

        asyncio.run(whole())

    run.__name__ = test.__name__
    return run


@story
async def test_another_microphone_is_called_another_and_the_lost_one_is_used_again(scene: Scene) -> None:
    await scene.unplug("audio", "Yeti")

    assert scene.browser.made.used["audio"] == "Built-in"
    assert scene.parts == [("audio", "The microphone was gone.")]
    assert scene.standing == [
        "Another microphone is used: Built-in. It goes back to Yeti when that is there again."
    ]

    await scene.plug("audio", "Yeti")

    assert scene.browser.made.used["audio"] == "Yeti" and scene.standing == []
    assert scene.parts[1:] == [("audio", "The microphone was gone.")]
    assert scene.document.notices[-1].text == "The microphone was gone and is back: Yeti."


@story
async def test_a_microphone_without_another_is_gone_until_it_is_back(scene: Scene) -> None:
    scene.browser.plugged["audio"].remove("Built-in")
    await scene.unplug("audio", "Yeti")

    assert "There is silence until one is back." in scene.standing[0] and len(scene.standing) == 1

    await scene.plug("audio", "Yeti")
    assert scene.standing == []

    await scene.unplug("audio", "Yeti")
    assert len(scene.standing) == 1, "it is told again"


@story
async def test_a_stand_in_that_goes_too_does_not_make_the_first_forgotten(scene: Scene) -> None:
    scene.browser.plugged["audio"].append("Headset")
    await scene.unplug("audio", "Yeti")
    await scene.unplug("audio", "Built-in")

    assert scene.browser.made.used["audio"] == "Headset"
    assert scene.standing == [
        "Another microphone is used: Headset. It goes back to Yeti when that is there again."
    ]

    await scene.plug("audio", "Built-in")
    assert scene.browser.made.used["audio"] == "Headset", "it is no more the lost one than the other is"
    await scene.plug("audio", "Yeti")
    assert scene.browser.made.used["audio"] == "Yeti" and scene.standing == []


@story
async def test_a_choice_of_the_persons_own_stands(scene: Scene) -> None:
    await scene.unplug("audio", "Yeti")
    scene.document.values["audio-device"] = "Built-in"
    chosen = scene.document.handlers["audio-device", "change"]()
    assert chosen is not None
    await chosen
    await scene.plug("audio", "Yeti")

    assert scene.browser.made.used["audio"] == "Built-in" and scene.standing == []


@story
async def test_a_lost_camera_leaves_a_part_of_sound_and_gets_a_new_one_when_it_is_back(scene: Scene) -> None:
    await scene.unplug("video", "Cam")
    assert scene.parts == [("video", "The camera was gone.")]
    assert scene.subjects == ["camera-gone"]

    await scene.plug("video", "Cam")
    assert scene.parts == [("video", "The camera was gone.")] * 2 and scene.standing == []


@pytest.mark.parametrize(
    ("error", "what_to_do"),
    [
        (
            PermissionDenied("It is not so."),
            "Allow them by the sign at the beginning of the browser's address bar",
        ),
        (DeviceNotFound("It is not so."), "Plug one in"),
        (DeviceBusy("It is not so."), "Close other programs that use them"),
    ],
)
def test_devices_that_cannot_be_had_are_told_with_what_to_do(error: DeviceError, what_to_do: str) -> None:
    class Refusing(FakeBrowser):
        """A browser that gives no devices."""

        async def capture(self, wish: Constraints, on_ended: Callable[[str], None]) -> FakeCapture:
            raise error

    async def changed(kind: Kind, reason: str) -> None:
        return

    document = FakeDocument()
    devices = Devices(
        parse_link("?record=2500").settings, document, cast("Browser", Refusing()), changed, lambda: None
    )
    asyncio.run(devices.open())

    assert [notice.text for notice in document.notices] == [
        f"Camera and microphone cannot be used. It is not so. {what_to_do}, then press “Try again”."
    ]
    assert document.shown["again"] and devices.capture is None
    assert document.texts["no-picture"] == "No camera, no microphone."


def test_a_link_that_asks_for_no_device_says_so_and_asks_for_none() -> None:
    async def changed(kind: Kind, reason: str) -> None:
        return

    document = FakeDocument()
    settings = parse_link("?record=2500&videodevice=0&audiodevice=0").settings
    devices = Devices(settings, document, cast("Browser", FakeBrowser()), changed, lambda: None)
    asyncio.run(devices.open())

    assert document.texts["no-picture"] == "This link asks for no camera and no microphone."
    assert devices.capture is None and document.notices == []


@story
async def test_a_muted_camera_leaves_a_part_of_sound_until_it_is_back(scene: Scene) -> None:
    await scene.mute("video")
    assert scene.parts == [("video", MUTED)] and scene.subjects == ["camera-muted"]
    assert scene.standing == [
        "The camera gives no pictures: it is muted, by a call, another program, or a switch, or held up. None are "
        "recorded until it gives some again."
    ]

    await scene.mute()
    assert scene.parts[1:] == [("video", UNMUTED)] and scene.standing == []

    await scene.mute("video")
    assert scene.subjects == ["camera-muted"], "it is told again"


@story
async def test_a_muted_microphone_is_said_to_give_silence_until_it_is_not(scene: Scene) -> None:
    await scene.mute("audio")
    (told,) = scene.document.standing()
    assert told.level == "warning" and told.text == (
        "The microphone is muted, by a call, another program, or a switch. While it is, silence is recorded; "
        "see to it if that is not meant."
    )

    await scene.mute()
    assert scene.standing == []

    await scene.mute("audio")
    assert scene.subjects == ["microphone-muted"], "it is told again"


@story
async def test_both_muted_is_said_in_one_and_loudly(scene: Scene) -> None:
    await scene.mute("audio")
    assert scene.subjects == ["microphone-muted"] and scene.parts == []

    await scene.mute("audio", "video")
    assert scene.subjects == ["both-muted"] and scene.document.standing()[0].level == "error"
    assert scene.standing == [
        "The microphone is muted, by a call, another program, or a switch, and the camera gives no pictures. Nothing "
        "of you is recorded now; it goes on by itself as soon as one of them is back."
    ]

    await scene.mute("video")
    assert scene.subjects == ["camera-muted"]


@story
async def test_what_began_with_a_muted_microphone_records_it_as_soon_as_it_is_heard(scene: Scene) -> None:
    await scene.mute("audio")
    await scene.mute()
    assert scene.parts == [], "its own track was recorded, which is heard again"

    await scene.mute("audio")
    scene.browser.made.records_silence = True
    await scene.mute()
    assert scene.parts == [("audio", HEARD)]


@story
async def test_hanging_up_ends_every_warning(scene: Scene) -> None:
    await scene.unplug("audio", "Yeti")
    await scene.mute("video")

    assert scene.document.texts["no-picture"] == "No camera: only sound is recorded."
    await scene.devices.close()

    assert scene.standing == []


@story
async def test_a_camera_whose_pictures_stand_is_lost_until_it_gives_some_again(scene: Scene) -> None:
    made = scene.browser.made
    stood_for_ms = 0.0
    for at in range(40):
        made.given = 100 + min(at, 10)
        scene.devices.look()
        await scene.quiet()
        if scene.parts and not stood_for_ms:
            stood_for_ms = (at - 10) * 200.0
        scene.browser.ms += 200
    assert stood_for_ms <= QUIET_AFTER_MS - DELIVERED_EVERY_MS, "before its recorder is taken for a quiet one"
    assert (
        scene.parts == [("video", MUTED)]
        and scene.subjects == ["camera-muted"]
        and made.granted_video() is None
    )

    made.given = 200
    scene.devices.look()
    await scene.quiet()
    assert (
        scene.parts[1:] == [("video", UNMUTED)] and scene.standing == [] and made.granted_video() is not None
    )


def test_one_picture_a_second_is_no_standing_camera_and_neither_is_a_page_that_was_held_up() -> None:
    slow, held_up, hidden, new = StandingCamera(), StandingCamera(), StandingCamera(), StandingCamera()

    assert not any(slow.look(at * 200.0, 1 + at // 5) for at in range(200))
    held_up.look(0, 30)
    assert not held_up.look(60_000, 30) and not held_up.look(60_000 + STANDS_MS - 400, 30)
    assert not any(hidden.look(at * 1000.0, None) for at in range(60)), "nobody can tell"
    assert not any(new.look(at * 200.0, 0) for at in range(25)), "the first picture takes its time"
    assert any(new.look(5000 + at * 200.0, 0) for at in range(25))
    shown = StandingCamera()
    assert not any(shown.look(at * 200.0, 30, exact=False) for at in range(25)), "others are shown late"
    assert any(shown.look(5000 + at * 200.0, 30, exact=False) for at in range(3))


def test_a_starved_machines_camera_is_set_aside_less_and_less() -> None:
    camera, stood = StandingCamera(), 0
    for at in range(1000):
        given, pause = divmod(at, 20)
        pictures = 20 * given + min(pause, 8)  # two seconds without, each four seconds
        stood += camera.look(at * 200.0, pictures + 1) and pause == 19
    assert 1 <= stood <= 2

    assert not any(camera.look(200_000 + at * 200.0, 1) for at in range(11))
    assert any(camera.look(202_200 + at * 200.0, 1) for at in range(20)), (
        "one that stands for good is set aside all the same"
    )


def test_a_camera_that_is_given_up_while_it_stands_was_not_held_up() -> None:
    camera = StandingCamera()
    for begin in (0.0, 10_000.0, 20_000.0):
        stood = [camera.look(begin + at * 200.0, 30) for at in range(10)]
        assert stood.index(True) * 200.0 == STANDS_MS, "no more patience than with the first"
        camera.look(begin + 2000.0, None)


@story
async def test_a_microphone_that_changes_its_rate_begins_a_new_part(scene: Scene) -> None:
    scene.devices.look()
    scene.browser.made.rate_hz = 16_000
    scene.devices.look()
    scene.devices.look()
    await scene.quiet()

    assert scene.parts == [("audio", "The microphone has another sample rate or channels.")]


def test_a_camera_that_misses_a_beat_is_not_muted() -> None:
    tracks, muted = MutedTracks(), frozenset[Kind]({"video"})

    assert not tracks.look(0, muted) and not tracks.look(SETTLED_MS - 1, muted)
    assert not tracks.look(SETTLED_MS, frozenset())
    assert not tracks.look(SETTLED_MS + 200, muted)
    assert tracks.look(2 * SETTLED_MS + 200, muted) == muted
    assert tracks.look(2 * SETTLED_MS + 400, frozenset()) == muted, "what is back counts at once"


@pytest.mark.parametrize(
    ("label", "other", "same"),
    [
        ("Yeti", "Yeti", True),
        ("Yeti", "Default - Yeti", True),
        ("Standard - Yeti", "Yeti", True),
        ("Yeti", "Yeti 2", False),
        ("Built-in", "Default - Yeti", False),
        ("Built-in", "", True),
    ],
)
def test_the_default_device_is_known_by_its_own_name_too(label: str, other: str, same: bool) -> None:
    assert is_same(label, other) is same
