"""A recording from start to stop with real recorder output, and everything that may go wrong in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeClock, FakeDownloads, FakeEngine, FakeFolder, FakeStore
from rolltape import __version__
from rolltape.core.clock import Instant
from rolltape.core.errors import DeviceError, EngineError, SinkError
from rolltape.core.notice import Level, Notice
from rolltape.media.webm import Index, WebmStream
from rolltape.media.webm_track import Kind
from rolltape.recording import take_recorder
from rolltape.recording.engine import Plan, plan
from rolltape.recording.next_plan import Repair
from rolltape.recording.part_sinks import Places
from rolltape.recording.sinks import FolderChoice
from rolltape.recording.take import Delivery, Take, TakeState
from rolltape.recording.take_notices import NOTES, TakeNotices
from rolltape.recording.take_recorder import Recording
from rolltape.settings.bitrate import Rates
from rolltape.settings.codec import Candidate, CodecWish, candidates
from unit.media_files import mp4_fragment, mp4_header

DATA = Path(__file__).parents[1] / "data"
VP8 = "video/webm;codecs=vp8,opus"


class Studio:
    """Everything a recording needs, and what came of it."""

    def __init__(
        self, mime_type: str = VP8, supported: Callable[[str], bool] = lambda mime_type: True
    ) -> None:
        self.clock = FakeClock()
        self.store: FakeStore | None = FakeStore()
        self.downloads: FakeDownloads | None = FakeDownloads()
        self.folder: FakeFolder | None = None
        self.notices: list[Notice] = []
        self.unsayable = "nothing"
        """How a notice begins that the page fails to show."""
        self.lifted: list[str] = []
        self.logged: list[TakeState] = []
        self.log_answers = asyncio.Event()
        """Cleared: the log takes a last line, and the disk does not say so yet."""
        self.log_answers.set()
        self.engines: list[FakeEngine] = []
        self.start_errors: list[EngineError | None] = []
        self.rates: list[Rates] = []
        self.mime_type = mime_type
        self.supported = supported

    def make_engine(self, mime_type: str, rates: Rates) -> FakeEngine:
        error = self.start_errors.pop(0) if self.start_errors else None
        self.rates.append(rates)
        self.engines.append(FakeEngine(mime_type, error))
        return self.engines[-1]

    async def log(self, take: Take) -> None:
        self.logged.append(take.state)
        await asyncio.sleep(0)
        if take.is_over:
            await self.log_answers.wait()

    def recording(
        self,
        listed: tuple[Candidate, ...] = candidates(CodecWish()),
        split_ms: float | None = None,
        room_time: Callable[[float], Instant | None] = lambda own_ms: None,
        repair: Repair | None = None,
    ) -> Recording:
        take = Take(id="t1", number=1, name="Ada_take1", started_at_ms=0)
        places = Places(self.store, self.downloads, FolderChoice(self.folder))
        return Recording(
            take,
            self.plan(listed),
            places,
            self.log,
            TakeNotices(self.notify, self.lifted.append),
            self.clock,
            split_ms,
            repair,
            room_time,
        )

    def plan(self, listed: tuple[Candidate, ...] = candidates(CodecWish())) -> Plan:
        wanted = plan(listed, Rates(6000, 128), self.make_engine, self.supported)
        assert wanted is not None
        return wanted

    def notify(self, notice: Notice) -> None:
        if notice.text.startswith(self.unsayable):
            raise TypeError("It is null.")
        self.notices.append(notice)

    def told(self, words: str) -> bool:
        """Whether a notice says this."""
        return any(words in notice.text for notice in self.notices)

    @property
    def journal(self) -> bytes:
        assert self.store is not None
        return bytes(self.store.files["takes/t1/part1"])

    def part(self, number: int) -> Index:
        """The index of a part's file in the journal."""
        assert self.store is not None
        index = Index()
        index.feed(bytes(self.store.files[f"takes/t1/part{number}"]))
        return index

    @property
    def download(self) -> bytes:
        assert self.downloads is not None
        (data,) = self.downloads.files.values()
        return bytes(data)


def chunks_of(name: str, size: int = 5000) -> list[bytes]:
    data = (DATA / name).read_bytes()
    return [data[start : start + size] for start in range(0, len(data), size)]


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def started(recording: Recording) -> asyncio.Task[Take]:
    task = asyncio.create_task(recording.run())
    await until(lambda: recording.take.state is TakeState.RECORDING or task.done())
    return task


def studio_test(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def limited() -> None:
            async with asyncio.timeout(20):
                await test()

        asyncio.run(limited())

    run.__name__ = test.__name__
    return run


@studio_test
async def test_both_sinks_hold_every_chunk_and_only_the_journal_is_made_seekable() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)

    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    studio.clock.ms += 3000
    await until(lambda: studio.engines[0].queue.empty())
    await recording.stop()
    take = await task

    assert take.state is TakeState.FINISHED
    assert take.delivered == (Delivery.DOWNLOADS,)
    assert studio.logged == [TakeState.STARTING, TakeState.RECORDING, TakeState.STOPPING, TakeState.FINISHED]
    assert studio.notices == []
    whole, streamed = Index(), Index()
    whole.feed(studio.journal)
    streamed.feed(studio.download)
    assert whole.blocks == streamed.blocks > 50
    assert whole.finished and not streamed.finished
    assert take.parts[0].bytes == len(studio.journal)
    assert take.duration_ms == round(whole.duration_ms)
    assert list(studio.downloads.files) == ["Ada_take1.webm"] if studio.downloads else False


