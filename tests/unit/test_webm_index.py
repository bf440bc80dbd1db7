"""The index: the same whatever the chunks, true to what ffprobe finds, and steady under damage."""

import contextlib
import json
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolltape.media import ebml
from rolltape.media.ebml import Id
from rolltape.media.webm import Index, WebmError, finish
from rolltape.media.webm_index import MAX_GAPS
from rolltape.media.webm_track import Kind
from unit.media_files import (
    BROWSER_FILES,
    LIVE_FILES,
    apply,
    block,
    chunked,
    cluster,
    finished,
    half_seconds,
    header,
    indexed,
    opened,
    program,
    recording,
    streamed,
)

ALL_FILES = BROWSER_FILES + LIVE_FILES


def facts(index: Index) -> dict[str, Any]:
    """All that an index says."""
    names = "size end doc_type layout tracks cluster_offsets cluster_ticks gaps damages open_ended"
    more = "duration_ms blocks drift_ms finished"
    return {name: getattr(index, name) for name in (*names.split(), *more.split())} | {
        "progress": [index.progress(track.number) for track in index.tracks] if index.blocks else [],
        "key_frames": (index.key_frames.ticks, index.key_frames.clusters, index.key_frames.positions),
        "cues": index.key_frames.cues(),
        "error": str(index.error),
        "patches": index.drain(),
    }


def facts_of(chunks: list[bytes]) -> dict[str, Any]:
    """The facts after these chunks, whether or not the index can go on to the end."""
    index = Index()
    for chunk in chunks:
        with contextlib.suppress(WebmError):
            index.feed(chunk)
    return facts(index)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


# Chunks.


@pytest.mark.parametrize("name", ["chromium-opus.webm", "firefox-opus.webm", "chromium-h264-opus.mkv"])
def test_index_is_the_same_byte_by_byte(name: str) -> None:
    data = finished(name)

    assert facts_of(list(chunked(data, 1))) == facts_of([data])


@settings(deadline=None)
@given(st.sampled_from(ALL_FILES), st.lists(st.integers(0, 1 << 20), max_size=40))
def test_index_is_the_same_for_any_chunks(name: str, places: list[int]) -> None:
    data = streamed(recording(name))

    assert facts_of(cut(data, places)) == facts_of([data])


DAMAGE = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=40)), min_size=1, max_size=6
)


def damaged(data: bytes, damage: list[tuple[int, bytes]], spared: int = 0) -> bytes:
    """The same file with some of its bytes overwritten, none of the first ones."""
    file = bytearray(data)
    for place, junk in damage:
        at = spared + place % (len(data) - spared)
        file[at : at + len(junk)] = junk[: len(data) - at]
    return bytes(file)


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(DAMAGE, st.lists(st.integers(0, 1 << 20), max_size=40))
def test_index_of_a_damaged_file_is_the_same_for_any_chunks(
    damage: list[tuple[int, bytes]], places: list[int]
) -> None:
    data = damaged(finished("chromium-vp8-opus.webm"), damage)

    assert facts_of(cut(data, places)) == facts_of([data])


LONG_BLOCKS = header() + b"".join(
    cluster(
        at * 100, *(block(1, n, bytes([at + n]) * (length << 10)) for n, length in enumerate((9, 150, 1, 60)))
    )
    for at in range(3)
)
"""Blocks of which some are longer, and some shorter, than what is joined to the bytes held before."""


@settings(max_examples=60, deadline=None)
@given(DAMAGE | st.just([]), st.lists(st.integers(0, 1 << 20), max_size=6))
def test_index_is_the_same_for_long_chunks_that_end_within_long_blocks(
    damage: list[tuple[int, bytes]], places: list[int]
) -> None:
    data = damaged(LONG_BLOCKS, damage, spared=len(header()))

    assert facts_of(cut(data, places)) == facts_of([data])


@settings(deadline=None)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=20))
def test_any_bytes_behind_a_header_are_taken_calmly(junk: bytes, places: list[int]) -> None:
    data = header() + cluster(0, block(1, 0, b"frame")) + junk

    whole = facts_of([data])

    assert whole["blocks"] >= 1
    assert facts_of(cut(data, places)) == whole


# Facts, against ffprobe.


def probe(path: Path) -> dict[str, Any]:
    command = "ffprobe -v error -show_streams -show_packets -of json"
    text = program(*command.split(), str(path)).stdout
    return dict(json.loads(text))


