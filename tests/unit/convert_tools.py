"""Conversions in memory, from end to end, and what independent programs say of their results."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rolltape.convert import Conversion, ConversionPlan, Target, plan


class MemorySource:
    """A file in memory."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data
        self.size = len(data)

    async def read(self, start: int, end: int) -> bytes:
        return self.data[start:end]

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        for at in range(0, self.size, 1 << 16):
            yield self.data[at : at + (1 << 16)]


class MemoryOutput:
    """What was written."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def write(self, data: bytes) -> None:
        self.data += data


@dataclass(frozen=True)
class Converted:
    data: bytes
    plan: ConversionPlan
    losses: list[str]
    shares: list[float]


def converted(sources: bytes | Path | Sequence[bytes | Path], target: str) -> Converted:
    """The result of converting a recording, or the parts of one."""
    listed = [sources] if isinstance(sources, bytes | Path) else sources
    files = [
        MemorySource(f"take_part{number}.webm" if len(listed) > 1 else "take.webm", _bytes(one))
        for number, one in enumerate(listed, 1)
    ]
    return asyncio.run(_convert(files, Target(target)))


def _bytes(one: bytes | Path) -> bytes:
    return one if isinstance(one, bytes) else one.read_bytes()


async def _convert(files: Sequence[MemorySource], target: Target) -> Converted:
    wanted = await plan(files, target)
    conversion, output = Conversion(wanted), MemoryOutput()
    shares = [share async for share in conversion.run(output)]
    return Converted(bytes(output.data), wanted, conversion.losses, shares)


def stream_hashes(path: Path, *options: str) -> list[str]:
    """The hash of each stream's packets, as ffmpeg copies them."""
    lines = said(
        "ffmpeg",
        "-v",
        "error",
        "-i",
        path,
        *(options or ("-map", "0")),
        "-c",
        "copy",
        "-f",
        "streamhash",
        "-",
    )
    return [line.split("=", 1)[1] for line in lines.split()]


def decoded(path: Path, *options: str) -> bytes:
    """The sound as ffmpeg decodes it."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), *options, "-"]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def said(*command: str | Path) -> str:
    """All that a program says, on either output."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr
