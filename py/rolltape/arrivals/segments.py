"""The segments of a part: contiguous stretches of a file, each proven by its SHA-256, and a digest of all of them.

Page and server keep the same account of a part: how far it reaches, how many segments that is, and one digest over
all of them. Where the two accounts are equal, the two files are. The digest is a sum (modulo 2^256) over the
segments, so that putting one again costs as much as putting one more, however long the part is.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from rolltape.core.json_fields import Fields

__all__ = ["EMPTY", "Account", "Segment", "account_of", "content_digest", "read_content_digest", "segment_of"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CONTENT_DIGEST = re.compile(r"\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*")


@dataclass(frozen=True)
class Segment:
    """A stretch of a part's file."""

    at: int
    """Offset of its first byte in the file."""
    length: int
    """Bytes."""
    sha256: str
    """SHA-256 of its bytes, in base64 (RFC 4648 section 4), as `Content-Digest` has it."""

    @property
    def end(self) -> int:
        """Offset of the byte after its last."""
        return self.at + self.length

    @property
    def weight(self) -> int:
        """The number that it adds to the digest of a part: a hash over its place, its length and its hash."""
        return int.from_bytes(sha256(f"{self.at} {self.length} {self.sha256}\n".encode()).digest())


@dataclass(frozen=True)
class Account:
    """What is there of a part: segments from its first byte to `end`, without a hole."""

    end: int = 0
    count: int = 0
    digest: str = "0" * 64
    """64 hexadecimal digits: the sum of the segments' weights, modulo 2^256."""

    def appended(self, segment: Segment) -> Account:
        """Return the account with one more segment. Raises ValueError if it does not begin where the part ends."""
        if segment.at != self.end or segment.length < 1:
            raise ValueError("the segment does not begin where the part ends")
        return Account(segment.end, self.count + 1, _sum(self.digest, segment.weight))

    def replaced(self, before: Segment, segment: Segment) -> Account:
        """Return the account with other bytes in one segment. Raises ValueError if `segment` lies elsewhere.

        That `before` is one of its segments is the caller's word: an account holds their sum only.
        """
        if (before.at, before.length) != (segment.at, segment.length):
            raise ValueError("the segment is not the stretch that it is to replace")
        return Account(self.end, self.count, _sum(self.digest, segment.weight - before.weight))

    def to_plain(self) -> dict[str, object]:
        """Return it as JSON's own types, as both sides of the upload send it; `from_fields` reads it."""
        return {"end": self.end, "count": self.count, "digest": self.digest}

    @classmethod
    def from_fields(cls, found: Fields) -> Account:
        """Read what `to_plain` wrote. Raises ValueError."""
        digest = found.text("digest")
        if not _DIGEST.fullmatch(digest):
            raise ValueError("digest is not 64 hexadecimal digits")
        return cls(found.whole("end"), found.whole("count"), digest)


EMPTY = Account()
"""The account of a part of which nothing is there."""


def account_of(segments: Iterable[Segment]) -> Account:
    """Return the account of these segments, in order from the first byte. Raises ValueError where there is a hole."""
    account = EMPTY
    for segment in segments:
        account = account.appended(segment)
    return account


def segment_of(at: int, content: bytes) -> Segment:
    """Return the segment that these bytes are at this offset.

    >>> segment_of(0, b"abc").sha256
    'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='
    """
    return Segment(at, len(content), b64encode(sha256(content).digest()).decode())


def content_digest(segment: Segment) -> str:
    """Write the field `Content-Digest` of the request that puts this segment (RFC 9530 section 2).

    >>> content_digest(segment_of(0, b"abc"))
    'sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:'
    """
    return f"sha-256=:{segment.sha256}:"


def read_content_digest(field: str) -> str:
    """Return the SHA-256 in a `Content-Digest`, in base64. Raises ValueError where there is none.

    >>> read_content_digest("md5=:AAAA:, sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:")
    'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='
    """
    for member in field.split(","):
        match = _CONTENT_DIGEST.fullmatch(member)
        if match and _is_exact(match[1]):
            return match[1]
    raise ValueError("there is no SHA-256 in Content-Digest")


def _is_exact(text: str) -> bool:
    """True if the text is the one way to write its bytes, so that equal digests are equal texts."""
    try:
        return b64encode(b64decode(text, validate=True)).decode() == text
    except BadBase64:
        return False


def _sum(digest: str, weight: int) -> str:
    return f"{(int(digest, 16) + weight) % 2**256:064x}"
