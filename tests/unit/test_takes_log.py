"""The log of a part, wherever a crash tore it: nothing acknowledged is gone, and nothing else is believed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.arrivals.segments import EMPTY, Account, Segment, account_of, segment_of
from rolltape.server.takes_log import Logged, PartLog


@contextmanager
def opened(path: Path) -> Iterator[PartLog]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        yield PartLog(fd)
    finally:
        os.close(fd)


def piece(at: int, content: bytes) -> Logged:
    return Logged(segment_of(at, content), len(content))


def written(path: Path, *pieces: Logged) -> Account:
    with opened(path) as log:
        for one in pieces:
            log.append(one)
        return log.account


FIRST, SECOND, THIRD = piece(0, b"head"), piece(4, b"first cluster"), piece(17, b"second")


def test_what_was_put_is_there_for_the_next_process(tmp_path: Path) -> None:
    written(tmp_path / "log", FIRST, SECOND)

    with opened(tmp_path / "log") as log:
        assert list(log) == [FIRST, SECOND]
        assert log.account == account_of([FIRST.segment, SECOND.segment])
        assert log.at(4) == SECOND and log.at(0) == FIRST and log.at(5) is None


def test_a_header_that_is_put_again_counts_instead_of_the_first(tmp_path: Path) -> None:
    written(tmp_path / "log", FIRST, SECOND)
    header = piece(0, b"HEAD")

    with opened(tmp_path / "log") as log:
        log.replace(FIRST.segment, header)
    with opened(tmp_path / "log") as log:
        assert list(log) == [header, SECOND]
        assert log.account == account_of([header.segment, SECOND.segment])
        assert log.at(4) == SECOND


def test_what_is_cut_off_can_be_put_in_other_pieces(tmp_path: Path) -> None:
    written(tmp_path / "log", FIRST, SECOND, THIRD)
    other = piece(4, b"1st")

    with opened(tmp_path / "log") as log:
        with pytest.raises(ValueError, match="no segment ends there"):
            log.cut(5)
        log.cut(4)
    with opened(tmp_path / "log") as log:
        assert log.account == account_of([FIRST.segment])
        log.append(other)
    with opened(tmp_path / "log") as log:
        assert list(log) == [FIRST, other]


@given(st.data())
def test_wherever_the_last_line_is_torn_the_lines_before_it_hold(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("torn") / "log"
    before = written(path, FIRST, SECOND)
    whole = path.stat().st_size
    written(path, THIRD)
    torn = path.read_bytes()
    junk = data.draw(st.sampled_from([b"", b"\0" * 5000, b"[1,2", b"\n\n", b"[0,4,", b"\xff\n"]))
    ends_the_line = junk.startswith(b"\n")  # which would be whole again if only that were missing
    cut = data.draw(st.integers(whole, len(torn) - (2 if ends_the_line else 1)))
    path.write_bytes(torn[:cut] + junk)

    with opened(path) as log:
        assert log.account == before
        log.append(THIRD)
    with opened(path) as log:
        assert list(log) == [FIRST, SECOND, THIRD]


def test_a_log_longer_than_its_end_is_opened_by_its_end(tmp_path: Path) -> None:
    pieces, at = [], 0
    for number in range(200):
        pieces.append(piece(at, b"x" * (number + 1)))
        at = pieces[-1].segment.end

    account = written(tmp_path / "log", *pieces)
    with opened(tmp_path / "log") as log:
        assert log.account == account and log.last == pieces[-1] and list(log) == pieces


def test_a_line_that_the_disk_has_lost_ends_what_can_be_believed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    written(path, FIRST, SECOND, THIRD)
    lines = path.read_bytes().split(b"\n")
    lines[1] = b"\0" * len(lines[1])
    path.write_bytes(b"\n".join(lines))

    with opened(path) as log:
        assert list(log) == [FIRST]
        log.cut(4)
        assert log.account == account_of([FIRST.segment])


def test_a_log_of_nothing_but_rubbish_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\0" * 10_000 + b"\n[1,2,3]\n{}\n")

    with opened(tmp_path / "log") as log:
        assert (log.account, log.last, list(log)) == (EMPTY, None, [])
    assert (tmp_path / "log").read_bytes() == b""


def test_a_segment_that_does_not_fit_is_not_written(tmp_path: Path) -> None:
    written(tmp_path / "log", FIRST)
    before = (tmp_path / "log").read_bytes()

    with opened(tmp_path / "log") as log:
        for wrong in (Segment(5, 1, FIRST.segment.sha256), Segment(3, 1, FIRST.segment.sha256)):
            with pytest.raises(ValueError, match="does not begin"):
                log.append(Logged(wrong, 0))
    assert (tmp_path / "log").read_bytes() == before
