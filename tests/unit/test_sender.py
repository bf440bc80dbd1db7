"""Takes on their way to the host: whatever goes wrong, what lies there in the end is what lies here."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_host import Bytes, FakeHost, troubles, without_clock
from jumping_clock import run
from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.problem import Problem, ProblemKind
from rolltape.arrivals.sender import Uploader
from rolltape.arrivals.upload import TakeNow, Upload
from rolltape.arrivals.upload_notes import NOTES, Choice, UploadNotes, read_notes
from rolltape.arrivals.upload_plan import FileNow
from rolltape.arrivals.upload_state import UploadState
from rolltape.core.errors import SinkError
from rolltape.media.webm import WebmStream
from unit.media_files import DATA

TAKE = "1764381600000-0a1b2c3d"
FOLDER = f"takes/{TAKE}"


@dataclass
class FakeFiles:
    """The journal's files."""

    files: dict[str, bytearray] = field(default_factory=dict)
    broken: bool = False
    short: bool = False
    """Files give less than is asked for."""

    async def read(self, path: str, at: int, length: int) -> Bytes:
        if self.broken:
            raise SinkError("What writes the crash-proof copy stopped.")
        return Bytes(bytes(self.files[path][at : at + length - self.short]))

    async def append_text(self, path: str, text: str) -> None:
        self.files.setdefault(path, bytearray()).extend(text.encode())


class Recorder:
    """Records a file of the test data into the journal, chunk by chunk, as a part does."""

    def __init__(self, files: FakeFiles, name: str = "chromium-vp8-opus.webm", chunk: int = 2500) -> None:
        data = (DATA / name).read_bytes()
        self.chunks = [data[at : at + chunk] for at in range(0, len(data), chunk)]
        self.path = f"{FOLDER}/part1"
        self.file = files.files[self.path] = bytearray()
        self.stream = WebmStream("Rolltape 0")
        self.is_over = False

    def step(self) -> bool:
        """One chunk more, or the end; whether there was anything."""
        if self.is_over:
            return False
        if self.chunks:
            self.file += self.stream.feed(self.chunks.pop(0))
            self._patch(self.stream.patches())
            return True
        ending = self.stream.finish()
        if ending.truncate_to is not None:
            del self.file[ending.truncate_to :]
        self.file += ending.append
        self._patch(ending.patches)
        self.is_over = True
        return True

    def _patch(self, patches: object) -> None:
        for patch in patches:  # type: ignore[attr-defined]
            self.file[patch.offset : patch.offset + len(patch.data)] = patch.data

    def now(self) -> TakeNow:
        index = self.stream.index
        stable = index.cluster_offsets[-1] if index.cluster_offsets else 0
        size = len(self.file) if self.is_over else None
        file = FileNow("part1", self.path, "video/webm", index.layout.clusters, stable, size)
        return TakeNow({"id": TAKE}, (file,), self.is_over)


def upload_of(recorder: Recorder, notes: UploadNotes | None = None) -> Upload:
    return Upload(TAKE, FOLDER, notes or UploadNotes("TOKEN", "takes.example"), recorder.now, without_clock)


def sender_of(host: FakeHost, files: FakeFiles, talking: bool = False) -> Uploader:
    loop = asyncio.get_running_loop()
    return Uploader(
        host, files, lambda: loop.time() * 1000, lambda: talking, lambda upload: None, lambda text: None
    )


async def until(upload: Upload, *states: UploadState) -> None:
    async with asyncio.timeout(1800):
        while upload.state not in states:
            await asyncio.sleep(0.1)


async def record(recorder: Recorder, every_s: float = 0.5) -> None:
    while recorder.step():
        await asyncio.sleep(every_s)


async def begun(host: FakeHost, files: FakeFiles, recorder: Recorder) -> tuple[Upload, asyncio.Task[None]]:
    """Record for some seconds and send meanwhile; the task goes on until it is cancelled."""
    sender = sender_of(host, files)
    upload = upload_of(recorder)
    sender.add(upload)
    task = asyncio.create_task(sender.run())
    for _ in range(5):
        recorder.step()
        await asyncio.sleep(0.5)
    return upload, task


