"""An MP4 whose index comes first without being moved there: what goes in comes out, and hours take no memory."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from rolltape.core.errors import ConvertError
from rolltape.tracks.film_file import AAC_FRAME, FilmFile, FilmShape
from rolltape.tracks.picture_plan import RATES
from rolltape.tracks.plan import RATE
from unit.synthetic_session import filmed

H264 = bytes.fromhex("0164000affe100166764000aacb4144d08000003000800000301e078913501000568ef023cb0fdf8f800")
AAC = bytes.fromhex("118856e500")


def written(path: Path, shape: FilmShape, pictures: int) -> None:
    """A film of packets that are numbers, after what says which pictures are keys."""
    path.touch()
    with FilmFile(path, shape, H264, AAC) as film:
        sounds = 0
        for number in range(pictures):
            is_key = number % shape.rate == 0
            film.picture(b"\0\0\0\5" + (b"\x65" if is_key else b"\x41") + number.to_bytes(4, "big"), is_key)
            while sounds * AAC_FRAME < (number + 1) * RATE // shape.rate + AAC_FRAME:
                film.sound(sounds.to_bytes(4, "big"))
                sounds += 1


@pytest.mark.parametrize("rate", RATES)
def test_every_packet_is_where_the_index_says_and_lasts_as_long_as_the_others(
    tmp_path: Path, rate: int
) -> None:
    frames = 30 * rate + 7
    shape = FilmShape((160, 64), rate, frames, 1, frames * RATE // rate, "23:59:59:03")
    written(tmp_path / "a.mp4", shape, frames)
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat") < shape.index_bytes + 100
    with av.open(str(tmp_path / "a.mp4")) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert picture.average_rate == rate and picture.time_base is not None and sound.time_base is not None
        assert (picture.duration or 0) * picture.time_base == Fraction(frames, rate)
        assert container.streams.data[0].metadata["timecode"] == "23:59:59:03"
        found: dict[Any, list[Any]] = {picture: [], sound: []}
        for packet in container.demux(picture, sound):
            if packet.size:
                found[packet.stream].append(packet)
    assert [int.from_bytes(bytes(one)[5:], "big") for one in found[picture]] == list(range(frames))
    assert [one.pts * one.time_base * rate for one in found[picture]] == list(range(frames))
    assert [one.is_keyframe for one in found[picture]] == [number % rate == 0 for number in range(frames)]
    first_s, last = found[sound][0].pts * found[sound][0].time_base, found[sound][-1]
    assert first_s == Fraction(-AAC_FRAME, RATE), "what an encoder needs before the first sample"
    assert int.from_bytes(bytes(last), "big") == len(found[sound]) - 1


@pytest.mark.parametrize("rate", [24, 60])
def test_the_room_for_the_index_is_enough_for_hours_and_hardly_more(tmp_path: Path, rate: int) -> None:
    frames = 600 * rate
    shape = FilmShape((160, 64), rate, frames, 2, frames * RATE // rate, "00:00:00:00")
    written(tmp_path / "a.mp4", shape, frames)
    head = (tmp_path / "a.mp4").read_bytes()[: shape.index_bytes + 100]
    at = head.index(b"moov")
    used = int.from_bytes(head[at - 4 : at], "big")
    assert 0.8 * shape.index_bytes < used < shape.index_bytes - 8


def test_a_film_that_lacks_pictures_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConvertError, match="of 60 pictures"):
        written(tmp_path / "a.mp4", FilmShape((160, 64), 30, 60, 1, 2 * RATE, ""), 59)


MEASURED = """
import re, sys
from array import array
from pathlib import Path
from rolltape.tracks.picture import write_pictures
from rolltape.tracks.picture_plan import Pictures, shown
from rolltape.tracks.video_file import see
path, seconds = Path(sys.argv[1]), int(sys.argv[2])
seen = see(path)
plan = shown([Pictures(0, seen.stamps_ms)], 30, seconds * 30)
write_pictures(path.with_suffix(".mp4"), plan, [(path, seen)], 30, seconds * 30, path, "", lambda share: None)
# What getrusage says is the parent's, where that was larger: it is handed on through fork and exec.
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
def test_a_film_takes_no_more_memory_the_longer_it_is(tmp_path: Path) -> None:
    """18 000 pictures more may take what is kept of each: its size, and when it was captured."""
    used = []
    for seconds in (20, 620):
        path = tmp_path / f"{seconds}.mkv"
        filmed(path, seconds, size=(64, 36))
        command = [sys.executable, "-c", MEASURED, str(path), str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        used.append(int(done.stdout) / 1024)

    assert used[1] - used[0] <= 2, used


def test_where_pictures_are_long_in_coming_sound_does_not_wait_for_them(tmp_path: Path) -> None:
    seconds, path = 600, tmp_path / "a.mp4"
    shape = FilmShape((160, 64), 30, 2, 1, seconds * RATE, "", 90_000, seconds * 90_000)
    with FilmFile(path, shape, H264, AAC) as film:
        film.picture(b"\0\0\0\5\x65abcd", True, 0)
        for number in range(seconds * RATE // AAC_FRAME + 1):
            film.sound(number.to_bytes(4, "big"))
        assert path.stat().st_size > shape.index_bytes + 4 * (seconds - 3) * RATE // AAC_FRAME
        film.picture(b"\0\0\0\5\x41abcd", False, 599 * 90_000)
    with av.open(str(path)) as container:
        shown = [(one.pts or 0) * (one.time_base or 0) for one in container.demux(video=0) if one.size]
        assert shown == [0, 599]
        assert container.streams.video[0].duration == seconds * 90_000
