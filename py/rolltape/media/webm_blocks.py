"""Reads a run of plain SimpleBlocks in one go: nearly all of a recording, and all of its cost.

Whatever is not quite plain is left to the reader's steps, which give the same events one by one.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from rolltape.media.webm_events import Block, Cluster, Event

SIMPLE_BLOCK: Final = 0xA3
_LACED: Final = 0x06


def read_run(
    data: bytes, at: int, base: int, cluster: Cluster, tracks: Container[int], events: list[Event]
) -> int:
    """Tell the whole SimpleBlocks that follow one another from `at` on; where the first other thing begins.

    `base` is the offset of `data` in the file. A block must have a size of 1 to 4 bytes, a track's number of
    one byte, and lie within the cluster and the data (RFC 9559, sections 5.1.3.4 and 10.2).
    """
    ticks = cluster.ticks
    if ticks is None:
        return at
    start = base - cluster.field.body
    limit = len(data) if cluster.end is None else min(len(data), cluster.end - base)
    while at + 6 < limit and data[at] == SIMPLE_BLOCK:
        first = data[at + 1]
        if first & 0x80:
            size, body = first & 0x7F, at + 2
        elif first & 0x40:
            size, body = (first & 0x3F) << 8 | data[at + 2], at + 3
        elif first & 0x20:
            size, body = (first & 0x1F) << 16 | data[at + 2] << 8 | data[at + 3], at + 4
        elif first & 0x10:
            size, body = int.from_bytes(data[at + 1 : at + 5], "big") & 0xFFFFFFF, at + 5
        else:
            return at
        after = body + size
        if after > limit or size < 4:
            return at
        number = data[body] & 0x7F
        if data[body] < 0x81 or number not in tracks:
            return at
        flags = data[body + 3]
        time = ticks + (data[body + 1] ^ 0x80) * 256 + data[body + 2] - 0x8000
        peek = b"" if flags & _LACED else data[body + 4 : body + 6 if size > 5 else after]
        events.append(Block(cluster, start + at, base + after, number, time, size - 4, peek, flags >= 0x80))
        at = after
    return at
