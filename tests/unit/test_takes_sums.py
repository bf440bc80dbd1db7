"""Large files: what was read back as it came is complete at once, and is read through and summed up afterwards."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.problem import ProblemKind
from rolltape.server import takes_open
from rolltape.server.takes_folder import write_all
from rolltape.server.takes_log import Logged
from rolltape.server.takes_proof import Proof, read_through
from rolltape.server.takes_record import PartRecord
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_spool import ErrandKind
from rolltape.server.takes_store import TakesStore
from rolltape.server.takes_usage import Quotas
from takes_of_guests import ADA, Sender, segments

CONTENT = bytes(range(256)) * 300


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takes_open, "READ_AT_ONCE", 1000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TakesStore]:
    opened = TakesStore(tmp_path / "takes", Quotas(free=0))
    yield opened
    opened.close()


def the_part(store: TakesStore) -> PartRecord:
    ((part,),) = [record.parts for record in store.records(ADA)]
    return part


def the_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "takes").glob("*/*/*.webm")
    return path


def the_sums(tmp_path: Path) -> str:
    return (the_file(tmp_path).parent / "SHA256SUMS").read_text()


def kinds(store: TakesStore) -> list[ErrandKind]:
    return [errand.kind for errand in store.spool.errands()]


def test_a_large_file_is_complete_and_has_its_name_before_it_is_summed_up(
    store: TakesStore, tmp_path: Path
) -> None:
    sender = Sender(store)
    held = sender.send(CONTENT)

    assert (held.state, held.sha256) == (ArrivalState.COMPLETE, "")
    assert the_file(tmp_path).read_bytes() == CONTENT and the_sums(tmp_path) == ""
    assert kinds(store) == [], "what is put into a bucket is compared by its sum"

    assert store.sum_up(ADA, sender.take.id)
    digest, part = sha256(CONTENT).hexdigest(), the_part(store)
    assert (part.sha256, part.crc32, part.problem) == (digest, zlib.crc32(CONTENT), "")
    assert the_sums(tmp_path) == f"{digest}  {held.name}\n"
    assert kinds(store) == [ErrandKind.MOVE]
    assert sender.announce().sha256 == sender.complete().sha256 == digest


def test_what_is_read_back_as_something_else_is_not_acknowledged_and_sent_again(
    store: TakesStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, pieces = Sender(store), segments(CONTENT, 1000)
    sender.announce()
    for segment, piece in pieces[:5]:
        sender.put(segment.at, piece)
    before = sender.account

    def bent(fd: int, content: bytes, at: int) -> None:
        write_all(fd, bytes([content[0] ^ 1]) + content[1:], at)

    with monkeypatch.context() as broken:
        broken.setattr(takes_open, "write_all", bent)
        with pytest.raises(Refused) as refused:
            sender.put(pieces[5][0].at, pieces[5][1])
        assert refused.value.problem.kind is ProblemKind.SERVER and refused.value.problem.retry_after_s
    assert sender.announce().account == before
    for segment, piece in pieces[5:]:
        sender.put(segment.at, piece)
    assert sender.complete().state is ArrivalState.COMPLETE
    assert the_file(tmp_path).read_bytes() == CONTENT


def bend(path: Path, *places: int) -> None:
    bent = bytearray(path.read_bytes())
    for place in places:
        bent[place] ^= 1
    path.write_bytes(bent)


def test_what_has_changed_since_it_was_complete_is_told_and_its_sum_is_what_is_there(
    store: TakesStore, tmp_path: Path
) -> None:
    sender = Sender(store)
    sender.send(CONTENT)
    bend(the_file(tmp_path), 12_345)

    assert not store.sum_up(ADA, sender.take.id)
    ((listed,),) = [one.parts for one in store.listed(ADA, mine=False)]
    assert listed.problem == (
        "What lies on the host's disk is no longer what arrived: ask the guest for the file that they have."
    )
    assert listed.sha256 == sha256(the_file(tmp_path).read_bytes()).hexdigest()
    assert store.sum_up(ADA, sender.take.id), "it is said once"


def test_what_a_server_had_not_summed_up_when_it_died_the_next_does(
    store: TakesStore, tmp_path: Path
) -> None:
    Sender(store).send(CONTENT)
    again = TakesStore(tmp_path / "takes", Quotas(free=0))
    again.tidy()
    again.close()

    assert the_part(store).sha256 == sha256(CONTENT).hexdigest()


Patch = Callable[[Callable[[], None]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Patch:
    """Has something done while a file is summed up."""

    def patch(what: Callable[[], None]) -> None:
        def read(fd: int, logged: Sequence[Logged], check: Callable[[], None]) -> Proof:
            what()
            return read_through(fd, logged, check)

        monkeypatch.setattr(takes_open, "read_through", read)

    return patch


def test_a_take_that_is_deleted_while_it_is_summed_up_stays_deleted(
    store: TakesStore, tmp_path: Path, meanwhile: Patch
) -> None:
    sender = Sender(store)
    sender.send(CONTENT)
    meanwhile(lambda: store.delete(ADA, sender.take.id, is_director=True))

    with pytest.raises(Refused):
        store.sum_up(ADA, sender.take.id)
    assert store.records(ADA) == [] and not list((tmp_path / "takes").glob("*/*/*.webm"))


def test_who_asks_while_another_sums_up_waits_and_nothing_is_read_twice(
    store: TakesStore, meanwhile: Patch
) -> None:
    sender = Sender(store)
    sender.send(CONTENT)
    begun: list[threading.Thread] = []
    read = []

    def another_asks() -> None:
        read.append(1)
        if not begun:
            begun.append(threading.Thread(target=store.sum_up, args=(ADA, sender.take.id)))
            begun[0].start()
            begun[0].join(0.3)

    meanwhile(another_asks)
    assert store.sum_up(ADA, sender.take.id)
    begun[0].join(10)
    assert read == [1] and the_part(store).sha256 == sha256(CONTENT).hexdigest()


def test_a_server_that_ends_leaves_sums_to_the_next(store: TakesStore) -> None:
    sender = Sender(store)
    sender.send(CONTENT)
    store.end()

    with pytest.raises(Refused) as refused:
        store.sum_up(ADA, sender.take.id)
    assert refused.value.problem.detail == "The host is being stopped; it goes on once it is there again."
    assert the_part(store).sha256 == ""
