"""A deck from the order to the finished take: stopped, failing or cancelled at any moment, it ends and is free."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from fakes import FakeDownloads, FakeEngine, FakeFile, FakeStore, Steps
from rolltape.core.clock import Reading
from rolltape.core.errors import DeviceError, EngineError, PermissionDenied, StorageLocked
from rolltape.core.json_fields import Fields
from rolltape.core.notice import Notice
from rolltape.core.uses import Uses
from rolltape.media.webm_tags import CLOCK_TAG, tag_in
from rolltape.recording.clock_log import CLOCK, ClockLog, Mark, SoundPath
from rolltape.recording.deck import Deck
from rolltape.recording.deck_interfaces import Title
from rolltape.recording.part_recorder import Places
from rolltape.recording.shelf import Shelf
from rolltape.recording.take import Take, TakeState
from rolltape.recording.take_log import read_log
from rolltape.settings.bitrate import Rates, wish_for
from rolltape.settings.capture_constraints import GrantedAudio, GrantedVideo
from rolltape.settings.codec import VideoCodec
from rolltape.settings.order import Order
from unit.test_take_recorder import chunks_of

ORDER = Order(wish_for(6000))
MEDIA = chunks_of("chromium-vp8-opus.webm")
ENOUGH = 2000
"""Turns of the loop in which everything here is over."""


class Source:
    """A camera that can be switched; an engine holds the one that it was made for."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.engines: list[FakeEngine] = []
        self.cameras: list[str] = []
        """Of each engine."""
        self.released: list[str] = []
        self._uses = Uses()
        self._switched = 0
        self._let_go: Callable[[], None] = lambda: None
        self.switch()

    @property
    def camera(self) -> str:
        return f"camera {self._switched}"

    def switch(self) -> None:
        self._switched += 1
        before, self._let_go = self._let_go, self._use()
        before()

    def _use(self) -> Callable[[], None]:
        camera = self.camera
        return self._uses.use(camera, lambda: self.released.append(camera))

    has_camera = True

    def granted_video(self) -> GrantedVideo | None:
        return GrantedVideo(self.camera, self.camera, 1280, 720, 30.0) if self.has_camera else None

    def granted_audio(self) -> GrantedAudio | None:
        return GrantedAudio("microphone", "1", 1, 48_000, False, False, False)

    def engine(self, mime_type: str, rates: Rates) -> FakeEngine:
        engine = FakeEngine(mime_type, steps=self.steps)
        engine.give(*MEDIA)
        engine.closing.append(self._use())
        self.engines.append(engine)
        self.cameras.append(self.camera)
        return engine

    has_silence = False

    given: int | None = None
    """Pictures of the camera; None: nobody counts them."""

    async def shrink(self, width: int, height: int) -> bool:
        return False

    def pictures(self) -> int | None:
        return self.given

    async def buffer_given(self) -> None:
        return

    def mark(self) -> Mark:
        return Mark(0, 5000.0, 48_000, 20.0, 4990.0)

    def sound_path(self) -> SoundPath:
        return SoundPath("track", 10.0, 48_000)

    async def prepare(self) -> None:
        await self.steps.take("source is prepared")


class Browser:
    """Locks, and a screen that is kept on."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.held: set[str] = set()
        self.awake = False
        self.ms = 1000.0

    def now_ms(self) -> float:
        self.ms += 1
        return self.ms

    def utc_offset_minutes(self) -> int:
        return 0

    def agent(self) -> str:
        return "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

    def can_record(self, mime_type: str) -> bool:
        return True

    async def efficient(self, width: int, height: int, fps: float, kbps: int) -> frozenset[VideoCodec]:
        await self.steps.take("encoders are asked")
        return frozenset()

    async def hold(self, take_id: str) -> Callable[[], None]:
        await self.steps.take("lock is asked for")
        self.held.add(take_id)
        return lambda: self.held.discard(take_id)

    async def keep_awake(self, holder: object, on: bool) -> None:
        self.awake = on
        await self.steps.take("screen is kept on")


class View:
    """A page that notes what it is told."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.notices: list[Notice] = []
        self.lifted: list[str] = []
        self.shown: list[TakeState] = []
        self.over: list[Take] = []

    def notify(self, notice: Notice) -> None:
        self.notices.append(notice)

    def lift(self, subject: str) -> None:
        self.lifted.append(subject)

    async def make_room(self, kbps: float) -> None:
        await self.steps.take("room is made")

    def show_take(self, take: Take) -> None:
        self.shown.append(take.state)

    async def take_over(self, take: Take) -> None:
        self.over.append(take)
        await self.steps.take("page is told")


