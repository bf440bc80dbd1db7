"""Takes out of Pyodide's WebAssembly tables that no page uses: a quarter of the whole, compressed.

- Codecs for Chinese, Japanese and Korean texts. Arrays of `struct dbcs_index` point at each row of these; no gap is
  between the rows. Their Python modules are left out (`tools/vendor.py`), so that nobody can ask for them.
- The C library's `iconv`. Nothing points there any more once the exports are gone (`tools/slim_pyodide.py`).
- The names of characters: `dawg_codepoint_to_pos_index2`, `packed_name_dawg` and `dawg_pos_to_codepoint` of CPython's
  Modules/unicodename_db.h. `unicodedata.name` says afterwards that there is no such name.
- What C functions say of themselves, behind their signature (`PyDoc_STRVAR`).

`tests/browser/test_runtime.py` sees that all else that Python knows of characters is as it was.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from slim_pyodide import SlimError, read, sections

DATA = 11
"""Section of a WebAssembly module (WebAssembly Core Specification, binary format)."""
I32_CONST, END = b"\x41", b"\x0b"

NOTHING = b"\0"
NO_NAME = (0x9FF7).to_bytes(2, "little")
"""In CPython's table of names by character: this one has none."""

UNUSED = (
    # codecs: _codecs_cn, _codecs_hk and _codecs_tw, _codecs_jp, _codecs_kr
    *((0x0C3720, 0x0C7194, NOTHING), (0x0C71A0, 0x0DC742, NOTHING), (0x0DD110, 0x0FB320, NOTHING)),
    *((0x0FB830, 0x101ED6, NOTHING), (0x101EE0, 0x10EF02, NOTHING), (0x10EF10, 0x121BA6, NOTHING)),
    *((0x121DF0, 0x12699C, NOTHING), (0x126B32, 0x140014, NOTHING), (0x140250, 0x14AC58, NOTHING)),
    (0x14AC60, 0x15317E, NOTHING),
    # names: place in the graph by character, the graph of names, character by place
    *((0x1815F0, 0x19A9F0, NO_NAME), (0x19A9F0, 0x1C3760, NOTHING), (0x1C5480, 0x1E7960, NOTHING)),
    # the C library's iconv
    (0x2B1400, 0x2D345E, NOTHING),
)
"""First address, the one behind the last, and what is put there over and over."""
UNUSED_SHA256 = "243ff866f1399edff83695fe6d6fdd2ad7445df036e873f261502179b8cece47"
DOCUMENTATION = re.compile(rb"(?<=\)\n--\n\n)[^\0]+")
"""Behind a function's signature (CPython's Objects/typeobject.c, `SIGNATURE_END_MARKER`)."""


def without_data(wasm: bytes) -> bytes:
    """The module with its unused tables overwritten. Raises SlimError where they are not the known ones."""
    slim, taken = bytearray(wasm), hashlib.sha256()
    places = list(data_segments(wasm))
    for _, begin, size in places:
        content = slim[begin : begin + size]
        slim[begin : begin + size] = DOCUMENTATION.sub(lambda found: bytes(len(found[0])), content)
    for first, end, filling in UNUSED:
        for address, begin, size in places:
            low, high = max(first, address), min(end, address + size)
            if low < high:
                part = slice(begin + low - address, begin + high - address)
                taken.update(slim[part])
                repeated = filling * ((end - first) // len(filling))
                slim[part] = repeated[low - first : high - first]
    if taken.hexdigest() != UNUSED_SHA256:
        raise SlimError("The tables that no page uses are not where they were.")
    return bytes(slim)


def data_segments(wasm: bytes) -> Iterator[tuple[int, int, int]]:
    """Of each data segment: its address, where its content begins in the file, its size.

    Raises SlimError for a kind that Pyodide has none of.
    """
    for section, at, _ in sections(wasm):
        if section != DATA:
            continue
        count, at = read(wasm, at)
        for _ in range(count):
            if wasm[at : at + 1] != b"\0" or wasm[at + 1 : at + 2] != I32_CONST:
                raise SlimError("A data segment is not at a fixed address.")
            address, at = read(wasm, at + 2)
            if wasm[at : at + 1] != END:
                raise SlimError("A data segment is not at a fixed address.")
            size, at = read(wasm, at + 1)
            yield address, at, size
            at += size
