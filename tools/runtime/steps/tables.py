"""Takes out of Pyodide's WebAssembly tables that no page uses: a quarter of the whole, compressed.

- Codecs for Chinese, Japanese and Korean texts. Arrays of `struct dbcs_index` point at each row of these; no gap is
  between the rows. Their Python modules are left out (`trim_library`), so that nobody can ask for them.
- The C library's `iconv`. Nothing points there any more once the exports are gone (`exports`).
- The names of characters: `dawg_codepoint_to_pos_index2`, `packed_name_dawg` and `dawg_pos_to_codepoint` of CPython's
  Modules/unicodename_db.h. `unicodedata.name` says afterwards that there is no such name.
- What C functions say of themselves, behind their signature (`PyDoc_STRVAR`).

Each table is found by its content, wherever it lies; one that has changed stays, and is named. How `TABLES` is made
anew for changed tables stands in `docs/runtime.md`; `tests/browser/test_runtime.py` sees that all else that Python
knows of characters is as it was.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from runtime.node import start
from runtime.step import NotApplicable, Remarks, Step, Tree
from runtime.wasm import WasmError, data_segments, fresh_memory

NOTHING = b"\0"
NO_NAME = (0x9FF7).to_bytes(2, "little")
"""In CPython's table of names by character: this one has none."""
DOCUMENTATION = re.compile(rb"(?<=\)\n--\n\n)[^\0]+")
"""Behind a function's signature (CPython's Objects/typeobject.c, `SIGNATURE_END_MARKER`)."""


@dataclass(frozen=True)
class Table:
    """A table by its content."""

    name: str
    """What it is for; several tables may belong together."""
    length: int
    """Bytes."""
    at: int
    begins: str
    """The sixteen bytes `at` this place in it, in hexadecimal: by these it is looked for."""
    sha256: str
    """The first sixteen digits of its SHA-256: by these it is recognised."""
    filling: bytes = NOTHING
    """What is put there over and over."""

    def places(self, memory: bytes) -> list[int]:
        """The addresses at which it lies."""
        sought, found = bytes.fromhex(self.begins), []
        place = memory.find(sought, self.at)
        while place >= 0:
            first = place - self.at
            if digest(memory[first : first + self.length]) == self.sha256:
                found.append(first)
            place = memory.find(sought, place + 1)
        return found


def digest(data: bytes) -> str:
    """What `Table.sha256` holds of it."""
    return hashlib.sha256(data).hexdigest()[:16]


def described(name: str, content: bytes, filling: bytes = NOTHING) -> Table:
    """A table of this content, to be looked for by the bytes of it that look least like others."""
    places = range(0, len(content) - 15, 16)
    at = max(places, key=lambda place: len(set(content[place : place + 16])))
    return Table(name, len(content), at, content[at : at + 16].hex(), digest(content), filling)


TABLES = (
    Table("codecs 1", 14964, 1488, "0266ce76f9515665ac71f17f8488b250", "91d8cb583b71b444"),
    Table("codecs 2", 87458, 35728, "595548302336493f284c335f374a5253", "05318f34f994019f"),
    Table("codecs 3", 123408, 32, "bf42173652738b6ed270574c51a34f47", "55cd3a2b2f23dccb"),
    Table("codecs 4", 26278, 1200, "42259c4e1655035a3f96c0541b612863", "c0a43649e99fd7bd"),
    Table("codecs 5", 53282, 4928, "24366840773866b26e393c51484c4645", "24db34e7abf0c284"),
    Table("codecs 6", 76950, 768, "332b392b3a2b252bfeff3f2b6e2a262b", "1d1f25bc927fb2a8"),
    Table("codecs 7", 19372, 18864, "ccedceedf9ed42ee59ee61ee62ee63ee", "5f0b8178620eadfd"),
    Table("codecs 8", 103650, 0, "8a7e1c8948938892dc84c94fbb703166", "f833b458cec65deb"),
    Table("codecs 9", 43528, 14592, "7bd972b7f5e157bab2e9ffffe7a4b8a5", "a2cc5df3b8e685e3"),
    Table("codecs 10", 34078, 33344, "179e489f07621e6b27724c86a88e8294", "cab9d81a8670d6f2"),
    Table("character names", 103424, 320, "00734f51f3177a7bdf26e6994913307f", "b4027a3f134b2b43", NO_NAME),
    Table("character names", 167280, 80, "e10255f268568a5457aa7258fe0459bb", "46a11b19f9f5c25a"),
    Table("character names", 140512, 384, "58e90100e52b00009ff3010079fa0100", "72c4a845eca49f44"),
    Table("iconv", 139358, 352, "238c40c4cc64d0310c2563d1321835e3", "712f1ec933c29a0f"),
)


def without_tables(wasm: bytes, tables: tuple[Table, ...]) -> tuple[bytes, list[str]]:
    """The module with these tables and all documentation overwritten; names of tables that are not in it, or twice.

    Tables of one name are overwritten all or none. Raises WasmError.
    """
    slim, segments = bytearray(wasm), list(data_segments(wasm))
    memory = fresh_memory(wasm, max((address + length for address, _, length in segments), default=0))
    for _, begin, length in segments:
        content = slim[begin : begin + length]
        slim[begin : begin + length] = DOCUMENTATION.sub(lambda found: bytes(len(found[0])), content)
    found = [(table, table.places(memory)) for table in tables]
    missing = sorted({table.name for table, places in found if len(places) != 1})
    for table, places in found:
        if table.name in missing:
            continue
        (first,) = places
        repeated = table.filling * (table.length // len(table.filling))
        for address, begin, length in segments:
            low, high = max(first, address), min(first + table.length, address + length)
            if low < high:
                slim[begin + low - address : begin + high - address] = repeated[low - first : high - first]
    return bytes(slim), missing


def apply(tree: Tree) -> Remarks:
    """Empty what is found. Raises NotApplicable where nothing is, or the module's data cannot be read."""
    try:
        less, missing = without_tables(tree.wasm.read_bytes(), TABLES)
    except WasmError as error:
        raise NotApplicable(f"{error}") from None
    if len(missing) == len({table.name for table in TABLES}):
        raise NotApplicable("None of the known tables is in this Pyodide.")
    tree.wasm.write_bytes(less)
    return [f"Not the known tables, so they stay: {', '.join(missing)}."] if missing else []


STEP = Step("tables", "0.7 MB of 2.7, with unused-code", apply, start, needs=("trim-library", "exports"))
