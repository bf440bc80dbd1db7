"""What a power cut takes from the journal is written anew, whatever was written and whatever is left."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import FakeStore
from rolltape.core.errors import RolltapeError
from rolltape.recording import young_files
from rolltape.recording.young_files import Key, Written, YoungFiles

PART, LOG = "takes/a/part1", "takes/a/take.jsonl"


class FakeRecords:
    """Records on a disk that no power cut touches."""

    def __init__(self) -> None:
        self.kept: dict[Key, Written] = {}

    def add(self, path: str, written: Written) -> None:
        self.kept[Key(path, len(self.kept))] = written

    async def keys(self) -> Sequence[Key]:
        return sorted(self.kept, key=lambda key: (key.path, key.order))

    async def read(self, key: Key) -> Written:
        return self.kept[key]

    async def forget(self, path: str) -> None:
        for key in list(self.kept):
            if key.path == path or key.path.startswith(f"{path}/"):
                del self.kept[key]


@dataclass(frozen=True)
class Step:
    """A write at a place, or a cut where there is no data."""

    at: int
    data: bytes


class Machine:
    """A journal whose files are in memory, and records; the power can go."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.records = FakeRecords()
        self.log: list[str] = []
        self.young = YoungFiles(self.records, self.log.append)

    def make(self, path: str) -> None:
        self.store.files[path] = bytearray()
        self.young.made(path)

    def write(self, path: str, step: Step) -> None:
        file = self.store.files[path]
        if step.data:
            file[step.at : step.at + len(step.data)] = step.data
        else:
            del file[step.at :]
        self.young.wrote(path, Written(step.at, step.data, len(file)))

    def start_again(self) -> None:
        """Another page, with the same disk."""
        self.young = YoungFiles(self.records, self.log.append)

    async def put_back(self, *running: str) -> bool:
        async def busy() -> Collection[str]:
            return running

        return await self.young.put_back(self.store, busy)


@st.composite
def lives(draw: st.DrawFn) -> list[Step]:
    """What happens to a file: data at its end, patches inside, cuts."""
    steps, size = [], 0
    for _ in range(draw(st.integers(1, 12))):
        data = draw(st.binary(min_size=0, max_size=9))
        at = size if draw(st.booleans()) and data else draw(st.integers(0, size))
        steps.append(Step(at, data))
        size = max(size, at + len(data)) if data else at
    return steps


@given(lives(), st.booleans())
def test_a_file_that_a_cut_took_comes_back_as_it_was(steps: list[Step], twice: bool) -> None:
    async def story() -> None:
        machine = Machine()
        machine.make(PART)
        for step in steps:
            machine.write(PART, step)
        before = bytes(machine.store.files[PART])
        for _ in range(1 + twice):
            machine.store.files.clear()
            machine.start_again()
            await machine.put_back()
        assert bytes(machine.store.files.get(PART, b"")) == before

    asyncio.run(story())


@given(lives(), st.integers(0, 200))
def test_a_file_that_is_there_is_never_shortened(steps: list[Step], left: int) -> None:
    async def story() -> None:
        machine = Machine()
        machine.make(PART)
        for step in steps:
            machine.write(PART, step)
        whole = bytes(machine.store.files[PART])
        del machine.store.files[PART][left:]
        machine.start_again()
        await machine.put_back()
        assert bytes(machine.store.files[PART]) == whole

    asyncio.run(story())


def test_what_the_disk_has_beyond_the_records_is_left_alone() -> None:
    async def story() -> None:
        machine = Machine()
        machine.make(PART)
        machine.write(PART, Step(0, b"young"))
        machine.store.files[PART] += b" and old"
        machine.start_again()
        assert not await machine.put_back()
        assert bytes(machine.store.files[PART]) == b"young and old"

    asyncio.run(story())


def test_a_take_that_another_tab_records_is_left_to_it() -> None:
    async def story() -> None:
        machine = Machine()
        machine.make(PART)
        machine.write(PART, Step(0, b"being written"))
        del machine.store.files[PART]
        machine.start_again()
        assert not await machine.put_back("a")
        assert PART not in machine.store.files

    asyncio.run(story())


def test_what_recovery_does_to_a_file_that_was_put_back_survives_another_cut() -> None:
    async def story() -> None:
        machine = Machine()
        machine.make(PART)
        machine.write(PART, Step(0, b"torn"))
        machine.store.files.clear()
        machine.start_again()
        await machine.put_back()
        machine.write(PART, Step(3, b""))
        machine.write(PART, Step(3, b"index"))
        machine.store.files.clear()
        machine.start_again()
        await machine.put_back()
        assert bytes(machine.store.files[PART]) == b"torindex"

    asyncio.run(story())


def test_records_go_once_a_file_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(young_files, "OLD_AFTER_S", 0.0)

    async def story() -> None:
        machine = Machine()
        machine.make(PART)
        machine.write(PART, Step(0, b"first"))
        assert machine.records.kept
        while machine.records.kept:
            await asyncio.sleep(0)
        machine.write(PART, Step(5, b"later"))
        assert not machine.records.kept

    asyncio.run(story())


def test_a_take_that_is_deleted_does_not_come_back() -> None:
    async def story() -> None:
        machine = Machine()
        for path in (PART, LOG, "takes/ab/part1"):
            machine.make(path)
            machine.write(path, Step(0, b"data"))
        await machine.young.forget("takes/a")
        machine.store.files.clear()
        machine.start_again()
        assert await machine.put_back()
        assert set(machine.store.files) == {"takes/ab/part1"}

    asyncio.run(story())


def test_tests_and_conversions_are_not_kept() -> None:
    async def story() -> None:
        machine = Machine()
        machine.make("rehearsal/takes/a/part1")
        machine.write("rehearsal/takes/a/part1", Step(0, b"data"))
        assert not machine.records.kept

    asyncio.run(story())


def test_one_file_that_cannot_be_put_back_does_not_keep_others_away() -> None:
    async def story() -> None:
        machine = Machine()
        for path in (PART, "takes/b/part1"):
            machine.make(path)
            machine.write(path, Step(0, b"data"))
        machine.store.files.clear()
        machine.start_again()
        read = machine.records.read

        async def broken(key: Key) -> Written:
            if key.path == PART:
                raise RolltapeError("It cannot be read.")
            return await read(key)

        machine.records.read = broken  # type: ignore[method-assign]
        assert await machine.put_back()
        assert bytes(machine.store.files["takes/b/part1"]) == b"data"
        assert "was not put back" in machine.log[0]
        assert any(key.path == PART for key in machine.records.kept), "it may be put back next time"

    asyncio.run(story())


def test_a_file_that_another_tab_holds_is_tried_again_next_time() -> None:
    async def story() -> None:
        machine = Machine()
        machine.make(PART)
        machine.write(PART, Step(0, b"data"))
        machine.store.files.clear()
        machine.start_again()
        machine.store.locked = True
        assert not await machine.put_back()
        machine.store.locked = False
        machine.start_again()
        assert await machine.put_back()

    asyncio.run(story())
