"""A host makes the tracks that its director asks for: of real recordings, whatever is killed, deleted or refused."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import pytest

from rolltape.arrivals import listing, paths
from rolltape.arrivals.problem import ProblemKind
from rolltape.arrivals.tracks import ListedTracks, TracksRequest, TracksState, TracksTake
from rolltape.core.json_fields import Fields
from rolltape.recording.take import Part
from rolltape.room.messages import Role
from server.processes import ENVIRONMENT, Process
from server.takes_page import Answer, Page, keeper, token
from takes_of_guests import ADA, take
from unit.synthetic_session import RATE, beeps, matroska, silent_opus
from waiting import wait_for

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def beeping(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Five seconds of a recording."""
    path = tmp_path_factory.mktemp("recording") / "beeps.webm"
    matroska(path, beeps(5, 0, 1), lambda ms: ms)
    return path.read_bytes()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A quarter of an hour of silence, as Opus: small, and some seconds of work."""
    path = tmp_path_factory.mktemp("recording") / "long.webm"
    silent_opus(path, 900)
    return path.read_bytes()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Process]:
    """A host of this test's own, with one worker."""
    process = keeper(tmp_path, track_workers=1, track_lease_s=1)
    yield process
    process.end(signal.SIGKILL)


class Scene:
    """Guests and a director of one host."""

    def __init__(self, host: Process, room: str = ADA.room) -> None:
        self.host, self.room = host, room

    def guest(self, name: str, content: bytes, minutes: float = 0, seconds: float = 5) -> listing.ArrivedTake:
        """Sends a recording that began so many minutes after the others; how it is listed."""
        id = f"{1764381600000 + round(minutes * 60_000)}-0000000{len(name)}"
        of = take(name, id, minutes=minutes)
        of = replace(of, parts=(Part(1, "part1", len(content), round(seconds * 1000)),))
        page = Page(self.host.port, token(name, room=self.room), of, room=self.room)
        page.send(content, 900_000)
        page.close()
        return next(one for one in self.list().takes if one.take == id and one.uid == name)

    def ask(self, method: str, path: str, body: str | None = None, **whose: Any) -> Answer:
        role, uid = whose.pop("role", Role.DIRECTOR), whose.pop("uid", "dora")
        page = Page(self.host.port, token(uid, role, **{"room": self.room} | whose))
        answer = page.ask(method, path, body)
        page.close()
        return answer

    def list(self) -> listing.Listing:
        return listing.Listing.from_json(self.ask("GET", paths.TAKES).body.decode())

    def tracks(self) -> ListedTracks:
        (found,) = self.list().tracks
        return found

    def make(self, *takes: listing.ArrivedTake) -> ListedTracks:
        answer = self.ask("POST", paths.TRACKS, wanted(*takes).to_json())
        assert answer.status == 200, answer
        return ListedTracks.from_fields(Fields.from_json(answer.body.decode()))

    def made(self) -> ListedTracks:
        wait_for(lambda: self.tracks().state in (TracksState.READY, TracksState.FAILED), "it is over", 30)
        return self.tracks()

    def fetch(self, **request: str) -> bytes:
        given = self.ask("POST", paths.TICKETS, listing.TicketRequest(**request).to_json())
        assert given.status == 200, given
        return self.ask("GET", listing.Ticket.from_json(given.body.decode()).path).body


def wanted(*takes: listing.ArrivedTake) -> TracksRequest:
    return TracksRequest(takes[0].session, tuple(TracksTake(one.uid, one.take) for one in takes))


def lying(tmp_path: Path) -> list[str]:
    """The names of all that lies in folders of tracks."""
    return sorted(path.name for path in (tmp_path / "takes").glob("*/*/tracks/*"))


