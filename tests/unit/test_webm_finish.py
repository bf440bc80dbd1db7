"""Finishing: the same packets, seekable, at the same cost for a minute and for an hour."""

import copy
import re
import time
from pathlib import Path

import pytest

from rolltape.media import ebml
from rolltape.media.ebml import UNKNOWN, Id
from rolltape.media.ending import Ending
from rolltape.media.webm import WebmError, WebmStream, finish
from unit.media_files import (
    BROWSER_FILES,
    LIVE_FILES,
    WRITING_APP,
    apply,
    block,
    chunked,
    cluster,
    complaints,
    duration,
    finished,
    half_seconds,
    header,
    indexed,
    packets,
    program,
    recording,
    recovered,
    streamed,
)

pytestmark = pytest.mark.slow

ALL_FILES = BROWSER_FILES + LIVE_FILES
WITH_VIDEO = [name for name in ALL_FILES if re.search("vp8|vp9|av1|h264", name)]


@pytest.mark.parametrize("name", ALL_FILES)
def test_finished_file_has_the_same_packets_and_plays_without_a_word(name: str, tmp_path: Path) -> None:
    raw, done = tmp_path / "raw", tmp_path / "done"
    raw.write_bytes(recording(name))

    done.write_bytes(finished(name))

    assert packets(done) == packets(raw)
    assert complaints(done) == ""


@pytest.mark.parametrize("name", ALL_FILES)
def test_duration_is_that_of_the_last_packet(name: str, tmp_path: Path) -> None:
    path = tmp_path / "done"
    path.write_bytes(finished(name))

    last = max(packet.time for packet in packets(path))

    written = duration(path)
    assert written is not None
    assert 0 < written - last < 0.1


@pytest.mark.parametrize("name", ALL_FILES)
def test_mkvmerge_accepts_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "done"
    path.write_bytes(finished(name))

    result = program("mkvmerge", "--identify", str(path))

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", WITH_VIDEO)
def test_seek_to_the_middle_lands_on_the_key_frame_before(name: str, tmp_path: Path) -> None:
    path = tmp_path / "done"
    path.write_bytes(finished(name))
    middle = (duration(path) or 0) / 2
    keys = [packet.time for packet in packets(path) if packet.kind == "video" and packet.key]

    command = f"ffprobe -v error -read_intervals {middle}%+#1 -select_streams v"
    command += " -show_entries packet=pts_time -of csv=p=0"
    landed = program(*command.split(), str(path)).stdout

    assert float(landed.strip().strip(",")) == max(time for time in keys if time <= middle)
    assert complaints(path, "-ss", str(middle)) == ""


@pytest.mark.parametrize("name", ALL_FILES)
def test_every_cue_as_mkvinfo_reads_it_points_at_a_block_in_a_cluster(name: str, tmp_path: Path) -> None:
    data = finished(name)
    path = tmp_path / "done"
    path.write_bytes(data)
    text = program("mkvinfo", "--all", str(path)).stdout
    segment = data.index(ebml.write_id(Id.SEGMENT)) + 12

    clusters = [int(place) for place in re.findall(r"Cue cluster position: (\d+)", text)]
    blocks = [int(place) for place in re.findall(r"Cue relative position: (\d+)", text)]

    assert len(clusters) == len(blocks) >= 1
    for place, position in zip(clusters, blocks, strict=True):
        ident, size, body = ebml.read_header(data, segment + place)
        assert (ident, size != UNKNOWN) == (Id.CLUSTER, True)
        assert ebml.read_id(data, body + position)[0] in (Id.SIMPLE_BLOCK, Id.BLOCK_GROUP)
    assert len(re.findall(r"Seek entry", text)) == 3
    assert "size unknown" not in text


@pytest.mark.parametrize("name", ALL_FILES)
def test_finishing_twice_changes_nothing(name: str) -> None:
    done = finished(name)

    index = indexed(done)

    assert index.finished
    assert finish(index) == Ending(None, b"", ())


