"""Takes as guests' pages tell of them, and a page that sends one: what tests of the host need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from rolltape.arrivals.segments import EMPTY, Account, Segment, account_of, segment_of
from rolltape.arrivals.wire import Announcement, Completion, Held
from rolltape.core.naming import take_name
from rolltape.recording.take import Part, ShelfState, Take, TakeState
from rolltape.recording.take_log import plain_take
from rolltape.server.takes_record import Owner
from rolltape.server.takes_store import TakesStore

TYPE = "video/webm;codecs=vp9,opus"
ADA = Owner("studio", "key-of-the-director", "ada-uid")
BEN = Owner("studio", "key-of-the-director", "ben-uid")


def take(label: str = "Ada", id: str = "1764381600000-0a1b2c3d", parts: int = 1, minutes: float = 0) -> Take:
    """A take of two seconds a part that began so many minutes after 2025-11-29, two in the morning."""
    began = 1764381600000 + round(minutes * 60_000)
    made = Take(id, 1, "", began, 60, label, "Studio", mime_type=TYPE, state=TakeState.RECORDING)
    for number in range(1, parts + 1):
        made = made.with_part(Part(number, f"part{number}", 1, 2000, started_ms=2000 * (number - 1)))
    return replace(made, name=take_name(label, "Studio", made.started_at, 1))


def over(take: Take) -> Take:
    """The take at its end."""
    parts = tuple(replace(part, state=ShelfState.FINISHED) for part in take.parts)
    return replace(take, state=TakeState.FINISHED, parts=parts)


def segments(content: bytes, size: int) -> list[tuple[Segment, bytes]]:
    """A file in pieces of this size; the first, as its header, is of 100 bytes."""
    cuts = sorted({0, min(100, len(content)), *range(100 + size, len(content), size), len(content)})
    return [(segment_of(start, content[start:end]), content[start:end]) for start, end in pairwise(cuts)]


class Sender:
    """A guest's page that sends one part to a store, in its own process."""

    def __init__(
        self, store: TakesStore, owner: Owner = ADA, of: Take | None = None, part: str = "part1"
    ) -> None:
        self.store, self.owner, self.take, self.part = store, owner, of or take(), part
        self.account: Account = EMPTY

    def announce(self, end: int | None = None) -> Held:
        return self.store.announce(
            self.owner, self.take.id, self.part, Announcement(TYPE, plain_take(self.take), end)
        )

    def put(self, at: int, content: bytes) -> Account:
        digest = segment_of(at, content).sha256
        self.account = self.store.put(self.owner, self.take.id, self.part, at, content, digest)
        return self.account

    def complete(self, account: Account | None = None) -> Held:
        told = Completion(account or self.account, plain_take(over(self.take)))
        return self.store.complete(self.owner, self.take.id, self.part, told)

    def send(self, content: bytes, size: int = 1000, between: Callable[[], None] = lambda: None) -> Held:
        """All of it, from the announcement to the end."""
        self.announce()
        pieces = segments(content, size)
        for segment, piece in pieces:
            self.put(segment.at, piece)
            between()
        return self.complete(account_of(segment for segment, _ in pieces))