def children() -> list[str]:
    """Processes that make tracks, by their command lines."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [str(path)] if b"rolltape.tracks." in path.read_bytes() else []
        except OSError:
            continue
    return found


def test_tracks_of_two_guests_can_be_fetched_alone_and_with_all_else(
    host: Process, beeping: bytes, tmp_path: Path
) -> None:
    scene = Scene(host)
    takes = [scene.guest("Ada", beeping), scene.guest("Grace", beeping, minutes=0.05)]
    left_out = scene.guest("Mallory", beeping)
    assert scene.list().makes_tracks and scene.list().tracks == ()
    assert scene.make(*takes).state in (TracksState.QUEUED, TracksState.MAKING)

    made = scene.made()
    assert (made.state, made.said) == (TracksState.READY, ())
    names = [one.name for one in made.files]
    assert names == [
        *("Ada.wav", "Grace.wav", "report.json", "mix.wav"),
        *("tracks.otio", "tracks.fcpxml", "tracks.rpp", "report.html"),
    ]
    assert lying(tmp_path) == sorted(names)

    session, sound = takes[0].session, scene.fetch(session=takes[0].session, track="Grace.wav")
    assert sha256(sound).hexdigest() == made.files[1].sha256
    with av.open(io.BytesIO(sound), "r") as container:
        assert container.duration == 8_000_000
        samples = array("i")
        for frame in container.decode(audio=0):
            samples.frombytes(bytes(frame.planes[0])[: frame.samples * 4])
    assert not any(samples[: 3 * RATE - 100]) and any(samples[3 * RATE :]), "she came three seconds later"
    fetched = {one.uid for one in scene.list().takes if one.fetched_ms is not None}
    assert fetched == {"Ada", "Grace"}, f"{left_out.uid} can still withdraw hers"
    with zipfile.ZipFile(io.BytesIO(scene.fetch(session=session))) as archive:
        assert archive.testzip() is None
        held = {name.partition("/")[2] for name in archive.namelist()}
    assert {f"tracks/{name}" for name in names} < held
    for name in names:
        if not name.endswith(".wav"):
            assert str(tmp_path) not in scene.fetch(session=session, track=name).decode(), "where it lies"
    assert all(one.fetched_ms is not None for one in scene.list().takes), (
        "no guest withdraws what was fetched"
    )


def test_what_the_directors_page_knows_of_clocks_is_in_the_tracks_and_the_session_file(
    host: Process, beeping: bytes, tmp_path: Path
) -> None:
    scene = Scene(host)
    ada = scene.guest("Ada", beeping)
    clock = {
        "browser": "Chromium 156",
        "tracks": [{"part": 1, "began_ms": 0, "encoder": "audio/webm;codecs=pcm"}],
        "readings": [[at, at + 20, 1764381600010 + at * (1 + 40e-6)] for at in range(0, 5000, 250)],
        "marks": [],
    }
    request = TracksRequest(ada.session, (TracksTake(ada.uid, ada.take, clock),))
    assert scene.ask("POST", paths.TRACKS, request.to_json()).status == 200

    assert scene.made().state is TracksState.READY
    (file,) = json.loads(scene.fetch(session=ada.session, track="report.json"))["tracks"][0]["files"]
    assert file["to_room"]["readings"] == 20
    (session,) = (tmp_path / "takes").glob("*/*/studio_session.json")
    assert json.loads(session.read_text())["takes"][0]["clock"]["browser"] == "Chromium 156"


def test_nobody_but_a_director_of_the_room_has_anything_to_say(host: Process, beeping: bytes) -> None:
    scene = Scene(host)
    ada = scene.guest("Ada", beeping)
    body = wanted(ada).to_json()

    for method, path in (("POST", paths.TRACKS), ("DELETE", paths.tracks_path(ada.session))):
        for role in (Role.GUEST,):
            refused = scene.ask(method, path, body if method == "POST" else None, role=role, uid="Ada")
            assert refused.problem.kind is ProblemKind.FORBIDDEN
        other = scene.ask(method, path, body if method == "POST" else None, key_id="another director's")
        assert other.problem.kind is ProblemKind.UNKNOWN
        bare = Page(host.port, "")
        assert bare.ask(method, path, body).problem.kind is ProblemKind.TOKEN
        bare.close()
    guests = listing.Listing.from_json(
        scene.ask("GET", paths.TAKES, role=Role.GUEST, uid="Ada").body.decode()
    )
    assert (len(guests.takes), guests.makes_tracks, guests.tracks) == (1, False, ())

    scene.make(ada)
    scene.made()
    request = listing.TicketRequest(session=ada.session, track="Ada.wav").to_json()
    refused = scene.ask("POST", paths.TICKETS, request, role=Role.GUEST, uid="Ada")
    assert refused.problem.kind is ProblemKind.FORBIDDEN
    for name in ("../Ada.wav", "nobody.wav", ".Ada.wav.1.partial"):
        request = listing.TicketRequest(session=ada.session, track=name).to_json()
        assert scene.ask("POST", paths.TICKETS, request).problem.kind is ProblemKind.UNKNOWN


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{", ProblemKind.BAD_REQUEST),
        ('{"session":"s","takes":[]}', ProblemKind.BAD_REQUEST),
        ('{"session":"s","takes":[{"uid":"Ada","take":"../../etc"}]}', ProblemKind.BAD_REQUEST),
        ('{"session":"SESSION","takes":[{"uid":"Ada","take":"TAKE","clock":{"readings":7}}]}', "bad"),
        ('{"session":"another","takes":[{"uid":"Ada","take":"TAKE"}]}', ProblemKind.UNKNOWN),
        ('{"session":"SESSION","takes":[{"uid":"Ben","take":"TAKE"}]}', ProblemKind.UNKNOWN),
        (" " * ((1 << 20) + 1), ProblemKind.TOO_LARGE),
    ],
)
def test_what_is_no_request_is_refused_with_a_sentence(
    shared: Process, kept: listing.ArrivedTake, body: str, kind: str
) -> None:
    body = body.replace("SESSION", kept.session).replace("TAKE", kept.take)
    problem = Scene(shared).ask("POST", paths.TRACKS, body).problem
    assert problem.kind.startswith(kind) and problem.detail.endswith(".")
    assert Scene(shared).list().tracks == ()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A host whose workers are elsewhere, and there are none yet."""
    process = keeper(tmp_path_factory.mktemp("shared"), track_workers=0)
    yield process
    process.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def kept(shared: Process, tmp_path_factory: pytest.TempPathFactory) -> listing.ArrivedTake:
    folder = tmp_path_factory.getbasetemp() / "shared0" / "takes" / ".tracks"
    (folder / "elsewhere.worker").touch()
    return Scene(shared).guest("Ada", b"no recording at all")


