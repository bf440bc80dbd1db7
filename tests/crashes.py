"""What a crashed browser process leaves behind: Crashpad's dumps, and what they say of the cause."""

from __future__ import annotations

import signal
import struct
from collections.abc import Iterator
from pathlib import Path

FOLDER_VARIABLE = "BREAKPAD_DUMP_LOCATION"
"""Where Chromium's processes put their dumps."""
MODULES, EXCEPTION = 4, 6
"""Streams of a minidump (MINIDUMP_STREAM_TYPE)."""
MODULE_SIZE = 108


def told(folder: Path) -> str:
    """A line for each dump in the folder or below, and how much memory the machine has left."""
    lines = [f"{path.name}: {cause(path.read_bytes())}" for path in sorted(folder.rglob("*.dmp"))]
    memory = Path("/proc/meminfo").read_text().splitlines()[:3]
    return "\n".join([*(lines or ["no dump: its process was killed from outside"]), *memory])


def cause(dump: bytes) -> str:
    """The signal that ended the process, and the module and offset it came from."""
    streams = dict(_streams(dump))
    if EXCEPTION not in streams:
        return "no exception in it"
    code, address = struct.unpack_from("<8xI12xQ", dump, streams[EXCEPTION])
    (count,) = struct.unpack_from("<I", dump, streams[MODULES])
    place = f"{address:#x}, in no module"
    for at in range(count):
        base, size, name = struct.unpack_from("<QI8xI", dump, streams[MODULES] + 4 + at * MODULE_SIZE)
        if base <= address < base + size:
            (length,) = struct.unpack_from("<I", dump, name)
            place = f"{dump[name + 4 : name + 4 + length].decode('utf-16-le')}+{address - base:#x}"
    known = code in {known.value for known in signal.Signals}
    return f"{signal.Signals(code).name if known else f'{code:#x}'} at {place}"


def _streams(dump: bytes) -> Iterator[tuple[int, int]]:
    """Type and place of each stream."""
    count, directory = struct.unpack_from("<4x4xII", dump)
    for at in range(count):
        kind, _, place = struct.unpack_from("<III", dump, directory + at * 12)
        yield kind, place
