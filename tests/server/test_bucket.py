"""A host that keeps recordings in a bucket: what arrives is moved there, had from there, and deleted there."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import obstore
import pytest

from rolltape.arrivals import listing, paths
from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.problem import ProblemKind
from rolltape.arrivals.tracks import ListedTracks, TracksRequest, TracksState, TracksTake
from rolltape.recording.take import Part
from rolltape.room.messages import Role
from rolltape.server.bucket import Bucket, BucketTrouble
from rolltape.server.takes_mover import Mover, Pace, Waiting
from rolltape.server.takes_record import mark
from rolltape.server.takes_spool import ErrandKind
from rolltape.server.takes_store import TakesStore
from rolltape.server.takes_usage import Quotas
from server.processes import ENVIRONMENT, ROOT, Process
from server.s3_server import BUCKET, SECRET, S3Server
from server.takes_page import Page, keeper, token
from takes_of_guests import BEN, Sender, take
from unit.synthetic_session import beeps, matroska
from waiting import wait_for

URL = f"s3://{BUCKET}/of-the-host"
PACE = Pace(look_s=0.1, first_pause_s=0.1)


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("host")


@pytest.fixture(scope="module")
def host(folder: Path, s3: S3Server) -> Iterator[Process]:
    process = keeper(folder, s3.environment(), bucket=URL, track_workers=1)
    yield process
    process.end(signal.SIGKILL)


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A room that no other test has."""
    return mark(request.node.name)


@pytest.fixture
def director(host: Process, room: str) -> Iterator[Page]:
    page = Page(host.port, token("dora", Role.DIRECTOR, room), room=room)
    yield page
    page.close()


def sent(host: Process, room: str, content: bytes, name: str = "Ada", size: int = 1 << 20) -> Page:
    """A guest's page that has sent a recording."""
    of = take(name, f"1764381600000-0000000{len(name)}")
    of = replace(of, parts=(Part(1, "part1", len(content), 5000),))
    page = Page(host.port, token(name, room=room), of, room=room)
    page.send(content, size)
    page.close()
    return page


def files(folder: Path, room: str) -> list[str]:
    """Names of the room's recordings in the spool."""
    return sorted(path.name for path in (folder / "takes").glob(f"{room}-*/*/*.webm"))


def records(folder: Path, room: str) -> list[dict[str, Any]]:
    found = (folder / "takes").glob(f"{room}-*/.rolltape/*/*/take.json")
    return [json.loads(path.read_text()) for path in found]


def is_moved(folder: Path, room: str, count: int = 1) -> bool:
    """True if so many recordings of the room are in the bucket, and in no folder any more."""
    moved = [part for record in records(folder, room) for part in record["parts"] if part["is_moved"]]
    return len(moved) == count and not files(folder, room)


def keys(folder: Path, room: str) -> list[str]:
    """Keys that are noted of the room's recordings."""
    return [part["key"] for record in records(folder, room) for part in record["parts"] if part["key"]]


def of_room(s3: S3Server, room: str) -> list[str]:
    return [key for key in s3.listed() if f"/{room}-" in key]


def fetched(page: Page, wanted: listing.TicketRequest, **headers: str) -> Any:
    answer = page.ask("POST", paths.TICKETS, wanted.to_json())
    assert answer.status == 200, answer
    path = listing.Ticket.from_json(answer.body.decode()).path
    return page.ask("GET", path, Authorization="", **headers)


def of(page: Page) -> listing.TicketRequest:
    """What is asked for to have a guest's file."""
    return listing.TicketRequest(uid=page.take.label or "", take=page.take.id, part="part1")


def logged(folder: Path, what: str) -> list[dict[str, Any]]:
    lines = (folder / "log.txt").read_text().splitlines()
    return [said for said in map(json.loads, lines) if said["what"].startswith(what)]


