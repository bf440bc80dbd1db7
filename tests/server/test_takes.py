"""Takes over HTTP to a server of its own: what arrives is what was sent, and what is refused says why."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from rolltape.arrivals import listing, paths, problem, wire
from rolltape.arrivals.segments import EMPTY, account_of, content_digest, segment_of
from rolltape.recording.take_log import plain_take
from rolltape.room.messages import Role
from rolltape.server.ownership import Claim
from rolltape.server.tokens import Invitation, SessionClaims, Tokens, UploadClaims
from server.processes import Process
from server.takes_page import SECRET, Page, keeper, token
from takes_of_guests import ADA, TYPE, segments, take
from waiting import wait_for

CONTENT = bytes(range(256)) * 300
Kind = problem.ProblemKind
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    process = keeper(tmp_path_factory.mktemp("takes"), takes_limits={"idle_s": 1.0})
    yield process
    process.process.kill()
    process.process.wait(10)


@pytest.fixture
def visit(server: Process, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Opens pages of a room that no other test has."""
    made: list[Page] = []

    def opened(
        uid: str = ADA.uid, role: Role = Role.GUEST, room: str = request.node.name, port: int = server.port
    ) -> Page:
        made.append(Page(port, token(uid, role, room), take("Ada" if uid == ADA.uid else uid)))
        return made[-1]

    yield opened
    for one in made:
        one.close()


@pytest.fixture
def page(visit: Visit) -> Page:
    """A guest's page."""
    return visit()


def test_a_take_arrives_and_is_listed_for_its_guest_and_the_director(visit: Visit, page: Page) -> None:
    held = page.send(CONTENT)

    assert held.sha256 == sha256(CONTENT).hexdigest()
    assert held.state is listing.ArrivalState.COMPLETE
    director = visit("dora", Role.DIRECTOR)
    other = visit("ben")
    for who in (page, director):
        (listed,) = who.listing()
        assert (listed.uid, listed.label, listed.bytes) == ("ada-uid", "Ada", len(CONTENT))
        assert [part.name for part in listed.parts] == [held.name]
    assert other.listing() == ()


def test_a_page_that_has_lost_an_answer_finds_out_what_arrived(page: Page) -> None:
    page.announce()
    pieces = segments(CONTENT, 1000)
    for segment, piece in pieces[:5]:
        page.put(segment.at, piece)

    held = wire.Held.from_json(page.announce().body.decode())
    assert held.account == account_of(segment for segment, _ in pieces[:5])
    answer = page.ask("GET", paths.segments_path(page.take.id, page.part, 3))
    found = wire.Segments.from_json(answer.body.decode())
    assert (found.segments, found.following) == (tuple(segment for segment, _ in pieces[3:5]), None)


def test_a_segment_as_large_as_one_may_be(page: Page) -> None:
    page.announce()

    assert page.put(0, b"x" * wire.MAX_SEGMENT).status == 204
    answer = page.put(wire.MAX_SEGMENT, b"x" * (wire.MAX_SEGMENT + 1))
    assert (answer.status, answer.problem.kind) == (413, Kind.TOO_LARGE)
    page.close()
    assert page.put(wire.MAX_SEGMENT, b"x").status == 204


def test_what_a_page_may_not_have_is_refused_with_a_sentence(page: Page) -> None:
    page.announce()
    page.put(0, b"x" * 100)
    part = paths.part_path(page.take.id, page.part)
    digest = content_digest(segment_of(100, b"y"))
    cases = [
        (page.put(50, b"y"), 409, Kind.PLACE),
        (page.ask("PUT", f"{part}/100", b"z", Content_Digest=digest), 400, Kind.DIGEST),
        (page.ask("PUT", f"{part}/100", b"y"), 400, Kind.BAD_REQUEST),
        (page.ask("PUT", f"{part}/100", b"", Content_Digest=digest), 400, Kind.BAD_REQUEST),
        (page.ask("PUT", f"{part}/-1", b"y", Content_Digest=digest), 400, Kind.BAD_REQUEST),
        (page.ask("PUT", f"{part}/{'9' * 30}", b"y", Content_Digest=digest), 400, Kind.BAD_REQUEST),
        (
            page.ask("PUT", f"{part}/100", b"y", Content_Digest=digest, Content_Encoding="gzip"),
            415,
            Kind.ENCODED,
        ),
        (page.ask("PUT", part, "{}"), 400, Kind.BAD_REQUEST),
        (page.ask("PUT", part, b"\xff"), 400, Kind.BAD_REQUEST),
        (page.complete(EMPTY), 409, Kind.DIFFERENT),
        (page.ask("GET", paths.segments_path(page.take.id, "part2")), 404, Kind.UNKNOWN),
    ]
    for answer, status, kind in cases:
        assert (answer.status, answer.problem.kind) == (status, kind)
        assert answer.problem.status == status and answer.problem.detail.endswith(".")
        assert answer.headers["cache-control"] == "no-store"
    assert wire.Held.from_json(page.announce().body.decode()).account.end == 100


