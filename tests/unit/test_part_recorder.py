"""One part of a take: however it opens, records and ends, everything is closed and what was written is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fakes import FakeClock, FakeDownloads, FakeEngine, FakeFile, FakeFolder, FakeStore, Steps
from rolltape.core.errors import EngineError, NotTaken, RolltapeError, SinkError
from rolltape.core.notice import Notice
from rolltape.recording import part_recorder, part_sinks
from rolltape.recording.engine import plan
from rolltape.recording.part_recorder import PartName, PartRecorder, Places
from rolltape.recording.pause_clock import PauseClock
from rolltape.recording.sinks import FolderChoice
from rolltape.recording.take import Delivery, Part
from rolltape.recording.take_notices import TakeNotices
from rolltape.settings.bitrate import Rates
from rolltape.settings.codec import CodecWish, candidates
from unit.test_take_recorder import chunks_of, turns, until

MEDIA = chunks_of("chromium-vp8-opus.webm")
GONE = SinkError("What writes the crash-proof copy stopped.")


class Scene:
    """A part, the engine that it records with, and everywhere that it writes to."""

    def __init__(
        self, *, folder: bool = False, fail_at: int | None = None, error: Exception | None = None
    ) -> None:
        self.steps = Steps(fail_at, error)
        self.clock = FakeClock()
        self.store, self.downloads = FakeStore(self.steps), FakeDownloads(self.steps)
        self.folder = FakeFolder(self.steps) if folder else None
        self.engines: list[FakeEngine] = []
        self.notices: list[Notice] = []
        self.lifted: list[str] = []
        told = TakeNotices(self.notices.append, self.lifted.append).of_part(1)
        wanted = plan(candidates(CodecWish()), Rates(6000, 128), self._engine, lambda mime_type: True)
        assert wanted is not None
        name = PartName(1, "t1", "Ada_take1", "takes/t1")
        pauses = PauseClock(self.clock)
        self.part = PartRecorder(name, "", told, self.clock, pauses, wanted)

    def _engine(self, mime_type: str, rates: Rates) -> FakeEngine:
        self.engines.append(FakeEngine(mime_type, steps=self.steps))
        self.engines[-1].give(*MEDIA)
        return self.engines[-1]

    @property
    def told(self) -> list[str]:
        return [notice.text for notice in self.notices]

    async def open(self) -> None:
        await self.part.open(Places(self.store, self.downloads, FolderChoice(self.folder)))

    async def recorded(self) -> Part | None:
        """Everything is recorded, then it is stopped; what has become of the part."""
        running = asyncio.create_task(self.part.run())
        await until(lambda: self.engines[-1].queue.empty() or running.done())
        self.part.stop()
        await running
        return await self.part.finish()

    @property
    def files(self) -> list[FakeFile]:
        return [
            *self.store.opened,
            *self.downloads.opened,
            *(self.folder.opened if self.folder else []),
        ]

    @property
    def journal(self) -> FakeFile:
        return self.store.opened[0]

    @property
    def nothing_is_open(self) -> bool:
        return all(file.closed for file in self.files) and all(engine.closed for engine in self.engines)


def run(story: Callable[[], Awaitable[Any]]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await story()

    return asyncio.run(limited())


def steps(folder: bool) -> tuple[list[str], int]:
    """The steps of a part that goes well, and how many of them open it."""

    async def story() -> tuple[list[str], int]:
        scene = Scene(folder=folder)
        await scene.open()
        opening = len(scene.steps.taken)
        part = await scene.recorded()
        assert part is not None and part.delivered and scene.nothing_is_open and scene.told == []
        return scene.steps.taken, opening

    taken, opening = run(story)
    return taken, opening


EVERYWHERE = [(folder, step) for folder in (False, True) for step in range(len(steps(folder)[0]))]
WHILE_OPENING = [(folder, step) for folder in (False, True) for step in range(steps(folder)[1])]
ERRORS = (SinkError("It is gone."), EngineError("It failed."), TypeError("It is null."))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("folder", "fail_at"), EVERYWHERE)
def test_whatever_fails_nothing_stays_open_and_it_is_told(
    folder: bool, fail_at: int, error: Exception
) -> None:
    async def story() -> None:
        scene = Scene(folder=folder, fail_at=fail_at, error=error)
        await scene.open()
        part = await scene.recorded()

        assert scene.nothing_is_open
        formats = {notice.text for notice in scene.part.plan.choice.notices}
        assert scene.told or formats or scene.part.error, "it is told"
        assert part is not None or scene.part.error, "what was written is kept"

    run(story)


@pytest.mark.parametrize(("folder", "fail_at"), WHILE_OPENING)
def test_an_opening_that_is_cancelled_leaves_nothing_open(folder: bool, fail_at: int) -> None:
    async def story() -> None:
        scene = Scene(folder=folder)
        opening = asyncio.create_task(scene.open())
        await until(lambda: len(scene.steps.taken) > fail_at)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert scene.nothing_is_open and scene.part.flowing.is_set()

    run(story)


@pytest.mark.parametrize("folder", [False, True])
def test_where_nothing_starts_every_place_is_let_go_of(folder: bool) -> None:
    async def story() -> None:
        scene = Scene(folder=folder)
        scene.part.plan = plan_that_raises(scene, TypeError("Input track cannot be ended"))
        with pytest.raises(RolltapeError, match="recorder failed"):
            await scene.open()
        assert scene.nothing_is_open

    run(story)


def plan_that_raises(scene: Scene, error: Exception) -> Any:
    def make(mime_type: str, rates: Rates) -> FakeEngine:
        raise error

    return plan(candidates(CodecWish()), Rates(6000, 128), make, lambda mime_type: True)


@pytest.mark.parametrize(
    "error", [EngineError("It cannot be read."), RuntimeError("NotReadableError: the blob could not be read")]
)
def test_a_chunk_that_cannot_be_read_ends_the_part_and_keeps_what_was_written(error: Exception) -> None:
    async def story() -> None:
        scene = Scene()
        await scene.open()
        scene.engines[0].fail(error)
        await scene.part.run()
        part = await scene.part.finish()

        assert part is not None and part.bytes == len(scene.journal.data) and part.duration_ms > 1000
        assert (
            scene.nothing_is_open
            and str(error) in f"{scene.part.error} {scene.part.error and scene.part.error.detail}"
        )

    run(story)


@pytest.mark.parametrize("folder", [False, True])
def test_a_journal_that_does_not_close_keeps_nothing_else_from_closing(folder: bool) -> None:
    async def story() -> None:
        scene = Scene(folder=folder)
        await scene.open()
        scene.journal.settle_error = scene.journal.close_error = GONE
        part = await scene.recorded()

        assert part is not None and scene.nothing_is_open
        assert part.delivered is (Delivery.FOLDER if folder else Delivery.DOWNLOADS)
        assert scene.part.ends_early
        assert f"The browser does not let go of the crash-proof copy. {GONE.sentence}" in scene.told

    run(story)


def test_a_copy_that_ends_early_and_cannot_be_read_is_said_not_to_be_seekable() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.open()

        async def unreadable(path: str) -> Any:
            raise SinkError("The browser's storage failed.")

        scene.journal.settle_error = GONE
        scene.store.file = unreadable  # type: ignore[method-assign]
        part = await scene.recorded()

        assert part is not None and part.delivered is Delivery.DOWNLOADS
        assert "The crash-proof copy is not seekable yet. The browser's storage failed." in scene.told

    run(story)


@pytest.mark.parametrize("late", ["journal", "folder", "download"])
def test_no_place_waits_for_the_end_of_another(late: str) -> None:
    async def story() -> None:
        scene = Scene(folder=late == "folder")
        await scene.open()
        slow = next(file for file in scene.files if file.name == late)
        slow.answers.clear()
        ending = asyncio.create_task(scene.recorded())
        await turns(60)

        assert not slow.closed and not ending.done()
        assert all(file.closed for file in scene.files if file is not slow)
        slow.answers.set()
        assert await ending is not None and scene.nothing_is_open

    run(story)


def test_a_place_that_never_answers_does_not_hold_up_the_end_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(part_sinks, "END_TIMEOUT_S", 0.01)

    async def story() -> None:
        scene = Scene()
        await scene.open()
        scene.downloads.opened[0].answers.clear()
        part = await scene.recorded()
        assert part is not None and part.delivered is None
        assert any("did not answer in time" in sentence for sentence in scene.told)

    run(story)


def test_a_recorder_that_does_not_stop_is_left_with_what_it_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_recorder, "STOP_PATIENCE_S", 0.01)

    async def story() -> None:
        scene = Scene()
        await scene.open()
        scene.engines[0].stops = False
        part = await scene.recorded()
        assert part is not None and part.bytes == len(scene.journal.data)
        assert scene.part.error is not None
        assert scene.part.error.sentence == "The browser's recorder did not stop when it was asked to."
        assert scene.nothing_is_open

    run(story)


def test_a_recorder_that_raises_when_it_is_asked_is_told_of_each_time_and_let_go_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(part_recorder, "STOP_PATIENCE_S", 0.0)

    def broken() -> None:
        raise TypeError("it is null")

    async def story() -> Scene:
        scene = Scene()
        await scene.open()
        for name in ("pause", "resume", "stop"):
            monkeypatch.setattr(scene.engines[0], name, broken)
        scene.part.pause()
        scene.part.resume()
        assert (await scene.recorded()) is not None
        return scene

    scene = run(story)

    assert scene.told == ["The recorder does not obey. (TypeError: it is null)"] * 3
    assert scene.nothing_is_open


def test_what_cannot_be_made_seekable_is_kept_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> Scene:
        scene = Scene()
        await scene.open()

        def broken(clock: str) -> Any:
            raise ValueError("no end")

        monkeypatch.setattr(scene.part.stream, "finish", broken)
        part = await scene.recorded()
        assert part is not None and scene.journal.data.startswith(MEDIA[0][:4])
        return scene

    assert run(story).told == ["The recording is kept as it came: (ValueError: no end)"]


@pytest.mark.parametrize("folder", [False, True])
def test_a_place_outside_that_does_not_open_holds_up_no_recording(
    folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_sinks, "OPEN_TIMEOUT_S", 0.01)

    async def never(*names: str) -> Any:
        await asyncio.Event().wait()

    async def story() -> Scene:
        scene = Scene(folder=folder)
        monkeypatch.setattr(scene.folder or scene.downloads, "create", never)
        await scene.open()
        part = await scene.recorded()
        assert part is not None and part.bytes == len(scene.journal.data) and scene.nothing_is_open
        return scene

    scene = run(story)

    (told,) = scene.told
    where = (
        "Nothing of this goes to the folder you chose."
        if folder
        else "No file grows in your Downloads folder. Save the recording from the list below when it is finished."
    )
    assert told.startswith(where) and told.endswith("The browser did not answer in time.")


def test_an_empty_download_is_broken_off_since_it_would_look_like_a_recording() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.open()
        scene.engines[0].queue = asyncio.Queue()
        part = await scene.recorded()
        assert part is None and scene.downloads.opened[0].abandoned and scene.nothing_is_open

    run(story)


def test_a_header_alone_is_nothing_that_was_recorded() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.open()
        scene.engines[0].queue = asyncio.Queue()
        scene.engines[0].give(MEDIA[0][:100])
        part = await scene.recorded()
        assert part is None and scene.downloads.opened[0].abandoned

    run(story)


def test_a_download_the_browser_asks_about_is_told_as_that_and_not_as_a_file_with_a_hole() -> None:
    async def story() -> tuple[Scene, Part | None]:
        scene = Scene()
        await scene.open()
        scene.downloads.opened[0].settle_error = NotTaken("The browser has not saved the file.")
        return scene, await scene.recorded()

    scene, part = run(story)

    assert part is not None and part.bytes and part.delivered is None
    assert scene.told == ["The browser has not saved the file."] and scene.nothing_is_open
