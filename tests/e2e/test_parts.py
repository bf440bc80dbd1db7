"""Parts of a take: each plays by itself, together they hold every frame and every sample."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from guest import Guests
from media_tools import LOOP_FRAMES, decode_errors, frame_numbers, packets, probe, samples

FRAME_MS = 1000 / 30


@dataclass(frozen=True)
class Parts:
    """A take of fourteen seconds in parts of six: as downloaded, as saved, and as logged."""

    downloaded: list[Path]
    saved: list[Path]
    log: list[dict[str, Any]]


@pytest.fixture(scope="module")
def parts(module_guests: Guests, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("parts")
    guest = module_guests().open(
        "?record=1500&width=640&height=360&recordcodec=h264&room=parts&splitrecording=0.1"
    )
    guest.record()
    guest.wait_until("0:14")
    guest.stop()
    log = guest.log()["parts"]
    downloaded = [guest.take_away(path, folder / "downloaded") for path in guest.files(3)]
    guest.id("take").first.get_by_test_id("save").click()
    saved = [guest.take_away(path, folder / "saved") for path in guest.files(3)]
    return Parts(downloaded, saved, log)


def test_each_part_has_its_number_and_plays_by_itself(parts: Parts) -> None:
    for paths in (parts.downloaded, parts.saved):
        assert [path.stem[-6:] for path in paths] == ["_part1", "_part2", "_part3"]
        for path in paths:
            assert decode_errors(path) == ""
            assert packets(path)[0].seconds < 0.1
            first_picture = next(p for p in packets(path) if p.stream == _video(path))
            assert first_picture.key
    assert all(float(probe(path)["format"]["duration"]) > 1 for path in parts.saved)


def test_no_frame_of_the_take_is_missing_between_parts(parts: Parts) -> None:
    numbers = [frame_numbers(path) for path in parts.saved]

    for before, after in pairwise(numbers):
        # The new part begins with frames that the one before holds as well: so nothing can lie between them.
        assert after[0] in before[-90:]
        tail = before[len(before) - before[::-1].index(after[0]) - 1 :]
        assert tail[1:] == after[1 : len(tail)], "the shared frames are the same ones, none left out"
    union = _joined(numbers)
    steps = [(following - number) % LOOP_FRAMES for number, following in pairwise(union)]
    inside = [(following - number) % LOOP_FRAMES for part in numbers for number, following in pairwise(part)]
    # A busy machine's camera may leave a frame out; where parts meet, none is left out besides.
    assert max(steps) <= max(inside)
    assert sum(steps) == pytest.approx(14 * 30, rel=0.07)


def test_no_sound_of_the_take_is_missing_between_parts(parts: Parts) -> None:
    heard = [samples(path)[0] for path in parts.saved]
    total = sum(len(channel) for channel in heard) / 48_000
    overlaps = [part["overlap_before_ms"] / 1000 for part in parts.log]

    assert total - sum(overlaps) == pytest.approx(14, abs=0.7)
    for path, channel in zip(parts.saved, heard, strict=True):
        # Sound and picture of a part begin and end together, so that the sound overlaps as the frames do.
        pictures = [packet.seconds for packet in packets(path) if packet.stream == _video(path)]
        assert len(channel) / 48_000 == pytest.approx(pictures[-1] - pictures[0], abs=0.25)


def test_the_log_says_when_each_part_began_and_what_it_shares(parts: Parts) -> None:
    logged = parts.log
    numbers = [frame_numbers(path) for path in parts.saved]

    assert [part["number"] for part in logged] == [1, 2, 3]
    assert [part["reason"] for part in logged] == ["", "split", "split"]
    for before, after, (first, second) in zip(logged, logged[1:], pairwise(numbers), strict=False):
        shared = len(first) - (len(first) - first[::-1].index(second[0]) - 1)
        assert after["gap_before_ms"] == 0
        assert after["overlap_before_ms"] == pytest.approx(shared * FRAME_MS, abs=150)
        assert after["started_ms"] > before["started_ms"] + 5900


def _video(path: Path) -> int:
    streams = probe(path)["streams"]
    return next(int(stream["index"]) for stream in streams if stream["codec_type"] == "video")


def _joined(numbers: list[list[int]]) -> list[int]:
    """The frames of all parts one after the other, what two share once."""
    union = list(numbers[0])
    for part in numbers[1:]:
        last = len(union) - union[::-1].index(part[0]) - 1
        union[last:] = part
    return union