async def sent(host: FakeHost, files: FakeFiles, recorder: Recorder, *, talking: bool = False) -> Upload:
    """Record and send at once, until it has arrived."""
    sender = sender_of(host, files, talking)
    upload = upload_of(recorder)
    sender.add(upload)
    task = asyncio.create_task(sender.run())
    await record(recorder)
    sender.wake()
    await until(upload, UploadState.ARRIVED, UploadState.REFUSED, UploadState.WITHDRAWN)
    task.cancel()
    return upload


def held(host: FakeHost) -> bytes:
    return bytes(host.parts[f"{TAKE}/part1"].data)


def test_what_arrives_is_what_lies_here() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    upload = run(sent(host, files, recorder))

    assert upload.state is UploadState.ARRIVED
    assert held(host) == recorder.file
    assert host.parts[f"{TAKE}/part1"].state is ArrivalState.COMPLETE


def test_after_the_stop_only_header_and_last_cluster_are_sent_again() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    run(sent(host, files, recorder))

    header = recorder.now().files[0].head
    assert host.put_bytes == len(recorder.file) + header


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), share=st.floats(0, 0.6), chunk=st.integers(500, 40_000))
def test_whatever_goes_wrong_on_the_way_it_arrives(seed: int, share: float, chunk: int) -> None:
    host, files = FakeHost(troubles(seed, share)), FakeFiles()
    recorder = Recorder(files, chunk=chunk)

    upload = run(sent(host, files, recorder))

    assert upload.state is UploadState.ARRIVED
    assert held(host) == recorder.file


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), kills=st.integers(1, 6))
def test_a_page_that_is_killed_goes_on_at_its_next_visit(seed: int, kills: int) -> None:
    """Each visit begins with the notes of the one before, of which the last lines may be lost or torn."""
    dice = random.Random(seed)
    host, files = FakeHost(troubles(seed, 0.2)), FakeFiles()
    recorder = Recorder(files)

    async def visits() -> Upload:
        notes: UploadNotes | None = None
        upload = upload_of(recorder)
        for _ in range(kills):
            sender = sender_of(host, files)
            upload = upload_of(recorder, notes)
            if notes is None:
                await files.append_text(f"{FOLDER}/{NOTES}", upload.notes.head_line())
            sender.add(upload)
            task = asyncio.create_task(sender.run())
            for _ in range(dice.randint(0, 4)):
                recorder.step()
                await asyncio.sleep(dice.choice([0.01, 0.3, 2.0]))
            task.cancel()
            log = files.files[f"{FOLDER}/{NOTES}"]
            keep = len(upload.notes.head_line())
            del log[max(keep, len(log) - dice.randint(0, 150)) :]
            notes = read_notes(log.decode())
        upload = upload_of(recorder, notes)
        sender = sender_of(host, files)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        await record(recorder)
        await until(upload, UploadState.ARRIVED)
        task.cancel()
        return upload

    run(visits())

    assert held(host) == recorder.file


def test_a_host_that_has_lost_what_it_acknowledged_gets_it_again() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    async def story() -> None:
        upload, task = await begun(host, files, recorder)
        part = host.parts[f"{TAKE}/part1"]
        lost = part.segments.pop()
        del part.data[lost.at :]
        await record(recorder)
        await until(upload, UploadState.ARRIVED)
        task.cancel()

    run(story())

    assert held(host) == recorder.file


def test_a_host_that_is_not_reached_is_said_not_to_be_until_it_is() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)
    host.trouble = lambda: "lost"

    async def story() -> tuple[UploadState, str]:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        await record(recorder)
        await asyncio.sleep(10)
        told = upload.state, upload.why
        host.trouble = lambda: ""
        await until(upload, UploadState.ARRIVED)
        task.cancel()
        return told

    assert run(story()) == (UploadState.WAITING, "There is no connection to the host.")


def test_a_host_that_says_nothing_for_long_is_said_not_to_and_its_answer_counts_all_the_same() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)
    told: list[tuple[UploadState, str]] = []

    async def story() -> None:
        upload, task = await begun(host, files, recorder)
        once = ["slow"]
        host.trouble = lambda: once.pop() if once else ""
        while once:
            recorder.step()
            await asyncio.sleep(0.5)
        for seconds in (15, 15, 45):
            await asyncio.sleep(seconds)
            told.append((upload.state, upload.why))
        await record(recorder)
        await until(upload, UploadState.ARRIVED)
        task.cancel()

    run(story())

    assert told[0][0] is UploadState.SENDING
    assert told[1] == (UploadState.WAITING, "The host has said nothing for a while.")
    assert told[2] == (UploadState.SENDING, "")
    assert held(host) == recorder.file
    puts = [one for one in host.requests if one.startswith("PUT") and not one.endswith(("/0", "/part1"))]
    assert len(puts) == len(set(puts)), "what is answered late is not sent again"