def test_a_recording_goes_from_the_spool_into_the_bucket_and_is_had_from_there(
    host: Process, director: Page, room: str, folder: Path, s3: S3Server
) -> None:
    content, other = os.urandom(9_000_000), os.urandom(70_000)
    ada = sent(host, room, content)
    sent(host, room, other, "Benjamin")
    wait_for(lambda: is_moved(folder, room, 2), "both are in the bucket, and in no folder any more", 30)

    takes = director.listing()
    assert {one.state for one in takes} == {ArrivalState.COMPLETE}
    assert {one.bytes for one in takes} == {len(content), len(other)}
    name = next(one for one in takes if one.uid == "Ada").parts[0].name
    (key,) = [one for one in of_room(s3, room) if one.endswith(f"/{name}")]
    assert sha256(obstore.get(s3.store, key).bytes()).digest() == sha256(content).digest()

    whole = fetched(director, of(ada))
    assert whole.status == 200 and whole.headers["content-type"] == "video/webm"
    assert sha256(whole.body).digest() == sha256(content).digest()
    for start, end in [(0, 1), (8_388_607, 8_388_609), (5, 8_999_000), (8_999_999, 9_000_000)]:
        part = fetched(director, of(ada), Range=f"bytes={start}-{end - 1}", If_Range=whole.headers["etag"])
        assert (part.status, part.body == content[start:end]) == (206, True)

    packed = fetched(director, listing.TicketRequest(session=takes[0].session))
    with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
        assert archive.testzip() is None
        by_name = {Path(one).name: archive.read(one) for one in archive.namelist()}
    assert by_name[name] == content and other in by_name.values()
    lines = (line.split("  ") for line in by_name["SHA256SUMS"].decode().splitlines())
    sums = {name: sha256 for sha256, name in lines}
    assert sums[name] == sha256(content).hexdigest()
    beside = next((folder / "takes").glob(f"{room}-*/*/SHA256SUMS"))
    assert beside.read_bytes() == by_name["SHA256SUMS"]


def test_a_deleted_recording_is_deleted_in_the_bucket(
    host: Process, director: Page, room: str, folder: Path, s3: S3Server
) -> None:
    ada = sent(host, room, os.urandom(90_000))
    wait_for(lambda: is_moved(folder, room), "it is in the bucket")
    assert len(of_room(s3, room)) == 1

    assert director.ask("DELETE", f"{paths.take_path(ada.take.id)}?uid=Ada").status == 204
    wait_for(lambda: not of_room(s3, room), "nothing of it is in the bucket")
    assert not director.listing()
    wait_for(lambda: not records(folder, room)[0]["leftovers"], "it is noted that it is gone")


def test_an_object_that_is_gone_from_the_bucket_is_told_in_a_sentence(
    host: Process, director: Page, room: str, folder: Path, s3: S3Server
) -> None:
    ada = sent(host, room, os.urandom(50_000))
    wait_for(lambda: is_moved(folder, room), "it is in the bucket")
    (key,) = of_room(s3, room)
    obstore.delete(s3.store, key)

    for wanted in (of(ada), listing.TicketRequest(session=director.listing()[0].session)):
        answer = fetched(director, wanted)
        assert answer.status == 404 and answer.problem.kind is ProblemKind.UNKNOWN
        assert "does not hold Ada_" in answer.problem.detail and "deleted" in answer.problem.detail
    assert logged(folder, "The bucket does not hold a recording any more.")


def test_a_host_that_was_started_without_its_bucket_says_so(
    host: Process, director: Page, room: str, folder: Path
) -> None:
    ada = sent(host, room, os.urandom(50_000))
    wait_for(lambda: is_moved(folder, room), "it is in the bucket")
    without = keeper(folder)
    page = Page(without.port, director.token, room=room)
    try:
        answer = fetched(page, of(ada))
        assert answer.status == 503 and "a bucket that the host was not started with" in answer.problem.detail
    finally:
        page.close()
        without.end(signal.SIGKILL)