def test_who_has_no_token_of_this_kind_is_told_to_join_again(page: Page) -> None:
    tokens, claim = Tokens(SECRET), Claim("key", 1)
    late = Tokens(SECRET, lambda: time.time() - 31 * 24 * 3600)
    upload = UploadClaims("studio", "key", Role.GUEST, "ada")
    for shown in (
        "",
        "x.y.z",
        tokens.session(SessionClaims("studio", Role.GUEST, "ada", claim=claim)),
        tokens.invitation(Invitation("studio", claim)),
        Tokens(b"o" * 40).upload(upload),
        late.upload(upload),
        tokens.upload(upload)[:-2],
    ):
        page.token = shown
        for answer in (page.announce(), page.put(0, b"x"), page.ask("GET", paths.TAKES)):
            assert (answer.status, answer.problem.kind) == (401, Kind.TOKEN)


def test_a_guest_may_do_nothing_with_what_is_anothers(visit: Visit, page: Page) -> None:
    page.send(CONTENT)
    ben = visit("ben")

    assert ben.put(len(CONTENT), b"more").problem.kind is Kind.UNKNOWN
    assert ben.ask("DELETE", paths.take_path(page.take.id)).problem.kind is Kind.UNKNOWN
    answer = ben.ask("DELETE", paths.take_path(page.take.id, ADA.uid))
    assert (answer.status, answer.problem.kind) == (403, Kind.FORBIDDEN)
    stranger = visit("dora", Role.DIRECTOR, "another room")
    assert stranger.ask("DELETE", paths.take_path(page.take.id, ADA.uid)).status == 404
    assert len(page.listing()) == 1
    director = visit("dora", Role.DIRECTOR)
    assert director.ask("DELETE", paths.take_path(page.take.id, ADA.uid)).status == 204
    assert page.listing() == ()
    assert page.announce().problem.kind is Kind.DELETED


def test_a_page_of_another_site_may_not_send(page: Page) -> None:
    answer = page.ask("GET", paths.TAKES, Origin="https://evil.example")

    assert (answer.status, answer.problem.kind) == (403, Kind.FORBIDDEN)


def test_a_body_that_stands_still_is_not_waited_for(page: Page, server: Process) -> None:
    page.announce()
    with socket.create_connection(("127.0.0.1", server.port), 10) as line:
        line.sendall(head(page, 100, 50) + b"x" * 10)
        assert line.recv(1000).startswith(b"HTTP/1.1 408")
    assert wire.Held.from_json(page.announce().body.decode()).account == EMPTY


def test_a_body_that_ends_early_leaves_nothing_behind(page: Page, server: Process) -> None:
    page.announce()
    with socket.create_connection(("127.0.0.1", server.port), 10) as line:
        line.sendall(head(page, 100, 50) + b"x" * 10)

    assert page.put(0, b"y" * 20).status == 204
    assert page.put(20, b"y" * 20).status == 204


def test_a_body_without_a_length_is_refused(page: Page, server: Process) -> None:
    page.announce()
    with socket.create_connection(("127.0.0.1", server.port), 10) as line:
        line.sendall(head(page, None, 50) + b"Transfer-Encoding: chunked\r\n\r\n")
        assert line.recv(1000).startswith(b"HTTP/1.1 411")


def head(page: Page, length: int | None, of: int) -> bytes:
    """The head of a request that puts a segment; without its end, if no length is told."""
    digest = content_digest(segment_of(0, b"x" * of))
    lines = [
        f"PUT /{paths.segment_path(page.take.id, page.part, 0)} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {page.token}",
        f"Content-Digest: {digest}",
    ]
    told = "" if length is None else f"Content-Length: {length}\r\n\r\n"
    return ("\r\n".join(lines) + "\r\n" + told).encode()


def test_a_page_has_only_two_requests_at_once(page: Page, server: Process) -> None:
    page.announce()
    lines = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(3)]
    for line in lines:
        line.sendall(head(page, 100, 50) + b"x")

    (told, *_), _, _ = select.select(lines, [], [], 10)
    said = told.recv(2000).lower()
    assert said.startswith(b"http/1.1 429") and b"retry-after: 1" in said
    for line in lines:
        line.close()
    wait_for(lambda: page.put(0, b"y").status == 204, "it goes on")


def test_who_announces_without_end_is_told_to_wait(page: Page) -> None:
    path = paths.part_path(page.take.id, page.part)
    answers = [page.ask("PUT", path, "{}") for _ in range(300)]

    assert answers[0].status == 400
    late = [answer for answer in answers if answer.status == 429]
    assert late and late[0].problem.kind is Kind.RATE and late[0].problem.retry_after_s