CODECS = {
    "V_VP8": "vp8",
    "V_VP9": "vp9",
    "V_AV1": "av1",
    "V_MPEG4/ISO/AVC": "h264",
    "A_OPUS": "opus",
    "A_PCM/FLOAT/IEEE": "pcm_f32le",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL_FILES)
def test_tracks_blocks_and_times_are_those_ffprobe_finds(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(recording(name))
    found = probe(tmp_path / name)

    index = indexed(recording(name))

    for track, stream in zip(index.tracks, found["streams"], strict=True):
        packets = [packet for packet in found["packets"] if packet["stream_index"] == stream["index"]]
        # ffprobe takes the decoder's delay off; the file's own times are with it.
        delay_ms = round(track.codec_delay_ns / 1e6 + 0.001)
        times = [round(float(packet["pts_time"]) * 1000) + delay_ms for packet in packets]
        progress = index.progress(track.number)
        assert CODECS[track.codec] == stream["codec_name"]
        assert track.kind.name.lower() == stream["codec_type"]
        assert progress.blocks == len(packets)
        assert progress.bytes == sum(int(packet["size"]) for packet in packets)
        assert (progress.first_ms, progress.last_ms) == (min(times), max(times))
        if track.kind is Kind.VIDEO:
            assert (track.width, track.height) == (stream["width"], stream["height"])
        else:
            assert track.channels == stream["channels"]
    assert index.end == index.size
    assert index.damages == []


@pytest.mark.parametrize(
    "name", [name for name in ALL_FILES if "-opus." in name or "-pcm." in name or "vp9." in name]
)
def test_a_clusters_first_key_frame_is_noted(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(recording(name))
    packets = [packet for packet in probe(tmp_path / name)["packets"] if packet["codec_type"] == "video"]
    keys = {round(float(packet["pts_time"]) * 1000) for packet in packets if "K" in packet["flags"]}
    data = recording(name)

    index = indexed(data)

    noted = index.key_frames
    assert len(noted.ticks) == len(set(noted.clusters))
    if packets:
        assert set(noted.ticks) <= keys
        assert min(keys) in noted.ticks
    for offset, position in zip(noted.clusters, noted.positions, strict=True):
        _, _, body = ebml.read_header(data, offset)
        assert offset in index.cluster_offsets
        assert ebml.read_id(data, body + position)[0] in (Id.SIMPLE_BLOCK, Id.BLOCK_GROUP)


def test_frames_bytes_and_duration_of_ffmpegs_recording() -> None:
    index = indexed(recording("vp8-pcm.mkv"))

    video, audio = (index.progress(track.number) for track in index.tracks)

    assert video.blocks == 100
    assert audio.bytes == 4 * 48_000 * 4
    assert index.duration_ms == pytest.approx(4000, abs=25)
    assert index.drift_ms == pytest.approx(0, abs=3)
    assert index.gaps == []


@pytest.mark.parametrize("name", [name for name in BROWSER_FILES if "opus" in name])
def test_browsers_opus_keeps_step_with_its_timestamps(name: str) -> None:
    drift = indexed(recording(name)).drift_ms

    assert drift == pytest.approx(0, abs=10)


def test_the_last_frame_is_as_long_as_those_of_the_last_seconds() -> None:
    index = Index()
    index.feed(header())
    for second in range(20):
        rate = 30 if second < 10 else 10
        index.feed(cluster(second * 1000, *(block(1, at * 1000 // rate, bytes(125)) for at in range(rate))))

    progress = index.progress(1)

    assert progress.last_ms == 19_900
    assert progress.end_ms == pytest.approx(20_000, abs=5)


def test_gap_is_recorded_with_its_track_and_times() -> None:
    index = Index(gap_ms=500)

    index.feed(
        header()
        + cluster(0, block(1, 0, b"a"), block(2, 0, b"\0"), block(2, 600, b"\0"), block(1, 400, b"a"))
    )
    index.feed(cluster(1000, block(2, 100, b"\0"), block(1, 500, b"a")))

    assert [(gap.track, gap.from_ms, gap.to_ms) for gap in index.gaps] == [(2, 0, 600), (1, 400, 1500)]


def test_number_of_gaps_kept_is_bounded_but_all_are_counted() -> None:
    index = Index(gap_ms=500)
    index.feed(header())

    for second in range(MAX_GAPS + 50):
        index.feed(cluster(second * 1000, block(1, 0, b"a")))

    assert len(index.gaps) == MAX_GAPS
    assert index.progress(1).gaps == MAX_GAPS + 49


def test_lost_sound_shows_as_drift() -> None:
    index = Index()
    sixty_ms = b"\x18" + bytes(9)

    index.feed(header() + cluster(0, *(block(2, at * 60 + 1000 * (at > 5), sixty_ms) for at in range(10))))

    assert index.drift_ms == -1000


def test_frames_stored_out_of_order_are_no_gap_and_the_latest_counts() -> None:
    index = Index(gap_ms=100)

    index.feed(header() + cluster(0, *(block(1, ticks, b"a") for ticks in (0, 90, 30, 60, 180, 120, 150))))

    progress = index.progress(1)
    assert (progress.first_ms, progress.last_ms, progress.end_ms, progress.gaps) == (0, 180, 210, 0)


def test_other_time_scales_are_understood() -> None:
    index = indexed(header(scale_ns=100_000) + cluster(10_000, block(1, 0, b"a"), block(1, 400, b"a")))

    assert index.progress(1).last_ms == 1040
    assert index.duration_ms == 1080


# Structures.


def test_block_group_counts_as_a_block_with_duration_and_reference() -> None:
    frame = b"\x81\0\x05\0frame"
    duration = ebml.element(Id.BLOCK_DURATION, b"\x64")
    key = ebml.element(Id.BLOCK_GROUP, ebml.element(Id.BLOCK, frame) + duration)
    other = ebml.element(
        Id.BLOCK_GROUP, ebml.element(Id.REFERENCE_BLOCK, b"\x01") + ebml.element(Id.BLOCK, frame)
    )

    index = indexed(header() + cluster(0, other, key) + cluster(1000, other) + cluster(2000, key))

    assert index.progress(1).blocks == 4
    assert list(index.key_frames.ticks) == [5, 2005]
    assert index.duration_ms == 2105
    assert index.end == index.size


def test_elements_between_blocks_and_clusters_are_skipped() -> None:
    crc = ebml.element(Id.CRC_32, b"abcd")
    tags = ebml.element(Id.TAGS, bytes(500))
    known = ebml.element(
        Id.CLUSTER, crc + ebml.element(Id.TIMESTAMP, b"\x05") + block(1, 0, b"a") + ebml.void(9)
    )

    index = indexed(
        header() + known + ebml.void(300) + cluster(7, crc, ebml.void(5), block(1, 0, b"a")) + tags + known
    )

    assert list(index.cluster_ticks) == [5, 7, 5]
    assert index.progress(1).blocks == 3
    assert index.damages == []


def test_blocks_of_a_cluster_whose_time_is_damaged_are_dated_by_the_block_before() -> None:
    start = header() + cluster(0, block(1, 700, b"a"))
    data = start + opened(Id.CLUSTER) + b"\0\0\0\0" + block(1, 0, b"a") * 3

    saved = apply(data, finish(indexed(data)))

    assert list(indexed(saved).cluster_ticks) == [0, 700]
    assert indexed(saved).blocks == 4
    assert ebml.element(Id.TIMESTAMP, b"\x02\xbc") in saved


def test_what_is_not_known_is_skipped_by_the_size_it_says_at_every_level() -> None:
    strange = b"\x4f\xff" + ebml.write_size(40) + bytes(40)
    frame = ebml.element(Id.BLOCK, b"\x81\0\5\0frame")
    group = ebml.element(Id.BLOCK_GROUP, strange + frame + strange)
    head, tracks = header().split(ebml.write_id(Id.TRACKS))
    data = (
        head
        + strange
        + (ebml.write_id(Id.TRACKS) + tracks)
        + strange
        + cluster(0, strange, block(1, 0, b"a"), strange * 2, block(1, 9, b"b"), group)
        + strange
        + cluster(1000, block(1, 0, b"c"), strange)
    )

    index = indexed(data)
    saved = apply(data, finish(index))

    assert index.blocks == 4
    assert index.damages == []
    assert data.count(strange) == 9
    assert saved.count(strange) == 7, "those beside the clusters become Voids: mkvmerge loses its way there"


def test_blocks_of_a_track_that_is_not_declared_are_left_where_they_are() -> None:
    data = header() + cluster(
        0, block(1, 0, b"a"), block(3, 5, b"who?"), block(1, 9, b"b"), block(3, 9, b"!")
    )

    index = indexed(data)

    assert index.blocks == 2
    assert index.damages == []
    assert block(3, 5, b"who?") in apply(data, finish(index))
    assert block(3, 9, b"!") in apply(data, finish(index))


def test_damage_is_passed_over_up_to_the_next_block() -> None:
    start = header() + cluster(0, block(1, 0, b"a"))
    broken = cluster(1000, block(1, 0, b"b"), b"\0\0 what is this?", block(1, 9, b"lost"))
    end = cluster(2000, block(1, 0, b"c"))

    index = indexed(start + broken + end)

    whole = len(start) + len(cluster(1000, block(1, 0, b"b")))
    assert list(index.cluster_ticks) == [0, 1000, 2000]
    assert index.damages == [(whole, whole + 16)]
    assert index.passed_over == 16
    assert index.blocks == 4
    assert index.end == index.size


def test_a_clusters_id_in_the_rubbish_does_no_harm() -> None:
    start = header() + cluster(0, block(1, 0, b"a"))
    fake = ebml.write_id(Id.CLUSTER) + ebml.write_size(900) + b"rubbish"

    index = indexed(start + bytes(9) + fake + cluster(2000, block(1, 0, b"c")))

    assert index.damages == [(len(start), len(start) + 9), (len(start) + 15, len(start) + 9 + len(fake))]
    assert list(index.cluster_ticks) == [0, 2000]


def test_next_cluster_is_found_byte_by_byte() -> None:
    data = header() + cluster(0, block(1, 0, b"a")) + bytes(99) + cluster(2000, block(1, 0, b"c"))

    assert facts_of(list(chunked(data, 1))) == facts_of([data])
    assert len(indexed(data).damages) == 1


def test_second_recording_behind_the_first_is_read_on_with_times_that_go_on() -> None:
    one = header() + cluster(0, block(1, 0, b"a"), block(2, 400, b"b"))

    index = indexed(one + one)

    assert (index.runs, index.blocks) == (2, 4)
    assert index.progress(1).last_ms == 401
    assert apply(one + one, finish(index)) == one + one


def test_recording_of_another_kind_behind_the_first_is_an_error_and_the_first_stays() -> None:
    index = Index()
    one = header() + cluster(0, block(1, 0, b"a"))

    with pytest.raises(WebmError, match="A recording of another kind begins within this one, at byte"):
        index.feed(one + header(video=""))

    assert index.blocks == 1
    assert index.end == len(one)
    with pytest.raises(WebmError, match="another kind"):
        index.feed(one)


def test_blocks_behind_a_cluster_that_says_it_is_shorter_are_its_own() -> None:
    sound = [block(2, at * 20, bytes(30)) for at in range(20)]
    whole = cluster(0, *sound, width=8)
    short = whole[:4] + ebml.write_size(len(whole) - 12 - 10 * len(sound[0]), 8) + whole[12:]
    data = header() + short + cluster(1000, *sound)

    index = indexed(data)
    saved = apply(data, finish(index))

    assert index.blocks == 40
    assert index.damages == []
    assert all(one in saved for one in sound)


def test_block_behind_damage_is_not_dated_by_the_cluster_before_if_its_own_is_gone() -> None:
    first = cluster(0, *(block(1, at * 10, bytes(100)) for at in range(100)))
    second = cluster(1000, *(block(1, at * 10, bytes(100)) for at in range(100)))
    data = bytearray(header() + first + second + cluster(2000, block(1, 0, b"z")))
    at = len(header() + first)
    data[at - 300 : at + 20] = bytes(320)

    index = indexed(bytes(data))

    assert index.blocks < 100
    assert list(index.cluster_ticks) == [0, 2000]


# Cost.


def test_memory_grows_by_clusters_only() -> None:
    chunks = list(half_seconds(500, frame_bytes=1_000))
    index = Index()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for chunk in chunks:
            index.feed(chunk)
            index.drain()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert grown < 100 * 500


def test_a_long_piece_is_not_copied_for_the_torn_block_before_it() -> None:
    blocks = b"".join(block(1, n, bytes(10_000)) for n in range(400))
    file = header() + cluster(0, blocks)
    torn = len(file) - len(blocks) + 15_000
    first, second = file[:torn], file[torn:]
    index = Index()
    index.feed(first)
    tracemalloc.start()
    try:
        index.feed(second)
        needed = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert index.blocks == 400
    assert needed < len(second) / 4
