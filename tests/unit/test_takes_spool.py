"""What a spool has to do with a bucket: what is moved, dropped and deleted there, and what is noted before."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.tracks import TracksRequest, TracksTake
from rolltape.server.bucket import PART_BYTES, Bucket, BucketTrouble, is_bucket, part_bytes
from rolltape.server.takes_mover import pause_s
from rolltape.server.takes_options import CannotKeep, add_takes_arguments, bucket_of, folder_of
from rolltape.server.takes_record import PartRecord, TakeRecord
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_spool import Errand, ErrandKind, errands_of
from rolltape.server.takes_store import TakesStore
from rolltape.server.takes_usage import Quotas
from rolltape.server.tracks_worker import told_environment
from takes_of_guests import ADA, BEN, Sender, take

CONTENT = bytes(range(256)) * 30
KEPT = PartRecord("part1", "video/webm", ArrivalState.COMPLETE, "Ada_take1.webm", 7, sha256="ab")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TakesStore]:
    made = TakesStore(tmp_path / "takes", Quotas(free=0))
    yield made
    made.close()


def kinds(store: TakesStore) -> list[ErrandKind]:
    return [one.kind for one in store.spool.errands()]


def moved(store: TakesStore) -> Errand:
    """Note the only recording as put into the bucket."""
    (errand,) = [one for one in store.spool.errands() if one.kind is ErrandKind.MOVE]
    assert store.spool.intend(errand) and store.spool.moved(errand)
    return errand


def the_record(store: TakesStore) -> TakeRecord:
    (record,) = store.records(ADA)
    return record


@pytest.mark.parametrize(
    ("part", "here", "is_needed", "expected"),
    [
        (KEPT, True, False, ErrandKind.MOVE),
        (KEPT, True, True, ErrandKind.MOVE),
        (KEPT, False, False, None),
        (replace(KEPT, key="k"), True, False, ErrandKind.MOVE),
        (replace(KEPT, key="k", is_moved=True), True, False, ErrandKind.DROP),
        (replace(KEPT, key="k", is_moved=True), True, True, None),
        (replace(KEPT, key="k", is_moved=True), False, False, None),
        (replace(KEPT, state=ArrivalState.CUT), True, False, ErrandKind.MOVE),
        (replace(KEPT, state=ArrivalState.PROVING), True, False, None),
    ],
)
def test_a_file_is_moved_once_and_dropped_only_when_nobody_needs_it(
    part: PartRecord, here: bool, is_needed: bool, expected: ErrandKind | None
) -> None:
    record = TakeRecord(ADA, take(), "2025-11-29_03-00", parts=(part,))

    found = [one.kind for one in errands_of(record, {part.name} if here else set(), is_needed)]
    assert found == ([] if expected is None else [expected])


def test_what_is_noted_of_a_bucket_is_read_again_and_older_records_have_nothing_of_it() -> None:
    part = replace(KEPT, key="room/session/mark/Ada_take1.webm", is_moved=True)
    record = TakeRecord(ADA, take(), "2025-11-29_03-00", parts=(part,), leftovers=("a", "b"))
    again = TakeRecord.from_json(record.to_json())
    assert again.parts == (part,) and again.leftovers == ("a", "b")

    older = record.to_json().decode()
    for line in (' "is_moved": true', f' "key": "{part.key}",'):
        assert line in older
    lines = [line for line in older.splitlines() if '"is_moved"' not in line and '"key":' not in line]
    text = "\n".join(lines).replace('"problem": "",', '"problem": ""')
    read = TakeRecord.from_json(text.replace('"leftovers": [\n  "a",\n  "b"\n ]', '"leftovers": []').encode())
    assert read.parts == (KEPT,) and not read.leftovers


def test_an_object_that_is_a_recording_s_place_is_never_deleted() -> None:
    part = replace(KEPT, key="k", is_moved=True)
    record = TakeRecord(ADA, take(), "2025-11-29_03-00", parts=(part,), leftovers=("k",))

    assert not list(errands_of(record, set(), False))


def test_no_two_files_have_one_key_and_a_key_can_be_read() -> None:
    ada, ben = (TakeRecord(owner, take(), "2025-11-29_03-00") for owner in (ADA, BEN))
    later = replace(KEPT, done_ms=8)
    others = [
        ada.key(later),
        ada.key(KEPT),
        ben.key(KEPT),
        ada.key(replace(KEPT, sha256="cd")),
        ada.key(replace(KEPT, part="part2")),
    ]

    assert len(set(others)) == len(others)
    assert all(key.startswith(f"{ADA.room_folder}/2025-11-29_03-00/") for key in others)
    assert all(key.endswith("/Ada_take1.webm") for key in others)


def test_a_moved_file_goes_from_the_folder_and_is_listed_as_before(store: TakesStore) -> None:
    Sender(store).send(CONTENT)
    before = store.listed(ADA, mine=False)
    errand = moved(store)
    assert kinds(store) == [ErrandKind.DROP]
    store.spool.drop(errand)

    assert not kinds(store) and store.listed(ADA, mine=False) == before
    record = the_record(store)
    assert store.open_file(ADA, record, record.parts[0]) == record.parts[0].key


def test_who_downloads_a_file_that_is_moved_meanwhile_gets_the_same_from_the_bucket(
    store: TakesStore,
) -> None:
    Sender(store).send(CONTENT)
    begun = the_record(store)
    fd = store.open_file(ADA, begun, begun.parts[0])
    store.spool.drop(moved(store))

    assert isinstance(fd, int) and os.pread(fd, len(CONTENT), 0) == CONTENT
    os.close(fd)
    assert store.open_file(ADA, begun, begun.parts[0]) == the_record(store).parts[0].key
    with pytest.raises(Refused):
        store.open_file(ADA, begun, replace(begun.parts[0], sha256="of another file"))


def test_a_recording_that_is_deleted_leaves_no_object_whenever_that_is(store: TakesStore) -> None:
    Sender(store).send(CONTENT)
    (errand,) = store.spool.errands()
    part = store.spool.intend(errand)
    store.delete(ADA, take().id, is_director=True)

    assert part is not None and not store.spool.moved(errand)
    (left,) = store.spool.errands()
    assert (left.kind, left.key) == (ErrandKind.DELETE, part.key)
    store.spool.deleted(left)
    assert not store.spool.errands()


def test_a_deleted_take_is_not_forgotten_while_an_object_of_it_is_left(
    store: TakesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    Sender(store).send(CONTENT)
    store.spool.drop(moved(store))
    store.delete(ADA, take().id, is_director=True)
    monkeypatch.setattr("rolltape.server.takes_store.FORGOTTEN_MS", -1)
    store.tidy()
    (left,) = store.spool.errands()
    assert left.kind is ErrandKind.DELETE
    store.spool.deleted(left)
    store.tidy()

    assert not list(store.tracks._path.rglob("take.json"))


def test_what_was_cut_and_arrives_whole_takes_the_place_of_the_cut_object(
    store: TakesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rolltape.server.takes_open.STILL_MS", -1)
    sender = Sender(store)
    sender.announce()
    sender.put(0, CONTENT)
    store.finish(ADA, take().id)
    store.spool.drop(moved(store))
    cut = the_record(store).parts[0]
    assert cut.state is ArrivalState.CUT and not kinds(store)

    sender.complete()
    assert sorted((one.kind.name, one.key) for one in store.spool.errands()) == [
        ("DELETE", cut.key),
        ("MOVE", ""),
    ]
    whole = moved(store)
    assert the_record(store).parts[0].key != cut.key and whole.part == replace(
        the_record(store).parts[0], key="", is_moved=False
    )


def test_what_is_cut_again_with_more_of_it_takes_the_place_of_what_was_cut_before(
    store: TakesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rolltape.server.takes_open.STILL_MS", -1)
    sender = Sender(store)
    sender.announce()
    sender.put(0, CONTENT)
    store.finish(ADA, take().id)
    store.spool.drop(moved(store))
    first = the_record(store).parts[0]
    sender.put(len(CONTENT), CONTENT)
    store.finish(ADA, take().id)

    second = the_record(store).parts[0]
    assert second.state is ArrivalState.CUT and second.bytes > first.bytes and not second.is_moved
    assert [one.key for one in store.spool.errands() if one.kind is ErrandKind.DELETE] == [first.key]


def test_a_file_stays_while_tracks_are_made_of_it_and_goes_afterwards(store: TakesStore) -> None:
    Sender(store).send(CONTENT)
    errand = moved(store)
    session = the_record(store).session
    job = store.tracks.ask(ADA, TracksRequest(session, (TracksTake(ADA.uid, take().id),)))
    store.spool.drop(errand)
    assert not kinds(store) and not store.spool.to_fetch(job)

    store.tracks.cancel(ADA, session)
    assert kinds(store) == [ErrandKind.DROP]
    store.spool.drop(errand)
    (missing,) = store.spool.to_fetch(job)
    fd = store.spool.fetching(missing)
    os.write(fd, CONTENT)
    os.close(fd)
    store.spool.fetched(missing)
    assert not store.spool.to_fetch(job)


def test_what_a_killed_worker_began_to_fetch_does_not_stay(store: TakesStore, tmp_path: Path) -> None:
    Sender(store).send(CONTENT)
    errand = moved(store)
    fd = store.spool.fetching(errand)
    os.write(fd, CONTENT)
    store.tidy()
    (path,) = (tmp_path / "takes").rglob("*.fetched")
    os.utime(fd, (1, 1))
    os.close(fd)
    store.tidy()

    assert not path.exists()


def test_one_process_of_a_folder_moves_and_another_follows_it(store: TakesStore, tmp_path: Path) -> None:
    other = TakesStore(tmp_path / "takes", Quotas(free=0))
    assert store.spool.may_move() and store.spool.may_move() and not other.spool.may_move()
    store.spool.close()

    assert other.spool.may_move()
    other.close()


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, 80 << 30, 100 * 10**9])
def test_an_object_has_no_more_parts_than_stores_take(size: int) -> None:
    assert part_bytes(size) >= PART_BYTES and -(-size // part_bytes(size)) <= 10_000


def test_what_decodes_recordings_is_told_nothing_that_opens_a_bucket() -> None:
    secret = [
        "AWS_SECRET_ACCESS_KEY",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "ROLLTAPE_SECRET",
    ]

    assert told_environment(dict.fromkeys([*secret, "PATH", "LANG"], "x")) == {"PATH": "x", "LANG": "x"}


def test_a_folder_whose_recordings_are_in_another_bucket_is_not_used_with_this_one(store: TakesStore) -> None:
    store.spool.use("s3://before")
    options = argparse.Namespace(takes="s3://now")
    with pytest.raises(CannotKeep, match="were moved into s3://before"):
        asyncio.run(bucket_of(options, store))
    assert store.spool.url == "s3://before"


def test_pauses_grow_to_five_minutes() -> None:
    assert [pause_s(failures) for failures in (1, 2, 3, 8, 9, 10_000)] == [2, 4, 8, 256, 300, 300]


@pytest.mark.parametrize("text", ["s3://a", "gs://a.b-c/prefix/of", "az://container"])
def test_a_bucket_is_told_from_a_folder(text: str) -> None:
    assert is_bucket(text)
    parser = argparse.ArgumentParser()
    add_takes_arguments(parser)
    options = parser.parse_args(["--takes", f"{text}/", "--takes-spool", "/srv/spool"])
    assert (options.takes, folder_of(options)) == (text, Path("/srv/spool"))


@pytest.mark.parametrize(
    "text", ["s3://", "s3:///a", "s3://key:secret@a", "s3://a?key=b", "ftp://a", "file:///a"]
)
def test_what_is_no_bucket_or_has_credentials_in_it_is_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_takes_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--takes", text])
    assert "credentials are no part of it" in capsys.readouterr().err


def test_a_spool_without_a_bucket_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotKeep, match="goes with a bucket"):
        folder_of(argparse.Namespace(takes=None, takes_spool=tmp_path))


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
    with pytest.raises(BucketTrouble, match=r"pip installs with rolltape\[buckets\]") as told:
        Bucket.open("s3://recordings")
    assert told.value.is_lasting
