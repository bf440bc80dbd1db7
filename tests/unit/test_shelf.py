"""The shelf over a journal in memory: what is listed, recovered, saved and deleted."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from fakes import FakeStore
from rolltape.core.errors import SinkError
from rolltape.media.wav_recording import header
from rolltape.media.webm import Index, WebmStream
from rolltape.media.webm_tags import CLOCK_TAG, tag_in
from rolltape.recording.clock_log import ClockLog, Mark, TrackFacts
from rolltape.recording.missing import missing
from rolltape.recording.shelf import Shelf
from rolltape.recording.take import Delivery, Part, Pause, ShelfState, Take, TakeState
from unit.media_files import block, cluster
from unit.media_files import header as header_of_webm

DATA = Path(__file__).parents[1] / "data"
RECORDED = (DATA / "chromium-vp8-opus.webm").read_bytes()


def a_take(id: str, number: int = 1, state: TakeState = TakeState.RECORDING, at: int = 0) -> Take:
    return Take(id, number, f"Ada_take{number}", at, mime_type="video/webm;codecs=vp8,opus", state=state)


class Machine:
    """A journal, and the takes that some tab is recording."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.running: set[str] = set()
        self.shelf = Shelf(self.store, self.ids)

    async def ids(self) -> set[str]:
        return self.running

    def journal(self, take: Take, data: bytes | None = None) -> None:
        """What a killed tab leaves: the take's log and the file as far as it came."""
        asyncio.run(self.shelf.log(take))
        if data is not None:
            self.store.files[f"takes/{take.id}/part1"] = bytearray(data)

    def recover(self, take: Take) -> list[float]:
        async def all_shares() -> list[float]:
            return [share async for share in self.shelf.recover(take)]

        return asyncio.run(all_shares())

    def takes(self) -> list[Take]:
        return asyncio.run(self.shelf.takes())


def as_journalled(cut: int = 0) -> bytes:
    """What the journal holds of a recording that was cut off `cut` bytes before its end."""
    stream = WebmStream("Rolltape")
    written = bytearray()
    for start in range(0, len(RECORDED), 4000):
        written += stream.feed(RECORDED[start : start + 4000])
        for patch in stream.patches():
            written[patch.offset : patch.offset + len(patch.data)] = patch.data
    return bytes(written[: len(written) - cut])


def test_an_empty_machine_has_an_empty_shelf() -> None:
    machine = Machine()

    assert machine.takes() == []
    assert asyncio.run(machine.shelf.next_number()) == 1


def test_takes_are_listed_newest_first_and_a_torn_log_loses_nothing() -> None:
    machine = Machine()
    machine.journal(a_take("old", 1, TakeState.FINISHED, at=1000))
    machine.journal(a_take("new", 2, TakeState.FINISHED, at=2000))
    machine.store.files["takes/new/take.jsonl"] += b'{"v":1,"id":"ne'

    machine.store.files["takes/rubbish/take.jsonl"] = bytearray(b"no take at all")
    found = machine.takes()

    assert [take.id for take in found] == ["new", "old"]
    assert asyncio.run(machine.shelf.next_number()) == 3


def test_what_a_killed_tab_left_is_recovered_and_seekable() -> None:
    machine = Machine()
    take = a_take("t1")
    machine.journal(take, as_journalled(cut=700))

    clock = ClockLog("Chromium 156", (TrackFacts(1, 5.0, "video/webm"),), marks=(Mark(1, 7.0, 480),))
    asyncio.run(machine.shelf.note_clock(take, clock.lines()))

    unfinished = [one for one in machine.takes() if not one.is_over]
    shares = machine.recover(take)

    assert [one.id for one in unfinished] == ["t1"]
    assert shares[-1] == 1.0
    (recovered,) = machine.takes()
    assert recovered.state is TakeState.RECOVERED and recovered.shelf_state is ShelfState.RECOVERED
    index = Index()
    index.feed(bytes(machine.store.files["takes/t1/part1"]))
    assert index.finished
    assert recovered.duration_ms == round(index.duration_ms) > 1000
    assert recovered.bytes == len(machine.store.files["takes/t1/part1"])
    file = bytes(machine.store.files["takes/t1/part1"])
    told = tag_in(lambda start, end: file[start:end], CLOCK_TAG)
    assert told is not None and json.loads(told)["marks"] == [[1, 7.0, 480, None, None]], (
        "the file has them too"
    )
    assert all(one.is_over for one in machine.takes())
    assert len(recovered.parts) == 1 and asyncio.run(machine.shelf.clock(take)) == clock, (
        "clocks are kept, and no part"
    )


def test_a_take_that_another_tab_records_cannot_be_deleted() -> None:
    machine = Machine()
    machine.journal(a_take("t1"), as_journalled())
    machine.running = {"t1"}

    with pytest.raises(SinkError) as refused:
        asyncio.run(machine.shelf.delete(a_take("t1")))

    assert refused.value.sentence == (
        "This take is not deleted: a page is still recording, finishing or recovering it."
    )
    assert [take.id for take in machine.takes()] == ["t1"]


