"""Ogg Opus pages: right to the bit, whatever the packets' sizes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.media.ogg import OggOpusWriter, opus_head, page_crc

HEAD = opus_head(b"", 2, 6_500_000)


def slow_crc(page: bytes) -> int:
    """RFC 3533, section 6, word by word."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def pages(data: bytes) -> list[tuple[int, int, list[int], bytes]]:
    """Each page's flags, granule position, lacing and body; its checksum and number are checked."""
    found: list[tuple[int, int, list[int], bytes]] = []
    at = 0
    while at < len(data):
        magic, version, flags, granule, _, number, crc, count = struct.unpack_from("<4sBBQIIIB", data, at)
        lacing = list(data[at + 27 : at + 27 + count])
        end = at + 27 + count + sum(lacing)
        page = bytearray(data[at:end])
        page[22:26] = bytes(4)
        assert (magic, version, number, crc) == (b"OggS", 0, len(found), page_crc(bytes(page)))
        found.append((flags, granule, lacing, data[at + 27 + count : end]))
        at = end
    return found


def unpaged(data: bytes) -> list[bytes]:
    """The packets."""
    out, open_packet = [], b""
    for _, _, lacing, body in pages(data):
        for size in lacing:
            open_packet, body = open_packet + body[:size], body[size:]
            if size < 255:
                out.append(open_packet)
                open_packet = b""
    assert not open_packet
    return out


@given(st.binary(max_size=400))
def test_the_checksum_is_the_one_of_the_rfc(data: bytes) -> None:
    assert page_crc(data) == slow_crc(data)


@given(st.lists(st.binary(max_size=700), max_size=30), st.integers(1, 5760))
def test_packets_come_out_as_they_went_in(packets: list[bytes], samples: int) -> None:
    writer = OggOpusWriter(HEAD, "test", 7)

    data = b"".join(writer.add(packet, samples) for packet in packets) + writer.finish()

    assert unpaged(data)[2:] == packets
    flags = [page[0] for page in pages(data)]
    assert flags[0] == 2 and flags[-1] & 4 and not any(flag & 6 for flag in flags[1:-1])
    assert pages(data)[-1][1] == len(packets) * samples


@pytest.mark.parametrize("size", [254, 255, 256, 65_024, 65_025, 65_026, 200_000])
def test_a_packet_may_be_larger_than_a_page(size: int) -> None:
    writer = OggOpusWriter(HEAD, "test", 7)
    packets = [b"a" * 100, bytes(size), b"b"]

    data = b"".join(writer.add(packet, 960) for packet in packets) + writer.finish()

    assert unpaged(data)[2:] == packets


def test_the_end_is_trimmed_but_no_page_ends_before_the_one_before() -> None:
    writer = OggOpusWriter(HEAD, "test", 7)

    data = b"".join(writer.add(b"x", 960) for _ in range(51)) + writer.finish(5000)

    assert [page[1] for page in pages(data)[2:]] == [48_000, 48_000]


def test_a_page_holds_a_second() -> None:
    writer = OggOpusWriter(HEAD, "test", 7)

    data = b"".join(writer.add(b"x" * 160, 960) for _ in range(151)) + writer.finish(100)

    assert [page[1] for page in pages(data)[2:]] == [48_000, 96_000, 144_000, 144_860]


@pytest.mark.parametrize("channels", range(1, 9))
def test_a_header_is_made_up_where_there_is_none(channels: int) -> None:
    head = opus_head(b"junk", channels, 6_500_000, 44_100)

    assert struct.unpack_from("<8sBBHI", head) == (b"OpusHead", 1, channels, 312, 44_100)
    assert head[18] == (channels > 2) and len(head) == (19 if channels <= 2 else 21 + channels)
    assert opus_head(head, 2) == head


def test_nine_channels_have_no_order() -> None:
    with pytest.raises(ValueError, match="9 channels"):
        opus_head(b"", 9)
