"""Writes WAV headers: integer PCM and IEEE float, and RF64 where 4 GiB are not enough (EBU Tech 3306).

A header is made for a known number of bytes; behind it come the samples as they are, and `tail`.
Chunks: Microsoft's "Multiple channel audio data and WAVE files" (WAVEFORMATEXTENSIBLE).
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from typing import Final

MAX_RIFF: Final = 0xFFFFFFFF
"""A RIFF file says its size in 32 bits; beyond it the file is RF64."""
UNSET: Final = 0xFFFFFFFF
"""A size in 32 bits that is to be found in the ds64 chunk (EBU Tech 3306, section 3)."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_TAIL: Final = bytes.fromhex("000000001000800000aa00389b71")
# Speakers by number of channels, as players expect them; none (0) where there is no usual order.
_SPEAKERS: Final = {1: 0x4, 2: 0x3, 3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x13F, 8: 0x63F}


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """Sample format, little-endian: 8-bit integers are unsigned, as in Matroska (A_PCM/INT/LIT)."""

    rate: int
    """Samples per second."""
    channels: int
    bits: int
    """Bits per sample: 8, 16, 24 or 32 for integers, 32 or 64 for floats."""
    is_float: bool

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.bits // 8

    def silence(self, frames: int) -> bytes:
        """Return `frames` samples of silence of all channels, as bytes of this format."""
        return (b"\x80" if self.bits == 8 else b"\0") * (frames * self.frame_bytes)


def header(form: PcmFormat, data_bytes: int, about: bytes = b"") -> bytes:
    """All that comes before `data_bytes` bytes of samples: a RIFF header, or an RF64 one where it must be.

    `about` are whole chunks of even length that tell of them (`bext`), before the format.
    """
    fmt = about + _chunk(b"fmt ", _fmt(form))
    frames = data_bytes // form.frame_bytes
    fact = _chunk(b"fact", struct.pack("<I", min(frames, UNSET))) if form.is_float else b""
    padded = data_bytes + data_bytes % 2
    riff_bytes = 4 + len(fmt) + len(fact) + 8 + padded
    if riff_bytes <= MAX_RIFF:
        return (
            b"RIFF"
            + struct.pack("<I", riff_bytes)
            + b"WAVE"
            + fmt
            + fact
            + b"data"
            + struct.pack("<I", data_bytes)
        )
    ds64 = _chunk(b"ds64", struct.pack("<QQQI", riff_bytes + 36, data_bytes, frames, 0))
    long = struct.pack("<I", UNSET)
    return b"RF64" + long + b"WAVE" + ds64 + fmt + fact + b"data" + long


def tail(data_bytes: int) -> bytes:
    """Return the padding after the samples: RIFF chunks begin at even offsets."""
    return b"\0" * (data_bytes % 2)


def little_endian(data: bytes, bits: int) -> bytes:
    """Return big-endian samples of 8, 16, 24, 32 or 64 bits turned round; `data` has whole samples only.

    Raises KeyError for any other number of bits, ValueError where a sample is not whole.
    """
    if bits == 8:
        return data
    if bits == 24:
        turned = bytearray(data)
        turned[0::3], turned[2::3] = data[2::3], data[0::3]
        return bytes(turned)
    samples = array({16: "H", 32: "I", 64: "Q"}[bits], data)
    samples.byteswap()
    return samples.tobytes()


def _fmt(form: PcmFormat) -> bytes:
    """The format chunk's payload; the extended one for more than two channels or 16 bits of integer."""
    tag = _FLOAT if form.is_float else _PCM
    extended = form.channels > 2 or (form.bits > 16 and not form.is_float)
    basic = struct.pack(
        "<HHIIHH",
        _EXTENSIBLE if extended else tag,
        form.channels,
        form.rate,
        min(form.rate * form.frame_bytes, UNSET),
        form.frame_bytes,
        form.bits,
    )
    if extended:
        speakers = _SPEAKERS.get(form.channels, 0)
        return basic + struct.pack("<HHIH", 22, form.bits, speakers, tag) + _GUID_TAIL
    return basic + (b"\0\0" if form.is_float else b"")


def _chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload
