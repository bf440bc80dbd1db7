"""Recovery of damaged journals never keeps fewer whole packets than ffmpeg or mkvmerge find in the damage.

A packet is whole if it is, by its hash, one of the undamaged recording. 40 journals in every run; `make
fuzz-recovery` tries 10 000 (ROLLTAPE_RECOVERY_FUZZ says how many).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import md5
from pathlib import Path
from typing import TypeAlias

import pytest

from rolltape.media import ebml
from rolltape.media.ebml import Id
from rolltape.media.webm import Index, WebmError, WebmStream, finish
from rolltape.media.webm_header import header_length
from rolltape.media.webm_packets import PacketReader
from unit.media_files import BROWSER_FILES, WRITING_APP, apply, chunked, finished, recording

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("ROLLTAPE_RECOVERY_FUZZ", "40"))
FIRST = int(os.environ.get("ROLLTAPE_RECOVERY_FUZZ_FIRST", "0"))
"""The seed to begin with."""

Packets: TypeAlias = Counter[str]
"""How many there are of each, by their hash."""


@cache
def journal(name: str) -> bytes:
    """What lies in the journal while a take is made: sizes of the clusters that are over are written."""
    stream = WebmStream(WRITING_APP)
    file = bytearray()
    for chunk in chunked(recording(name), 3000):
        file += stream.feed(chunk)
        for patch in stream.patches():
            file[patch.offset : patch.offset + len(patch.data)] = patch.data
    return bytes(file)


def damaged(seed: int) -> tuple[str, bytes]:
    """A recording, and what power, disks and programs made of its journal; each seed gives the same."""
    dice = random.Random(seed)
    name = dice.choice(BROWSER_FILES)
    data = bytearray(finished(name) if dice.random() < 0.3 else journal(name))
    start = header_length(bytes(data)) or 0
    for _ in range(dice.choice((1, 1, 1, 2, 3, 5))):
        low = 0 if dice.random() < 0.1 else start
        if len(data) <= low:
            break  # nothing is left of it to damage
        at = dice.randrange(low, len(data))
        length = min(dice.choice((1, 2, 4, 16, 16, 64, 700, 4096)), len(data) - at)
        match dice.randrange(9):
            case 0 | 1:
                data[at : at + length] = bytes(length)
            case 2 | 3:
                data[at : at + length] = dice.randbytes(length)
            case 4:
                del data[at : at + length]
            case 5:
                data[at] ^= 1 << dice.randrange(8)
            case 6:
                strange = dice.choice((b"\x4f\xff", b"\x8e", b"\x2f\xff\xff", b"\x1f\x11\x11\x11"))
                at = dice.choice(places(bytes(data[:at]), start))
                data[at:at] = strange + ebml.write_size(length) + dice.randbytes(length)
            case 7:
                del data[max(at, start) :]
            case _:
                data += bytes(length)
    return name, bytes(data)


def places(data: bytes, start: int) -> list[int]:
    """Where a Cluster begins; and the first one's place, whatever stands there."""
    marks = [at for at in range(start, len(data)) if data.startswith(ebml.write_id(Id.CLUSTER), at)]
    return marks or [start]


def recovered(data: bytes) -> tuple[bytes, int]:
    """The file after recovery, and where it was cut; as it was, where it cannot be read."""
    index = Index()
    try:
        for piece in chunked(data, 1 << 20):
            index.feed(piece)
    except WebmError:
        return data, len(data)
    ending = finish(index)
    return apply(data, ending), len(data) if ending.truncate_to is None else ending.truncate_to


def of_ours(data: bytes) -> Packets:
    """The packets that our own reader, and so the converter, finds."""
    reader = PacketReader()
    packets = [*reader.packets(data), *(one for block in reader.rest() for one in reader.unpack(block))]
    return Counter(md5(packet.payload).hexdigest() for packet in packets)


def of_ffmpeg(path: Path) -> Packets:
    """The packets that ffmpeg copies."""
    command = (
        f"ffmpeg -v quiet -err_detect ignore_err -i {path} -map 0 -c copy -copyinkf -f framehash -hash md5 -"
    )
    lines = subprocess.run(command.split(), capture_output=True, text=True, timeout=60).stdout.splitlines()
    return Counter(line.split(",")[-1].strip() for line in lines if not line.startswith("#"))


def of_mkvmerge(path: Path) -> Packets:
    """The packets that mkvmerge copies."""
    copy = path.with_suffix(".copy")
    subprocess.run(["mkvmerge", "-q", "-o", copy, path], capture_output=True, timeout=60)
    found = of_ours(copy.read_bytes()) if copy.exists() else Counter()
    copy.unlink(missing_ok=True)
    return found


@cache
def whole(name: str) -> Packets:
    """The packets of a recording that is not damaged."""
    return of_ours(recording(name))


def fewer(seed: int, folder: Path) -> str:
    """What recovery of this journal lost; nothing, if it is well."""
    name, data = damaged(seed)
    before, after, cut_off = (folder / f"{seed}-{part}" for part in ("before", "after", "cut"))
    saved, cut = recovered(data)
    before.write_bytes(data)
    after.write_bytes(saved)
    ours, told = of_ours(saved), []
    for what, judge in (("ffmpeg", of_ffmpeg), ("mkvmerge", of_mkvmerge)):
        theirs = judge(before) & whole(name)
        for where, kept in ((f"{what} reads in the result", judge(after)), ("we read", ours)):
            if what in where and "pcm" in name and what == "mkvmerge":
                continue  # it puts samples together anew, in packets of another length
            if lost := theirs - kept:
                told.append(
                    f"{lost.total()} of {theirs.total()} that {what} keeps are not among what {where}"
                )
    if cut < len(data) and not saved.startswith(data[: header_length(journal(name))]):
        cut_off.write_bytes(journal(name)[: header_length(journal(name))] + data[cut:])
        if found := of_ffmpeg(cut_off) & whole(name):
            told.append(f"{found.total()} were cut off")
    for path in (before, after, cut_off):
        path.unlink(missing_ok=True)
    return f"seed {seed}: {'; '.join(told)}" if told else ""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "emscripten", reason="needs other programs as judges")
def test_recovery_keeps_all_that_ffmpeg_or_mkvmerge_would_and_cuts_only_what_nobody_can_read(
    tmp_path: Path,
) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        told = [
            one for one in pool.map(lambda seed: fewer(seed, tmp_path), range(FIRST, FIRST + COUNT)) if one
        ]

    assert told == []
