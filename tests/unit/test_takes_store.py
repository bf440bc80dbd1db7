"""The folder of the host: what a guest's page sends lies there as it was sent, under its name, whatever happens."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.problem import Problem, ProblemKind
from rolltape.arrivals.segments import EMPTY, Account, account_of, segment_of
from rolltape.arrivals.wire import Announcement
from rolltape.recording.take import SPLIT, Take
from rolltape.recording.take_log import plain_take
from rolltape.server.takes_record import Owner
from rolltape.server.takes_refused import Refused, refused_by_disk
from rolltape.server.takes_store import TakesStore
from rolltape.server.takes_usage import Quotas
from takes_of_guests import ADA, BEN, Sender, segments, take

CONTENT = bytes(range(256)) * 30
NAME = "Ada_Studio_2025-11-29_03-00-00_take1.webm"
SESSION = "2025-11-29_03-00"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TakesStore]:
    opened = TakesStore(tmp_path / "takes", Quotas(free=0))
    yield opened
    opened.close()


def room_folder(tmp_path: Path) -> Path:
    return tmp_path / "takes" / ADA.room_folder


class Refusal:
    problem: Problem


@contextmanager
def refused(kind: ProblemKind) -> Iterator[Refusal]:
    """Something in it is refused for this reason, in a sentence."""
    refusal = Refusal()
    with pytest.raises(Refused) as told:
        yield refusal
    refusal.problem = told.value.problem
    assert refusal.problem.kind is kind
    assert refusal.problem.detail.endswith(".") and refusal.problem.detail[0].isupper()


def test_a_take_lies_in_the_folder_of_its_session_under_the_name_that_it_has_at_home(
    store: TakesStore, tmp_path: Path
) -> None:
    held = Sender(store).send(CONTENT)

    assert (held.state, held.name) == (ArrivalState.COMPLETE, NAME)
    session = room_folder(tmp_path) / SESSION
    assert (session / NAME).read_bytes() == CONTENT
    assert held.sha256 == sha256(CONTENT).hexdigest()
    assert (session / "SHA256SUMS").read_text() == f"{held.sha256}  {NAME}\n"
    told = json.loads((session / "studio_session.json").read_text())
    assert [part["file"] for one in told["takes"] for part in one["parts"]] == [NAME]
    assert told["takes"][0]["parts"][0]["bytes"] == len(CONTENT)
    assert (session / "studio_session.otio").exists()
    assert sorted(one.name for one in session.iterdir()) == [
        NAME,
        "SHA256SUMS",
        "studio_session.json",
        "studio_session.otio",
    ]


def test_the_header_is_put_again_at_the_end_and_nothing_else(store: TakesStore, tmp_path: Path) -> None:
    sender = Sender(store)
    sender.announce()
    for segment, piece in segments(CONTENT, 1000):
        sender.put(segment.at, piece)
    sender.put(0, b"H" * 100)

    sender.complete()
    assert (room_folder(tmp_path) / SESSION / NAME).read_bytes() == b"H" * 100 + CONTENT[100:]


def test_putting_and_completing_twice_is_as_good_as_once(store: TakesStore, tmp_path: Path) -> None:
    sender = Sender(store)
    sender.announce()
    for segment, piece in segments(CONTENT, 1000):
        assert sender.put(segment.at, piece) == sender.put(segment.at, piece)

    assert sender.complete() == sender.complete() == sender.announce()
    whole = tuple(segment for segment, _ in segments(CONTENT, 1000))
    assert store.segments(ADA, sender.take.id, "part1", 0).segments == whole
    assert (room_folder(tmp_path) / SESSION / NAME).read_bytes() == CONTENT


def test_a_page_that_comes_back_is_told_how_far_it_got(store: TakesStore, tmp_path: Path) -> None:
    sender, pieces = Sender(store), segments(CONTENT, 1000)
    sender.announce()
    for segment, piece in pieces[:3]:
        sender.put(segment.at, piece)

    again = TakesStore(tmp_path / "takes", Quotas(free=0))
    held = Sender(again).announce()
    assert held.account == account_of(segment for segment, _ in pieces[:3])
    assert again.segments(ADA, sender.take.id, "part1", 1).segments == tuple(
        segment for segment, _ in pieces[1:3]
    )
    again.close()


def test_what_a_page_cuts_into_other_pieces_after_a_crash_replaces_what_was_there(
    store: TakesStore, tmp_path: Path
) -> None:
    sender, pieces = Sender(store), segments(CONTENT, 1000)
    sender.announce()
    for segment, piece in pieces[:4]:
        sender.put(segment.at, piece)
    with refused(ProblemKind.PLACE):
        sender.announce(end=1500)

    held = sender.announce(end=1100)
    assert held.account == account_of(segment for segment, _ in pieces[:2])
    sender.put(1100, CONTENT[1100:])
    sender.complete()
    assert (room_folder(tmp_path) / SESSION / NAME).read_bytes() == CONTENT


def test_bent_bytes_are_refused_and_nothing_of_them_is_kept(store: TakesStore, tmp_path: Path) -> None:
    sender = Sender(store)
    sender.announce()

    with refused(ProblemKind.DIGEST):
        store.put(ADA, sender.take.id, "part1", 0, b"bent", segment_of(0, b"sent").sha256)
    assert sender.announce().account == EMPTY
    (part,) = room_folder(tmp_path).rglob("part1.part")
    assert part.read_bytes() == b""


@pytest.mark.parametrize(("at", "length"), [(50, 10), (0, 99), (0, 101), (101, 1000), (99, 1), (5000, 1)])
def test_a_segment_that_overlaps_or_leaves_a_hole_is_refused_with_what_is_there(
    store: TakesStore, at: int, length: int
) -> None:
    sender = Sender(store)
    sender.announce()
    for segment, piece in segments(CONTENT[:1100], 1000):
        sender.put(segment.at, piece)
    before = sender.account

    with refused(ProblemKind.PLACE) as check:
        sender.put(at, b"x" * length)
    assert check.problem.account == before == sender.announce().account


def test_a_byte_that_the_disk_has_bent_is_found_told_and_sent_again(
    store: TakesStore, tmp_path: Path
) -> None:
    sender, pieces = Sender(store), segments(CONTENT, 1000)
    sender.announce()
    for segment, piece in pieces:
        sender.put(segment.at, piece)
    (part,) = room_folder(tmp_path).rglob("part1.part")
    bent = bytearray(part.read_bytes())
    bent[2345] ^= 1
    part.write_bytes(bent)

    with refused(ProblemKind.DIFFERENT) as check:
        sender.complete()
    assert check.problem.missing == ((2100, 1000),)
    sender.put(2100, CONTENT[2100:3100])
    assert sender.complete().sha256 == sha256(CONTENT).hexdigest()


def test_a_page_that_has_something_else_is_told_what_is_here(store: TakesStore) -> None:
    sender = Sender(store)
    sender.announce()
    sender.put(0, b"something")

    with refused(ProblemKind.DIFFERENT) as check:
        sender.complete(Account(9, 1, "0" * 64))
    assert check.problem.account == sender.account
    assert sender.put(9, b", and more") == sender.account


@pytest.mark.parametrize("crash", ["before the name", "before it is moved", "after it is moved"])
def test_a_server_that_dies_while_it_completes_goes_on_when_it_is_asked_again(
    store: TakesStore, tmp_path: Path, crash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(store)
    sender.announce()
    for segment, piece in segments(CONTENT, 1000):
        sender.put(segment.at, piece)

    class Dies(Exception):
        pass

    def dies(*_: object) -> None:
        raise Dies

    with monkeypatch.context() as broken:
        if crash == "before the name":
            broken.setattr("rolltape.server.takes_room.RoomTakes.publish", dies)
        elif crash == "before it is moved":
            real = os.rename

            def renames(old: str, new: str, **more: int) -> None:
                if new == NAME:
                    raise Dies
                real(old, new, **more)

            broken.setattr(os, "rename", renames)
        else:
            broken.setattr("rolltape.server.takes_room.RoomTakes._describe", dies)
            broken.setattr("rolltape.server.takes_folder.Folder.remove", dies)
        with pytest.raises(Dies):
            sender.complete()

    again = TakesStore(tmp_path / "takes", Quotas(free=0))
    page = Sender(again)
    told = page.announce()
    assert told.state in (ArrivalState.PROVING, ArrivalState.COMPLETE)
    assert told.account == sender.account
    held = page.complete(sender.account)
    assert (held.state, held.name, held.sha256) == (
        ArrivalState.COMPLETE,
        NAME,
        sha256(CONTENT).hexdigest(),
    )
    assert (room_folder(tmp_path) / SESSION / NAME).read_bytes() == CONTENT
    again.close()


def test_two_guests_of_one_name_do_not_meet_in_one_file(store: TakesStore, tmp_path: Path) -> None:
    Sender(store, ADA).send(CONTENT)
    other = Sender(store, BEN).send(CONTENT[::-1])

    assert other.name == "Ada_Studio_2025-11-29_03-00-00_take1 (2).webm"
    session = room_folder(tmp_path) / SESSION
    assert (session / NAME).read_bytes() == CONTENT
    assert (session / other.name).read_bytes() == CONTENT[::-1]
    told = json.loads((session / "studio_session.json").read_text())
    files = [part["file"] for one in told["takes"] for part in one["parts"]]
    assert sorted(files) == sorted([NAME, other.name])


def test_the_parts_of_a_take_are_named_as_at_home(store: TakesStore, tmp_path: Path) -> None:
    whole = take(parts=2)
    names = [Sender(store, ADA, whole, part).send(CONTENT).name for part in ("part1", "part2")]
    split = take("Ben", parts=2)
    split = replace(split, parts=tuple(replace(part, reason=SPLIT) for part in split.parts))
    names += [Sender(store, BEN, split, part).send(CONTENT).name for part in ("part1", "part2")]

    assert [name.partition("take1")[2] for name in names] == [
        ".webm",
        "_part2.webm",
        "_part1.webm",
        "_part2.webm",
    ]
    told = json.loads((room_folder(tmp_path) / SESSION / "studio_session.json").read_text())
    assert sorted(part["file"] for one in told["takes"] for part in one["parts"]) == sorted(names)


@pytest.mark.parametrize(
    ("minutes", "sessions"), [(0, 1), (100, 1), (122, 2), (-100, 1), (-130, 2), (24 * 60, 2)]
)
def test_takes_of_one_sitting_are_one_session(store: TakesStore, minutes: float, sessions: int) -> None:
    Sender(store, ADA).send(CONTENT)
    Sender(store, BEN, take("Ben", minutes=minutes)).send(CONTENT)

    assert len({one.session for one in store.listed(ADA, mine=False)}) == sessions


def test_the_same_room_of_another_key_is_another_room(store: TakesStore) -> None:
    Sender(store).send(CONTENT)
    other = Owner("studio", "another-key", "ada-uid")

    assert store.listed(other, mine=False) == []
    with refused(ProblemKind.UNKNOWN):
        store.delete(other, take().id, is_director=True)


def test_a_guest_sees_and_withdraws_what_is_theirs_until_it_is_fetched(
    store: TakesStore, tmp_path: Path
) -> None:
    Sender(store, ADA).send(CONTENT)
    Sender(store, BEN, take("Ben")).send(CONTENT)

    assert [one.label for one in store.listed(BEN, mine=True)] == ["Ben"]
    assert {one.label for one in store.listed(BEN, mine=False)} == {"Ada", "Ben"}
    store.fetched(BEN, take().id)
    with refused(ProblemKind.FETCHED):
        store.delete(BEN, take().id, is_director=False)
    store.delete(ADA, take().id, is_director=False)
    assert [one.label for one in store.listed(BEN, mine=False)] == ["Ben"]
    session = room_folder(tmp_path) / SESSION
    assert not (session / NAME).exists()
    assert NAME not in (session / "SHA256SUMS").read_text()
    store.delete(BEN, take().id, is_director=True)
    assert not session.exists()


def test_a_take_that_was_deleted_is_not_sent_again(store: TakesStore, tmp_path: Path) -> None:
    sender = Sender(store)
    sender.announce()
    sender.put(0, b"some")
    store.delete(ADA, sender.take.id, is_director=False)

    with refused(ProblemKind.DELETED):
        sender.announce()
    with refused(ProblemKind.DELETED):
        sender.put(4, b"more")
    with refused(ProblemKind.DELETED):
        sender.complete()
    assert list(room_folder(tmp_path).rglob("part1*")) == []


def test_nothing_more_is_taken_once_it_is_complete(store: TakesStore) -> None:
    sender = Sender(store)
    sender.send(CONTENT)

    for at in (0, len(CONTENT)):
        with refused(ProblemKind.COMPLETE):
            sender.put(at, b"more")


def test_what_was_not_announced_is_unknown(store: TakesStore) -> None:
    sender = Sender(store)
    with refused(ProblemKind.UNKNOWN):
        sender.put(0, b"some")
    sender.announce()
    with refused(ProblemKind.UNKNOWN):
        Sender(store, part="part2").put(0, b"some")
    with refused(ProblemKind.UNKNOWN):
        Sender(store, BEN).put(0, b"some")


def test_who_sends_a_file_byte_by_byte_is_stopped(store: TakesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolltape.server.takes_store.FEW_SEGMENTS", 20)
    sender = Sender(store)
    sender.announce()
    for at in range(20):
        sender.put(at, b"x")

    with refused(ProblemKind.TOO_LARGE):
        sender.put(20, b"x")
    assert sender.put(19, b"y").count == 20


@pytest.mark.parametrize(
    "quotas", [Quotas(guest=100, free=0), Quotas(room=100, free=0), Quotas(all=100, free=0)]
)
def test_what_is_used_up_is_told_before_a_byte_is_read(tmp_path: Path, quotas: Quotas) -> None:
    store = TakesStore(tmp_path / "takes", quotas)
    store.check(ADA, 100)
    with refused(ProblemKind.FULL) as check:
        store.check(ADA, 101)
    assert "recording on this machine is untouched" in check.problem.detail
    assert check.problem.retry_after_s
    sender = Sender(store)
    sender.announce()
    sender.put(0, b"x" * 90)

    again = TakesStore(tmp_path / "takes", quotas)
    for one in (store, again):
        one.check(ADA, 10)
        with refused(ProblemKind.FULL):
            one.check(ADA, 11)
    sender.complete()
    with refused(ProblemKind.FULL):
        TakesStore(tmp_path / "takes", quotas).check(ADA, 11)
    store.delete(ADA, sender.take.id, is_director=True)
    store.check(ADA, 100)


def test_a_disk_is_not_filled_to_its_last_byte(tmp_path: Path) -> None:
    store = TakesStore(tmp_path / "takes", Quotas(free=2**62))

    with refused(ProblemKind.FULL):
        store.check(ADA, 1)


@pytest.mark.parametrize("fills", range(4))
def test_a_disk_that_fills_up_in_the_midst_loses_nothing_and_goes_on_when_there_is_room(
    store: TakesStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fills: int
) -> None:
    sender, pieces = Sender(store), segments(CONTENT, 1000)
    sender.announce()
    for segment, piece in pieces[:3]:
        sender.put(segment.at, piece)
    before, calls, real = sender.account, 0, os.pwrite

    def filling(fd: int, content: memoryview, at: int) -> int:
        nonlocal calls
        calls += 1
        if calls > fills:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, content[: max(1, len(content) // 2)], at)

    with monkeypatch.context() as full:
        full.setattr(os, "pwrite", filling)
        with pytest.raises(OSError, match="No space left") as told:
            sender.put(pieces[3][0].at, pieces[3][1])
    problem = refused_by_disk(told.value).problem
    assert problem.kind is ProblemKind.FULL and problem.retry_after_s and "untouched" in problem.detail

    assert Sender(store).announce().account == before
    for segment, piece in pieces[3:]:
        sender.put(segment.at, piece)
    assert sender.complete().sha256 == sha256(CONTENT).hexdigest()


def test_a_guest_has_only_so_many_takes_and_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolltape.server.takes_store.MAX_PARTS", 2)
    store = TakesStore(tmp_path / "takes", Quotas(free=0, takes=1))
    Sender(store, part="part1").announce()
    Sender(store, part="part7").announce()

    with refused(ProblemKind.TOO_LARGE):
        Sender(store, part="part8").announce()
    with refused(ProblemKind.FULL):
        Sender(store, of=take(id="1764381600000-ffffffff")).announce()
    Sender(store, part="part1").announce()
    Sender(store, BEN).announce()


@pytest.mark.parametrize(
    "of",
    [
        replace(take(), id="1764381600000-ffffffff"),
        replace(take(), parts=take().parts * 2),
    ],
)
def test_a_take_that_contradicts_itself_is_refused(store: TakesStore, of: Take) -> None:
    with refused(ProblemKind.BAD_REQUEST):
        store.announce(ADA, take().id, "part1", Announcement("video/webm", plain_take(of)))


def test_a_link_in_the_folder_leads_nowhere(store: TakesStore, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    sender = Sender(store)
    sender.announce()
    (part,) = room_folder(tmp_path).rglob("part1.part")
    part.unlink()
    part.symlink_to(elsewhere / "written")
    with pytest.raises(OSError, match="symbolic"):
        sender.put(0, b"some")

    hidden = part.parent
    for one in hidden.iterdir():
        one.unlink()
    hidden.rmdir()
    hidden.symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"."):
        sender.announce()
    assert list(elsewhere.iterdir()) == []


def test_guests_who_send_at_once_do_not_disturb_each_other(store: TakesStore, tmp_path: Path) -> None:
    owners = [Owner("studio", ADA.key_id, f"guest-{number}") for number in range(6)]
    contents = {owner: os.urandom(20_000) for owner in owners}
    done = {}

    def send(owner: Owner) -> None:
        done[owner] = Sender(store, owner, take(owner.uid)).send(contents[owner])

    threads = [threading.Thread(target=send, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    session = room_folder(tmp_path) / SESSION
    assert {owner: (session / done[owner].name).read_bytes() for owner in owners} == contents
    assert len((session / "SHA256SUMS").read_text().splitlines()) == 6


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_in_whichever_order_things_are_asked_what_is_acknowledged_is_there(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("takes")
    store = TakesStore(root, Quotas(free=0))
    sender, there = Sender(store), b""
    sender.announce()
    for _ in range(data.draw(st.integers(1, 15))):
        what = data.draw(st.sampled_from(["append", "header", "again", "cut", "reopen"]))
        if what == "append" or not there:
            piece = data.draw(st.binary(min_size=1, max_size=300))
            sender.put(len(there), piece)
            there += piece
        elif what == "reopen":
            store.close()
            sender.store = store = TakesStore(root, Quotas(free=0))
            assert sender.announce().account == sender.account
        else:
            known = store.segments(ADA, sender.take.id, "part1", 0).segments
            chosen = data.draw(st.sampled_from(known))
            if what == "cut":
                there = there[: chosen.end]
                sender.account = sender.announce(end=chosen.end).account
            else:
                piece = (
                    there[chosen.at : chosen.end]
                    if what == "again"
                    else data.draw(st.binary(min_size=chosen.length, max_size=chosen.length))
                )
                sender.put(chosen.at, piece)
                there = there[: chosen.at] + piece + there[chosen.end :]

    held = sender.complete()
    assert held.sha256 == sha256(there).hexdigest()
    assert next(root.rglob(held.name)).read_bytes() == there
    store.close()