@pytest.mark.parametrize("length", [1, 700, 10_000])
@pytest.mark.parametrize("name", ["chromium-vp8-opus.webm", "firefox-vp8-opus.webm", "opus.webm"])
def test_file_patched_while_it_is_recorded_ends_as_the_same_file(name: str, length: int) -> None:
    file = bytearray()
    stream = WebmStream(WRITING_APP)

    for chunk in chunked(recording(name), length):
        file += stream.feed(chunk)
        for patch in stream.patches():
            file[patch.offset : patch.offset + len(patch.data)] = patch.data

    assert apply(bytes(file), stream.finish()) == finished(name)


def test_cluster_is_patched_when_the_next_one_begins() -> None:
    one, two = cluster(0, block(1, 0, b"a")), cluster(500, block(1, 0, b"b"))
    stream = WebmStream(WRITING_APP)

    start = stream.feed(header() + one)
    before = stream.patches()
    stream.feed(two)
    after = stream.patches()

    assert before == []
    offset = len(start) - len(one) + 4
    assert [(patch.offset, patch.data) for patch in after] == [(offset, ebml.write_size(len(one) - 12, 8))]
    assert stream.patches() == []


def test_segment_stays_open_where_a_cluster_cannot_be_closed() -> None:
    narrow = cluster(0, block(1, 0, bytes(300)), width=1)

    done = recovered(streamed(header() + narrow + cluster(500, block(1, 0, b"b"))))

    segment = done.index(ebml.write_id(Id.SEGMENT)) + 4
    assert ebml.read_size(done, segment)[0] == UNKNOWN
    assert indexed(done).layout.cues
    assert recovered(done) == done


def test_audio_alone_has_a_cue_about_every_five_seconds() -> None:
    clusters = [cluster(at * 1000, block(2, 0, b"\x08", key=False)) for at in range(21)]

    index = indexed(streamed(b"".join((header(video=""), *clusters))))

    assert list(index.key_frames.ticks) == [0, 5000, 10_000, 15_000, 20_000]


def test_clusters_without_a_key_frame_have_no_cue() -> None:
    clusters = [
        cluster(at * 500, block(2, 0, b"\x08"), block(1, 1, b"a", key=at % 4 == 0)) for at in range(9)
    ]

    index = indexed(streamed(b"".join((header(), *clusters))))

    assert list(index.key_frames.ticks) == [1, 2001, 4001]


def test_video_without_any_key_frame_has_no_cues_and_finishes() -> None:
    done = recovered(
        streamed(header() + cluster(0, block(1, 0, b"a", key=False), block(1, 40, b"a", key=False)))
    )

    assert ebml.write_id(Id.CUES) not in done
    assert indexed(done).finished


def test_error_in_the_midst_stops_the_index_but_no_bytes() -> None:
    stream = WebmStream(WRITING_APP)
    stream.feed(header() + cluster(0, block(1, 0, b"a")))
    other = header(video="") + cluster(0, block(2, 0, b"a"))

    passed = stream.feed(other)

    assert passed == other
    assert isinstance(stream.problem, WebmError)
    assert stream.feed(b"more") == b"more"
    assert stream.finish() == Ending(None, b"", ())


def fed(half_second_count: int) -> WebmStream:
    stream = WebmStream(WRITING_APP)
    for chunk in half_seconds(half_second_count):
        stream.feed(chunk)
        stream.patches()
    return stream


def fastest_finish(stream: WebmStream) -> float:
    times = []
    for copied in [copy.deepcopy(stream) for _ in range(7)]:
        start = time.perf_counter()
        copied.finish()
        times.append(time.perf_counter() - start)
    return min(times)


def test_finishing_an_hour_costs_what_ten_seconds_cost() -> None:
    short, long = fed(20), fed(7200)

    cost_short, cost_long = fastest_finish(short), fastest_finish(long)

    assert cost_long < cost_short + 0.002
    assert len(long.finish().patches) == len(short.finish().patches) == 4


def test_chunk_of_400_kb_costs_far_less_than_five_milliseconds() -> None:
    chunks = list(half_seconds(20, frame_bytes=26_500))
    stream = WebmStream(WRITING_APP)
    times = []

    for chunk in chunks:
        start = time.perf_counter()
        stream.feed(chunk)
        stream.patches()
        times.append(time.perf_counter() - start)

    assert len(chunks[1]) > 390_000
    assert sorted(times)[len(times) // 2] < 0.002
