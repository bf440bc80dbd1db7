"""A WAV file while it is recorded: what readers see of it before and after its end, and beyond 4 GiB."""

from __future__ import annotations

import array
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_tools import decode_errors, probe, samples
from rolltape.media.ending import Patch
from rolltape.media.wav_recording import HEADER_SIZE, WavStream, header


def made(seconds: float = 0.5, rate: int = 44_100) -> bytes:
    values = [(frame % 100 - 50) / 64 for frame in range(int(rate * seconds))]
    return array.array("f", [value for one in values for value in (one, -one)]).tobytes()


def patched(data: bytes, patches: tuple[Patch, ...]) -> bytes:
    file = bytearray(data)
    for patch in patches:
        file[patch.offset : patch.offset + len(patch.data)] = patch.data
    return bytes(file)


@pytest.mark.parametrize("size", [1, 7, 93, 94, 4096, 1 << 20])
def test_the_bytes_go_through_untouched_and_the_end_makes_them_a_wav_file(tmp_path: Path, size: int) -> None:
    data = header(44_100, 2) + made()
    stream = WavStream()

    given = b"".join(stream.feed(data[start : start + size]) for start in range(0, len(data), size))
    path = tmp_path / "a.wav"
    path.write_bytes(patched(given, stream.finish().patches))

    assert given == data
    assert stream.duration_ms == 500
    found = probe(path)
    assert found["streams"][0]["codec_name"] == "pcm_f32le"
    assert (found["streams"][0]["channels"], found["streams"][0]["sample_rate"]) == (2, "44100")
    assert float(found["format"]["duration"]) == 0.5
    assert decode_errors(path) == ""
    left, right = samples(path, 44_100)
    assert left.tobytes() == array.array("f", memoryview(made()).cast("f")[0::2]).tobytes()
    assert right[3] == -left[3]


def test_an_unfinished_file_plays_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(header(48_000, 2) + made(1, 48_000))

    assert decode_errors(path) == ""
    assert len(samples(path)[0]) == 48_000


def test_half_a_frame_at_a_torn_end_is_cut_off() -> None:
    stream = WavStream()
    stream.feed(header(48_000, 2) + b"\0" * 83)

    ending = stream.finish()

    assert ending.truncate_to == HEADER_SIZE + 80
    assert ending.patches[0].data == struct.pack("<I", 10)


class HugeWav(WavStream):
    """One that has been fed with more than a test can make."""

    def grow(self, size: int) -> None:
        self._size += size


@pytest.mark.parametrize(
    ("size", "is_rf64"), [(0xFFFFFFFF - HEADER_SIZE, False), (0xFFFFFFFF - HEADER_SIZE + 16, True)]
)
def test_rf64_begins_where_32_bits_end(size: int, is_rf64: bool) -> None:
    stream = HugeWav()
    stream.feed(header(48_000, 1))
    stream.grow(size // 4 * 4)

    file = patched(header(48_000, 1), stream.finish().patches)

    assert (file[:4] == b"RF64") is is_rf64


def test_beyond_4_gib_the_sizes_stand_in_ds64(tmp_path: Path) -> None:
    stream = HugeWav()
    stream.feed(header(48_000, 2))
    stream.grow(5 << 30)

    path = tmp_path / "huge.wav"
    path.write_bytes(patched(header(48_000, 2), stream.finish().patches))
    with path.open("r+b") as file:
        file.truncate(HEADER_SIZE + (5 << 30))  # sparse: no disk is used

    with path.open("rb") as file:
        head = file.read(64)
    assert head[:4] == b"RF64" and head[12:16] == b"ds64"
    assert struct.unpack_from("<QQQ", head, 20) == (HEADER_SIZE + (5 << 30) - 8, 5 << 30, (5 << 30) // 8)
    assert float(probe(path)["format"]["duration"]) == pytest.approx((5 << 30) / 8 / 48_000)


@pytest.mark.parametrize("data", [b"RIFF" + b"\0" * 200, b"\0" * 200, header(48_000, 2)[:50]])
def test_what_is_no_wav_of_ours_is_left_alone(data: bytes) -> None:
    stream = WavStream()

    assert stream.feed(data) == data
    assert stream.finish() == WavStream().finish()
    assert stream.duration_ms is None
    assert stream.problem == ("" if len(data) < HEADER_SIZE else "This is no WAV file of this recorder.")


def test_a_finished_file_reads_back_as_the_same() -> None:
    data = header(48_000, 2) + made()
    stream = WavStream()
    stream.feed(data)
    whole = patched(data, stream.finish().patches)

    again = WavStream()
    again.feed(whole)

    assert again.problem == ""
    assert patched(whole, again.finish().patches) == whole


@given(
    st.integers(1, 8),
    st.binary(max_size=300),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=8))),
)
def test_recovery_of_a_damaged_wav_cuts_no_more_than_half_a_sample(
    channels: int, samples: bytes, damage: list[tuple[int, bytes]]
) -> None:
    data = bytearray(header(48_000, channels) + samples)
    for at, junk in damage:
        data[at : at + len(junk)] = junk[: max(0, len(data) - at)]
    stream = WavStream()
    stream.feed(bytes(data))

    ending = stream.finish()

    kept = len(data) if ending.truncate_to is None else ending.truncate_to
    assert kept == len(data) or len(data) - kept < stream_frame(bytes(data))
    assert ending.append == b""


def stream_frame(data: bytes) -> int:
    """Bytes of a sample of all channels, as the header says."""
    return 4 * int.from_bytes(data[58:60], "little")