def test_where_nobody_makes_tracks_that_is_said(tmp_path: Path, beeping: bytes) -> None:
    host = keeper(tmp_path, track_workers=0)
    scene = Scene(host)
    ada = scene.guest("Ada", beeping)
    assert not scene.list().makes_tracks
    refused = scene.ask("POST", paths.TRACKS, wanted(ada).to_json()).problem
    assert refused.kind is ProblemKind.SERVER and "tell who runs it" in refused.detail

    worker = subprocess.Popen(
        [sys.executable, "-m", "rolltape", "track-worker", str(tmp_path / "takes"), "--track-workers", "1"],
        env=ENVIRONMENT,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: scene.list().makes_tracks, "a worker is there", 20)
    scene.make(ada)
    assert scene.made().state is TracksState.READY
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert not scene.list().makes_tracks
    host.end(signal.SIGKILL)


def test_a_take_that_is_damaged_is_told_and_the_others_go_on(host: Process, beeping: bytes) -> None:
    scene = Scene(host)
    takes = [scene.guest("Ada", beeping), scene.guest("Grace", os.urandom(5000))]
    scene.make(*takes)
    made = scene.made()
    assert made.state is TracksState.READY and made.files[0].name == "Ada.wav"
    assert len(made.said) == 1 and "There is silence in its place." in made.said[0]


def test_of_takes_that_are_all_damaged_nothing_is_made_and_it_is_said(host: Process) -> None:
    scene = Scene(host)
    scene.make(scene.guest("Ada", os.urandom(5000)))
    made = scene.made()
    assert (made.state, made.files) == (TracksState.FAILED, ())
    assert (
        made.said[-1]
        == "None of the session's recordings in the session's folder has sound that can be read."
    )


