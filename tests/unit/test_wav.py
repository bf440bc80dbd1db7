"""WAV headers, small and beyond 4 GiB."""

from __future__ import annotations

import struct

import pytest

from rolltape.media.wav import PcmFormat, header, little_endian, tail

FLOAT = PcmFormat(48_000, 2, 32, True)


def chunks(data: bytes) -> dict[bytes, bytes]:
    found, at = {}, 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        found[name] = data[at + 8 : at + 8 + size]
        at += 8 + size
    return found


def test_plain_sound_has_the_plain_header() -> None:
    head = header(PcmFormat(44_100, 2, 16, False), 1000)

    assert head[:12] == b"RIFF" + struct.pack("<I", 1036) + b"WAVE" and len(head) == 44
    assert struct.unpack("<HHIIHH", chunks(head)[b"fmt "]) == (1, 2, 44_100, 176_400, 4, 16)


@pytest.mark.parametrize("form", [PcmFormat(48_000, 2, 24, False), PcmFormat(48_000, 6, 16, False)])
def test_more_bits_or_channels_are_extensible(form: PcmFormat) -> None:
    fmt = chunks(header(form, 0))[b"fmt "]

    assert len(fmt) == 40 and fmt[:2] == b"\xfe\xff"
    assert struct.unpack_from("<HHIH", fmt, 16)[:2] == (22, form.bits)
    assert bin(struct.unpack_from("<I", fmt, 20)[0]).count("1") == form.channels


def test_floats_have_their_number_of_samples() -> None:
    found = chunks(header(FLOAT, 800))

    assert struct.unpack_from("<H", found[b"fmt "])[0] == 3
    assert struct.unpack("<I", found[b"fact"]) == (100,)


@pytest.mark.parametrize("data_bytes", [(1 << 32) - 48, 1 << 32, 5 << 30])
def test_beyond_four_gibibytes_it_is_rf64(data_bytes: int) -> None:
    small, large = header(FLOAT, (1 << 32) - 56), header(FLOAT, data_bytes)

    assert small[:4] == b"RIFF" and large[:8] == b"RF64\xff\xff\xff\xff"
    assert large[12:16] == b"ds64" and large[-4:] == b"\xff\xff\xff\xff"
    assert struct.unpack("<QQQI", chunks(large)[b"ds64"]) == (
        len(large) - 8 + data_bytes,
        data_bytes,
        data_bytes // 8,
        0,
    )


def test_chunks_end_at_even_offsets() -> None:
    mono = PcmFormat(8000, 1, 8, False)

    assert struct.unpack_from("<I", header(mono, 101), 4)[0] == 36 + 102
    assert (tail(101), tail(102)) == (b"\0", b"")
    assert mono.silence(3) == b"\x80\x80\x80"


@pytest.mark.parametrize(
    ("bits", "turned"), [(8, "010203040506"), (16, "020104030605"), (24, "030201060504")]
)
def test_big_endian_samples_are_turned_round(bits: int, turned: str) -> None:
    assert little_endian(bytes([1, 2, 3, 4, 5, 6]), bits).hex() == turned