@studio_test
async def test_the_bytes_shown_are_those_the_journal_acknowledged() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    assert studio.store is not None
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm")[:5])
    await until(lambda: studio.engines[0].queue.empty())
    shown = recording.status.bytes

    studio.store.opened[0].held_up = True
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm")[5:])
    await until(lambda: studio.engines[0].queue.empty())

    assert shown == recording.status.bytes == studio.store.opened[0].ledger.acknowledged > 0
    studio.store.opened[0].ledger.acknowledge(10**9)
    await recording.stop()
    await task


@studio_test
async def test_a_format_that_fails_to_start_is_followed_by_the_next_and_it_is_said() -> None:
    studio = Studio()
    studio.start_errors = [EngineError("no", "NotSupportedError: x"), EngineError("no"), None]
    recording = studio.recording()
    task = await started(recording)

    await recording.stop()
    take = await task

    assert [engine.mime_type for engine in studio.engines] == [
        candidate.mime_type for candidate in candidates(CodecWish())[:3]
    ]
    assert take.mime_type == studio.engines[2].mime_type
    assert any("failed to start" in notice.text for notice in studio.notices)


@studio_test
async def test_where_no_format_starts_the_take_fails_with_a_sentence() -> None:
    studio = Studio(supported=lambda mime_type: mime_type == VP8)
    studio.start_errors = [EngineError("The encoder is gone.")]

    take = await studio.recording().run()

    assert take.state is TakeState.FAILED
    assert take.error == "The recording could not start. The encoder is gone."
    assert [notice.text for notice in studio.notices] == [take.error]
    assert studio.store is not None and studio.store.opened[0].closed


@studio_test
async def test_a_stop_before_it_has_begun_leaves_a_take_that_says_so() -> None:
    studio = Studio()
    recording = studio.recording()
    task = asyncio.create_task(recording.run())

    await recording.stop()
    await recording.stop()
    take = await task

    assert take.state is TakeState.FAILED and studio.engines == []
    assert take.error == "The recording was stopped before anything was recorded."
    assert studio.logged[-1] is TakeState.FAILED


@pytest.mark.parametrize("by_itself", [True, False])
def test_a_take_is_finished_only_once_its_log_says_so(by_itself: bool) -> None:
    @studio_test
    async def story() -> None:
        studio = Studio()
        studio.log_answers.clear()
        recording = studio.recording()
        task = await started(recording)
        studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
        if by_itself:
            studio.engines[0].break_off(None)
        else:
            await recording.stop()
        await until(lambda: studio.logged[-1] is TakeState.FINISHED)

        assert recording.take.state is TakeState.STOPPING
        await recording.pause()
        await recording.stop()
        recording.check()
        assert studio.logged[-1] is TakeState.FINISHED

        studio.log_answers.set()
        assert (await task).state is TakeState.FINISHED

    story()


@studio_test
async def test_a_full_journal_leaves_the_download_whole() -> None:
    studio = Studio()
    assert studio.store is not None
    studio.store.capacity = 20_000
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())

    recording.check()
    await recording.stop()
    take = await task

    assert take.state is TakeState.FINISHED
    assert studio.told(
        "The crash-proof copy is not written any more. The download goes on. There is no room left in the browser's "
    )
    index = Index()
    index.feed(studio.download)
    whole = Index()
    whole.feed((DATA / "chromium-vp8-opus.webm").read_bytes())
    assert index.blocks == whole.blocks
    assert take.error and "ends early" in take.error and "Downloads folder is whole" in take.error


@studio_test
async def test_where_the_other_copy_is_torn_too_it_is_said_that_none_is_whole() -> None:
    studio = Studio()
    assert studio.store is not None and studio.downloads is not None
    studio.store.capacity = 20_000
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())
    studio.downloads.opened[0].error = SinkError("The download was cancelled.")
    await recording.stop()
    take = await task

    assert take.error is not None and "The copy kept here ends early, and no other is whole." in take.error


async def recorded_with(folder: FakeFolder, capacity: int | None = None) -> tuple[Studio, Take]:
    """A whole recording while this folder is chosen, with so much room in the journal."""
    studio = Studio()
    if studio.store is not None:
        studio.store.capacity = capacity or studio.store.capacity
    studio.folder = folder
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())
    recording.check()
    await recording.stop()
    return studio, await task


def test_a_chosen_folder_gets_the_seekable_file_and_downloads_none() -> None:
    folder = FakeFolder()

    studio, take = asyncio.run(recorded_with(folder))

    assert bytes(folder.files["Ada_take1.webm"]) == studio.journal
    assert studio.part(1).finished and folder.opened[0].closed
    assert studio.downloads is not None and not studio.downloads.opened
    assert take.delivered == (Delivery.FOLDER,) and studio.notices == []


def test_a_full_journal_beside_a_folder_leaves_the_file_there_whole_and_says_so() -> None:
    _, take = asyncio.run(recorded_with(FakeFolder(), capacity=20_000))
    assert take.delivered == (Delivery.FOLDER,)
    assert take.error == "The copy kept here ends early; the file in the folder you chose is whole."


def test_a_folder_that_cannot_be_written_any_more_leaves_it_to_the_downloads() -> None:
    folder = FakeFolder()
    folder.allowed = False

    studio, take = asyncio.run(recorded_with(folder))

    assert studio.download and take.delivered == (Delivery.DOWNLOADS,)
    assert ["cannot be written" in notice.text for notice in studio.notices] == [True]