def test_what_is_cancelled_ends_within_a_second_and_leaves_nothing_half_done(
    host: Process, long: bytes, tmp_path: Path
) -> None:
    scene = Scene(host)
    ada = scene.guest("Ada", long, seconds=900)
    scene.make(ada)
    wait_for(lambda: any(name.startswith(".") for name in lying(tmp_path)), "it writes", 20)

    assert scene.ask("DELETE", paths.tracks_path(ada.session)).status == 204
    told = time.monotonic()
    wait_for(lambda: lying(tmp_path) == [], "what was half done is gone", 5)
    assert time.monotonic() - told < 1.5, "with how long a machine under load takes to see it"
    assert scene.tracks().state is TracksState.NONE
    scene.make(ada)
    wait_for(lambda: scene.tracks().state is TracksState.MAKING, "it is made again", 10)


def test_recordings_that_are_deleted_take_their_tracks_along_also_while_they_are_made(
    host: Process, long: bytes, beeping: bytes, tmp_path: Path
) -> None:
    scene = Scene(host)
    takes = [scene.guest("Ada", beeping, seconds=5), scene.guest("Grace", long, seconds=900)]
    scene.make(*takes)
    wait_for(lambda: "Ada.wav" in lying(tmp_path), "hers is there", 20)

    assert scene.ask("DELETE", paths.take_path(takes[0].take, "Ada")).status == 204
    assert lying(tmp_path) == [] and scene.list().tracks == ()
    host.end(signal.SIGTERM)
    assert lying(tmp_path) == []


def test_a_host_that_is_killed_leaves_no_process_and_goes_on_when_it_is_back(
    host: Process, long: bytes, beeping: bytes, tmp_path: Path
) -> None:
    before = children()
    scene = Scene(host)
    scene.make(scene.guest("Ada", beeping, seconds=5), scene.guest("Grace", long, seconds=900))
    wait_for(lambda: any(name.startswith(".Grace") for name in lying(tmp_path)), "it writes", 20)

    host.end(signal.SIGKILL)
    wait_for(lambda: set(children()) <= set(before), "its process ends by itself", 10)
    assert "Grace.wav" not in lying(tmp_path)
    host.start()
    host.wait()

    wait_for(lambda: scene.tracks().state is TracksState.MAKING, "another takes it up", 15)
    wait_for(lambda: "Grace.wav" in lying(tmp_path), "it is whole", 60)
    names = lying(tmp_path)
    assert [one for one in names if one.startswith(".Grace")] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("disks cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_fills_up_meanwhile_is_said_and_what_is_listed_is_whole(
    small_disk: Path, beeping: bytes
) -> None:
    host = keeper(small_disk, track_workers=1)
    scene = Scene(host)
    takes = [scene.guest("Ada", beeping), scene.guest("Grace", beeping, minutes=0.05)]
    scene.make(*takes)
    made = scene.made()
    assert any("No space left on device" in sentence for sentence in made.said)
    assert [one.name for one in made.files][:2] == ["Ada.wav", "Grace.wav"]
    for file in made.files:
        content = scene.fetch(session=takes[0].session, track=file.name)
        assert sha256(content).hexdigest() == file.sha256
    assert "mix.wav" not in lying(small_disk)
    assert [name for name in lying(small_disk) if name.startswith(".")] == []
    host.end(signal.SIGKILL)


def test_a_disk_that_is_nearly_full_is_said(tmp_path: Path, beeping: bytes) -> None:
    host = keeper(tmp_path)
    ada = Scene(host).guest("Ada", beeping)
    host.end(signal.SIGTERM)
    full = keeper(tmp_path, track_workers=1, quotas={"free": 10**18})
    scene = Scene(full)
    scene.make(ada)
    made = scene.made()
    assert made.state is TracksState.FAILED and "too full" in made.said[-1]
    full.end(signal.SIGKILL)