def test_a_take_that_cannot_be_mended_is_kept_and_says_why() -> None:
    machine = Machine()
    machine.journal(a_take("t1"), as_journalled())
    machine.store.locked = True

    machine.recover(a_take("t1"))

    (recovered,) = machine.takes()
    assert recovered.state is TakeState.RECOVERED and recovered.bytes == len(as_journalled())
    assert "could not be made seekable" in (recovered.error or "")


def test_what_cannot_be_read_is_kept_as_it_was() -> None:
    machine = Machine()
    machine.journal(a_take("t1"), b"this is no recording at all")

    machine.recover(a_take("t1"))

    (recovered,) = machine.takes()
    assert recovered.state is TakeState.RECOVERED
    assert "kept as it was written" in (recovered.error or "")
    assert bytes(machine.store.files["takes/t1/part1"]) == b"this is no recording at all"


def test_a_take_of_which_nothing_was_written_is_failed() -> None:
    machine = Machine()
    machine.journal(a_take("t1", state=TakeState.STARTING), b"")

    machine.recover(a_take("t1", state=TakeState.STARTING))

    (failed,) = machine.takes()
    assert failed.state is TakeState.FAILED and failed.error == "Nothing had been written yet."


def test_saving_gives_the_file_its_name_and_type() -> None:
    machine = Machine()
    take = replace(a_take("t1", state=TakeState.FINISHED), parts=(Part(1, "part1", 5),))
    machine.journal(take, b"whole")

    saved = asyncio.run(machine.shelf.save(take))

    assert machine.store.saved == [("Ada_take1.webm", "video/webm", b"whole")]
    assert saved.delivered == (Delivery.SAVED,)
    assert machine.takes()[0].delivered == (Delivery.SAVED,)


def test_a_file_that_is_gone_is_said_to_be() -> None:
    machine = Machine()
    take = replace(a_take("t1", state=TakeState.FINISHED), parts=(Part(1, "part1", 5),))
    machine.journal(take)

    with pytest.raises(SinkError, match="not in the browser's storage any more"):
        asyncio.run(machine.shelf.save(take))


def test_a_deleted_take_is_gone() -> None:
    machine = Machine()
    take = a_take("t1", state=TakeState.FINISHED)
    machine.journal(take, b"whole")

    asyncio.run(machine.shelf.delete(take))

    assert machine.takes() == [] and machine.store.files == {}


def test_of_a_take_in_parts_only_the_unfinished_part_is_recovered_each_by_its_own_type() -> None:
    machine = Machine()
    whole = as_journalled()
    wav = header(48_000, 2) + bytes(48_000 * 8)
    parts = (
        Part(1, "part1", len(whole), 2000, state=ShelfState.FINISHED),
        Part(2, "part2", started_ms=2000, overlap_before_ms=40, mime_type="audio/wav;codecs=pcm"),
    )
    take = replace(a_take("a"), parts=parts)
    machine.journal(take, whole)
    machine.store.files["takes/a/part2"] = bytearray(wav + b"\1\2\3")
    machine.store.files["takes/a/part10"] = bytearray(as_journalled(1000))

    machine.recover(take)

    (found,) = machine.takes()
    assert [part.number for part in found.parts] == [1, 2, 10]
    assert found.parts[0] == parts[0]
    assert found.parts[1] == replace(
        parts[1], bytes=len(wav), duration_ms=1000, state=ShelfState.RECOVERED, cut=3
    )
    assert found.parts[2].state is ShelfState.RECOVERED and found.parts[2].duration_ms > 500


def test_parts_are_saved_under_their_numbers_with_the_ending_of_what_is_in_them() -> None:
    machine = Machine()
    parts = (
        Part(1, "part1", 4, 1000, state=ShelfState.FINISHED),
        Part(2, "part2", 4, 1000, state=ShelfState.FINISHED, mime_type="audio/webm;codecs=pcm"),
    )
    take = replace(a_take("a", state=TakeState.FINISHED), parts=parts)
    machine.journal(take, b"one.")
    machine.store.files["takes/a/part2"] = bytearray(b"two.")

    asyncio.run(machine.shelf.save(take))

    assert [(name, data) for name, _, data in machine.store.saved] == [
        ("Ada_take1_part1.webm", b"one."),
        ("Ada_take1_part2.mka", b"two."),
    ]


def test_what_recovery_passed_over_and_what_is_missing_is_noted_in_the_take() -> None:
    machine = Machine()
    sound = [block(2, at * 20, b"\x08" + bytes(20)) for at in range(50)]
    stream = WebmStream("Rolltape")
    begun = stream.feed(header_of_webm()) + stream.feed(cluster(0, *sound))
    damaged = bytearray(begun + cluster(1000, *sound) + cluster(30_000, *sound))
    at = damaged.rindex(sound[20])
    damaged[at : at + 16] = b"\0" * 16
    machine.journal(a_take("t1"), bytes(damaged) + b"\xa3\x41")
    machine.recover(a_take("t1"))

    (found,) = machine.takes()
    (part,) = found.parts
    assert [(hole.from_ms, hole.to_ms) for hole in part.holes] == [(1980, 30_000)]
    assert part.passed_over >= 16 and part.cut == 2
    assert missing(found) == [
        "28 s of the sound are missing at 0:01",
        f"{part.passed_over} bytes are damaged and were passed over",
        "the last 2 bytes could not be read",
    ]


