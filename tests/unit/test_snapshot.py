"""The memory snapshot: what is packed is what is restored."""

from __future__ import annotations

import array

import pytest

from runtime import wasm as reading
from runtime.step import NotApplicable
from runtime.steps import memory_snapshot as snapshot
from wasm import module

SIZE = 8192
HEAD = (7).to_bytes(4, "little") + (32).to_bytes(4, "little") + bytes(24)
SCRIPT = (
    "a();API.restoreSnapshot=function(t){let e=new Uint32Array(t.buffer),l=JSON.parse(s);"
    "return Module.HEAP8.set(t),l};b()"
)


def restored(packed: bytes, memory: bytes) -> tuple[bytes, bool]:
    """What Pyodide has after `snapshot.FILL`, and whether the memory was the one that was expected."""
    words, heap = array.array("I", packed[len(HEAD) :]), array.array("I", memory)
    runs, expected = words[0], words[1]
    content, total = iter(words[2 + 3 * runs :]), 0
    for run in range(2, 2 + 3 * runs, 3):
        first, count, mask = words[run : run + 3]
        for at in range(first, first + count):
            kept = heap[at] & mask
            total += kept
            heap[at] = next(content) ^ kept
    assert next(content, None) is None
    return heap.tobytes(), total & 0xFFFFFFFF == expected


def with_bytes(memory: bytes, **at: bytes) -> bytes:
    """The memory with these bytes at `_ADDRESS`."""
    changed = bytearray(memory)
    for name, data in at.items():
        changed[int(name[1:]) : int(name[1:]) + len(data)] = data
    return bytes(changed)


WASM = module((600, b"static" * 10), (1200, b"\xff" * 500))
FRESH = reading.fresh_memory(WASM, SIZE)
BEFORE = with_bytes(FRESH, _1300=b"constructed", _6000=b"LANG=C")
AFTER = with_bytes(BEFORE, _604=b"changed", _1300=b"and changed", _5000=b"heap", _6000=b"LANG=D")


def test_the_memory_of_a_module_is_its_data_at_their_addresses() -> None:
    assert with_bytes(bytes(SIZE), _600=b"static" * 10, _1200=b"\xff" * 500) == FRESH


def test_what_is_restored_is_what_was_kept() -> None:
    packed = snapshot.packed(WASM, BEFORE, HEAD + AFTER)

    assert packed.startswith(HEAD)
    assert len(packed) < 2500
    assert restored(packed, BEFORE) == (AFTER, True)


def test_what_differs_from_page_to_page_does_not_matter() -> None:
    packed = snapshot.packed(WASM, BEFORE, HEAD + AFTER)

    assert restored(packed, with_bytes(BEFORE, _6000=b"LANG=F")) == (AFTER, True)


def test_a_memory_that_cannot_be_told_apart_by_its_place_is_noticed() -> None:
    packed = snapshot.packed(WASM, BEFORE, HEAD + AFTER)

    assert restored(packed, with_bytes(BEFORE, _610=b"other"))[1] is False


def test_a_memory_that_has_grown_is_refused() -> None:
    with pytest.raises(NotApplicable, match="grown"):
        snapshot.packed(WASM, BEFORE, HEAD + AFTER + bytes(4096))


def test_data_at_an_unknown_address_is_refused() -> None:
    passive = b"\1\1" + reading.number(1) + b"x"
    wasm = b"\0asm\1\0\0\0" + bytes([reading.DATA]) + reading.number(len(passive)) + passive

    with pytest.raises(reading.WasmError, match="fixed address"):
        list(reading.data_segments(wasm))


def test_pyodide_is_told_where_the_snapshot_is() -> None:
    script = snapshot.restoring(SCRIPT, "/lib/python314.zip")

    assert script.index("/lib/python314.zip") < script.index("let e=")
    assert "HEAP8.set" not in script
    assert script.startswith("a();") and script.endswith(",l};b()")


def test_another_pyodide_is_refused() -> None:
    with pytest.raises(NotApplicable, match="where it did"):
        snapshot.restoring(SCRIPT.replace("HEAP8.set", "HEAPU8.set"), "/lib/python314.zip")