class Scene:
    """A deck and all that it uses."""

    def __init__(self, fail_at: int | None = None, error: Exception | None = None) -> None:
        self.steps = Steps(fail_at, error)
        self.source, self.browser, self.view = Source(self.steps), Browser(self.steps), View(self.steps)
        self.store, self.downloads = FakeStore(self.steps), FakeDownloads(self.steps)
        self.deck = Deck(lambda: self.source, self.browser, self.view, lambda: Title("Ada", None))
        self.deck.places = Places(self.store, self.downloads)
        self.deck.shelf = Shelf(self.store, self._held)
        self.refused = ""
        self.unexpected: list[object] = []
        self.messages: list[object] = []
        """What reached the handler of what nobody expected: a page shows it."""
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: self._on_unexpected(context))

    def _on_unexpected(self, context: dict[str, Any]) -> None:
        self.unexpected.append(context.get("exception"))
        self.messages.append(context["message"])

    async def _held(self) -> frozenset[str]:
        return frozenset(self.browser.held)

    async def start(self) -> None:
        try:
            await self.deck.start(ORDER)
        except EngineError as error:
            self.refused = error.sentence

    @property
    def files(self) -> list[FakeFile]:
        return [*self.store.opened, *self.downloads.opened]

    def logged(self) -> list[Take]:
        """What the log of each take says last."""
        logs = [bytes(data) for path, data in self.store.files.items() if path.endswith("take.jsonl")]
        return [take for log in logs if (take := read_log(log)) is not None]

    def recorded(self) -> list[str]:
        """The cameras that are recorded now."""
        pairs = zip(self.source.engines, self.source.cameras, strict=True)
        return [camera for engine, camera in pairs if not engine.closed]

    def formats(self) -> list[str]:
        """Whether it is `video` or `audio` that is recorded now."""
        return [engine.mime_type.split("/")[0] for engine in self.source.engines if not engine.closed]

    def waiting(self) -> bool:
        """Whether something is still to be recorded."""
        alive = [engine for engine in self.source.engines if not engine.closed]
        return not alive or any(not engine.queue.empty() for engine in alive)

    async def has_ended(self) -> None:
        """Everything is let go of, whatever happened before."""
        await until(lambda: self.deck.is_free)
        await turns(20)
        assert all(engine.closed for engine in self.source.engines), "every engine is closed"
        assert all(file.closed for file in self.files), "every file is closed"
        assert not self.browser.held and not self.browser.awake
        assert [take.id for take in self.view.over] == list(dict.fromkeys(take.id for take in self.view.over))
        assert self.source.released == [f"camera {n + 1}" for n in range(len(self.source.released))]
        assert self.deck.state is TakeState.IDLE and self.deck.take is None
        assert not any("Camera and microphone" in notice.text for notice in self.view.notices)
        for take in self.view.over:
            assert take.is_over and all(part.bytes or part.delivered for part in take.parts)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(ENOUGH):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("It did not come about.")


