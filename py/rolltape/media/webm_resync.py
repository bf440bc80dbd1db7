"""Where reading can go on in bytes that made no sense: at a Cluster, at a block of the same Cluster, or where a
skipped element said that it ends.

One four-byte id is proof enough of a Cluster. A block's head is short, so a place counts as one only if another
block, a Cluster, or whatever may stand behind a block follows it: by chance that happens once in 10^10 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rolltape.media import ebml
from rolltape.media.ebml import INVALID, TRUNCATED, Id

MAX_FOUND: Final = 4 << 20
"""No block larger than this is looked for; so much may have to be held until it is certain."""
SHORT: Final = 1 << 16
"""An element that is no longer is held until it is seen what follows it."""
REACH: Final = 32
"""So many bytes show what begins at a place."""

IN_SEGMENT: Final = frozenset(
    {Id.SEEK_HEAD, Id.INFO, Id.TRACKS, Id.CUES, Id.TAGS, Id.CHAPTERS, Id.ATTACHMENTS, Id.VOID, Id.CRC_32}
)
ENDS_CLUSTER: Final = (IN_SEGMENT | {Id.CLUSTER, Id.EBML, Id.SEGMENT}) - {Id.VOID, Id.CRC_32}
"""What cannot stand within a Cluster."""

BLOCKS: Final = frozenset({Id.SIMPLE_BLOCK, Id.BLOCK_GROUP})

_SIZE: Final = (
    rb"(?:[\x80-\xfe]|[\x40-\x7f].|[\x20-\x3f].{2}|[\x10-\x1f].{3}|[\x08-\x0f].{4}"
    rb"|[\x04-\x07].{5}|[\x02-\x03].{6}|\x01.{7})"
)
_CLUSTER: Final = rb"\x1f(?=\x43\xb6\x75)"
_TRACKS: Final = rb"\x16(?=\x54\xae\x6b)"


class Search:
    """Looks for where a file's clusters, and the blocks of its tracks, go on."""

    def __init__(self, tracks: Iterable[int]) -> None:
        numbers = b"".join(re.escape(bytes([0x80 | number])) for number in tracks if 0 < number < 127)
        self._track = rb"[%s]..[\x00-\x0f\x80-\x8f]" % numbers if numbers else rb"(?!)"
        self._knows_tracks = bool(numbers)

    # Compiled when something made no sense: most files need none of them.

    @cached_property
    def _block(self) -> re.Pattern[bytes]:
        simple = rb"\xa3(?=%s%s)" % (_SIZE, self._track)
        group = rb"\xa0(?=%s\xa1%s%s)" % (_SIZE, _SIZE, self._track)
        return re.compile(rb"%s|%s" % (simple, group), re.DOTALL)

    @cached_property
    def _any(self) -> re.Pattern[bytes]:
        return re.compile(rb"%s|%s" % (_CLUSTER, self._block.pattern), re.DOTALL)

    @cached_property
    def _clusters(self) -> re.Pattern[bytes]:
        return re.compile(_CLUSTER if self._knows_tracks else rb"%s|%s" % (_CLUSTER, _TRACKS))

    def find(self, data: bytes, at: int, blocks: bool, claim: int | None, ended: bool) -> Found:
        """Return the first place from `at` on, before `claim`, where reading can go on; `blocks` also at a block.

        Both are offsets in `data`, `claim` perhaps beyond it: the end of an element that was not understood.
        `ended` says that there are no more bytes. What is found depends on the file's bytes alone, not on how
        many of them are there yet.
        """
        limit = max(at, len(data) - REACH + 1)
        stop = len(data) if claim is None else min(len(data), claim)
        waiting: int | None = None
        for match in (self._any if blocks else self._clusters).finditer(data, at):
            place = match.start()
            if place >= stop:
                break
            verdict = self._verdict(data, place, ended)
            if verdict:
                return Found(place, True, ebml.read_id(data, place)[0] in BLOCKS)
            if verdict is None and waiting is None:
                waiting = place
        if claim is not None and (claim <= len(data) or ended):
            verdict = self.follows(data, claim, ended) if waiting is None else None
            if verdict is not None:
                return Found(claim, verdict, False, claimed=True)
            limit = max(at, min(limit, claim))
        return Found(limit if waiting is None else waiting, None, False)

    def follows(self, data: bytes, at: int, ended: bool) -> bool | None:
        """Tell whether something begins here that may follow a block, or the file ends; None: it needs more bytes."""
        for _ in range(4):
            ident, size, body = ebml.read_header(data, at)
            if ident == TRUNCATED:
                return _is_torn(data, at) if ended else None
            if ident in ENDS_CLUSTER:
                return True
            if ident in BLOCKS:
                if self._block.match(data, at):
                    return True
                if at + REACH <= len(data):
                    return False
                return _is_torn(data, at) if ended else None
            if ident == INVALID or not 0 <= size <= (MAX_FOUND if ident == Id.VOID else SHORT):
                return False
            at = body + size
        return False

    def _verdict(self, data: bytes, at: int, ended: bool) -> bool | None:
        """Whether reading can go on here; None: more bytes are needed."""
        ident, size, body = ebml.read_header(data, at)
        if ident in (TRUNCATED, INVALID):
            return None if ident == TRUNCATED else False
        if ident == Id.CLUSTER:
            return True
        return self.follows(data, body + size, ended) if 4 <= size <= MAX_FOUND else False


def _is_torn(data: bytes, at: int) -> bool:
    """True if the file ends here, or a few bytes into a block or a Cluster."""
    return at == len(data) or (at < len(data) and data[at : at + 1] in (b"\xa3", b"\xa0", b"\x1f"))


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    at: int
    """Where reading can go on, or, where that is not known yet, from where on the bytes are needed again."""
    certain: bool | None
    """None: not known yet. False: only of a claim, which is refuted."""
    block: bool
    """It is a block that was found."""
    claimed: bool = False
    """It is where the element in question said that it ends."""
