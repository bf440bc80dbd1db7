"""MP4 while it is recorded: its times are read, and a torn end is cut only where no player can use it."""

import functools
import subprocess
import sys
from pathlib import Path

import pytest

from rolltape.media.mp4_fragments import FragmentReader
from rolltape.recording.container import reader_for
from rolltape.settings.codec import Container
from unit.media_files import chunked, packets

RECIPE = (
    "ffmpeg -v error -bitexact -f lavfi -i testsrc2=size=160x120:rate=25:duration=5 "
    "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=5 -c:v libx264 -preset ultrafast -bf 0 -g 25 "
    "-c:a libopus -movflags frag_keyframe+empty_moov+default_base_moof -f mp4 pipe:1"
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "emscripten", reason="needs ffmpeg")]


@functools.cache
def fragments() -> bytes:
    return subprocess.run(RECIPE.split(), check=True, capture_output=True, timeout=60).stdout


def read(data: bytes, length: int = 4096) -> FragmentReader:
    reader = FragmentReader()
    for chunk in chunked(data, length):
        reader.feed(chunk)
    return reader


@pytest.mark.parametrize("length", [1, 7, 4096, 1 << 20])
def test_times_and_pictures_are_those_of_the_file_whatever_the_chunks(length: int) -> None:
    reader = read(fragments(), length)

    picture, sound = sorted(reader.tracks.values(), key=lambda track: not track.is_picture)
    assert reader.problem == ""
    assert picture.samples == 125
    assert picture.ms(picture.end) == pytest.approx(5000, abs=10)
    assert sound.ms(sound.end) == pytest.approx(5000, abs=30)
    assert picture.gaps == sound.gaps == []
    assert reader.readable_end == reader.size
    assert picture.mean_ms == pytest.approx(40, abs=0.1)


def test_where_it_is_whole_from_and_how_far_it_has_come_is_told() -> None:
    stream = reader_for(Container.MP4)
    before = stream.whole_from_ms, stream.latest_ms
    stream.feed(fragments())

    assert before == (None, None) and stream.whole_from_ms == pytest.approx(0, abs=30)
    assert stream.latest_ms == pytest.approx(4960, abs=25)


def test_header_alone_is_no_media() -> None:
    stream = reader_for(Container.MP4)
    stream.feed(fragments()[: fragments().index(b"moof") - 4])

    assert not stream.has_media and stream.is_empty


def test_fragment_that_is_missing_is_a_gap() -> None:
    data = fragments()
    marks = [at - 4 for at in range(len(data)) if data.startswith(b"moof", at)]
    stream = reader_for(Container.MP4)

    stream.feed(data[: marks[1]] + data[marks[3] :])

    assert [(one.picture, round(one.to_ms - one.from_ms, -2)) for one in stream.silences] == [
        (True, 2000),
        (False, 2000),
    ]


def test_file_cut_anywhere_loses_no_packet_that_ffmpeg_reads(tmp_path: Path) -> None:
    data, before, after = fragments(), tmp_path / "before.mp4", tmp_path / "after.mp4"
    second = [at - 4 for at in range(len(data)) if data.startswith(b"moof", at)][1]
    for at in range(second, len(data), (len(data) - second) // 15):
        stream = reader_for(Container.MP4)
        stream.feed(data[:at])
        ending = stream.finish()
        before.write_bytes(data[:at])
        after.write_bytes(data[: at if ending.truncate_to is None else ending.truncate_to])

        assert packets(after) == packets(before), at
    stream = reader_for(Container.MP4)
    stream.feed(data[: second + 60])
    assert stream.finish().truncate_to == second, "half a moof is of no use to anybody"


@pytest.mark.parametrize("junk", [bytes(40), b"\xff" * 40, b"\0\0\0\4moof" * 5])
def test_damaged_file_is_left_as_it_is(junk: bytes) -> None:
    stream = reader_for(Container.MP4)

    stream.feed(fragments() + junk + fragments()[-500:])

    assert stream.problem.startswith("The recording is damaged at byte ")
    assert stream.finish().truncate_to is None


def test_a_header_whose_tables_do_not_hold_what_they_say_is_told() -> None:
    whole, stream = fragments(), reader_for(Container.MP4)
    at = whole.index(b"tkhd")

    stream.feed(
        whole[: at + 4] + b"\x01" + bytes(3) + whole[at + 8 :]
    )  # times of 64 bits, in a box too short

    assert stream.problem in ("", "The recording's description of itself is damaged.")


def test_any_bytes_are_taken_calmly() -> None:
    for at in range(0, 1500, 3):
        data = bytearray(fragments()[:30_000])
        data[at : at + 5] = b"\xfe\0\xff\1\0"
        stream = reader_for(Container.MP4)
        stream.feed(bytes(data))
        assert (stream.finish().truncate_to or 0) <= len(data)