def test_a_pause_that_is_in_the_log_is_no_hole_of_a_recovered_take() -> None:
    machine = Machine()
    sound = [block(2, at * 20, b"\x08" + bytes(20)) for at in range(50)]
    stream = WebmStream("Rolltape")
    data = stream.feed(header_of_webm()) + stream.feed(cluster(0, *sound) + cluster(31_000, *sound))
    take = replace(a_take("t1"), pauses=(Pause(1000, 31_000),))
    machine.journal(take, data)

    machine.recover(take)

    (found,) = machine.takes()
    assert found.parts[0].holes == () and found.parts[0].is_whole


def a_long_take(parts: int) -> Take:
    made = tuple(
        Part(n, f"part{n}", 5_000_000, 60_000, 0, ShelfState.FINISHED, 500, n * 60_000)
        for n in range(1, parts + 1)
    )
    return replace(a_take("long"), parts=made)


def log_of(machine: Machine, take: Take) -> bytes:
    return bytes(machine.store.files[f"takes/{take.id}/take.jsonl"])


def record_in_parts(machine: Machine, count: int) -> Take:
    """Log what a recording in parts logs: each begins, grows, and ends."""
    take = replace(a_take("long"), parts=())
    machine.journal(take)
    for part in a_long_take(count).parts:
        for state, size in (
            (ShelfState.RECORDING, 0),
            (ShelfState.RECORDING, 1000),
            (ShelfState.FINISHED, part.bytes),
        ):
            take = take.with_part(replace(part, state=state, bytes=size))
            machine.journal(take)
    return take


def test_a_log_grows_with_what_is_new_and_not_with_what_is_known() -> None:
    sizes = {}
    for parts in (60, 240):
        machine = Machine()
        take = record_in_parts(machine, parts)
        sizes[parts] = len(log_of(machine, take))
        assert machine.takes() == [take]

    assert sizes[240] < 5 * sizes[60]
    assert sizes[240] < 1_000_000, "it was 12.6 MB"


def test_no_line_of_a_log_is_all_that_a_take_depends_on() -> None:
    machine = Machine()
    take = record_in_parts(machine, 40)
    lines = log_of(machine, take).splitlines(keepends=True)
    written = [number for number, line in enumerate(lines) if line.strip()]

    for lost in written[:-1]:
        machine.store.files["takes/long/take.jsonl"] = bytearray(b"".join(lines[:lost] + lines[lost + 1 :]))
        (found,) = machine.takes()
        assert found.id == "long"
        assert found.parts[-1] == take.parts[-1]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_what_a_write_that_failed_was_to_say_is_said_by_the_next(share: float) -> None:
    class Tearing(FakeStore):
        torn = False

        async def append_text(self, path: str, text: str) -> None:
            if self.torn:
                await super().append_text(path, text[: int(len(text) * share)])
                raise SinkError("The disk is full.")
            await super().append_text(path, text)

    machine = Machine()
    machine.store = store = Tearing()
    machine.shelf = Shelf(store, machine.ids)
    take = a_long_take(3)
    machine.journal(take)
    store.torn = True
    take = take.with_error("It was torn.")
    with pytest.raises(SinkError):
        machine.journal(take)
    assert machine.takes()[0].id == take.id
    store.torn = False
    take = take.with_delivery(Delivery.SAVED)
    machine.journal(take)

    assert machine.takes() == [take]


def test_the_next_number_is_known_from_the_beginnings_of_the_logs() -> None:
    class Counting(FakeStore):
        read = 0

        async def text(self, path: str) -> str:
            Counting.read += len(self.files[path])
            return await super().text(path)

    machine = Machine()
    machine.store = store = Counting()
    machine.shelf = Shelf(store, machine.ids)
    record_in_parts(machine, 100)
    machine.journal(a_take("other", 7))

    assert asyncio.run(machine.shelf.next_number()) == 8
    assert Counting.read == 0


def test_a_part_without_bytes_is_neither_saved_nor_counted() -> None:
    machine = Machine()
    take = replace(a_long_take(2), state=TakeState.FINISHED)
    take = take.with_part(Part(3, "part3", 0))
    machine.journal(take)
    for number in (1, 2):
        machine.store.files[f"takes/long/part{number}"] = bytearray(b"data")

    asyncio.run(machine.shelf.save(take))

    assert [name for name, _, _ in machine.store.saved] == [
        f"{take.name}_part1.webm",
        f"{take.name}_part2.webm",
    ]
    assert [part.number for part in take.kept_parts] == [1, 2]