def test_while_the_bucket_is_away_everything_stays_in_the_spool_and_moves_once_it_is_back(
    host: Process, director: Page, room: str, folder: Path, s3: S3Server
) -> None:
    first, content = os.urandom(40_000), os.urandom(300_000)
    ada = sent(host, room, first)
    wait_for(lambda: is_moved(folder, room), "the first is in the bucket")
    s3.end()
    director.close()
    try:
        ben = sent(host, room, content, "Benjamin")
        wait_for(lambda: logged(folder, "Recordings stay in the spool"), "it is told in the log", 60)
        assert len(files(folder, room)) == 1
        assert fetched(director, of(ben)).body == content
        away = fetched(director, of(ada))
        assert (away.status, away.problem.retry_after_s) == (503, 30)
        assert "does not answer" in away.problem.detail and "Nothing of them is lost" in away.problem.detail
        figures = director.ask("GET", "metrics", Authorization="Bearer " + "t" * 32).body.decode()
        assert "rolltape_bucket_answers 0\n" in figures and "rolltape_bucket_waiting_files 1\n" in figures
        assert f"rolltape_bucket_waiting_bytes {len(content):g}\n" in figures
    finally:
        s3.start()
        director.close()
    wait_for(lambda: is_moved(folder, room, 2), "the second is in the bucket too", 60)
    assert fetched(director, of(ada)).body == first and fetched(director, of(ben)).body == content
    assert SECRET not in (folder / "log.txt").read_text()


def test_a_host_that_is_killed_while_it_moves_goes_on_and_nothing_is_lost(
    host: Process, director: Page, room: str, folder: Path, s3: S3Server
) -> None:
    contents = {name: os.urandom(8_500_000) for name in ("Ada", "Benjamin")}
    pages = []
    for name, content in contents.items():
        pages.append(sent(host, room, content, name))
        wait_for(lambda: len(keys(folder, room)) == len(pages), "it is being put")
        host.end(signal.SIGKILL)
        host.start()
        host.wait()
        director.close()
    wait_for(lambda: is_moved(folder, room, 2), "both are in the bucket", 60)
    for page in pages:
        assert fetched(director, of(page)).body == contents[page.take.label or ""]
    assert len(of_room(s3, room)) == 2


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TakesStore]:
    made = TakesStore(tmp_path / "takes", Quotas(free=0))
    yield made
    made.close()


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch, room: str) -> Bucket:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    return Bucket.open(f"s3://{BUCKET}/{room}")


async def moved(store: TakesStore, bucket: Bucket, is_done: Callable[[Waiting], bool]) -> list[Waiting]:
    """Move until it is done; what was told of it."""
    told: list[Waiting] = []
    done = asyncio.Event()

    def hear(waiting: Waiting) -> None:
        told.append(waiting)
        if is_done(waiting):
            done.set()

    mover = Mover(store.spool, bucket, hear, PACE)
    running = asyncio.create_task(mover.run())
    await asyncio.wait_for(done.wait(), 30)
    await mover.end()
    running.cancel()
    return told


@pytest.mark.parametrize("is_bent", [False, True], ids=["whole", "bent"])
def test_what_was_put_before_a_crash_is_compared_and_put_again_only_if_it_is_not_whole(
    store: TakesStore, bucket: Bucket, s3: S3Server, room: str, is_bent: bool
) -> None:
    content = os.urandom(30_000)
    Sender(store).send(content, 10_000)
    (errand,) = store.spool.errands()
    part = store.spool.intend(errand)
    assert errand.kind is ErrandKind.MOVE and part is not None
    before = bytes(len(content)) if is_bent else content

    async def go_on() -> None:
        await bucket.put(part.key, before, len(before))
        put = obstore.head(s3.store, f"{room}/{part.key}")["e_tag"], when()
        await moved(store, bucket, lambda waiting: not waiting.files)
        assert (put == (obstore.head(s3.store, f"{room}/{part.key}")["e_tag"], when())) is not is_bent
        assert b"".join([piece async for piece in bucket.read(part.key, 0, len(content))]) == content

    def when() -> object:
        return obstore.head(s3.store, f"{room}/{part.key}")["last_modified"]

    asyncio.run(go_on())
    assert not store.spool.errands()


def test_what_the_disk_has_bent_stays_in_the_spool_and_keeps_nothing_else(
    store: TakesStore, bucket: Bucket, tmp_path: Path
) -> None:
    Sender(store).send(os.urandom(5_000))
    (path,) = (tmp_path / "takes").glob("*/*/*.webm")
    with path.open("r+b") as file:
        file.write(b"bent")
    Sender(store, BEN, take("Ben", "1764381600000-00000001")).send(os.urandom(6_000))

    told = asyncio.run(moved(store, bucket, lambda waiting: waiting.files == 1))
    assert told[-1] == Waiting(1, 5_000)
    (errand,) = store.spool.errands()
    assert errand.kind is ErrandKind.MOVE and errand.bytes == 5_000 and path.exists()


