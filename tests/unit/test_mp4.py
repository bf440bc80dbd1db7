"""MP4: the tables say what ffmpeg and ffprobe find in the samples, in every case that recordings have."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rolltape.core.errors import ConvertError
from rolltape.media import h264
from rolltape.media.mp4 import Mp4Track, Runs, Samples, ShownSamples, movie
from rolltape.media.mp4_entries import opus_entry, vp9_config
from rolltape.media.ogg import opus_head
from unit.convert_tools import converted, decoded, said
from unit.media_files import DATA, ENCRYPTED, block, channels, cluster, header, packets, recording


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + size]
        at += size


def inside(data: bytes, *path: bytes) -> bytes:
    for kind in path:
        data = dict(boxes(data))[kind]
    return data


def test_what_follows_one_another_is_one_run() -> None:
    runs = Runs()
    for value in (33, 33, 34, 33):
        runs.add(value)

    assert runs.stored() == struct.pack(">7I", 3, 2, 33, 1, 34, 1, 33)
    assert runs.raise_last(-40) == -33
    assert runs.stored(1) == struct.pack(">7I", 3, 2, 34, 1, 35, 1, 1)


def sound(*chunks: int) -> Mp4Track:
    """A track with a chunk of one sample at each of these places."""
    samples = Samples()
    for offset in chunks:
        samples.add(10, 960)
        samples.end_chunk(offset)
    return Mp4Track(opus_entry(opus_head(b"", 2)), samples, 48_000, 0)


def table(track: Mp4Track, kind: bytes) -> bytes:
    return inside(movie([track]), b"moov", b"trak", b"mdia", b"minf", b"stbl", kind)


def test_chunks_below_4_gib_have_offsets_of_32_bits() -> None:
    assert struct.unpack(">4I", table(sound(48, 0xFFFF_FFFF), b"stco")) == (0, 2, 48, 0xFFFF_FFFF)


def test_chunks_beyond_4_gib_have_offsets_of_64_bits() -> None:
    assert struct.unpack(">IIQQ", table(sound(48, 1 << 32), b"co64")) == (0, 2, 48, 1 << 32)


def test_a_length_beyond_32_bits_is_written_in_64() -> None:
    track = sound(48, 58, 68, 78)
    for _ in range(3):
        track.samples.add(10, 0)
        track.samples.stretch(1 << 33)

    box = inside(movie([track]), b"moov")

    assert struct.unpack_from(">IQQIQ", inside(box, b"mvhd"))[0::4] == (1 << 24, 3 * 0xFFFF_FFFF + 4 * 960)
    assert (
        struct.unpack_from(">IQQIQ", inside(box, b"trak", b"mdia", b"mdhd"))[4] == 3 * 0xFFFF_FFFF + 4 * 960
    )


def test_reordered_pictures_are_decoded_in_order_and_shown_at_their_time() -> None:
    pictures = ShownSamples()
    shown = [0, 120, 40, 80, 240, 160, 200]
    for at in shown:
        pictures.add_picture(10, at, at == 0)
    pictures.finish()

    tables = dict(boxes(b"".join(pictures.boxes())))
    late = struct.unpack(f">{len(tables[b'ctts']) // 4}I", tables[b"ctts"])[2:]
    offsets = [value for count, value in zip(late[::2], late[1::2], strict=True) for _ in range(count)]
    assert pictures.delay == 40
    assert [n * 40 + offset - 40 for n, offset in enumerate(offsets)] == shown
    assert tables[b"stss"] == struct.pack(">III", 0, 1, 1)


def test_a_byte_stream_becomes_units_after_their_length() -> None:
    stream = b"\0\0\0\1\x67\x42\xc0\x15\x8c\0\0\1\x68\xce\x3c\x80\0\0\0\1\x65\x11\0\0\3\x22"

    assert h264.units(stream) == [b"\x67\x42\xc0\x15\x8c", b"\x68\xce\x3c\x80", b"\x65\x11\0\0\3\x22"]
    assert len(h264.length_prefixed(stream)) == 5 + 4 + 6 + 12
    assert h264.configuration(stream).hex() == "0142c015ffe100056742c0158c01000468ce3c80"
    assert h264.configuration(b"\0\0\1\x65\x11") == h264.configuration(b"") == b""


@pytest.mark.parametrize(
    ("frame", "profile", "depth", "chroma"),
    [
        ("824983426013f00ef6", 0, 8, 1),
        ("9249834240", 2, 10, 1),
        ("a249834228", 1, 8, 2),
        ("a249834220", 1, 8, 3),
    ],
)
def test_vp9_is_described_by_its_first_frame(frame: str, profile: int, depth: int, chroma: int) -> None:
    config = vp9_config(bytes.fromhex(frame), (1280, 720), 30)

    assert config[12] == profile and config[13] == 31
    assert config[14] >> 4 == depth and config[14] >> 1 & 7 == chroma


# Whole files, judged by ffprobe.


def shown(path: Path) -> list[dict[str, Any]]:
    told = said("ffprobe", "-v", "warning", "-show_streams", "-of", "json", path)
    streams: list[dict[str, Any]] = json.loads(told)["streams"]
    return streams


def test_sound_and_picture_keep_their_times(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(converted(recording("firefox-vp8-opus.webm"), "mp4").data)

    picture, heard = shown(path)

    assert picture["codec_tag_string"] == "vp08" and heard["codec_tag_string"] == "Opus"
    assert (float(picture["start_time"]), float(heard["start_time"])) == (0, 0.006)


def test_a_gap_in_opus_is_filled_with_silence(tmp_path: Path) -> None:
    data = header(video="") + b"".join(
        cluster(at, block(2, 0, b"\xfc\xff\xfe")) for at in (0, 20, 40, 1060, 1080)
    )
    path = tmp_path / "a.mp4"

    path.write_bytes(converted(data, "mp4").data)

    assert len(decoded(path, "-f", "s16le", "-ac", "1")) == 2 * 48 * 1100


def test_sound_that_drifts_from_its_time_is_set_right() -> None:
    """An hour later the picture would be 3.6 s off."""
    data = header(video="") + b"".join(
        cluster(at * 1001 // 50, block(2, 0, b"\xfc\xff\xfe")) for at in range(5000)
    )

    result = converted(data, "mp4").data

    length = struct.unpack_from(">IIIII", inside(result, b"moov", b"trak", b"mdia", b"mdhd"))[4]
    assert abs(length / 48_000 - 100.1) < 0.05


def test_a_time_that_cannot_be_is_left_out(tmp_path: Path) -> None:
    times = [0, 33, 66, 50_000_000, 50_000_033, 99, 132]
    path = tmp_path / "a.mp4"

    path.write_bytes(
        converted(header(audio="") + b"".join(cluster(at, block(1, 0, b"xyz")) for at in times), "mp4").data
    )

    assert [p.time for p in packets(path)] == pytest.approx([0, 0.033, 0.066, 0.066, 0.099, 0.099, 0.132])


def test_samples_lie_in_boxes_of_some_megabytes_and_the_movie_behind_them(tmp_path: Path) -> None:
    data = header(audio="") + b"".join(
        cluster(at * 1000, block(1, 0, bytes([at]) * (1 << 20)), block(1, 500, bytes(5), False))
        for at in range(1, 11)
    )
    source, path = tmp_path / "a.mkv", tmp_path / "a.mp4"
    source.write_bytes(data)

    path.write_bytes(converted(data, "mp4").data)

    found = [(kind, len(payload)) for kind, payload in boxes(path.read_bytes())]
    assert [kind for kind, _ in found] == [b"ftyp", b"mdat", b"mdat", b"mdat", b"moov"]
    assert [size for kind, size in found if kind == b"mdat"] == [4 * (1 << 20) + 20] * 2 + [
        2 * (1 << 20) + 10
    ]
    assert [p.digest for p in packets(path)] == [p.digest for p in packets(source)]


def test_parts_of_one_take_are_joined(tmp_path: Path) -> None:
    source = DATA / "chromium-h264-opus.mkv"
    one, both = tmp_path / "one.mp4", tmp_path / "both.mp4"

    one.write_bytes(converted(source, "mp4").data)
    both.write_bytes(converted([source, source], "mp4").data)

    single, joined = packets(one), packets(both)
    for kind in ("video", "audio"):
        a, b = [p for p in single if p.kind == kind], [p for p in joined if p.kind == kind]
        assert [p.digest for p in b] == [p.digest for p in a] * 2
        assert b[len(a)].time > b[len(a) - 1].time
    assert said("ffmpeg", "-v", "warning", "-i", both, "-f", "null", "-") == ""


@pytest.mark.parametrize("share", [0.3, 0.61, 0.999])
def test_a_cut_off_file_gives_what_is_in_it_and_says_so(share: float, tmp_path: Path) -> None:
    data = (DATA / "chromium-h264-opus.mkv").read_bytes()
    path = tmp_path / "a.mp4"

    result = converted(data[: int(len(data) * share)], "mp4")
    path.write_bytes(result.data)

    assert len(result.losses) == 1 and "breaks off at 0:0" in result.losses[0]
    assert packets(path) and said("ffmpeg", "-v", "warning", "-i", path, "-f", "null", "-") == ""


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            header(audio="A_VORBIS"),
            "MP4 cannot hold the sound in take.webm as it is (Vorbis), and nothing is encoded anew.",
        ),
        (
            header(video="V_THEORA"),
            "MP4 cannot hold the picture in take.webm as it is (V_THEORA), and nothing is encoded anew.",
        ),
        (
            header(video="V_AV1"),
            "The picture in take.webm is described too poorly to be put into an MP4 file.",
        ),
        (
            header(of_audio=ENCRYPTED),
            "The sound in take.webm is encrypted, so it cannot be put into an MP4 file.",
        ),
        (
            header(of_audio=channels(9)),
            "The sound in take.webm has 9 channels, which is more than MP4 files hold.",
        ),
        (
            header(video="S_TEXT/UTF8", audio="").replace(b"\x83\x81\x01", b"\x83\x81\x11"),
            "There is neither sound nor picture in take.webm.",
        ),
        (header(), "take.webm has a header, but neither sound nor picture behind it."),
        (
            header(video="V_MPEG4/ISO/AVC") + cluster(0, block(1, 0, b"\0\0\0\1\x41\x9a")),
            "The recording does not say how its H.264 is to be decoded, as MP4 has to.",
        ),
    ],
)
def test_what_mp4_cannot_hold_is_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(ConvertError) as caught:
        converted(data, "mp4")

    assert caught.value.sentence == sentence


def test_frames_that_no_decoder_would_take_are_left_out_and_told() -> None:
    good = b"\0\0\0\1\x67\x42\xc0\x15\x8c\0\0\1\x68\xce\x3c\x80\0\0\1\x65\x11"
    data = header(video="V_MPEG4/ISO/AVC", audio="") + cluster(
        0, block(1, 0, good), block(1, 33, b"rubbish", False), block(1, 66, good)
    )

    result = converted(data, "mp4")

    assert result.losses == ["Frames that no player would take were left out: 1."]
    assert result.data.count(b"\x65\x11") == 2