def test_a_folder_that_breaks_midway_leaves_no_file_that_looks_whole() -> None:
    folder = FakeFolder()
    folder.capacity = 20_000

    studio, take = asyncio.run(recorded_with(folder))

    assert folder.files == {} and take.delivered == ()
    assert studio.part(1).finished
    (told,) = studio.notices
    assert told.text.startswith(
        "The file in the folder you chose is not complete. "
        "Save the recording from the list below when it is finished. "
    )


async def recorded_into(capacity: int) -> tuple[Index, Take]:
    """The journal's copy of a recording for which it has so much room, and the take."""
    studio = Studio()
    assert studio.store is not None
    studio.store.capacity = capacity
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())
    await recording.stop()
    take = await task
    return studio.part(1), take


@pytest.mark.parametrize("room_for_cues", [True, False])
def test_what_a_full_journal_holds_is_cut_at_its_last_whole_block_and_finished(room_for_cues: bool) -> None:
    capacity = 20_000 if room_for_cues else last_whole_block(20_000)

    kept, take = asyncio.run(recorded_into(capacity))

    assert kept.end > 10_000 and not kept.damages
    assert kept.layout.duration == kept.duration_ticks > 0
    assert kept.layout.segment and kept.layout.segment.body + kept.layout.segment.size == kept.size
    assert bool(kept.layout.cues) is room_for_cues
    assert take.parts[0].bytes == kept.size <= capacity
    assert take.parts[0].duration_ms == round(kept.duration_ms)


def last_whole_block(size: int) -> int:
    """Where the last whole block ends in so many bytes of what the journal is given."""
    stream = WebmStream(f"Rolltape {__version__}")
    written = b"".join(stream.feed(chunk) for chunk in chunks_of("chromium-vp8-opus.webm"))
    index = Index()
    index.feed(written[:size])
    return index.end


@studio_test
async def test_a_cancelled_download_is_said_at_once_and_the_journal_goes_on() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    assert studio.downloads is not None

    studio.downloads.opened[0].error = SinkError("The download was cancelled.")
    recording.check()
    recording.check()
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())
    await recording.stop()
    take = await task

    assert [notice.text for notice in studio.notices] == [
        "The file in your Downloads folder is not complete. "
        "Save the recording from the list below when it is finished. The download was cancelled."
    ]
    assert take.delivered == ()
    index = Index()
    index.feed(studio.journal)
    assert index.finished


@studio_test
async def test_a_late_acknowledgement_is_an_alarm_until_it_comes_and_another_the_next_time() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    assert studio.store is not None
    studio.store.opened[0].held_up = True
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())

    recording.check()
    before = list(studio.notices)
    studio.clock.ms += 5001
    recording.check()
    recording.check()

    assert before == []
    assert [notice.text for notice in studio.notices] == [
        "The disk has not confirmed the crash-proof copy for five seconds. The download goes on."
    ]
    assert studio.notices[0].subject == "journal-late" and "journal-late" not in studio.lifted
    journal = studio.store.opened[0]
    journal.ledger.acknowledge(journal.ledger.given)
    recording.check()
    assert studio.lifted.count("journal-late") == 1

    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: journal.ledger.owed > 0)
    studio.clock.ms += 5001
    recording.check()
    assert [one.subject for one in studio.notices].count("journal-late") == 2, "told anew"
    await recording.stop()
    await task


LATE_DOWNLOAD = (
    "The browser has not taken the download for five seconds. "
    "If it asks whether this page may download files, allow it."
)
LATE_JOURNAL = "The disk has not confirmed the crash-proof copy for five seconds."


@pytest.mark.parametrize(
    ("places", "late", "told"),
    [
        ("journal download", "download", [f"{LATE_DOWNLOAD} The crash-proof copy goes on."]),
        (
            "journal folder",
            "folder",
            ["The folder you chose has taken nothing for five seconds. The crash-proof copy goes on."],
        ),
        ("journal folder", "journal", [f"{LATE_JOURNAL} The file in the folder you chose goes on."]),
        ("journal download", "journal download", [LATE_JOURNAL, LATE_DOWNLOAD]),
        ("download", "download", [LATE_DOWNLOAD]),
        ("journal", "journal", [LATE_JOURNAL]),
    ],
)
def test_of_what_is_late_only_what_is_written_all_the_same_is_said_to_go_on(
    places: str, late: str, told: list[str]
) -> None:
    @studio_test
    async def story() -> None:
        studio = Studio()
        studio.folder = FakeFolder() if "folder" in places else None
        studio.store = studio.store if "journal" in places else None
        studio.downloads = studio.downloads if "download" in places else None
        recording = studio.recording()
        task = await started(recording)
        opened = [
            file
            for place in (studio.store, studio.folder, studio.downloads)
            if place
            for file in place.opened
        ]
        for file in opened:
            file.held_up = file.name in late
        studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
        await until(lambda: studio.engines[0].queue.empty())
        studio.clock.ms += 5001
        recording.check()

        assert [notice.text for notice in studio.notices] == told
        for file in opened:
            file.ledger.acknowledge(file.ledger.given)
        await recording.stop()
        await task

    story()


@studio_test
async def test_without_a_journal_nothing_is_there_to_be_saved_when_the_download_breaks() -> None:
    studio = Studio()
    studio.store = None
    recording = studio.recording()
    task = await started(recording)
    assert studio.downloads is not None
    studio.downloads.opened[0].error = SinkError("The download was cancelled.")
    recording.check()
    told = [notice.text for notice in studio.notices]
    await task

    assert told[0] == "The file in your Downloads folder is not complete. The download was cancelled."