def test_a_server_that_is_told_to_end_while_it_puts_leaves_nothing_in_the_bucket(
    store: TakesStore, bucket: Bucket, s3: S3Server, room: str
) -> None:
    Sender(store).send(os.urandom(30_000_000), 1 << 20)
    before = s3.unfinished()

    async def end_in_the_midst() -> None:
        mover = Mover(store.spool, bucket, lambda waiting: None, PACE)
        running = asyncio.create_task(mover.run())
        await asyncio.to_thread(wait_for, lambda: s3.unfinished() != before, "it is being put")
        await mover.end()
        assert not running.done()
        running.cancel()

    asyncio.run(end_in_the_midst())
    assert s3.unfinished() == before
    assert not [key for key in s3.listed() if key.startswith(room)]
    assert [errand.kind for errand in store.spool.errands()] == [ErrandKind.MOVE]


def test_wrong_credentials_and_a_wrong_bucket_are_a_sentence_at_the_start(
    s3: S3Server, tmp_path: Path
) -> None:
    for url, secret, sentence in [
        (f"s3://{BUCKET}", "a-wrong-secret", "refuses this host"),
        ("s3://key:a-wrong-secret@b", SECRET, "credentials are no part of it"),
    ]:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "rolltape", "serve", "--port", "0", "--takes", url),
                *("--takes-spool", str(tmp_path / "spool"), "--secret-file", str(tmp_path / "secret")),
            ],
            env=ENVIRONMENT | s3.environment(secret),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode in (1, 2) and sentence in done.stderr
        assert "a-wrong-secret" not in done.stderr and "Traceback" not in done.stderr


def test_a_bucket_that_can_be_used_passes_the_check_and_one_that_is_away_says_so(
    bucket: Bucket, s3: S3Server, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(bucket.check())
    assert not [key for key in s3.listed() if key.startswith(room)]

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(BucketTrouble, match="does not answer as it should") as told:
        asyncio.run(Bucket.open(URL).check())
    assert not told.value.is_lasting


def made_tracks(director: Page, session: str, of: Page) -> ListedTracks:
    """Ask for tracks; how they are listed once that is over."""
    wanted = TracksRequest(session, (TracksTake(of.take.label or "", of.take.id),))
    assert director.ask("POST", paths.TRACKS, wanted.to_json()).status == 200

    def over() -> ListedTracks | None:
        (tracks,) = listing.Listing.from_json(director.ask("GET", paths.TAKES).body.decode()).tracks
        return None if tracks.state in (TracksState.QUEUED, TracksState.MAKING) else tracks

    return wait_for(over, "it is over", 60)


def test_no_tracks_are_made_of_a_recording_that_is_gone_from_the_bucket_and_it_is_said(
    host: Process, director: Page, room: str, folder: Path, s3: S3Server
) -> None:
    ada = sent(host, room, os.urandom(5_000))
    wait_for(lambda: is_moved(folder, room), "it is in the bucket")
    obstore.put(s3.store, of_room(s3, room)[0], os.urandom(5_000))
    made = made_tracks(director, director.listing()[0].session, ada)

    assert made.state is TracksState.FAILED and not made.files
    assert any("does not hold Ada_" in sentence for sentence in made.said), made.said
    assert not list((folder / "takes").rglob("*.fetched")) and not files(folder, room)


def test_recordings_are_fetched_back_for_the_time_that_tracks_are_made_of_them(
    host: Process, director: Page, room: str, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "beeps.webm"
    matroska(path, beeps(5, 0, 1), lambda ms: ms)
    ada = sent(host, room, path.read_bytes(), size=900_000)
    wait_for(lambda: is_moved(folder, room), "it is in the bucket")
    session = director.listing()[0].session

    made = made_tracks(director, session, ada)
    assert made.state is TracksState.READY, made
    assert any(file.name.endswith(".wav") for file in made.files)
    wait_for(lambda: is_moved(folder, room), "the recording is in no folder any more")
