"""WebAssembly modules made for tests."""

from __future__ import annotations

from runtime.wasm import DATA, number


def module(*segments: tuple[int, bytes]) -> bytes:
    """A WebAssembly module of these data segments (address, content)."""
    body = number(len(segments))
    for at, data in segments:
        # Signed LEB128 as well, since bit 6 of the last byte is not set.
        body += b"\0\x41" + number(at) + b"\x0b" + number(len(data)) + data
    return b"\0asm\1\0\0\0" + bytes([DATA]) + number(len(body)) + body