def run(story: Callable[[], Awaitable[Any]]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await story()

    return asyncio.run(limited())


async def good_story(scene: Scene) -> None:
    """Start, record, stop."""
    await scene.start()
    if not scene.refused:
        await until(lambda: scene.deck.is_free or not scene.waiting())
    await scene.deck.finish()


def turns_until_it_records() -> int:
    async def story() -> int:
        scene = Scene()
        starting = asyncio.create_task(scene.start())
        count = 0
        while scene.deck.state is not TakeState.RECORDING:
            await asyncio.sleep(0)
            count += 1
        await scene.deck.finish()
        await starting
        return count

    return int(run(story))


def steps_of_a_good_story() -> list[str]:
    async def story() -> list[str]:
        scene = Scene()
        await good_story(scene)
        await scene.has_ended()
        assert scene.view.over[0].state is TakeState.FINISHED and scene.unexpected == []
        return scene.steps.taken

    return list(run(story))


TURNS = range(turns_until_it_records() + 2)
STEPS = steps_of_a_good_story()
ERRORS = (EngineError("It failed."), StorageLocked("Another tab holds it."), TypeError("It is null."))


@contextmanager
def nothing_is_unexpected(scene: Scene) -> Iterator[None]:
    yield
    assert scene.unexpected == []


@pytest.mark.parametrize("after", TURNS)
@pytest.mark.parametrize("hang_up", [False, True])
def test_a_stop_is_honoured_from_the_first_moment_on(after: int, hang_up: bool) -> None:
    async def story() -> None:
        scene = Scene()
        with nothing_is_unexpected(scene):
            starting = asyncio.create_task(scene.start())
            await turns(after + 1)  # the first turn presses the button

            if hang_up:
                await scene.deck.finish()
                assert scene.deck.is_free, "it is over when it is said to be"
            else:
                await scene.deck.stop()
                assert scene.deck.state in (TakeState.STOPPING, TakeState.IDLE)
            await starting
            await scene.has_ended()
        assert scene.refused in ("", "The recording was stopped before it had begun.")
        assert bool(scene.refused) is not bool(scene.view.over), "there is a take, or it is said why not"
        for take in scene.logged():
            assert take.is_over, "a take that was begun has an end in its log"

    run(story)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("fail_at", range(len(STEPS)), ids=lambda number: f"{number}:{STEPS[number]}")
def test_whatever_fails_the_deck_is_free_and_records_again(fail_at: int, error: Exception) -> None:
    async def story() -> None:
        scene = Scene(fail_at, error)
        await good_story(scene)
        await scene.has_ended()
        told = [notice.text for notice in scene.view.notices]
        assert scene.refused or told or scene.unexpected, "it is told"
        if scene.view.over and STEPS[fail_at] != "log is written":
            assert all(take.is_over for take in scene.logged())

        before = len(scene.view.over)
        scene.refused = ""
        await good_story(scene)
        await scene.has_ended()
        assert [take.state for take in scene.view.over[before:]] == [TakeState.FINISHED]

    run(story)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", ["room is made", "lock is asked for", "screen is kept on", "shelf is read"])
def test_what_stands_beside_a_recording_does_not_keep_it_from_starting(name: str, error: Exception) -> None:
    async def story() -> None:
        scene = Scene(STEPS.index(name), error)
        await good_story(scene)
        await scene.has_ended()
        assert [take.state for take in scene.view.over] == [TakeState.FINISHED]

    run(story)


@pytest.mark.parametrize("after", range(1, len(STEPS)))
def test_a_run_that_is_cancelled_leaves_nothing_open(after: int) -> None:
    async def story() -> None:
        scene = Scene()
        starting = asyncio.create_task(scene.start())
        await turns(2)
        assert scene.deck._running is not None
        task = scene.deck._running.task
        assert task is not None
        await until(lambda: len(scene.steps.taken) >= after or not scene.waiting())
        task.cancel()
        await asyncio.wait([task])
        await starting

        await scene.has_ended()
        assert all(take.is_over for take in scene.logged())
        assert await scene.deck.start(ORDER)
        await scene.deck.finish()

    run(story)


@pytest.mark.parametrize("after", range(len(STEPS) + 10))
@pytest.mark.parametrize("paused", [False, True])
def test_a_camera_that_is_switched_at_any_moment_is_recorded_in_the_end(after: int, paused: bool) -> None:
    async def story() -> None:
        scene = Scene()
        with nothing_is_unexpected(scene):
            starting = asyncio.create_task(scene.start())
            await turns(after + 1)
            if paused:
                await scene.deck.pause()
            scene.source.switch()
            await scene.deck.source_changed("The camera was switched.")
            recorded = scene.source.cameras[-1:]
            assert not set(recorded) & set(scene.source.released), "what is recorded is not let go of"
            await scene.deck.resume()
            await starting
            await until(lambda: scene.recorded() == ["camera 2"] and not scene.waiting())
            await scene.deck.finish()
            await scene.has_ended()
        assert scene.source.released == ["camera 1"]
        (take,) = scene.view.over
        assert take.state is TakeState.FINISHED and len(take.parts) <= 2

    run(story)


@pytest.mark.parametrize("after", range(len(STEPS) + 10))
def test_a_camera_that_is_gone_at_any_moment_leaves_a_format_of_sound_alone(after: int) -> None:
    async def story() -> None:
        scene = Scene()
        with nothing_is_unexpected(scene):
            starting = asyncio.create_task(scene.start())
            await turns(after + 1)
            scene.source.has_camera = False
            await scene.deck.source_changed("The camera was gone.")
            await starting
            await until(lambda: scene.formats() == ["audio"] and not scene.waiting())
            await scene.deck.finish()
            await scene.has_ended()

    run(story)


def test_only_one_take_is_made_at_a_time() -> None:
    async def story() -> None:
        scene = Scene()
        both = await asyncio.gather(scene.deck.start(ORDER), scene.deck.start(ORDER))
        await scene.deck.finish()
        await scene.has_ended()
        assert list(both) == [True, False] and len(scene.view.over) == 1

    run(story)


def test_from_the_order_on_it_is_starting() -> None:
    async def story() -> None:
        scene = Scene()
        starting = asyncio.create_task(scene.start())
        await turns(1)
        assert not scene.deck.is_free and scene.deck.state is TakeState.STARTING
        await starting
        assert scene.deck.take is not None and scene.deck.take.state is not TakeState.IDLE
        await scene.deck.finish()

    run(story)


def test_a_take_that_somebody_stopped_is_told_from_one_that_ended_by_itself() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.deck.stop()
        assert not scene.deck.was_stopped, "there was nothing to stop"

        await scene.start()
        assert not scene.deck.was_stopped
        await scene.deck.stop()
        await scene.has_ended()
        assert scene.deck.was_stopped

        await scene.start()
        assert not scene.deck.was_stopped, "the next one is another"
        await scene.deck.finish()
        assert scene.deck.was_stopped

    run(story)


def test_what_fails_beside_a_recording_is_named_as_that() -> None:
    async def story() -> None:
        scene = Scene(STEPS.index("room is made"), TypeError("It is null."))
        await good_story(scene)
        await scene.has_ended()

        assert scene.messages == ["Something went wrong beside a recording."]

    run(story)


def test_where_there_is_nothing_to_record_it_is_said() -> None:
    async def story() -> None:
        scene = Scene()
        deck = Deck(lambda: None, scene.browser, scene.view, lambda: Title("Ada", None))
        with pytest.raises(EngineError, match="nothing that could be recorded"):
            await deck.start(ORDER)
        assert deck.is_free

    run(story)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (DeviceError("The microphone is gone."), "The microphone is gone."),
        (TypeError("It is null."), "(TypeError('It is null.'))"),
    ],
)
def test_where_the_source_cannot_be_made_ready_it_is_said_that_nothing_began(
    error: Exception, why: str
) -> None:
    async def story() -> None:
        scene = Scene(STEPS.index("source is prepared"), error)
        await scene.start()
        assert scene.refused == f"The recording could not start. {why}"
        assert scene.deck.is_free and scene.logged() == []

    run(story)


def test_without_a_lock_it_records_and_other_tabs_are_warned_of() -> None:
    async def story() -> None:
        refusal = PermissionDenied("The browser's security settings do not allow it.")
        scene = Scene(STEPS.index("lock is asked for"), refusal)
        await good_story(scene)
        assert scene.view.over[0].state is TakeState.FINISHED
        assert any("do not open this page in another one" in notice.text for notice in scene.view.notices)

    run(story)


def test_a_room_that_is_not_seen_in_time_keeps_no_recording_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rolltape.recording.deck.ASIDE_TIMEOUT_S", 0.01)

    async def story() -> Scene:
        scene = Scene()

        async def never(kbps: float) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(scene.view, "make_room", never)
        assert await scene.deck.start(ORDER)
        await scene.deck.finish()
        return scene

    scene = run(story)

    assert [notice.text for notice in scene.view.notices][:1] == [
        "The browser did not say in time how much room is left. The recording begins all the same."
    ]


def test_a_take_has_its_clocks_beside_it() -> None:
    async def story() -> tuple[list[Take], ClockLog, bytes]:
        scene = Scene()
        scene.deck.room_readings = lambda: [Reading(1001.0, 1003.0, 1e12)]
        await scene.start()
        await until(lambda: any(path.endswith(CLOCK) and data for path, data in scene.store.files.items()))
        await turns(50)
        await scene.deck.stop()
        await scene.has_ended()
        (take,) = scene.logged()
        assert scene.deck.shelf is not None
        file = next(bytes(data) for path, data in scene.store.files.items() if path.endswith("part1"))
        return [take], await scene.deck.shelf.clock(take), file

    (take,), clock, file = run(story)

    assert clock.browser == "Chromium 156" and clock.readings == (Reading(1001.0, 1003.0, 1e12),)
    assert clock.marks[0] == Mark(1, 5000.0, 48_000, 20.0, 4990.0)
    assert clock.tracks[0].sound == SoundPath("track", 10.0, 48_000)
    assert clock.tracks[0].encoder == take.parts[0].mime_type
    told = tag_in(lambda start, end: file[start:end], CLOCK_TAG)
    assert told is not None and ClockLog.from_fields(Fields.from_json(told)).readings == clock.readings
