"""Takes out of Pyodide's two big files what only extension modules in C or C++ would use; a page loads none.

Pyodide offers such modules every function and variable of CPython, of the C and C++ libraries and of SDL: 8560
exports of its WebAssembly, most with a line of JavaScript, and at each start an entry in a table. Its own JavaScript
uses 270 of them. The code itself stays as it is, byte for byte.
"""

from __future__ import annotations

import re

from runtime import archives
from runtime.node import start
from runtime.paths import PYODIDE
from runtime.step import NotApplicable, Remarks, Step, Tree
from runtime.wasm import EXPORTS, FUNCTION, GLOBAL, exports, number, sections

ASSIGNMENT = re.compile(
    r'(?P<variable>[\w$]+)=(?:Module\["[\w$]+"\]=)?wasmExports\["(?P<export>[\w$.]+)"\](?:\.value>>>0)?;?'
)
WORD = re.compile(r"[\w$]+")
DRAWING = 'if(typeof value=="function"){entry.value=addFunction(value,value.sig)}'
"""Makes a WebAssembly module of each of WebGL's 280 functions, for SDL, which nothing calls."""


def slim(wasm: bytes, script: str, others: str) -> tuple[bytes, str]:
    """`pyodide.asm.wasm` and `pyodide.asm.mjs` without unused exports; `others` is code that may use some as well.

    Raises NotApplicable.
    """
    begin = script.find("function assignWasmExports(")
    end = script.find("}", begin)
    declared = script.rfind(";var ", 0, max(begin, 0)) + 1
    assigned = {found["export"]: found["variable"] for found in ASSIGNMENT.finditer(script, begin, end)}
    if begin < 0 or not declared or len(assigned) < 4000:
        raise NotApplicable("Pyodide's JavaScript does not take the exports as it did.")
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


def apply(tree: Tree) -> Remarks:
    """Take them out. Raises NotApplicable."""
    script = tree.script.read_text()
    library = archives.read(PYODIDE / "python_stdlib.zip")
    python = [text.decode() for name, text in library.items() if "pyodide/" in name and name.endswith(".py")]
    others = "\n".join([(tree.pyodide / "pyodide.mjs").read_text(), *python])
    wasm, less = slim(tree.wasm.read_bytes(), script, others)
    tree.wasm.write_bytes(wasm)
    tree.script.write_text(less)
    return [] if DRAWING in script else ["Functions of WebGL are not wrapped where they were."]


STEP = Step("exports", "a tenth of a start's time, 0.1 MB", apply, start)