def test_a_full_disk_is_told_before_a_byte_is_read(visit: Visit, tmp_path: Path) -> None:
    process = keeper(tmp_path, quotas={"free": 2**60})
    try:
        page = visit(port=process.port)
        answer = page.announce()
        assert (answer.status, answer.problem.kind) == (507, Kind.FULL)
        with socket.create_connection(("127.0.0.1", process.port), 10) as line:
            line.sendall(head(page, 100, 100))
            said = line.recv(2000)
        assert said.startswith(b"HTTP/1.1 507") and b"retry-after: 60" in said.lower()
    finally:
        process.process.kill()
        process.process.wait(10)


def test_ids_that_lead_elsewhere_lead_nowhere(page: Page) -> None:
    page.announce()
    told = wire.Announcement(TYPE, plain_take(page.take)).to_json()
    good = page.take.id
    for path in (
        "api/takes/../part1",
        "api/takes/%2e%2e/part1",
        "api/takes/..%2f..%2fetc/part1",
        f"api/takes/{good}/%2e%2e",
        f"api/takes/{good}/part1%00",
        f"api/takes/{good}%00/part1",
        f"api/takes/{good}/part0",
        f"api/takes/{good}/take.json",
        f"api/takes/{'1' * 10_000}/part1",
        f"api/takes/{good.upper()}x/part1",
    ):
        assert page.ask("PUT", path, told).status in (400, 404, 405), path
    assert len(page.listing()) == 1


def test_a_server_without_takes_has_no_such_addresses(visit: Visit, tmp_path: Path) -> None:
    process = Process(tmp_path / "log.txt")
    process.wait()
    try:
        page = visit(port=process.port)
        assert {page.announce().status, page.ask("GET", paths.TAKES).status} == {404}
    finally:
        process.process.kill()
        process.process.wait(10)


def test_a_completion_that_takes_long_is_told_to_be_under_way(visit: Visit, tmp_path: Path) -> None:
    process = keeper(tmp_path, takes_limits={"proving_s": 0.0})
    try:
        page = visit(port=process.port)
        page.announce()
        pieces = segments(CONTENT, 5000)
        for segment, piece in pieces:
            page.put(segment.at, piece)
        page.account = account_of(segment for segment, _ in pieces)
        first = page.complete()
        assert first.status == 202
        held = wire.Held.from_json(first.body.decode())
        assert (held.state, held.account) == (listing.ArrivalState.PROVING, page.account)
        wait_for(lambda: page.complete().status == 200, "it is proven")
        assert page.listing()[0].state is listing.ArrivalState.COMPLETE
    finally:
        process.process.kill()
        process.process.wait(10)


def test_two_servers_of_one_folder_serve_one_take(visit: Visit, tmp_path: Path) -> None:
    first, second = keeper(tmp_path), keeper(tmp_path)
    try:
        pages = [visit(port=one.port) for one in (first, second)]
        pages[0].announce()
        pieces = segments(CONTENT, 5000)
        for number, (segment, piece) in enumerate(pieces):
            assert pages[number % 2].put(segment.at, piece).status == 204
        whole = account_of(segment for segment, _ in pieces)
        assert pages[1].complete(whole).status == 200
        assert pages[0].complete(whole).status == 200
        assert pages[0].listing() == pages[1].listing()
    finally:
        for one in (first, second):
            one.process.kill()
            one.process.wait(10)


def test_a_take_of_another_page_with_the_same_id_is_another_take(visit: Visit, page: Page) -> None:
    page.send(CONTENT)
    ben = visit("ben")
    held = ben.send(CONTENT[:50_000])

    director = visit("dora", Role.DIRECTOR)
    assert {(one.uid, one.bytes) for one in director.listing()} == {(ADA.uid, len(CONTENT)), ("ben", 50_000)}
    assert held.name.startswith("ben")


def test_a_director_has_finished_what_arrived_of_a_guest_who_is_gone(visit: Visit, tmp_path: Path) -> None:
    process = keeper(tmp_path)
    try:
        page, director = visit(port=process.port), visit("dora", Role.DIRECTOR, port=process.port)
        page.announce()
        page.put(0, CONTENT)
        path = paths.finish_path(page.take.id, ADA.uid)
        assert page.ask("POST", path).status == 403
        assert director.ask("POST", path).problem.detail.startswith("This recording is still arriving")
        for part in tmp_path.rglob("*.part"):
            os.utime(part, (0, 0))

        answer = director.ask("POST", path)
        assert answer.status == 200
        (found,) = listing.Listing.from_json(answer.body.decode()).takes
        assert found.state is listing.ArrivalState.CUT and found.parts[0].problem
        assert director.listing() == (found,)
        assert director.ask("POST", paths.finish_path("1764381600000-ffffffff", ADA.uid)).status == 404
    finally:
        process.process.kill()
        process.process.wait(10)
