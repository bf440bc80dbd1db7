"""Recovery: a file cut or damaged anywhere plays, and holds every whole block that came before."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rolltape.media import ebml
from rolltape.media.ebml import Id, read_header, read_size, void, write_id, write_size
from rolltape.media.webm import Index, WebmStream, finish
from rolltape.media.webm_events import Block
from rolltape.media.webm_header import WebmError, header_length
from rolltape.media.webm_reader import Reader
from unit.media_files import (
    BROWSER_FILES,
    apply,
    block,
    chunked,
    cluster,
    complaints,
    duration,
    finished,
    header,
    indexed,
    packets,
    recording,
    recovered,
    streamed,
)

pytestmark = pytest.mark.slow

FIXTURES = ["chromium-vp8-opus.webm", "chromium-h264-opus.mkv", "chromium-opus.webm", "firefox-vp8-opus.webm"]


def media_start(data: bytes) -> int:
    length = header_length(data)
    assert length is not None
    return length


def block_ends(data: bytes) -> list[int]:
    return [event.end for event in Reader().feed(data) if isinstance(event, Block)]


@pytest.mark.parametrize("name", FIXTURES)
def test_file_cut_at_any_byte_keeps_every_whole_block_before(name: str) -> None:
    data = streamed(recording(name))
    start, ends = media_start(data), block_ends(data)

    for at in range(start + 12, len(data), 61):
        torn = data[:at]
        saved = recovered(torn)
        index = indexed(saved)
        whole = [end for end in ends if end <= at]
        assert index.blocks == len(whole), at
        assert index.finished or not whole, at
        assert recovered(saved) == saved, at


@pytest.mark.parametrize("name", FIXTURES)
def test_finished_file_cut_at_any_byte_is_finished_again(name: str) -> None:
    data = finished(name)
    start, ends = media_start(data), block_ends(data)

    for at in [*range(start + 12, len(data), 173), *range(len(data) - 60, len(data))]:
        index = indexed(recovered(data[:at]))
        assert index.blocks == sum(end <= at for end in ends), at
        assert index.finished or not index.blocks, at


@pytest.mark.parametrize("name", BROWSER_FILES)
@pytest.mark.parametrize("share", [0.2, 0.61, 0.999])
def test_ffmpeg_plays_a_recovered_file_without_a_word(name: str, share: float, tmp_path: Path) -> None:
    data = streamed(recording(name))
    whole, saved = tmp_path / "whole", tmp_path / "saved"
    whole.write_bytes(data)
    at = media_start(data) + int((len(data) - media_start(data)) * share)

    saved.write_bytes(recovered(data[:at]))

    kept = packets(saved)
    assert complaints(saved) == ""
    assert kept == packets(whole)[: len(kept)]
    assert len(kept) == sum(end <= at for end in block_ends(data))
    last = max(packet.time for packet in kept)
    assert 0 < (duration(saved) or 0) - last < 0.1


def test_recovery_of_the_whole_stream_is_the_finished_file() -> None:
    raw = recording("chromium-vp9-opus.webm")
    stream = WebmStream("Rolltape 0")
    live = b"".join(stream.feed(chunk) for chunk in chunked(raw, 3000))

    assert recovered(live) == apply(live, stream.finish())


def test_slices_of_any_length_recover_the_same_file() -> None:
    torn = streamed(recording("firefox-vp8-opus.webm"))[:-777]
    index = Index()

    for piece in chunked(torn, 100):
        index.feed(piece)

    assert apply(torn, finish(index)) == recovered(torn)


def test_ending_that_was_cut_off_half_way_is_done_again() -> None:
    data = streamed(recording("chromium-vp8-opus.webm"))
    ending = finish(indexed(data))
    done = apply(data, ending)

    for count in range(len(ending.patches)):
        half = bytearray(data + ending.append)
        for patch in ending.patches[:count]:
            half[patch.offset : patch.offset + len(patch.data)] = patch.data
        assert recovered(bytes(half)) == done
    for length in range(len(ending.append)):
        assert recovered(data + ending.append[:length]) == done


def test_zeros_at_the_end_as_after_a_power_cut_are_cut_off() -> None:
    torn = streamed(recording("chromium-vp8-opus.webm"))[:20_000]
    whole = recovered(torn)

    assert indexed(recovered(torn + bytes(50_000))).finished
    assert len(recovered(torn + bytes(50_000))) - len(whole) < 5_000


@pytest.mark.parametrize("place", [9_000, 14_000, 19_000])
def test_zeros_in_the_midst_cost_their_cluster_and_no_more(place: int, tmp_path: Path) -> None:
    data = streamed(recording("chromium-vp8-opus.webm"))
    path = tmp_path / "mended"
    hole = data[:place] + bytes(700) + data[place + 700 :]

    path.write_bytes(recovered(hole))

    before, after = indexed(data), indexed(path.read_bytes())
    assert after.finished
    assert after.duration_ms == pytest.approx(before.duration_ms, abs=70)
    assert before.blocks - 25 < after.blocks < before.blocks
    # A frame that refers to a lost one may look wrong: what is asked here is that the file can be read.
    assert not re.search("matroska|File ended|EBML", complaints(path))


junk = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=60)), min_size=1, max_size=5
)


@settings(max_examples=3 * settings().max_examples, deadline=None)
@given(junk, st.booleans())
@example([(1, b"\x00\x00\x00\x8a")], False)
@example([(4, b"\x8a\x01\x1f\x01\x00")], True)
def test_recovery_of_any_damage_is_a_file_that_needs_no_recovery(
    damage: list[tuple[int, bytes]], was_finished: bool
) -> None:
    name = "chromium-h264-opus.mkv"
    original = finished(name) if was_finished else streamed(recording(name))
    data, start = bytearray(original), media_start(original)
    for place, bad in damage:
        at = start + place % (len(data) - start)
        data[at : at + len(bad)] = bad[: len(data) - at]

    try:
        saved = recovered(bytes(data))
    except WebmError:
        assume(False)

    index = indexed(saved)
    assert index.finished or index.open_ended or not index.blocks
    assert index.damages == [] or index.open_ended
    assert recovered(saved) == saved


def test_cluster_that_has_no_block_yet_is_cut_off() -> None:
    whole = streamed(header() + cluster(0, block(1, 0, b"a")))

    for torn in (cluster(500)[:3], cluster(500)[:9], cluster(500), cluster(500, block(1, 0, b"b"))[:-1]):
        assert recovered(whole + torn) == recovered(whole)


def test_empty_cluster_at_the_end_is_cut_off_with_what_follows() -> None:
    whole = streamed(header() + cluster(0, block(1, 0, b"a")))
    cues = indexed(whole).key_frames.cues()

    assert recovered(whole + cluster(500) + cues) == recovered(whole)


def test_finished_file_whose_cues_are_gone_gets_them_back() -> None:
    done = finished("chromium-vp8-opus.webm")
    cues = indexed(done).layout.cues

    assert recovered(done[:cues] + void(len(done) - cues)) == done
    assert recovered(done[:cues] + bytes(len(done) - cues)) == done


def test_rubbish_behind_the_cues_is_cut_off() -> None:
    done = finished("chromium-vp8-opus.webm")
    at = done.index(write_id(Id.SEGMENT)) + 4
    longer = read_size(done, at)[0] + 40

    assert recovered(done[:at] + write_size(longer, 8) + done[at + 8 :] + bytes(40)) == done


@pytest.mark.parametrize("name", BROWSER_FILES)
def test_file_with_a_browsers_own_header_is_closed_as_far_as_there_is_room(name: str, tmp_path: Path) -> None:
    raw, saved = tmp_path / "raw", tmp_path / "saved"
    raw.write_bytes(recording(name))

    saved.write_bytes(recovered(recording(name)))

    assert packets(saved) == packets(raw)
    assert complaints(saved, level="error") == ""
    assert indexed(saved.read_bytes()).layout.cues


def test_file_without_a_whole_block_is_left_readable() -> None:
    empty = streamed(header() + cluster(0, block(1, 0, b"abc")))[:-1]

    saved = recovered(empty)

    assert indexed(saved).blocks == 0
    assert read_header(saved, 0)[0] > 0


def test_file_without_a_cluster_is_left_alone() -> None:
    head = streamed(header() + cluster(0, block(1, 0, b"abc")))
    head = head[: media_start(head)]

    assert recovered(head) == head
    assert recovered(head[:-100]) == head[:-100]


@pytest.mark.parametrize("name", ["mat oska", "x", "webM", "\0\0\0\0"])
def test_a_damaged_name_of_the_format_costs_nothing_where_the_rest_is_a_recording(name: str) -> None:
    whole = streamed(recording("chromium-pcm.webm"))
    said = ebml.element(Id.DOC_TYPE, b"matroska")
    assert whole.count(said) == 1
    damaged = whole.replace(said, said[: -len("matroska")] + name.encode().ljust(8, b"\0"))

    index = Index()
    for piece in chunked(recovered(damaged), 7):
        index.feed(piece)

    assert index.finished and index.blocks == indexed(whole).blocks > 0
    with pytest.raises(WebmError, match="neither WebM nor Matroska"):
        Index().feed(damaged.replace(ebml.write_id(Id.SEGMENT), b"\x1a\x45\xdf\xa4", 1))
