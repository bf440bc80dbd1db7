"""`rolltape convert`: the same conversion on a desk, from files to files."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

from rolltape.convert.plan import ConversionPlan, Target, part_of, plan
from rolltape.convert.run import Conversion
from rolltape.core.desk import ProgressLine, say, whole_file
from rolltape.core.errors import ConvertError, RolltapeError

CHUNK = 4 << 20


class FileSource:
    """A file on the disk."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._file = path.open("rb")
        self.size = self._file.seek(0, os.SEEK_END)

    async def read(self, start: int, end: int) -> bytes:
        """Read the bytes from `start` to before `end`."""
        self._file.seek(start)
        return self._file.read(end - start)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """All of it, in pieces."""
        self._file.seek(0)
        while piece := self._file.read(CHUNK):
            yield piece

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class FileOutput:
    """A file being written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    async def write(self, data: bytes) -> None:
        """Write the bytes at the file's end."""
        self._file.write(data)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a WebM or Matroska recording")
    parser.add_argument("--to", required=True, choices=[target.value for target in Target], help="into what")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="the result's name; several files are joined into it as parts of one take, in the order given",
    )
    parser.add_argument("--force", action="store_true", help="write over a file that exists")


def convert(chosen: argparse.Namespace) -> int:
    """Convert all files; the exit status: 1 if one of them could not be converted."""
    jobs = [list(chosen.files)] if chosen.output else grouped(chosen.files)
    failed = False
    for paths in jobs:
        try:
            asyncio.run(_convert(paths, Target(chosen.to), chosen.output, chosen.force))
        except RolltapeError as error:
            failed = True
            say(error.sentence)
        except OSError as error:
            failed = True
            say(f"{error.filename or paths[0]}: {error.strerror or error}.")
        except KeyboardInterrupt:
            say("Cancelled.")
            return 1
    return int(failed)


def grouped(paths: Iterable[Path]) -> list[list[Path]]:
    """Return the files by take: `X_part1.webm`, `X_part2.webm` are parts of one, whatever their order."""
    takes: dict[object, list[Path]] = {}
    for path in paths:
        name, number = part_of(path.stem)
        takes.setdefault((path.parent, name, path.suffix) if number else path, []).append(path)
    return [sorted(parts, key=lambda path: part_of(path.stem)[1]) for parts in takes.values()]


async def _convert(paths: Sequence[Path], target: Target, output: Path | None, force: bool) -> None:
    sources: list[FileSource] = []
    try:
        for path in paths:
            if path.is_dir():
                raise ConvertError(f"{path} is a folder, not a recording.")
            sources.append(FileSource(path))
        wanted = await plan(sources, target)
        for remark in wanted.remarks:
            say(remark)
        await _write(wanted, output or beside(paths, wanted.ending), paths, force)
    finally:
        for source in sources:
            source.close()


def beside(paths: Sequence[Path], ending: str) -> Path:
    """Return the result's place: beside the input, same name, new ending; told apart where that is the input."""
    first = paths[0]
    stem = part_of(first.stem)[0] if len(paths) > 1 else first.stem
    place = first.with_name(stem + ending)
    return first.with_name(f"{stem}-seekable{ending}") if place in paths else place


async def _write(wanted: ConversionPlan, place: Path, paths: Sequence[Path], force: bool) -> None:
    """Write into a file of another name first: what has the right name is whole."""
    if any(place.exists() and place.samefile(path) for path in paths):
        raise ConvertError(f"{place} is the recording itself; it is not written over.")
    conversion = Conversion(wanted)
    progress = ProgressLine()
    try:
        with whole_file(place, force) as partial, partial.open("wb") as file:
            async with aclosing(conversion.run(FileOutput(file))) as steps:
                async for share in steps:
                    progress.show(place.name, share)
    finally:
        progress.end(place.name)
    for sentence in conversion.losses:
        say(sentence)
    print(place)