@studio_test
async def test_a_place_that_is_late_in_two_parts_is_so_until_both_are_answered() -> None:
    notices: list[Notice] = []
    lifted: list[str] = []
    told = TakeNotices(notices.append, lifted.append)
    one, other = told.of_part(1), told.of_part(2)

    for part in (one, other):
        part.hold("journal-late", Level.WARNING, "It is late.")
    one.over("journal-late")
    assert len(notices) == 1 and lifted == []

    other.all_over()
    assert lifted == ["journal-late"]


@studio_test
async def test_a_download_that_breaks_in_every_part_is_told_of_every_part() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    assert studio.downloads is not None
    for number in (1, 2):
        studio.downloads.opened[-1].error = SinkError("The download was cancelled.")
        recording.check()
        recording.check()
        assert sum("The download was cancelled." in one.text for one in studio.notices) == number
        if number == 1:
            rolled = asyncio.create_task(recording.roll_over("Another camera."))
            await until(lambda: len(studio.engines) == 2)
            studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
            assert await rolled
    await recording.stop()
    await task


@studio_test
async def test_notes_that_are_written_again_are_said_to_be() -> None:
    studio = Studio()
    fails = [False, True, False]

    async def log(take: Take) -> None:
        if fails and fails.pop(0):
            raise SinkError("The disk is full.")

    studio.log = log  # type: ignore[method-assign]
    recording = studio.recording()
    task = await started(recording)
    await until(lambda: not fails or len(fails) == 1)
    assert [(one.subject, one.text) for one in studio.notices] == [
        (NOTES, "The recording's notes could not be written. The disk is full.")
    ]
    before = studio.lifted.count(NOTES)
    await recording.pause()

    assert studio.lifted.count(NOTES) == before + 1
    await recording.stop()
    await task


@studio_test
async def test_with_both_sinks_gone_the_recording_ends_and_says_so() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    assert studio.store is not None and studio.downloads is not None

    for sink in (*studio.store.opened, *studio.downloads.opened):
        sink.error = SinkError("Gone.")
    recording.check()
    take = await task

    assert any("nothing can be written" in notice.text for notice in studio.notices)
    assert take.is_over and take.error == "Nothing can be written any more. Gone."
    assert not any("Camera and microphone" in notice.text for notice in studio.notices)


@studio_test
async def test_without_any_place_to_write_nothing_is_recorded() -> None:
    studio = Studio()
    studio.store = studio.downloads = None

    take = await studio.recording().run()

    assert take.state is TakeState.FAILED
    assert take.error == "The recording could not start. This browser gives no place to write it to."
    assert studio.engines[0].calls == ["start", "close"]


@studio_test
async def test_a_locked_journal_still_records_into_the_download() -> None:
    studio = Studio()
    assert studio.store is not None
    studio.store.locked = True
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())

    shown = recording.status.bytes
    await recording.stop()
    take = await task

    assert take.state is TakeState.FINISHED and take.delivered == (Delivery.DOWNLOADS,)
    assert shown == len(studio.download) > 0
    assert [notice.text for notice in studio.notices] == [
        "No crash-proof copy is written; the recording goes on without. Another tab holds this recording."
    ]


@studio_test
async def test_a_recorder_that_ends_without_a_word_is_followed_by_another_and_it_is_said() -> None:
    studio = Studio()

    async def repair() -> Plan | None:
        return studio.plan()

    recording = studio.recording(repair=repair)
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm")[:8])
    studio.engines[0].break_off(None)
    await until(lambda: len(studio.engines) == 2)
    studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[1].queue.empty())
    await recording.stop()
    take = await task

    assert [part.reason for part in take.parts] == ["", "The recorder had ended."]
    assert studio.told("The recorder had ended. The recording goes on in a new part.")


@studio_test
async def test_an_engine_that_breaks_off_leaves_a_finished_take_with_the_reason() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm")[:8])

    studio.start_errors = [EngineError("No encoder is left.")] * 50
    studio.engines[0].break_off(EngineError("The browser's encoder failed."))
    take = await task

    assert take.state is TakeState.FINISHED
    assert take.error == "The browser's encoder failed."
    assert "What was recorded is kept." in studio.notices[-1].text
    index = Index()
    index.feed(studio.journal)
    assert index.finished and index.blocks > 10


def whole_until_ms(index: Index) -> float:
    """When the track that ends first ends."""
    return min(index.progress(track.number).end_ms or 0 for track in index.tracks)


def first_picture_ms(index: Index) -> float:
    """When the first video track begins."""
    (video,) = (track.number for track in index.tracks if track.kind is Kind.VIDEO)
    return index.progress(video).first_ms or 0.0


async def rolled_over(studio: Studio, recording: Recording, captured_ms: float | None = None) -> None:
    """Have the recording roll over while the first engine has given all its chunks."""
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    studio.clock.ms += 2000
    roll = asyncio.create_task(recording.roll_over("test"))
    await until(lambda: len(recording.take.parts) == 2)
    studio.clock.ms += 700
    studio.engines[1].captured_ms = captured_ms
    studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
    assert await roll


@studio_test
async def test_a_new_part_begins_before_the_old_one_ends() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    studio.clock.ms += 2000

    roll = asyncio.create_task(recording.roll_over("test"))
    await until(lambda: len(studio.engines) == 2)
    head, *rest = chunks_of("chromium-vp8-opus.webm", 100)
    studio.engines[1].give(head)
    for _ in range(50):
        await asyncio.sleep(0)
    asked_early = "stop" in studio.engines[0].calls
    studio.engines[1].give(*rest)
    went_on = await roll
    await recording.stop()
    take = await task

    assert (asked_early, went_on) == (False, True)
    assert [part.file for part in take.parts] == ["part1", "part2"]
    assert studio.part(1).finished and studio.part(2).finished
    assert studio.downloads is not None
    assert list(studio.downloads.files) == ["Ada_take1.webm", "Ada_take1_part2.webm"]
    assert take.delivered == (Delivery.DOWNLOADS,)
    assert studio.notices == []


