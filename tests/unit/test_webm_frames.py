"""Frames in a block: laced ones are told apart, compressed ones restored; what does not add up is a sentence."""

from __future__ import annotations

import zlib

import pytest

from rolltape.media.webm import WebmError
from rolltape.media.webm_frames import Encoding, unlace

XIPH, FIXED, EBML = 0x02, 0x04, 0x06
"""The bits of a block's flags that say how it is laced (RFC 9559, section 10.3)."""
DEFLATED = Encoding(deflated=True)


def test_frames_that_are_laced_come_out_one_by_one() -> None:
    assert unlace(b"whole", 0) == [b"whole"]
    assert unlace(b"\x01aabb", FIXED) == [b"aa", b"bb"]
    assert unlace(b"\x01\x03aaab", XIPH) == [b"aaa", b"b"]
    assert unlace(b"\x02\x83\xbfaaabbbcc", EBML) == [b"aaa", b"bbb", b"cc"]


@pytest.mark.parametrize(
    ("payload", "lacing", "sentence"),
    [
        (b"", XIPH, "A laced block is empty."),
        (b"\x01aab", FIXED, "The frames of a laced block are not of one size."),
        (b"\x01\xff\xffaa", XIPH, "The frames of a laced block do not fit into it."),
        (b"\x01\x00", EBML, "The sizes in a laced block cannot be read."),
    ],
)
def test_a_laced_block_that_does_not_add_up_is_a_sentence(payload: bytes, lacing: int, sentence: str) -> None:
    with pytest.raises(WebmError) as raised:
        unlace(payload, lacing)

    assert raised.value.sentence == sentence


def test_a_compressed_frame_is_restored_or_told_to_be_damaged() -> None:
    packed = zlib.compress(b"frame")

    assert DEFLATED.restore(packed) == b"frame"
    with pytest.raises(WebmError, match="A compressed frame is damaged"):
        DEFLATED.restore(b"no zlib at all")
    with pytest.raises(WebmError, match="A compressed frame is larger than any frame is"):
        DEFLATED.restore(zlib.compress(bytes(64 << 20)))
