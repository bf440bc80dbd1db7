"""A zip that is never made: whatever stretch of it is asked for, it is the same one that others read."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolltape.server.zip_layout import Entry, ZipLayout

AT = datetime(2026, 11, 29, 2, 30, 17)
NAMES = ["Zoë_studio_take1.webm", "b.json", "SHA256SUMS"]


def entry(name: str, content: bytes) -> Entry[bytes]:
    return Entry(name, len(content), zlib.crc32(content), AT, content)


def bytes_of(layout: ZipLayout[bytes], start: int, end: int) -> bytes:
    return b"".join(
        (piece.content if isinstance(piece, Entry) else piece)[low:high]
        for piece, low, high in layout.stretch(start, end)
    )


FILES = st.lists(st.binary(max_size=60), max_size=3)


@given(FILES, st.data())
def test_every_stretch_is_that_of_the_whole_archive(files: list[bytes], data: st.DataObject) -> None:
    layout = ZipLayout([entry(name, content) for name, content in zip(NAMES, files, strict=False)])
    whole = bytes_of(layout, 0, layout.size)
    start = data.draw(st.integers(0, layout.size))
    end = data.draw(st.integers(start, layout.size))

    assert len(whole) == layout.size
    assert bytes_of(layout, start, end) == whole[start:end]


@given(FILES)
def test_others_read_what_was_put_in(files: list[bytes]) -> None:
    named = dict(zip(NAMES, files, strict=False))
    layout = ZipLayout([entry(name, content) for name, content in named.items()])

    with zipfile.ZipFile(io.BytesIO(bytes_of(layout, 0, layout.size))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == named
        assert {one.date_time for one in archive.infolist()} <= {(2026, 11, 29, 2, 30, 16)}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip here (apt: unzip)")
def test_unzip_finds_no_fault(tmp_path: Path) -> None:
    layout = ZipLayout([entry(name, name.encode() * 1000) for name in NAMES])
    path = tmp_path / "all.zip"
    path.write_bytes(bytes_of(layout, 0, layout.size))

    done = subprocess.run(["unzip", "-t", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No errors detected" in done.stdout


def test_another_file_of_the_same_size_is_another_archive() -> None:
    first, second = (ZipLayout([entry("a", content)]) for content in (b"one", b"two"))

    assert first.size == second.size and first.mark != second.mark
    assert first.mark == ZipLayout([entry("a", b"one")]).mark


class Sparse(io.RawIOBase):
    """An archive of gigabytes of zeros, read as it is asked for."""

    def __init__(self, layout: ZipLayout[int]) -> None:
        self.layout, self.at = layout, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.layout.size)[whence]
        return self.at

    def tell(self) -> int:
        return self.at

    def read(self, size: int = -1) -> bytes:
        end = self.layout.size if size < 0 else min(self.at + size, self.layout.size)
        found = b"".join(
            bytes(high - low) if isinstance(piece, Entry) else piece[low:high]
            for piece, low, high in self.layout.stretch(self.at, end)
        )
        self.at = end
        return found


@settings(max_examples=20)
@given(st.lists(st.sampled_from([0, 1, 2**32 - 2, 2**32 - 1, 2**32, 5 * 2**30]), min_size=1, max_size=4))
def test_files_and_archives_beyond_four_gigabytes_are_found_where_they_are(sizes: list[int]) -> None:
    entries: Sequence[Entry[int]] = [
        Entry(f"{at}.webm", size, zlib.crc32(bytes(min(size, 1))), AT, at) for at, size in enumerate(sizes)
    ]
    layout = ZipLayout(entries)

    with zipfile.ZipFile(Sparse(layout)) as archive:
        assert [one.file_size for one in archive.infolist()] == sizes
        for info in archive.infolist():
            with archive.open(info) as file:  # its local header is where the directory says
                assert len(file.read(min(10, info.file_size))) == min(10, info.file_size)


@pytest.mark.slow
def test_more_files_than_a_plain_directory_can_count() -> None:
    layout = ZipLayout([Entry(f"{number}", 0, 0, AT, number) for number in range(70_000)])

    with zipfile.ZipFile(Sparse(layout)) as archive:
        assert len(archive.namelist()) == 70_000


@pytest.mark.parametrize("at", [datetime(1970, 1, 1), datetime(2150, 1, 1)])
def test_a_time_that_a_zip_cannot_say_is_the_nearest_that_it_can(at: datetime) -> None:
    layout = ZipLayout([Entry("a", 0, 0, at, b"")])

    with zipfile.ZipFile(io.BytesIO(bytes_of(layout, 0, layout.size))) as archive:
        assert archive.infolist()[0].date_time[0] in (1980, 2107)