@studio_test
async def test_an_encoder_that_is_late_is_not_stopped_before_its_file_has_come_to_where_the_new_one_begins() -> (
    None
):
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    chunks = chunks_of("chromium-vp8-opus.webm")
    late = len(chunks) // 2
    studio.engines[0].give(*chunks[:late])
    studio.clock.ms += 2000
    roll = asyncio.create_task(recording.roll_over("test"))
    await until(lambda: len(recording.take.parts) == 2)
    studio.engines[1].give(*chunks)
    await turns(100)
    stopped_early = "stop" in studio.engines[0].calls

    studio.engines[0].give(*chunks[late:])
    assert await roll
    await recording.stop()
    take = await task

    assert not stopped_early
    assert take.parts[1].gap_before_ms == 0 and whole_until_ms(studio.part(1)) > 2000


@studio_test
async def test_a_take_and_its_parts_begin_where_their_files_do() -> None:
    studio = Studio()
    recording = studio.recording(room_time=lambda own_ms: Instant(own_ms + 1_000_000, 2))
    task = await started(recording)
    assert recording.take.room_started_at_ms == 1_001_000

    studio.engines[0].captured_ms = 970
    await rolled_over(studio, recording, captured_ms=2950)
    await recording.stop()
    take = await task

    assert take.room_started_at_ms == round(1_000_970 - first_picture_ms(studio.part(1)))
    assert take.parts[1].started_ms == 2950 - 970


@studio_test
async def test_what_two_parts_share_is_logged_and_counted_once() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)

    await rolled_over(studio, recording)
    await recording.stop()
    take = await task

    first, second = take.parts
    assert second.started_ms == 2000 and second.reason == "test"
    assert second.overlap_before_ms == first.duration_ms - 2000 > 0
    assert second.gap_before_ms == 0
    assert take.duration_ms == first.duration_ms + second.duration_ms - second.overlap_before_ms
    assert recording.status.bytes == first.bytes + second.bytes


@studio_test
async def test_a_recorder_that_fell_silent_leaves_a_gap_that_is_logged() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())
    studio.clock.ms += 60_000

    roll = asyncio.create_task(recording.roll_over("The recorder gave nothing."))
    await until(lambda: len(studio.engines) == 2)
    studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
    await roll
    await recording.stop()
    take = await task

    first, second = take.parts
    assert first.duration_ms > 1000
    assert second.gap_before_ms == 60_000 - round(whole_until_ms(studio.part(1)))
    assert second.overlap_before_ms == 0


@studio_test
async def test_parts_are_split_by_recorded_time() -> None:
    studio = Studio()
    recording = studio.recording(split_ms=60_000)
    task = await started(recording)
    studio.clock.ms += 50_000
    await recording.pause()
    studio.clock.ms += 50_000
    recording.check()
    await recording.resume()
    recording.check()
    before = len(studio.engines)

    studio.clock.ms += 10_001
    recording.check()
    recording.check()
    await until(lambda: len(studio.engines) == 2)
    studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: "stop" in studio.engines[0].calls)
    await recording.stop()
    take = await task

    assert before == 1 and len(studio.engines) == 2
    assert studio.downloads is not None
    assert list(studio.downloads.files) == ["Ada_take1_part1.webm", "Ada_take1_part2.webm"]
    assert take.parts[-1].reason == "split"


@studio_test
async def test_a_stop_while_rolling_over_ends_both_parts() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    roll = asyncio.create_task(recording.roll_over("test"))
    await until(lambda: len(studio.engines) == 2)

    await recording.stop()
    await roll
    take = await task

    assert take.is_over
    assert all("close" in engine.calls for engine in studio.engines)


@studio_test
async def test_where_no_new_part_can_begin_the_old_one_goes_on() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.start_errors = [EngineError("No encoder is left.")] * 50

    went_on = await recording.roll_over("test")
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await recording.stop()
    take = await task

    assert not went_on
    assert len(take.parts) == 1 and studio.part(1).finished
    assert "could not go on in a new part. No encoder is left." in studio.notices[-1].text


@studio_test
async def test_a_new_part_that_dies_at_once_leaves_the_old_one_running() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    roll = asyncio.create_task(recording.roll_over("test"))
    await until(lambda: len(studio.engines) == 2)

    studio.engines[1].break_off(EngineError("The browser's encoder failed."))
    went_on = await roll
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())
    running = recording.take.state
    await recording.stop()
    take = await task

    assert (went_on, running) == (False, TakeState.RECORDING)
    assert "stop" in studio.engines[0].calls
    assert [part.number for part in take.parts if part.bytes] == [1] and studio.part(1).finished
    assert "the recording goes on in the old" in studio.notices[-1].text


@studio_test
async def test_a_stop_while_a_new_part_is_begun_is_not_told_as_a_failure_of_it() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.start_errors = [EngineError("No encoder is left.")] * 50
    roll = asyncio.create_task(recording.roll_over("test"))
    await until(lambda: len(studio.engines) == 2)

    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await recording.stop()
    went_on, take = await roll, await task

    assert not went_on and len(studio.engines) == 2, "no other format is tried any more"
    assert take.state is TakeState.FINISHED and take.error is None
    assert studio.notices == []


@studio_test
async def test_what_nobody_expected_of_a_new_part_is_handed_to_the_page_and_it_records_on() -> None:
    contexts: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: contexts.append(context))
    studio = Studio()
    recording = studio.recording()
    studio.unsayable = "The camera was switched."
    task = await started(recording)
    await recording.pause()
    await recording.change("The camera was switched.", studio.plan())
    await recording.resume()
    await until(lambda: len(studio.engines) == 2)
    for engine in studio.engines:
        engine.give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: contexts)
    running = recording.take.state
    await recording.stop()
    take = await task

    assert [(one["message"], repr(one["exception"])) for one in contexts] == [
        ("Something went wrong while a new part was begun.", "TypeError('It is null.')")
    ]
    assert running is TakeState.RECORDING and take.state is TakeState.FINISHED


@studio_test
async def test_a_device_that_is_switched_while_paused_is_recorded_after_the_pause() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await recording.pause()

    changed = await recording.change("The camera was switched.", studio.plan())
    while_paused = len(studio.engines)
    await recording.resume()
    await until(lambda: len(studio.engines) == 2)
    studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: "stop" in studio.engines[0].calls)
    await recording.stop()
    take = await task

    assert (changed, while_paused) == (False, 1)
    assert [part.reason for part in take.parts] == ["", "The camera was switched."]
    assert studio.told("The camera was switched. The recording goes on in a new part.")


@studio_test
async def test_a_device_that_is_switched_while_starting_is_recorded_once_it_has_begun() -> None:
    studio = Studio()
    recording = studio.recording()
    task = asyncio.create_task(recording.run())

    assert not await recording.change("The camera was switched.", studio.plan())
    await until(lambda: len(studio.engines) == 2)
    for engine in studio.engines:
        engine.give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: "stop" in studio.engines[0].calls)
    await recording.stop()
    take = await task

    assert [part.reason for part in take.parts] == ["", "The camera was switched."]


@studio_test
async def test_a_pause_in_the_midst_of_a_switch_does_not_undo_it() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    switch = asyncio.create_task(recording.change("The camera was switched.", studio.plan()))
    await until(lambda: len(studio.engines) == 2 and len(recording.take.parts) == 2)

    await recording.pause()
    await turns(50)
    undecided = not switch.done() and "stop" not in studio.engines[0].calls
    await recording.resume()
    studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
    changed = await switch
    await recording.stop()
    await task

    assert undecided and changed
    assert "stop" in studio.engines[0].calls


@studio_test
async def test_an_encoder_that_fails_in_the_first_seconds_is_followed_by_the_next_format() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)

    studio.clock.ms += 900
    studio.engines[0].break_off(EngineError("The browser's encoder failed."))
    await until(lambda: len(studio.engines) == 2)
    studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[1].queue.empty())
    await recording.stop()
    take = await task

    assert [engine.mime_type for engine in studio.engines] == [
        candidate.mime_type for candidate in candidates(CodecWish())[:2]
    ]
    assert take.state is TakeState.FINISHED and take.error is None
    assert take.mime_type == studio.engines[1].mime_type
    assert [(part.number, part.started_ms) for part in take.parts] == [(2, 0)]
    assert studio.told("The browser's encoder failed. The recording goes on in a new part.")


@studio_test
async def test_an_encoder_that_fails_later_is_started_again() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())

    studio.clock.ms += 60_000
    studio.engines[0].break_off(EngineError("The browser's encoder failed."))
    await until(lambda: len(studio.engines) == 2)
    await recording.stop()
    take = await task

    assert studio.engines[0].mime_type == studio.engines[1].mime_type
    assert take.parts[0].bytes > 0 and studio.part(1).finished


@studio_test
async def test_a_pause_stops_the_clock_and_is_logged() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())

    studio.clock.ms += 3000
    await recording.pause()
    await recording.pause()
    studio.clock.ms += 4000
    paused = recording.status
    await recording.resume()
    await recording.resume()
    studio.clock.ms += 2000
    await recording.stop()
    take = await task

    assert paused.state is TakeState.PAUSED and paused.elapsed_ms == 3000
    assert recording.status.elapsed_ms == 5000
    assert [(pause.from_ms, pause.to_ms) for pause in take.pauses] == [(3000, 7000)]
    assert [call for call in studio.engines[0].calls if call in ("pause", "resume")] == ["pause", "resume"]


@studio_test
async def test_what_is_no_webm_is_kept_byte_for_byte() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    strange = [b"\0\0\0\x18ftypiso5", b"moovmoov" * 400, b"mdat" * 1000]

    studio.engines[0].give(*strange)
    await until(lambda: studio.engines[0].queue.empty())
    await recording.stop()
    await task

    assert studio.journal == studio.download == b"".join(strange)
    told = [one.text for one in studio.notices if one.text.startswith("The recording is kept as it comes: ")]
    assert len(told) == 1


@studio_test
async def test_mp4_goes_through_untouched_and_unremarked() -> None:
    studio = Studio(supported=lambda mime_type: mime_type.startswith("video/mp4"))
    recording = studio.recording(candidates(CodecWish(mp4=True)))
    task = await started(recording)

    chunks = [mp4_header(), mp4_fragment(0, 50), mp4_fragment(2000, 50)]
    studio.engines[0].give(*chunks)
    studio.clock.ms += 4000
    await until(lambda: studio.engines[0].queue.empty())
    await recording.stop()
    take = await task

    assert studio.journal == b"".join(chunks)
    assert take.duration_ms == 4000
    assert studio.notices == []
    assert studio.downloads is not None and list(studio.downloads.files) == ["Ada_take1.mp4"]