def test_what_a_host_has_finished_otherwise_than_it_is_here_is_refused_and_that_is_told() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    async def story() -> Upload:
        first = upload_of(recorder)
        sender = sender_of(host, files)
        sender.add(first)
        task = asyncio.create_task(sender.run())
        for _ in range(6):
            recorder.step()
            await asyncio.sleep(0.5)
        task.cancel()
        host.parts[f"{TAKE}/part1"].state = ArrivalState.COMPLETE
        while recorder.step():
            pass
        later = sender_of(host, files)
        upload = upload_of(recorder)
        later.add(upload)
        task = asyncio.create_task(later.run())
        await asyncio.sleep(5)
        task.cancel()
        return upload

    upload = run(story())

    assert upload.state is UploadState.REFUSED
    assert upload.why == "What the host holds is not what is here, and it takes no more of it."


def test_a_byte_bent_on_the_hosts_disk_is_found_and_sent_again() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    async def story() -> None:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        for _ in range(6):
            recorder.step()
            await asyncio.sleep(0.5)
        host.parts[f"{TAKE}/part1"].data[5000] ^= 1
        await record(recorder)
        await until(upload, UploadState.ARRIVED)
        task.cancel()

    run(story())

    assert held(host) == recorder.file


def test_a_journal_that_lost_its_end_has_the_host_drop_it_too() -> None:
    """Recovery cuts a torn file and finishes it: what was sent beyond that is another file's."""
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    async def story() -> None:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        for _ in range(8):
            recorder.step()
            await asyncio.sleep(0.5)
        task.cancel()
        del recorder.file[len(recorder.file) // 3 :]
        recorder.file[100:108] = b"finished"
        size = len(recorder.file)
        again = replace(upload, notes=replace(upload.notes, parts={}), parts={}, state=UploadState.OFF)
        again.now = lambda: TakeNow(
            {"id": TAKE}, (FileNow("part1", recorder.path, "video/webm", 0, size, size),), True
        )
        sender = sender_of(host, files)
        sender.add(again)
        task = asyncio.create_task(sender.run())
        await until(again, UploadState.ARRIVED)
        task.cancel()

    run(story())

    assert held(host) == recorder.file


def test_afterwards_means_that_nothing_is_sent_before_the_end() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    async def story() -> list[str]:
        sender = sender_of(host, files)
        upload = upload_of(recorder, UploadNotes("TOKEN", "takes.example", choice=Choice.AFTER))
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        while recorder.chunks:
            recorder.step()
            await asyncio.sleep(0.5)
        before = list(host.requests)
        await record(recorder)
        await until(upload, UploadState.ARRIVED)
        task.cancel()
        return before

    before = run(story())

    assert before == []
    assert held(host) == recorder.file
    assert host.put_bytes == len(recorder.file)


@pytest.mark.parametrize("kind", [ProblemKind.FULL, ProblemKind.TOKEN, ProblemKind.RATE])
def test_a_host_without_room_is_waited_for_and_its_sentence_is_told(kind: ProblemKind) -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)
    host.refusal = Problem(kind, 507, "The host has no room left.", 60)

    async def story() -> tuple[UploadState, str]:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        await record(recorder)
        await asyncio.sleep(10)
        told = upload.state, upload.why
        asked = len(host.requests)
        await asyncio.sleep(40)
        assert len(host.requests) == asked, "it was asked to wait a minute"
        host.refusal = None
        await until(upload, UploadState.ARRIVED)
        task.cancel()
        return told

    told = run(story())

    assert told == (UploadState.WAITING, "The host has no room left.")
    assert held(host) == recorder.file


def test_a_page_to_sign_in_to_a_network_is_not_taken_for_the_host() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)
    host.trouble = lambda: "portal"

    async def story() -> tuple[UploadState, str]:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        await record(recorder)
        await asyncio.sleep(10)
        told = upload.state, upload.why
        host.trouble = lambda: ""
        await until(upload, UploadState.ARRIVED)
        task.cancel()
        return told

    state, why = run(story())

    assert state is UploadState.WAITING
    assert "Something else than the host has answered" in why
    assert held(host) == recorder.file


