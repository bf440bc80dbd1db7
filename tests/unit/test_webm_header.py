"""The header, rewritten: what a browser wrote stays, room is made, and anything else is refused early."""

from pathlib import Path

import pytest

from rolltape.media import ebml
from rolltape.media.ebml import Id
from rolltape.media.webm import Index, WebmError, WebmStream
from rolltape.media.webm_header import DURATION_ROOM, SEEK_ROOM, TAIL_ROOM, header_length, rewrite_header
from unit.media_files import (
    BROWSER_FILES,
    LIVE_FILES,
    WRITING_APP,
    chunked,
    header,
    opened,
    packets,
    recording,
    recovered,
    streamed,
)

ALL_FILES = BROWSER_FILES + LIVE_FILES


def raw_header(name: str) -> bytes:
    raw = recording(name)
    return raw[: header_length(raw)]


def level_one(head: bytes) -> list[tuple[int, bytes]]:
    """The elements in the Segment: id and all of its bytes."""
    at = head.index(ebml.write_id(Id.SEGMENT)) + 12
    return [(ident, head[at + start : at + end]) for ident, start, _, end in ebml.children(head[at:])]


@pytest.mark.parametrize("name", ALL_FILES)
def test_header_has_room_and_keeps_head_and_tracks(name: str) -> None:
    raw = raw_header(name)

    ours = rewrite_header(raw, WRITING_APP)

    parts = level_one(ours)
    idents = [ident for ident, _ in parts]
    assert ours[: ours.index(opened(Id.SEGMENT))] == raw[: raw.index(opened(Id.SEGMENT))]
    assert idents[:3] == [Id.VOID, Id.INFO, Id.TRACKS]
    assert (len(parts[0][1]), len(parts[-1][1])) == (SEEK_ROOM, TAIL_ROOM)
    assert parts[2][1] in raw
    assert set(idents[3:]) <= {Id.TAGS, Id.VOID}


@pytest.mark.parametrize("name", ALL_FILES)
def test_info_says_who_wrote_it_and_has_room_for_its_duration(name: str) -> None:
    ours = rewrite_header(raw_header(name), WRITING_APP)

    info = next(data for ident, data in level_one(ours) if ident == Id.INFO)
    payload = info[ebml.read_header(info, 0)[2] :]
    fields = [
        (ident, payload[start:end], payload[body:end]) for ident, start, body, end in ebml.children(payload)
    ]
    assert (fields[-1][0], len(fields[-1][1])) == (Id.VOID, DURATION_ROOM)
    assert [value for ident, _, value in fields if ident == Id.WRITING_APP] == [WRITING_APP.encode()]
    assert not [ident for ident, *_ in fields if ident == Id.DURATION]
    assert [value for ident, _, value in fields if ident == Id.MUXING_APP]
    assert [value for ident, _, value in fields if ident == Id.TIMESTAMP_SCALE] == [b"\x0f\x42\x40"]


@pytest.mark.parametrize("name", ALL_FILES)
def test_rewriting_our_own_header_changes_nothing(name: str) -> None:
    ours = rewrite_header(raw_header(name), WRITING_APP)

    assert rewrite_header(ours, WRITING_APP) == ours


@pytest.mark.parametrize("name", ALL_FILES)
def test_rewriting_a_finished_header_makes_it_live_again(name: str) -> None:
    live = streamed(recording(name))
    done = recovered(live)

    assert rewrite_header(done[: header_length(done)], WRITING_APP) == live[: header_length(live)]


@pytest.mark.parametrize("name", BROWSER_FILES)
def test_header_is_held_back_until_it_is_whole(name: str) -> None:
    raw = recording(name)
    cluster_id_end = len(raw_header(name)) + 4
    stream = WebmStream(WRITING_APP)

    given = [stream.feed(byte) for byte in chunked(raw[:cluster_id_end], 1)]

    assert not any(given[:-1])
    assert given[-1] == rewrite_header(raw_header(name), WRITING_APP) + ebml.write_id(Id.CLUSTER)
    assert stream.held == b""


@pytest.mark.parametrize("name", ALL_FILES)
def test_only_the_header_changes(name: str) -> None:
    raw = recording(name)

    assert streamed(raw).endswith(raw[header_length(raw) :])


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL_FILES)
def test_a_player_finds_the_same_packets_behind_the_new_header(name: str, tmp_path: Path) -> None:
    raw = recording(name)
    (tmp_path / "raw").write_bytes(raw)
    (tmp_path / "ours").write_bytes(streamed(raw))

    assert packets(tmp_path / "ours") == packets(tmp_path / "raw")


def test_later_chunks_pass_as_they_are() -> None:
    raw = recording("chromium-vp8-opus.webm")
    stream = WebmStream(WRITING_APP)
    stream.feed(raw[:9_000])

    chunk = raw[9_000:]

    assert stream.feed(chunk) is chunk


MP4 = bytes.fromhex("00000020 66747970 69736f35 00000200 69736f35 69736f36")


@pytest.mark.parametrize("start", [MP4, b"RIFF....WAVE", b"OggS", b"\x1aE\xdf\xa4", b"<html>"])
def test_what_is_no_webm_is_refused_and_given_back(start: bytes) -> None:
    stream = WebmStream(WRITING_APP)

    with pytest.raises(WebmError, match="This is not a WebM or Matroska recording"):
        stream.feed(start)

    assert stream.held == start
    assert stream.problem
    with pytest.raises(WebmError):
        Index().feed(start)


def test_what_is_no_webm_is_refused_from_a_single_byte() -> None:
    with pytest.raises(WebmError):
        WebmStream(WRITING_APP).feed(MP4[:1])


def test_refusal_stays() -> None:
    stream = WebmStream(WRITING_APP)
    with pytest.raises(WebmError):
        stream.feed(MP4)

    with pytest.raises(WebmError):
        stream.feed(recording("chromium-opus.webm"))

    assert stream.held == MP4
    assert stream.finish().append == MP4


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (ebml.element(Id.EBML, ebml.element(Id.DOC_TYPE, b"avif")), "avif"),
        (ebml.element(Id.EBML, b""), "The file does not say which format it is"),
        (
            header(video="", audio="").replace(ebml.element(Id.TRACKS, b""), b""),
            "The recording's header lists no tracks",
        ),
        (header()[:30] + b"\0" * 9, "The recording's header cannot be read at byte 36"),
        (
            header() + ebml.write_id(Id.TAGS) + ebml.write_size(1 << 30),
            "The recording's header is not usable: the element at byte .* has no fitting size",
        ),
        (header() + opened(Id.TAGS), "no fitting size"),
    ],
)
def test_header_that_cannot_be_used_is_refused_with_a_sentence(head: bytes, sentence: str) -> None:
    with pytest.raises(WebmError, match=sentence):
        WebmStream(WRITING_APP).feed(head + opened(Id.CLUSTER))


def test_recording_stopped_before_any_media_gives_what_came() -> None:
    raw = raw_header("chromium-opus.webm")
    stream = WebmStream(WRITING_APP)

    given = stream.feed(raw)

    assert given == b""
    assert stream.finish().append == raw
