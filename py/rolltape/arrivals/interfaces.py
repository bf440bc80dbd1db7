"""What a sender needs of its surroundings: the journal's files, and requests to the host.

`browser/journal.py` and `browser/upload_host.py` implement them, `tests/fake_host.py` in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rolltape.arrivals.problem import Problem
from rolltape.core.errors import RolltapeError

__all__ = ["NOT_THE_HOST", "Files", "Host", "HostAnswer", "NotTheHost", "Piece"]


NOT_THE_HOST = (
    "Something else than the host has answered: this network may want you to sign in. What is not sent yet is kept "
    "here, and goes on by itself."
)

_Body = TypeVar("_Body")


class NotTheHost(RolltapeError):
    """What answered is not the host, though it says that all is well: a network's page to sign in, say."""


@dataclass(frozen=True)
class HostAnswer:
    """What came back of a request to the host, or that nothing did."""

    status: int
    """The HTTP status; 0: no answer came."""
    text: str = ""
    """The body."""
    retry_after_s: float | None = None
    """Seconds in `Retry-After`; None without it."""
    took_ms: float = 0.0
    """From the moment at which the request was made until its answer began, in milliseconds."""

    @property
    def is_good(self) -> bool:
        """True if it was done: the status is one of 2xx (RFC 9110 section 15.3)."""
        return 200 <= self.status < 300

    @property
    def problem(self) -> Problem | None:
        """What the host says is wrong; None if nothing is, or if not the host answered but a proxy, say."""
        try:
            return Problem.from_json(self.text)
        except ValueError:
            return None

    def read(self, reader: Callable[[str], _Body]) -> _Body:
        """Read the body of an answer that is good. Raises NotTheHost where `reader` raises ValueError."""
        try:
            return reader(self.text)
        except ValueError as error:
            raise NotTheHost(NOT_THE_HOST, str(error)) from None


class Piece(Protocol):
    """Bytes of a file, held wherever reading has put them; used for one request."""

    @property
    def size(self) -> int:
        """Count of bytes."""


class Files(Protocol):
    """The journal's files, by their paths in it."""

    async def read(self, path: str, at: int, length: int) -> Piece:
        """Read `length` bytes from offset `at`, fewer where the file ends before. Raises RolltapeError."""

    async def append_text(self, path: str, text: str) -> None:
        """Add text at a file's end, which is made if it is not there. Raises SinkError."""


class Host(Protocol):
    """Requests to the host. Nothing is raised for what goes wrong on the way: that is an `HostAnswer`."""

    async def ask(self, method: str, path: str, token: str, body: str = "") -> HostAnswer:
        """Send a JSON text to a path of `arrivals/paths.py`, or nothing."""

    async def put(self, path: str, token: str, piece: Piece, wait_ms: float) -> tuple[HostAnswer, str]:
        """Wait, then send bytes with their `Content-Digest`; the answer, and their SHA-256 in base64.

        The piece is used up. Without an answer the host may have the bytes all the same.
        """

    async def sha256(self, piece: Piece) -> str:
        """Return the SHA-256 of a piece in base64, and use the piece up; empty where it could not be computed."""
