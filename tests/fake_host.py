"""A host that keeps takes in memory, by the rules of `arrivals`, and goes wrong as lines and hosts do."""

from __future__ import annotations

import asyncio
import random
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from rolltape.arrivals.interfaces import HostAnswer
from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.problem import Problem, ProblemKind
from rolltape.arrivals.segments import Segment, account_of, segment_of
from rolltape.arrivals.wire import Announcement, Completion, Held, Segments


@dataclass
class Bytes:
    """Bytes that are read."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass
class HeldPart:
    """One part at the host."""

    segments: list[Segment] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    state: ArrivalState = ArrivalState.OPEN


SLOW_S = 60.0
"""For so long a host that is `slow` says nothing."""


class FakeHost:
    """Answers at once; `trouble` says for each request what goes wrong with it."""

    def __init__(self, trouble: Callable[[], str] = lambda: "") -> None:
        self.parts: dict[str, HeldPart] = {}
        self.trouble = trouble
        self.requests: list[str] = []
        self.put_bytes = 0
        self.refusal: Problem | None = None
        self.waits_ms: list[float] = []

    async def ask(self, method: str, path: str, token: str, body: str = "") -> HostAnswer:
        return await self._with_trouble(method, path, lambda: self._do(method, path, body))

    async def put(self, path: str, token: str, piece: object, wait_ms: float) -> tuple[HostAnswer, str]:
        assert isinstance(piece, Bytes)
        self.waits_ms.append(wait_ms)
        self.put_bytes += piece.size
        data = piece.data
        return (
            await self._with_trouble("PUT", path, lambda: self._segment(path, data)),
            b64encode(sha256(data).digest()).decode(),
        )

    async def sha256(self, piece: object) -> str:
        assert isinstance(piece, Bytes)
        return b64encode(sha256(piece.data).digest()).decode()

    async def _with_trouble(self, method: str, path: str, do: Callable[[], HostAnswer]) -> HostAnswer:
        self.requests.append(f"{method} {path}")
        await asyncio.sleep(0)
        if self.refusal is not None:
            return problem(self.refusal)
        what = self.trouble()
        if what == "slow":
            await asyncio.sleep(SLOW_S)
        if what == "lost":
            return HostAnswer(0)
        if what == "later":
            return problem(Problem(ProblemKind.SERVER, 503, "The host is busy."))
        if what == "proxy":
            return HostAnswer(502, "<html>")
        if what == "portal":  # a network that wants somebody to sign in answers for everybody
            return HostAnswer(200, "<html>")
        if what == "bent" and method == "PUT":
            return problem(Problem(ProblemKind.DIGEST, 400, "Bent on the way."))
        answer = do()
        return HostAnswer(0) if what == "swallowed" else answer

    def _do(self, method: str, path: str, body: str) -> HostAnswer:
        _, _, take, part, *rest = path.split("?")[0].split("/") + [""]
        if method == "DELETE":
            for name in [name for name in self.parts if name.startswith(take)]:
                del self.parts[name]
            return HostAnswer(204)
        name = f"{take}/{part}"
        if method == "PUT":
            held = self.parts.setdefault(name, HeldPart())
            end = Announcement.from_json(body).end
            if end is not None:
                held.segments = [one for one in held.segments if one.end <= end]
                del held.data[end:]
            return self._held(held)
        if name not in self.parts:
            return problem(Problem(ProblemKind.UNKNOWN, 404, "It is not here."))
        held = self.parts[name]
        if rest[0] == "segments":
            return HostAnswer(200, Segments(tuple(held.segments)).to_json())
        assert rest[0] == "complete"
        wanted = Completion.from_json(body).account
        mine = account_of(held.segments)
        if wanted != mine:
            return problem(Problem(ProblemKind.DIFFERENT, 409, "It is another.", account=mine))
        bent = [one for one in held.segments if segment_of(one.at, bytes(held.data[one.at : one.end])) != one]
        if bent:
            missing = tuple((one.at, one.length) for one in bent)
            return problem(Problem(ProblemKind.DIFFERENT, 409, "Bent on the disk.", missing=missing))
        held.state = ArrivalState.COMPLETE
        return self._held(held)

    def _segment(self, path: str, data: bytes) -> HostAnswer:
        _, _, take, part, at_text = path.split("/")
        held, at = self.parts.get(f"{take}/{part}"), int(at_text)
        if held is None:
            return problem(Problem(ProblemKind.UNKNOWN, 404, "It is not here."))
        if held.state is not ArrivalState.OPEN:
            return problem(Problem(ProblemKind.COMPLETE, 409, "It is complete."))
        new = segment_of(at, data)
        for place, one in enumerate(held.segments):
            if (one.at, one.length) == (at, len(data)):
                held.segments[place] = new
                break
        else:
            if at != len(held.data):
                mine = account_of(held.segments)
                return problem(Problem(ProblemKind.PLACE, 409, "It fits nowhere.", account=mine))
            held.segments.append(new)
        held.data[at : at + len(data)] = data
        return HostAnswer(204)

    @staticmethod
    def _held(held: HeldPart) -> HostAnswer:
        return HostAnswer(200, Held(account_of(held.segments), held.state).to_json())


async def without_clock() -> None:
    """What a take's page noted of clocks: nothing."""


def problem(what: Problem) -> HostAnswer:
    return HostAnswer(what.status, what.to_json(), what.retry_after_s)


def troubles(seed: int, share: float) -> Callable[[], str]:
    """One request of so many goes wrong, in any way."""
    dice = random.Random(seed)
    kinds = ("lost", "later", "proxy", "bent", "swallowed")
    return lambda: dice.choice(kinds) if dice.random() < share else ""