@pytest.mark.parametrize("listed", [(), candidates(CodecWish())])
def test_there_is_no_plan_where_the_browser_supports_nothing(listed: tuple[Candidate, ...]) -> None:
    assert plan(listed, Rates(6000, 128), Studio().make_engine, lambda mime_type: False) is None


@studio_test
async def test_a_recorder_that_goes_quiet_is_stopped_and_the_take_goes_on_in_a_new_part() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    whole = chunks_of("chromium-vp8-opus.webm")
    studio.engines[0].give(*whole[:4])
    await until(lambda: studio.engines[0].queue.empty())

    for _ in range(3):
        studio.clock.ms += 700
        recording.check()
    await until(lambda: len(studio.engines) == 2 and len(recording.take.parts) == 2)
    studio.engines[1].give(*whole)
    await until(lambda: studio.engines[1].queue.empty())
    await recording.stop()
    take = await task

    assert studio.engines[0].calls.count("stop") == 1
    assert take.state is TakeState.FINISHED
    assert [part.reason for part in take.parts] == ["", "The recorder had gone quiet."]
    assert take.parts[1].started_ms == 2100
    assert any("gone quiet" in notice.text and "new part" in notice.text for notice in studio.notices)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (DeviceError("The microphone is gone."), "The microphone is gone."),
        (TypeError("It is null."), "(TypeError: It is null.)"),
    ],
)
def test_a_capture_that_cannot_be_put_right_ends_the_take_with_what_there_is(
    error: Exception, why: str
) -> None:
    async def no_repair() -> Plan | None:
        raise error

    @studio_test
    async def story() -> None:
        studio = Studio()
        recording = studio.recording(repair=no_repair)
        task = await started(recording)
        studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
        await until(lambda: studio.engines[0].queue.empty())
        studio.engines[0].break_off(None)  # its tracks have ended
        take = await task

        assert take.state is TakeState.FINISHED and studio.part(1).finished
        assert [notice.text for notice in studio.notices] == [
            f"The recorder could not be made ready again. {why}",
            "The recording has stopped. Camera and microphone are gone. What was recorded is kept.",
        ]

    story()


@studio_test
async def test_a_page_that_was_held_up_does_not_take_the_recorder_for_quiet() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)

    studio.clock.ms += 10_000
    recording.check()
    studio.clock.ms += 1000
    recording.check()
    await recording.stop()
    await task

    assert len(studio.engines) == 1


@studio_test
async def test_a_paused_recorder_may_be_quiet() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)

    await recording.pause()
    for _ in range(5):
        studio.clock.ms += 1000
        recording.check()
    await recording.resume()
    studio.clock.ms += 1000
    recording.check()
    await recording.stop()
    await task

    assert len(studio.engines) == 1


@studio_test
async def test_rates_are_those_of_the_clock_and_fall_when_nothing_comes_any_more() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    chunks = chunks_of("chromium-vp8-opus.webm", 1000)
    shown = []

    for chunk in chunks:
        studio.engines[0].give(chunk)
        await until(lambda: studio.engines[0].queue.empty())
        shown.append(recording.status.kbps)
        studio.clock.ms += 100
    going = recording.status
    studio.clock.ms += 20_000
    standing = recording.status
    await recording.stop()
    await task

    assert max(shown) == pytest.approx(1000 * 8 / 100, rel=0.1), "no spike, however the first chunks came"
    assert shown[0] == 0 and going.kbps == pytest.approx(1000 * 8 / 100, rel=0.1)
    assert going.fps is not None and going.fps > 10
    assert (standing.fps, standing.kbps) == (0, 0)


@studio_test
async def test_a_container_that_is_not_read_has_bits_but_no_pictures_to_count() -> None:
    studio = Studio("video/mp4")
    recording = studio.recording()
    task = await started(recording)
    for _ in range(3):
        studio.engines[0].give(b"mdat" * 50_000)
        await until(lambda: studio.engines[0].queue.empty())
        studio.clock.ms += 2000

    status = recording.status
    await recording.stop()
    await task

    assert status.fps is None and status.kbps > 100


@pytest.mark.parametrize("locked", [False, True])
def test_without_a_journal_every_part_has_a_file_of_its_own(locked: bool) -> None:
    @studio_test
    async def story() -> None:
        studio = Studio()
        if studio.store is not None and locked:
            studio.store.locked = True
        else:
            studio.store = None
        recording = studio.recording()
        task = await started(recording)
        studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
        await until(lambda: studio.engines[0].queue.empty())
        studio.clock.ms += 600_000
        studio.engines[0].break_off(EngineError("The encoder failed."))
        await until(lambda: len(studio.engines) == 2)
        studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
        await until(lambda: studio.engines[1].queue.empty())
        await recording.stop()
        take = await task

        assert studio.downloads is not None
        assert [file.path for file in studio.downloads.opened] == ["Ada_take1.webm", "Ada_take1_part2.webm"]
        assert [part.number for part in take.parts] == [1, 2]
        assert take.delivered == (Delivery.DOWNLOADS,) and take.state is TakeState.FINISHED

    story()


@studio_test
async def test_a_journal_that_dies_leaves_a_finished_take_with_the_file_in_its_folder() -> None:
    studio = Studio()
    studio.folder = FakeFolder()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())
    assert studio.store is not None
    dead = studio.store.opened[0]
    dead.error = dead.settle_error = dead.close_error = SinkError("What writes the crash-proof copy stopped.")

    await recording.stop()
    take = await task

    assert studio.folder.opened[0].closed and take.delivered == (Delivery.FOLDER,)
    assert studio.logged[-1] is take.state is TakeState.FINISHED
    assert studio.told("What writes the crash-proof copy stopped.")


