"""A guest's or director's page that sends takes over HTTP, and a server that keeps them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rolltape.arrivals import listing, paths, problem, wire
from rolltape.arrivals.segments import EMPTY, Account, account_of, content_digest, segment_of
from rolltape.recording.take import Take
from rolltape.recording.take_log import plain_take
from rolltape.room.messages import Role
from rolltape.server.tokens import Tokens, UploadClaims
from server.processes import Process
from takes_of_guests import ADA, TYPE, over, segments, take

SECRET = b"s" * 40


def token(uid: str = ADA.uid, role: Role = Role.GUEST, room: str = ADA.room, key_id: str = ADA.key_id) -> str:
    """A token as the test's server signs them."""
    return Tokens(SECRET).upload(UploadClaims(room, key_id, role, uid))


def keeper(folder: Path, environment: Mapping[str, str] | None = None, **options: object) -> Process:
    """A server that keeps takes in a folder, once it answers."""
    process = Process(folder / "log.txt", environment, takes=str(folder / "takes"), **options)
    process.wait()
    return process


@dataclass(frozen=True)
class Answer:
    """What the server says."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def problem(self) -> problem.Problem:
        assert self.headers["content-type"] == problem.PROBLEM_TYPE, self.body
        return problem.Problem.from_json(self.body.decode())


@dataclass
class Page:
    """Asks the server, over one connection."""

    port: int
    token: str = field(default_factory=token)
    take: Take = field(default_factory=take)
    part: str = "part1"
    account: Account = EMPTY
    room: str = ADA.room
    connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
        """One request; its connection is kept."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named.setdefault("Authorization", f"Bearer {self.token}")
        try:
            self.connection.request(method, f"/{path}", body, named)
            answer = self.connection.getresponse()
            return Answer(
                answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
            )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def announce(self, end: int | None = None) -> Answer:
        told = wire.Announcement(TYPE, plain_take(self.take), end)
        return self.ask("PUT", paths.part_path(self.take.id, self.part), told.to_json())

    def put(self, at: int, content: bytes) -> Answer:
        digest = content_digest(segment_of(at, content))
        return self.ask(
            "PUT", paths.segment_path(self.take.id, self.part, at), content, Content_Digest=digest
        )

    def complete(self, account: Account | None = None, clock: Mapping[str, object] | None = None) -> Answer:
        told = wire.Completion(account or self.account, plain_take(over(self.take)), clock)
        return self.ask("POST", paths.complete_path(self.take.id, self.part), told.to_json())

    def send(self, content: bytes, size: int = 1000) -> wire.Held:
        """All of it, from the announcement to the end."""
        assert self.announce().status == 200
        pieces = segments(content, size)
        for segment, piece in pieces:
            answer = self.put(segment.at, piece)
            assert answer.status == 204, answer
        answer = self.complete(account_of(segment for segment, _ in pieces))
        assert answer.status == 200, answer
        return wire.Held.from_json(answer.body.decode())

    def listing(self) -> tuple[listing.ArrivedTake, ...]:
        return listing.Listing.from_json(self.ask("GET", paths.TAKES).body.decode()).takes

    def json(self, method: str, path: str, body: object) -> tuple[int, Any]:
        answer = self.ask(method, path, json.dumps(body))
        return answer.status, json.loads(answer.body)
