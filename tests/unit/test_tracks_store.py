"""Tracks in the folder of the host: what stays when a job goes on, what counts, and what goes with a recording."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rolltape.arrivals.problem import ProblemKind
from rolltape.arrivals.tracks import TrackFile, TracksEvent, TracksRequest, TracksState, TracksTake
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_store import TakesStore
from rolltape.server.takes_usage import Quotas
from rolltape.server.tracks_queue import Job
from takes_of_guests import ADA, BEN, Sender, take

SESSION = "2025-11-29_03-00"
CLOCK: dict[str, Any] = {
    "browser": "Chromium 156",
    "tracks": [],
    "readings": [[0, 20, 1764381600010.0], [5000, 5020, 1764381605010.0]],
    "marks": [],
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TakesStore]:
    opened = TakesStore(tmp_path / "takes", Quotas(free=0))
    yield opened
    opened.close()


def folder(tmp_path: Path) -> Path:
    return tmp_path / "takes" / ADA.room_folder / SESSION / "tracks"


def asked(store: TakesStore, clock: dict[str, Any] | None = None) -> Job:
    """Ada's recording is there, and tracks of it are asked for and taken up."""
    Sender(store).send(b"x" * 3000)
    store.tracks.ask(ADA, TracksRequest(SESSION, (TracksTake(ADA.uid, take().id, clock),)))
    job = store.tracks.queue.take_up("worker")
    assert job is not None
    return job


def made(store: TakesStore, tmp_path: Path, job: Job, *names: str) -> Job:
    """These files are there, and noted."""
    files = tuple(TrackFile(name, 4, "0" * 64, 1, 2**45) for name in names)
    for name in names:
        (folder(tmp_path) / name).write_bytes(b"made")
    store.tracks.queue.beat(job.id, "worker", lambda one: replace(one, files=files), True)
    found = store.tracks.queue.job(job.room, job.session)
    assert found is not None
    return found


def test_what_goes_on_keeps_what_the_report_tells_of_and_nothing_that_is_half_made(
    store: TakesStore, tmp_path: Path
) -> None:
    job = asked(store)
    assert store.tracks.prepare(job).kept == ()
    job = made(store, tmp_path, job, "Ada.wav")
    assert store.tracks.prepare(job).kept == (), "without the report its sound is made again"
    assert list(folder(tmp_path).iterdir()) == []

    job = made(store, tmp_path, job, "Ada.wav", "report.html", "report.json")
    (folder(tmp_path) / ".Ada.mp4.17.partial").write_bytes(b"half")
    (folder(tmp_path) / "Ada.mp4").write_bytes(b"whole, but nobody noted it")
    order = store.tracks.prepare(job)
    assert order.kept == ("Ada.wav", "report.html", "report.json")
    assert sorted(path.name for path in folder(tmp_path).iterdir()) == list(order.kept)
    assert json.loads(order.session.read_text())["takes"][0]["guest"] == "Ada"


def test_tracks_count_in_what_the_host_keeps(store: TakesStore, tmp_path: Path) -> None:
    job = asked(store)
    before = sum(store._count().values())
    store.tracks.prepare(job)
    made(store, tmp_path, job, "Ada.wav")
    assert sum(store._count().values()) == before + 4


def test_a_recording_that_is_not_in_the_tracks_goes_without_them(store: TakesStore, tmp_path: Path) -> None:
    job = asked(store)
    other = take("Ben", id="1764381600000-0000000b")
    Sender(store, BEN, other).send(b"y" * 3000)
    store.tracks.prepare(job)
    made(store, tmp_path, job, "Ada.wav")

    store.delete(BEN, other.id, is_director=True)
    assert (folder(tmp_path) / "Ada.wav").exists()
    store.delete(ADA, take().id, is_director=True)
    assert not folder(tmp_path).parent.exists()
    assert store.tracks.queue.job(ADA.room_folder, SESSION) is None
    with pytest.raises(Refused):
        store.tracks.prepare(job)


