"""WebAssembly modules as bytes: their sections, exports and data (WebAssembly Core Specification, binary format)."""

from __future__ import annotations

from collections.abc import Iterator

EXPORTS, DATA = 7, 11
FUNCTION, GLOBAL = 0, 3
"""Sections, and kinds of export."""
I32_CONST, END = b"\x41", b"\x0b"


class WasmError(Exception):
    """A module is not made as Pyodide's is."""


def sections(wasm: bytes) -> Iterator[tuple[int, int, int]]:
    """Of each section: its number, where its content begins in the file, and where it ends."""
    at = 8
    while at < len(wasm):
        size, begin = read(wasm, at + 1)
        yield wasm[at], begin, begin + size
        at = begin + size


def exports(body: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Name, kind and bytes of each entry of the export section."""
    count, at = read(body, 0)
    for _ in range(count):
        size, name = read(body, at)
        _, end = read(body, name + size + 1)
        yield body[name : name + size].decode(), body[name + size], body[at:end]
        at = end


def data_segments(wasm: bytes) -> Iterator[tuple[int, int, int]]:
    """Of each data segment: its address, where its content begins in the file, its size.

    Raises WasmError for a kind that Pyodide has none of.
    """
    for section, at, _ in sections(wasm):
        if section != DATA:
            continue
        count, at = read(wasm, at)
        for _ in range(count):
            if wasm[at : at + 1] != b"\0" or wasm[at + 1 : at + 2] != I32_CONST:
                raise WasmError("A data segment is not at a fixed address.")
            address, at = read(wasm, at + 2)
            if wasm[at : at + 1] != END:
                raise WasmError("A data segment is not at a fixed address.")
            size, at = read(wasm, at + 1)
            yield address, at, size
            at += size


def fresh_memory(wasm: bytes, size: int) -> bytes:
    """The first bytes of the memory of this module before any of its code has run."""
    memory = bytearray(size)
    for address, begin, length in data_segments(wasm):
        memory[address : address + length] = wasm[begin : begin + length]
    return bytes(memory)


def read(data: bytes, at: int) -> tuple[int, int]:
    """The number (unsigned LEB128) at this place, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at


def number(value: int) -> bytes:
    """The number as unsigned LEB128."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + number(rest) if rest else bytes([low])
