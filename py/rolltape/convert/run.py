"""Runs a conversion: slices in, pieces out, a share done after each, and what was lost at the end.

What has to be known beforehand (a WAV file's size, where a WebM file's Cues will be) is found out by a
first pass whose output is thrown away: so an output need only be written in order, as a download must be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final, Protocol, TypeAlias

from rolltape import __version__
from rolltape.convert.audio import OpusTaker, WavTaker
from rolltape.convert.losses import losses
from rolltape.convert.mp4 import Mp4Taker
from rolltape.convert.plan import ConversionPlan, InputPart, Target
from rolltape.convert.remux import Remuxer, patched
from rolltape.core.errors import ConvertError
from rolltape.media import wav
from rolltape.media.ending import Patch
from rolltape.media.webm_packets import PacketReader

APP: Final = f"Rolltape {__version__}"

FIRST_SLICE: Final = 1 << 18
MIN_SLICE: Final = 1 << 15
MAX_SLICE: Final = 1 << 23
BLOCKS_IN_SLICE: Final = 900
"""A slice is as long as about so many blocks, so that it takes a page about 10 ms; a chunk of no more is not cut."""
PIECE: Final = 1 << 20
"""Output is written in pieces of at least this, but for the last."""

_Taker: TypeAlias = OpusTaker | WavTaker | Remuxer | Mp4Taker


class Output(Protocol):
    """Receives the converted bytes in order; implemented by the page's download and by the command's file."""

    async def write(self, data: bytes) -> None:
        """Take bytes; returns when more may come. Raises RolltapeError."""


class Conversion:
    """One conversion of the parts of one take."""

    def __init__(self, plan: ConversionPlan) -> None:
        self.plan = plan
        self.bytes = 0
        """Bytes written."""
        self.losses: list[str] = []
        """Once it is over: what could not be read, a sentence each."""
        self._passes = 1 if plan.target in (Target.OPUS, Target.MP4) else 2

    async def run(self, output: Output) -> AsyncGenerator[float, None]:
        """Convert; yields the share done, 0 to 1. Raises ConvertError, or what reading and writing raise."""
        match self.plan.target:
            case Target.OPUS:
                steps = self._opus(output)
            case Target.WAV:
                steps = self._wav(output)
            case Target.MP4:
                steps = self._mp4(output)
            case _:
                steps = self._webm(output)
        async for share in steps:
            yield share
        yield 1.0

    async def _opus(self, output: Output) -> AsyncGenerator[float, None]:
        async for share in self._pass(OpusTaker(self.plan.parts[0], APP), output, 0):
            yield share

    async def _wav(self, output: Output) -> AsyncGenerator[float, None]:
        first = self.plan.parts[0]
        async for share in self._pass(WavTaker(first), None, 0):
            yield share
        size, taker = self.bytes, WavTaker(first)
        await output.write(wav.header(taker.form, size))
        async for share in self._pass(taker, output, 1):
            yield share
        self._check_unchanged(size)
        if size % 2:
            await output.write(wav.tail(size))

    async def _webm(self, output: Output) -> AsyncGenerator[float, None]:
        first = self.plan.parts[0]
        taker = Remuxer(first, APP)
        async for share in self._pass(taker, None, 0):
            yield share
        size, ending = self.bytes, taker.ending
        again = Remuxer(first, APP, taker)
        async for share in self._pass(again, _Patched(output, ending.patches), 1):
            yield share
        self._check_unchanged(size)
        await output.write(ending.append)

    def _check_unchanged(self, size: int) -> None:
        """Both passes must have found the same, or lengths in the result are wrong. Raises ConvertError."""
        if self.bytes != size:
            name = self.plan.parts[0].source.name
            which = name if len(self.plan.parts) == 1 else f"{name}, or a part after it,"
            raise ConvertError(
                f"{which} changed while it was converted: nothing was made of it. Convert it once more when nothing "
                "writes to it any more."
            )

    async def _mp4(self, output: Output) -> AsyncGenerator[float, None]:
        async for share in self._pass(Mp4Taker(self.plan.parts[0]), output, 0):
            yield share

    async def _pass(self, taker: _Taker, output: Output | None, number: int) -> AsyncGenerator[float, None]:
        """Read all parts once. What is written goes to `output`, if there is one; its length is in `bytes`."""
        self.bytes = 0
        self.losses = []
        total = sum(part.source.size for part in self.plan.parts) * self._passes
        done = total // self._passes * number
        held: list[bytes] = []
        size = 0
        for part in self.plan.parts:
            taker.begin(part)
            reader = PacketReader(part.track.number if part.track else 0)
            async for piece in _slices(part, reader):
                for block in reader.feed(piece) if piece else reader.rest():
                    for out in taker.take(reader, block):
                        if out:
                            held.append(out)
                            size += len(out)
                            if size >= PIECE:
                                size = await self._write(output, held)
                yield (done + reader.size) / total
            taker.end(reader)
            done += part.source.size
            self.losses += losses(part, reader)
        held.append(taker.finish())
        if not taker.packets:
            raise ConvertError(_nothing(self.plan))
        await self._write(output, held)
        if taker.broken:
            self.losses.append(f"Frames that no player would take were left out: {taker.broken}.")

    async def _write(self, output: Output | None, held: list[bytes]) -> int:
        size = sum(map(len, held))
        self.bytes += size
        if size and output:
            await output.write(b"".join(held))
        held.clear()
        return 0


async def _slices(part: InputPart, reader: PacketReader) -> AsyncIterator[bytes]:
    """The file in slices, each as long as suits the blocks in the one before; others run in between.

    The last one is empty.
    """
    length = FIRST_SLICE
    async with aclosing(part.source.chunks()) as chunks:
        async for chunk in chunks:
            at = 0
            while at < len(chunk) and not reader.error:
                before = reader.blocks
                yield chunk[at : at + length] if at or length < len(chunk) else chunk
                at += length
                blocks = max(reader.blocks - before, 1)
                length = min(MAX_SLICE, max(MIN_SLICE, length * BLOCKS_IN_SLICE // blocks))
                if at < len(chunk):  # else the next chunk is waited for anyway
                    await asyncio.sleep(0)
            if reader.error:
                return
    yield b""


class _Patched:
    """An output to which the patches are applied on the way."""

    def __init__(self, output: Output, patches: tuple[Patch, ...]) -> None:
        self._output = output
        self._patches = patches
        self._offset = 0

    async def write(self, data: bytes) -> None:
        await self._output.write(patched(data, self._offset, self._patches))
        self._offset += len(data)


def _nothing(plan: ConversionPlan) -> str:
    name = plan.parts[0].source.name
    if plan.target in (Target.WEBM, Target.MP4):
        return f"{name} has a header, but neither sound nor picture behind it."
    return f"{name} has a sound track, but no sound in it."
