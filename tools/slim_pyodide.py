"""Takes out of Pyodide's two big files what only extension modules in C or C++ would use; a page loads none.

Pyodide offers such modules every function and variable of CPython, of the C and C++ libraries and of SDL: 8560
exports of its WebAssembly, most with a line of JavaScript, and at each start an entry in a table. Its own JavaScript
uses 270 of them. The code itself stays as it is, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

EXPORTS = 7
FUNCTION, GLOBAL = 0, 3
"""Section and kinds of export (WebAssembly Core Specification, binary format); other kinds are kept."""

ASSIGNMENT = re.compile(
    r'(?P<variable>[\w$]+)=(?:Module\["[\w$]+"\]=)?wasmExports\["(?P<export>[\w$.]+)"\](?:\.value>>>0)?;?'
)
WORD = re.compile(r"[\w$]+")
DRAWING = 'if(typeof value=="function"){entry.value=addFunction(value,value.sig)}'
"""Makes a WebAssembly module of each of WebGL's 280 functions, for SDL, which nothing calls."""


class SlimError(Exception):
    """Pyodide's files do not look as they did."""


def slim(wasm: bytes, script: str, others: str) -> tuple[bytes, str]:
    """`pyodide.asm.wasm` and `pyodide.asm.mjs` without unused exports; `others` is code that may use some as well."""
    begin = script.index("function assignWasmExports(")
    end = script.index("}", begin)
    declared = script.rindex(";var ", 0, begin) + 1
    assigned = {found["export"]: found["variable"] for found in ASSIGNMENT.finditer(script, begin, end)}
    if len(assigned) < 4000 or script.count(DRAWING) != 1:
        raise SlimError("Pyodide's JavaScript does not look as it did.")
    words = set(WORD.findall(script[:declared] + script[end:] + others))
    unused = {export for export, variable in assigned.items() if not {export, variable} & words}

    def kept(found: re.Match[str]) -> str:
        return "" if found["export"] in unused else found[0]

    gone = {assigned[export] for export in unused}
    names = script[declared + len("var ") : begin].rstrip(";").split(",")
    declaration = "var " + ",".join(name for name in names if name not in gone) + ";"
    less = script[:declared] + declaration + ASSIGNMENT.sub(kept, script[begin:end]) + script[end:]
    less = less.replace(DRAWING, f'if(symName.startsWith("emscripten_gl"))entry.value=0;else {DRAWING}')
    return without_exports(wasm, words | (assigned.keys() - unused)), less


def without_exports(wasm: bytes, wanted: set[str]) -> bytes:
    """The module with only these of its functions and variables exported."""
    parts = [wasm[:8]]
    for section, begin, end in sections(wasm):
        body = wasm[begin:end]
        if section == EXPORTS:
            entries = [
                entry
                for name, kind, entry in exports(body)
                if name in wanted or kind not in (FUNCTION, GLOBAL)
            ]
            body = number(len(entries)) + b"".join(entries)
        parts += [bytes([section]), number(len(body)), body]
    return b"".join(parts)


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
