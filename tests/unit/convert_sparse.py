"""Converts a recording of some GiB that takes no room on the disk: `convert_sparse.py FOLDER GIB TARGET`.

It is a process of its own, so that the memory it says it took at most is its own. Each block begins with
its number; all else is a hole in the file.
"""

from __future__ import annotations

import asyncio
import json
import resource
import struct
import sys
from pathlib import Path

from rolltape.convert import Conversion, Target, plan
from rolltape.convert.cli import FileSource
from rolltape.media import ebml
from rolltape.media.ebml import UNKNOWN, Id

RATE, CHANNELS, BLOCK_MS = 48_000, 2, 3000
BLOCK_BYTES = RATE * CHANNELS * 4 * BLOCK_MS // 1000


def make(path: Path, gib: float) -> int:
    """A recording of 32-bit floats; the number of its blocks."""
    count = int(gib * (1 << 30)) // BLOCK_BYTES
    head = ebml.element(Id.EBML, ebml.element(Id.DOC_TYPE, b"matroska"))
    head += ebml.write_id(Id.SEGMENT) + ebml.write_size(UNKNOWN, 8)
    head += ebml.element(Id.INFO, ebml.element(Id.TIMESTAMP_SCALE, ebml.uint_payload(1_000_000)))
    audio = ebml.element(Id.SAMPLING_FREQUENCY, struct.pack(">f", RATE))
    audio += ebml.element(Id.CHANNELS, bytes([CHANNELS])) + ebml.element(Id.BIT_DEPTH, b"\x20")
    entry = ebml.element(Id.TRACK_NUMBER, b"\1") + ebml.element(Id.TRACK_TYPE, b"\2")
    entry += ebml.element(Id.CODEC_ID, b"A_PCM/FLOAT/IEEE") + ebml.element(Id.AUDIO, audio)
    with path.open("wb") as file:
        file.write(head + ebml.element(Id.TRACKS, ebml.element(Id.TRACK_ENTRY, entry)))
        for number in range(count):
            ticks = ebml.element(Id.TIMESTAMP, ebml.uint_payload(number * BLOCK_MS))
            block = ebml.write_id(Id.SIMPLE_BLOCK) + ebml.write_size(BLOCK_BYTES + 4, 8) + b"\x81\0\0\x80"
            size = len(ticks) + len(block) + BLOCK_BYTES
            file.write(ebml.write_id(Id.CLUSTER) + ebml.write_size(size, 8) + ticks + block)
            file.write(struct.pack("<II", number, 0x524F4C4C))
            file.seek(BLOCK_BYTES - 8, 1)
        file.truncate(file.tell())
    return count


class Checker:
    """An output that keeps the head, counts, and looks for the blocks' numbers where they should be."""

    def __init__(self, head: int) -> None:
        self.size = 0
        self.head = b""
        self.marks = 0
        self._data_at = head

    async def write(self, data: bytes) -> None:
        if len(self.head) < 200:
            self.head += data[:200]
        number = max(0, -(-(self.size - self._data_at) // BLOCK_BYTES))
        while (at := self._data_at + number * BLOCK_BYTES - self.size) + 8 <= len(data):
            self.marks += at >= 0 and struct.unpack_from("<II", data, at) == (number, 0x524F4C4C)
            number += 1
        self.size += len(data)


async def convert(path: Path, target: Target, head: int) -> Checker:
    """The output of a conversion."""
    source, checker = FileSource(path), Checker(head)
    conversion = Conversion(await plan([source], target))
    async for _ in conversion.run(checker):
        pass
    assert conversion.losses == []
    source.close()
    return checker


def main(folder: str, gib: str, target: str) -> None:
    """Make, convert, and tell."""
    path = Path(folder) / "sparse.mkv"
    blocks = make(path, float(gib))
    rf64 = blocks * BLOCK_BYTES > 0xFFFFFFFF - 60
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = asyncio.run(convert(path, Target(target), 12 + 36 * rf64 + 26 + 12 + 8))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {"blocks": blocks, "marks": done.marks, "size": done.size, "head": done.head.hex()}
    print(json.dumps(told | {"grown_kb": peak - before, "input": path.stat().st_size}))
    path.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
