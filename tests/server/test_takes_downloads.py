"""What a director downloads: one file, or everything as one zip, whole or from any byte on."""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from rolltape.arrivals import listing, paths, problem
from rolltape.arrivals.segments import account_of, segment_of
from rolltape.core.clock import Reading
from rolltape.recording.clock_log import ClockLog
from rolltape.room.messages import Role
from rolltape.server.takes_record import Owner
from server.processes import Process
from server.takes_page import Answer, Page, keeper, token
from takes_of_guests import ADA, take

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Process]:
    process = keeper(folder)
    yield process
    process.process.kill()
    process.process.wait(10)


@pytest.fixture
def visit(server: Process, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Opens pages of a room that no other test has."""
    made: list[Page] = []

    def opened(uid: str = ADA.uid, role: Role = Role.GUEST, number: int = 0) -> Page:
        of = take("Zoë" if uid == ADA.uid else uid, f"1764381600000-0000000{number}")
        made.append(Page(server.port, token(uid, role, request.node.name), of, room=request.node.name))
        return made[-1]

    yield opened
    for one in made:
        one.close()


def ticket(page: Page, wanted: listing.TicketRequest) -> listing.Ticket:
    answer = page.ask("POST", paths.TICKETS, wanted.to_json())
    assert answer.status == 200, answer
    return listing.Ticket.from_json(answer.body.decode())


def fetch(page: Page, path: str, method: str = "GET", **headers: str) -> Answer:
    """As a browser asks for a link: without a token."""
    return page.ask(method, path, Authorization="", **headers)


def test_a_director_downloads_what_the_guest_has(visit: Visit) -> None:
    content = os.urandom(3_000_000)
    held = visit().send(content, 500_000)
    director = visit("dora", Role.DIRECTOR)
    given = ticket(
        director, listing.TicketRequest(uid=ADA.uid, take=take(id="1764381600000-00000000").id, part="part1")
    )

    answer = fetch(director, given.path)
    assert (answer.status, answer.body) == (200, content)
    assert given.size == len(content) and given.name == held.name
    headers = answer.headers
    assert headers["content-type"] == "video/webm"
    assert headers["etag"] == f'"{sha256(content).hexdigest()}"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-disposition"].startswith('attachment; filename="Zo__')
    assert "filename*=UTF-8''Zo%C3%AB_" in headers["content-disposition"]
    for start, end in [
        (0, 1),
        (0, 3_000_000),
        (1_048_575, 1_048_577),
        (2_999_999, 3_000_000),
        (5, 2_500_000),
    ]:
        part = fetch(director, given.path, Range=f"bytes={start}-{end - 1}", If_Range=headers["etag"])
        assert (part.status, part.body) == (206 if end - start < 3_000_000 else 200, content[start:end])
    assert fetch(director, given.path, Range="bytes=-7").body == content[-7:]
    assert fetch(director, given.path, Range="bytes=0-1", If_Range='"other"').body == content
    beyond = fetch(director, given.path, Range="bytes=3000000-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, "bytes */3000000")
    head = fetch(director, given.path, "HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, "3000000", b"")


def test_everything_comes_as_one_zip_that_may_break_off_anywhere_while_more_arrives(visit: Visit) -> None:
    contents = {"Zoë": os.urandom(1_000_000), "ben": os.urandom(700_000)}
    sums = {visit().send(contents["Zoë"], 300_000).name: contents["Zoë"]}
    sums[visit("ben").send(contents["ben"], 300_000).name] = contents["ben"]
    director = visit("dora", Role.DIRECTOR)
    (session,) = {one.session for one in director.listing()}
    given = ticket(director, listing.TicketRequest(session=session))

    tag, got = fetch(director, given.path, "HEAD").headers["etag"], b""
    cuts = sorted(random.Random(17).sample(range(1, given.size), 20))
    for start, end in zip([0, *cuts], [*cuts, given.size], strict=True):
        if start == cuts[10]:
            visit("late", number=7).send(b"x" * 1000)
        answer = fetch(director, given.path, Range=f"bytes={start}-{end - 1}", If_Range=tag)
        assert answer.status == 206
        got += answer.body
    assert fetch(director, given.path).body == got
    with zipfile.ZipFile(io.BytesIO(got)) as archive:
        assert archive.testzip() is None
        named = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert {name: named[name] for name in sums} == sums
    assert named["SHA256SUMS"].decode() == "".join(
        f"{sha256(content).hexdigest()}  {name}\n" for name, content in sorted(sums.items())
    )
    assert sorted(named) == sorted([*sums, "SHA256SUMS", *(name for name in named if "_session." in name)])
    assert len(named) == 5
    assert len(director.listing()) == 3
    again = ticket(director, listing.TicketRequest(session=session))
    assert again.size > given.size


def test_what_the_guests_page_noted_of_clocks_is_in_the_zips_session_file(visit: Visit) -> None:
    readings = tuple(Reading(at, at + 8, 1764381600000 + at * 1.00002) for at in range(0, 60_000, 5000))
    clock = ClockLog("Chromium 156", readings=readings).to_plain()
    page = visit()
    assert page.announce().status == 200
    page.put(0, b"a whole file")
    account = account_of([segment_of(0, b"a whole file")])

    refused = page.complete(account, {**clock, "readings": [["soon", 1, 2]]})
    assert refused.status == 400
    assert page.complete(account, clock).status == 200

    director = visit("dora", Role.DIRECTOR)
    (session,) = {one.session for one in director.listing()}
    given = ticket(director, listing.TicketRequest(session=session))
    with zipfile.ZipFile(io.BytesIO(fetch(director, given.path).body)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("_session.json")]
        (told,) = json.loads(archive.read(name))["takes"]
    assert told["clock"]["to_room"]["ppm"] == pytest.approx(20, abs=1)
    assert told["clock"]["readings"][0] == [0, 8, 1764381600000]


def test_a_take_of_several_files_is_one_zip_of_these(visit: Visit) -> None:
    contents = {"part1": os.urandom(5000), "part2": os.urandom(7000)}
    named = {}
    for part, content in contents.items():
        page = visit()
        page.part = part
        named[page.send(content).name] = content
    visit("ben").send(b"another guest's")
    given = ticket(visit("dora", Role.DIRECTOR), listing.TicketRequest(uid=ADA.uid, take=page.take.id))

    assert given.name.endswith("_take1.zip")
    with zipfile.ZipFile(io.BytesIO(fetch(page, given.path).body)) as archive:
        held = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert {name: held[name] for name in named} == named
    assert [name for name in held if name.startswith("ben")] == []
    own = ticket(page, listing.TicketRequest(take=page.take.id))
    assert fetch(page, own.path).status == 200


def test_a_guest_downloads_what_is_theirs_and_nothing_else(visit: Visit) -> None:
    page, ben = visit(), visit("ben")
    page.send(b"content")
    (listed,) = page.listing()
    own = listing.TicketRequest(take=listed.take, part="part1")

    assert fetch(page, ticket(page, own).path).body == b"content"
    for wanted, status in (
        (own, 404),
        (listing.TicketRequest(uid=ADA.uid, take=listed.take, part="part1"), 403),
        (listing.TicketRequest(session=listed.session), 403),
    ):
        assert ben.ask("POST", paths.TICKETS, wanted.to_json()).status == status
    assert ben.ask("POST", paths.TICKETS, "{}").status == 400


def test_what_a_director_has_fetched_is_not_withdrawn(visit: Visit) -> None:
    page, director = visit(), visit("dora", Role.DIRECTOR)
    page.send(b"content")
    (listed,) = director.listing()
    wanted = listing.TicketRequest(uid=ADA.uid, take=listed.take, part="part1")
    own = ticket(page, wanted)
    given = ticket(director, wanted)
    fetch(page, own.path)
    fetch(director, given.path, "HEAD")
    assert director.listing()[0].fetched_ms is None
    fetch(director, given.path)

    assert director.listing()[0].fetched_ms is not None
    assert page.ask("DELETE", paths.take_path(listed.take)).problem.kind is problem.ProblemKind.FETCHED
    assert director.ask("DELETE", paths.take_path(listed.take, ADA.uid)).status == 204
    assert fetch(director, given.path).status == 404


def test_a_ticket_opens_one_thing_and_nothing_opens_it_but_a_ticket(visit: Visit) -> None:
    page = visit()
    page.send(b"content")

    for shown in ("x.y.z", page.token, "%2e%2e", "x" * 3000):
        answer = fetch(page, f"api/files/{shown}/x.webm")
        assert answer.status in (403, 404)
    assert fetch(page, f"api/files/{page.token}/x.webm").problem.detail.startswith("This link has run out")
    still_open = visit("ben")
    still_open.announce()
    wanted = listing.TicketRequest(take=still_open.take.id, part="part1")
    assert still_open.ask("POST", paths.TICKETS, wanted.to_json()).status == 404


@pytest.mark.parametrize("what", ["a link", "another size", "gone"])
def test_a_file_that_somebody_changed_in_the_folder_is_not_sent(
    visit: Visit, folder: Path, tmp_path: Path, what: str
) -> None:
    page = visit()
    held = page.send(b"content")
    (listed,) = page.listing()
    given = ticket(page, listing.TicketRequest(take=listed.take, part="part1"))
    secret = tmp_path / "secret"
    secret.write_bytes(b"secrets")
    owner = Owner(page.room, ADA.key_id, ADA.uid)
    path = folder / "takes" / owner.room_folder / listed.session / held.name
    path.unlink()
    if what == "a link":
        path.symlink_to(secret)
    elif what == "another size":
        path.write_bytes(b"other content")

    answer = fetch(page, given.path)
    assert answer.status in (404, 503) and answer.problem.detail