@studio_test
async def test_a_recorder_whose_data_cannot_be_read_is_followed_by_another() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    studio.engines[0].fail(RuntimeError("NotReadableError: the blob could not be read"))
    await until(lambda: len(studio.engines) == 2)
    studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[1].queue.empty())
    await recording.stop()
    take = await task

    assert take.state is TakeState.FINISHED and len(take.parts) == 2
    assert studio.part(1).finished and studio.part(2).finished
    assert studio.store is not None and all(file.closed for file in studio.store.opened)


@studio_test
async def test_a_part_that_gave_nothing_is_none_of_the_takes() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    roll = asyncio.create_task(recording.roll_over("test"))
    await until(lambda: len(recording.take.parts) == 2)
    studio.engines[1].break_off(None)
    await roll
    await recording.stop()
    take = await task

    assert [part.number for part in take.parts] == [1] and take.delivered == (Delivery.DOWNLOADS,)


@studio_test
async def test_while_a_part_is_finished_its_bytes_stay_safely_written() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())
    assert studio.downloads is not None
    studio.downloads.opened[0].answers.clear()
    before = recording.status.bytes

    await recording.stop()
    await turns(50)
    assert recording.status.bytes >= before > 0
    studio.downloads.opened[0].answers.set()
    await task


@studio_test
async def test_what_fails_after_the_stop_is_told_of_the_end() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(*chunks_of("chromium-vp8-opus.webm"))
    await until(lambda: studio.engines[0].queue.empty())
    studio.engines[0].stops = False
    await recording.stop()
    studio.engines[0].fail(EngineError("The encoder failed."))
    take = await task

    assert take.state is TakeState.FINISHED
    assert take.error == "The last moments may be missing. The encoder failed."


async def watched(studio: Studio, recording: Recording, until_ms: float) -> list[float]:
    """Look at the recording five times a second, by its clock, until this moment; when each notice came."""
    told: list[float] = []
    while studio.clock.ms < until_ms and not recording.take.is_over:
        studio.clock.ms += 200
        recording.check()
        await turns(40)
        told += [studio.clock.ms] * (len(studio.notices) - len(told))
    return told


@pytest.mark.parametrize("mp4", [False, True])
def test_a_recorder_that_never_delivers_is_told_of_and_followed_by_another_format(
    mp4: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take_recorder, "GIVES_OUT_S", 0)

    @studio_test
    async def story() -> None:
        studio = Studio()
        recording = studio.recording(candidates(CodecWish(mp4=mp4)))
        task = await started(recording)
        began_ms = studio.clock.ms
        silent = studio.engines[0]
        silent.stops = False

        told = await watched(studio, recording, began_ms + (8000 if mp4 else 5000))
        assert told[0] - began_ms <= 5000
        assert "Nothing is recorded yet" in studio.notices[0].text
        assert len(studio.engines) == 2, "within ten seconds another is recorded"
        assert studio.engines[1].mime_type != silent.mime_type
        assert studio.told("delivered nothing; ")
        studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
        await until(lambda: studio.engines[1].queue.empty())
        assert studio.lifted.count("nothing-yet") == 1, "also while the silent one does not end"
        silent.queue.put_nowait(None)
        await recording.stop()
        take = await task

        assert take.state is TakeState.FINISHED and take.delivered == (Delivery.DOWNLOADS,)
        assert [(part.number, part.reason) for part in take.parts] == [(2, "The recorder delivered nothing.")]
        assert take.mime_type == studio.engines[1].mime_type
        assert not studio.told("What it held is kept")

    story()


def test_where_no_format_delivers_the_take_fails_and_that_is_said_loudly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(take_recorder, "GIVES_OUT_S", 0)

    @studio_test
    async def story() -> None:
        studio = Studio()
        listed = candidates(CodecWish())[:2]
        recording = studio.recording(listed)
        task = await started(recording)
        await watched(studio, recording, studio.clock.ms + 20_000)
        take = await task

        assert [engine.mime_type for engine in studio.engines] == [one.mime_type for one in listed]
        assert take.state is TakeState.FAILED and take.parts == () and take.delivered == ()
        assert take.error == "The browser's recorder delivers nothing, in any format."
        loud = [notice.text for notice in studio.notices if notice.level is Level.ERROR]
        assert loud[0].startswith("Nothing is recorded now.")
        assert loud[-1].endswith("Nothing was recorded.")

    story()


@studio_test
async def test_a_recorder_that_gives_out_what_it_withheld_keeps_its_format() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    withholding = studio.engines[0]
    withholding.stops = False
    rolling = asyncio.create_task(watched(studio, recording, studio.clock.ms + 5000))
    await until(lambda: "stop" in withholding.calls)
    withholding.give(*chunks_of("chromium-vp8-opus.webm"))
    withholding.queue.put_nowait(None)
    await until(lambda: len(studio.engines) == 2)
    studio.engines[1].give(*chunks_of("chromium-vp8-opus.webm"))
    await rolling
    await recording.stop()
    take = await task

    assert studio.engines[1].mime_type == withholding.mime_type
    assert len(take.parts) == 2
    assert studio.told(
        "The recorder had gone quiet. What it held is kept. The recording goes on in a new part."
    )


@studio_test
async def test_a_take_into_which_nothing_came_is_not_finished() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    await recording.stop()
    take = await task

    assert (take.state, take.delivered, take.parts) == (TakeState.FAILED, (), ())
    assert take.error == "The recording was stopped before anything was recorded."
    assert studio.told(take.error)
