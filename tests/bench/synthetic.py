"""A recording of any length, made up: the blocks that a recorder would write, with empty pictures."""

from __future__ import annotations

from collections.abc import Iterator

CLUSTER_MS = 500
FRAME_MS = 33
AUDIO_MS = 60
KEY_FRAME_EVERY_MS = 2000

_CLUSTER = bytes.fromhex("1f43b675")
_UNKNOWN = b"\x01" + b"\xff" * 7


def header() -> bytes:
    """EBML head, Segment of unknown size, Info and Tracks: VP8 as track 1, Opus as track 2."""
    ebml = _element("1a45dfa3", _element("4282", b"webm") + _element("4287", b"\4") + _element("4285", b"\2"))
    info = _element(
        "1549a966", _element("2ad7b1", (1_000_000).to_bytes(3, "big")) + _element("4d80", b"made up")
    )
    size = _element("b0", (1280).to_bytes(2, "big")) + _element("ba", (720).to_bytes(2, "big"))
    video = _element("d7", b"\1") + _element("73c5", b"\1") + _element("83", b"\1") + _element("86", b"V_VP8")
    sound = _element("b5", bytes.fromhex("40e7700000000000")) + _element("9f", b"\2")
    opus = b"OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00"
    audio = (
        _element("d7", b"\2") + _element("73c5", b"\2") + _element("83", b"\2") + _element("86", b"A_OPUS")
    )
    tracks = _element("ae", video + _element("e0", size))
    tracks += _element("ae", audio + _element("63a2", opus) + _element("e1", sound))
    return ebml + bytes.fromhex("18538067") + _UNKNOWN + info + _element("1654ae6b", tracks)


def chunks(seconds: float, kbps: int) -> Iterator[bytes]:
    """One chunk for each half second, the first with the header; `kbps` over both tracks."""
    frame = bytes(kbps * FRAME_MS // 8)
    sound = bytes(960)
    yield header()
    for start in range(0, round(seconds * 1000), CLUSTER_MS):
        moments = [(at, 1) for at in range(_next(start, FRAME_MS), start + CLUSTER_MS, FRAME_MS)]
        moments += [(at, 2) for at in range(_next(start, AUDIO_MS), start + CLUSTER_MS, AUDIO_MS)]
        blocks = [_CLUSTER + _UNKNOWN + _element("e7", start.to_bytes(4, "big"))]
        for at, track in sorted(moments):
            key = track == 2 or at % KEY_FRAME_EVERY_MS < FRAME_MS
            head = bytes([0x80 | track]) + (at - start).to_bytes(2, "big") + (b"\x80" if key else b"\0")
            blocks.append(_element("a3", head + (frame if track == 1 else sound)))
        yield b"".join(blocks)


def _next(start: int, step: int) -> int:
    return -(-start // step) * step


def _element(id: str, payload: bytes) -> bytes:
    """One with its size in as few bytes as it takes, as browsers' recorders write it."""
    length = len(payload)
    width = next(width for width in range(1, 9) if length < (1 << 7 * width) - 1)
    return bytes.fromhex(id) + (length | 1 << 7 * width).to_bytes(width, "big") + payload
