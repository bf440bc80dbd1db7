"""A guest who never comes back: what had arrived is a file that plays, and is told to lack the rest."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from rolltape.arrivals.listing import ArrivalState, ArrivedPart
from rolltape.arrivals.problem import ProblemKind
from rolltape.arrivals.segments import account_of
from rolltape.recording.container import stream_for
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_store import TakesStore
from rolltape.server.takes_usage import Quotas
from rolltape.settings.codec import Container
from takes_of_guests import ADA, Sender, segments
from unit.media_files import complaints, duration, recording

NAMES = ["chromium-vp9-opus.webm", "firefox-vp8-opus.webm", "chromium-opus.webm"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TakesStore]:
    opened = TakesStore(tmp_path / "takes", Quotas(free=0))
    yield opened
    opened.close()


def being_recorded(name: str) -> tuple[bytes, int, bytes]:
    """A file as it lies on its guest's machine late in its recording, how much of it is stable, and as it ends."""
    raw = recording(name)
    stream, written = stream_for(Container.WEBM), bytearray()

    def patch() -> None:
        for one in stream.patches():
            written[one.offset : one.offset + len(one.data)] = one.data

    for start in range(0, len(raw), 16384):
        written += stream.feed(raw[start : start + 16384])
        patch()
    late, stable = bytes(written), stream.stable
    ending = stream.finish()
    if ending.truncate_to is not None:
        del written[ending.truncate_to :]
    written += ending.append
    for one in ending.patches:
        written[one.offset : one.offset + len(one.data)] = one.data
    return late, stable, bytes(written)


def stands_still(tmp_path: Path) -> None:
    """As if nothing had come for a minute."""
    for path in (tmp_path / "takes").rglob("*.part"):
        os.utime(path, (time.time() - 60, time.time() - 60))


def sent(store: TakesStore, content: bytes) -> Sender:
    sender = Sender(store)
    sender.announce()
    for segment, piece in segments(content, 100_000):
        sender.put(segment.at, piece)
    return sender


def listed(store: TakesStore) -> ArrivedPart:
    ((part,),) = (one.parts for one in store.listed(ADA, mine=False))
    return part


def file_of(tmp_path: Path, name: str) -> Path:
    (path,) = (one for one in (tmp_path / "takes").rglob(name) if ".rolltape" not in str(one))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_what_had_arrived_plays_seeks_and_lacks_no_more_than_a_cluster(
    store: TakesStore, tmp_path: Path, name: str
) -> None:
    late, stable, _ = being_recorded(name)
    sender = sent(store, late[:stable])
    stands_still(tmp_path)

    finished = store.finish(ADA, sender.take.id)
    (part,) = finished.parts
    assert part.state is ArrivalState.CUT and "did not send the rest" in part.problem
    path = file_of(tmp_path, part.name)
    assert complaints(path) == ""
    original = tmp_path / "original.webm"
    original.write_bytes(recording(name))
    whole, cut = duration(original), duration(path)
    assert cut is not None
    if whole is not None:
        assert whole - 5 < cut <= whole
    assert part.sha256 == sha256(path.read_bytes()).hexdigest()
    told = json.loads((path.parent / "studio_session.json").read_text())
    (told_part,) = told["takes"][0]["parts"]
    assert told_part["file"] == part.name
    assert abs(told_part["duration_ms"] / 1000 - cut) < 0.1


def test_a_guest_who_comes_back_after_all_sends_the_rest(store: TakesStore, tmp_path: Path) -> None:
    late, stable, end = being_recorded(NAMES[0])
    sender = sent(store, late[: stable // 2])
    stands_still(tmp_path)
    name = store.finish(ADA, sender.take.id).parts[0].name

    held = sender.announce()
    assert (held.state, held.account) == (ArrivalState.OPEN, sender.account)
    rest = segments(end, 100_000)
    sender.announce(end=0)
    for segment, piece in rest:
        sender.put(segment.at, piece)
    held = sender.complete(account_of(segment for segment, _ in rest))
    assert (held.state, held.name) == (ArrivalState.COMPLETE, name)
    path = file_of(tmp_path, name)
    assert path.read_bytes() == end
    assert listed(store).problem == "" and listed(store).state is ArrivalState.COMPLETE
    assert (path.parent / "SHA256SUMS").read_text() == f"{sha256(end).hexdigest()}  {name}\n"


def test_what_is_still_arriving_is_not_cut_off(store: TakesStore) -> None:
    late, stable, _ = being_recorded(NAMES[0])
    sender = sent(store, late[:stable])

    with pytest.raises(Refused, match="still arriving") as refused:
        store.finish(ADA, sender.take.id)
    assert refused.value.problem.kind is ProblemKind.SERVER
    assert listed(store).state is ArrivalState.OPEN


def test_finishing_twice_and_finishing_nothing_change_nothing(store: TakesStore, tmp_path: Path) -> None:
    late, stable, _ = being_recorded(NAMES[0])
    sender = sent(store, late[:stable])
    Sender(store, part="part2").announce()
    stands_still(tmp_path)

    first = store.finish(ADA, sender.take.id)
    assert store.finish(ADA, sender.take.id) == first
    assert [(part.part, part.state) for part in first.parts] == [("part1", ArrivalState.CUT)]
    assert Sender(store, part="part2").announce().state is ArrivalState.OPEN


def test_a_header_without_a_picture_or_a_sound_is_no_file(store: TakesStore, tmp_path: Path) -> None:
    late, stable, _ = being_recorded("chromium-pcm.webm")
    sender = sent(store, late[:stable])
    stands_still(tmp_path)

    with pytest.raises(Refused, match="Nothing of this recording that could be played"):
        store.finish(ADA, sender.take.id)
    assert (listed(store).state, listed(store).name) == (ArrivalState.OPEN, "")
    assert not list((tmp_path / "takes").rglob("*.copy"))


def test_a_file_of_no_known_kind_is_kept_as_it_arrived(store: TakesStore, tmp_path: Path) -> None:
    content = os.urandom(50_000)
    sender = sent(store, content)
    stands_still(tmp_path)

    (part,) = store.finish(ADA, sender.take.id).parts
    assert file_of(tmp_path, part.name).read_bytes() == content
    assert part.problem.startswith("It is kept as it was written")


@pytest.mark.parametrize("crash", ["before it is moved", "after it is moved"])
def test_a_server_that_dies_while_it_finishes_does_so_when_it_is_asked_again(
    store: TakesStore, tmp_path: Path, crash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, stable, _ = being_recorded(NAMES[0])
    sender = sent(store, late[:stable])
    stands_still(tmp_path)

    class Dies(Exception):
        pass

    real = os.rename

    def renames(old: str, new: str, **more: int) -> None:
        if crash == "after it is moved" or not new.endswith(".webm"):
            real(old, new, **more)
        if new.endswith(".webm"):
            raise Dies

    with monkeypatch.context() as broken:
        broken.setattr(os, "rename", renames)
        with pytest.raises(Dies):
            store.finish(ADA, sender.take.id)

    again = TakesStore(tmp_path / "takes", Quotas(free=0))
    (part,) = again.finish(ADA, sender.take.id).parts
    path = file_of(tmp_path, part.name)
    assert sha256(path.read_bytes()).hexdigest() == part.sha256
    assert sorted(one.suffix for one in path.parent.iterdir() if one.name != "SHA256SUMS") == [
        ".json",
        ".otio",
        ".webm",
    ]
    again.close()