def test_a_clock_that_the_guests_page_told_is_not_replaced_by_a_directors(store: TakesStore) -> None:
    asked(store, CLOCK)
    (record,) = store.records(ADA)
    assert record.clock is not None and record.clock.browser == "Chromium 156"

    job = store.tracks.queue.cancel(ADA.room_folder, SESSION)
    assert job is not None and job.state is TracksState.NONE
    other = TracksTake(ADA.uid, take().id, CLOCK | {"browser": "Firefox 150"})
    store.tracks.ask(ADA, TracksRequest(SESSION, (other,)))
    (record,) = store.records(ADA)
    assert record.clock is not None and record.clock.browser == "Chromium 156"


def test_a_file_that_has_changed_since_it_was_listed_is_not_given_away(
    store: TakesStore, tmp_path: Path
) -> None:
    job = asked(store)
    store.tracks.prepare(job)
    (file,) = made(store, tmp_path, job, "Ada.wav").files
    os.close(store.tracks.open_file(ADA, SESSION, file))
    for other in (replace(file, bytes=5), replace(file, made_ms=1), replace(file, name="no.wav")):
        with pytest.raises(Refused) as refused:
            store.tracks.open_file(ADA, SESSION, other)
        assert refused.value.problem.kind is ProblemKind.UNKNOWN
    (folder(tmp_path) / "link.wav").symlink_to(folder(tmp_path) / "Ada.wav")
    with pytest.raises((Refused, OSError)):
        store.tracks.open_file(ADA, SESSION, replace(file, name="link.wav"))


def test_nothing_is_made_of_what_has_not_arrived(store: TakesStore) -> None:
    Sender(store).announce()
    with pytest.raises(Refused, match="No recording of this session is at the host yet"):
        store.tracks.ask(ADA, TracksRequest(SESSION, (TracksTake(ADA.uid, take().id),)))


def test_a_job_that_is_asked_for_anew_forgets_what_was_made(store: TakesStore, tmp_path: Path) -> None:
    job = asked(store)
    store.tracks.prepare(job)
    made(store, tmp_path, job, "Ada.wav", "report.json")
    end(store, job, TracksEvent.MADE)
    again = store.tracks.ask(ADA, TracksRequest(SESSION, (TracksTake(ADA.uid, take().id),)))
    assert (again.state, again.files) == (TracksState.QUEUED, ())
    assert store.tracks.prepare(again).kept == ()


def end(store: TakesStore, job: Job, event: TracksEvent) -> None:
    """What a worker does at the end."""
    store.tracks.sweep(job)
    store.tracks.queue.end(job.id, "worker", event, lambda one: one, lambda: store.tracks.put_in_place(job))
    store.tracks.drop_what_is_of_no_use(job)


@pytest.mark.parametrize("event", [TracksEvent.MADE, TracksEvent.BROKE_OFF, TracksEvent.CANCELLED])
def test_what_was_made_can_be_fetched_until_all_is_there_that_is_made_anew(
    store: TakesStore, tmp_path: Path, event: TracksEvent
) -> None:
    job = asked(store)
    store.tracks.prepare(job)
    (old,) = made(store, tmp_path, job, "Ada.wav").files
    end(store, job, TracksEvent.MADE)
    store.tracks.ask(ADA, TracksRequest(SESSION, (TracksTake(ADA.uid, take().id),)))
    again = store.tracks.queue.take_up("worker")
    assert again is not None
    anew = store.tracks.prepare(again).output
    (anew / "Ada.wav").write_bytes(b"made anew")
    new = replace(old, bytes=9)
    store.tracks.queue.beat(job.id, "worker", lambda one: replace(one, files=(new,)), True)
    assert store.tracks.files(ADA, SESSION) == (old,)
    os.close(store.tracks.open_file(ADA, SESSION, old))

    if event is TracksEvent.CANCELLED:
        store.tracks.cancel(ADA, SESSION)
    end(store, again, event)
    expected = new if event is TracksEvent.MADE else old
    assert store.tracks.files(ADA, SESSION) == (expected,)
    os.close(store.tracks.open_file(ADA, SESSION, expected))
    assert [path.name for path in folder(tmp_path).parent.iterdir() if "tracks" in path.name] == ["tracks"]
    store.delete(ADA, take().id, is_director=True)
    assert not folder(tmp_path).parent.exists()