def test_what_was_deleted_at_the_host_is_not_sent_again() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)
    host.refusal = Problem(ProblemKind.DELETED, 410, "The director has deleted it.")

    upload = run(sent(host, files, recorder))

    assert upload.state is UploadState.WITHDRAWN
    assert upload.why == "The director has deleted it."
    notes = read_notes(UploadNotes("T", "h").head_line() + files.files[f"{FOLDER}/{NOTES}"].decode())
    assert notes is not None
    assert notes.is_over


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("broken", "What writes the crash-proof copy stopped."),
        ("short", "The recording cannot be read here right now."),
    ],
)
def test_a_journal_that_does_not_answer_is_waited_for(how: str, why: str) -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    async def story() -> Upload:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        setattr(files, how, True)
        await record(recorder)
        await asyncio.sleep(30)
        assert (upload.state, upload.why) == (UploadState.WAITING, why)
        setattr(files, how, False)
        await until(upload, UploadState.ARRIVED)
        task.cancel()
        return upload

    run(story())

    assert held(host) == recorder.file


def test_paused_means_not_a_request_more() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    async def story() -> None:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        for _ in range(4):
            recorder.step()
            await asyncio.sleep(0.5)
        await sender.pause(upload, True)
        asked = len(host.requests)
        await record(recorder)
        assert upload.state is UploadState.PAUSED
        assert len(host.requests) == asked
        await sender.pause(upload, False)
        await until(upload, UploadState.ARRIVED)
        task.cancel()

    run(story())

    assert held(host) == recorder.file


def test_withdrawing_deletes_it_at_the_host() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    async def story() -> str:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        for _ in range(4):
            recorder.step()
            await asyncio.sleep(0.5)
        said = await sender.withdraw(upload)
        await record(recorder)
        task.cancel()
        assert upload.state is UploadState.WITHDRAWN
        return said

    assert run(story()) == ""
    assert host.parts == {}


def test_while_somebody_talks_requests_are_small_and_the_short_rest_is_not_held_back() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    upload = run(sent(host, files, recorder, talking=True))

    assert upload.state is UploadState.ARRIVED
    assert held(host) == recorder.file
    assert max(one.length for one in host.parts[f"{TAKE}/part1"].segments[:3]) <= 8 << 10


def test_that_a_take_is_there_is_asked_of_the_host_and_not_remembered() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    async def story() -> tuple[bool, bool, bool, bool]:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        await asyncio.sleep(1)
        before = await sender.is_there(upload)
        await record(recorder)
        await until(upload, UploadState.ARRIVED)
        there = await sender.is_there(upload)
        host.trouble = lambda: "portal"
        by_another = await sender.is_there(upload)
        host.trouble = lambda: ""
        host.refusal = Problem(ProblemKind.DELETED, 410, "The director has deleted it.")
        task.cancel()
        return before, there, by_another, await sender.is_there(upload)

    assert run(story()) == (False, True, False, False)


def test_who_is_signed_out_goes_on_with_another_token() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)
    host.refusal = Problem(ProblemKind.TOKEN, 401, "The token has run out.")

    async def story() -> list[bool]:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        await record(recorder)
        known = [upload.is_signed_out]
        host.refusal = None
        sender.add(upload_of(recorder, UploadNotes("ANOTHER", "takes.example")))
        known.append(upload.is_signed_out)
        await until(upload, UploadState.ARRIVED)
        task.cancel()
        return known

    assert run(story()) == [True, False]
    assert held(host) == recorder.file


def test_what_a_page_to_sign_in_to_swallowed_is_not_counted_as_sent() -> None:
    host, files = FakeHost(), FakeFiles()
    recorder = Recorder(files)

    async def story() -> tuple[int, int]:
        sender = sender_of(host, files)
        upload = upload_of(recorder)
        sender.add(upload)
        task = asyncio.create_task(sender.run())
        while not host.put_bytes and recorder.step():
            await asyncio.sleep(1)
        host.trouble = lambda: "portal"
        await record(recorder)
        await asyncio.sleep(10)
        (part,) = upload.parts.values()
        counted = part.account.end, len(held(host))
        host.trouble = lambda: ""
        await until(upload, UploadState.ARRIVED)
        task.cancel()
        return counted

    counted, there = run(story())

    assert counted == there and 0 < there < len(recorder.file)
    assert held(host) == recorder.file
