"""Makes the memory snapshot from which the page's Python starts: initialised, with what the page imports imported.

Pyodide can take its memory as a snapshot and start from one (`runtime/memory_snapshot.mjs` has it do so). That is 30
MB which Pyodide would wait for before it compiles its WebAssembly. So it comes in the place of the standard library,
for which Pyodide waits meanwhile, and holds only what differs from the memory that Pyodide has by then:

    Pyodide's own head: magic number, where the memory begins, build, its JavaScript objects as JSON
    number of runs, sum of the words that are kept
    for each run: first word, number of words, mask
    for each word of the runs: what is put there, by XOR on what is left of the word by the mask

All are 32 bits, little-endian. Where the WebAssembly's own data is still as it came, the mask keeps it, and the
difference is small; elsewhere (addresses, the environment, random numbers) it takes all away. One word stays as the
page has it: the place of the function through which CPython calls others, which Pyodide makes only where WebAssembly
has garbage collection; Node may have none.

The same input gives the same bytes: clocks stand still and random bytes are zeros while the snapshot is made. So
whatever is seeded by them is seeded anew in each page: `random` by `browser/main.py`.
"""

from __future__ import annotations

import array
import re
import tempfile
from pathlib import Path

from runtime.node import node, start
from runtime.paths import HERE, python_version
from runtime.step import NotApplicable, Remarks, Step, Tree
from runtime.wasm import fresh_memory

STARTED_WITH = """
    array base64 datetime email encodings.cp437 hashlib importlib.metadata ipaddress tarfile unicodedata urllib.parse
"""
"""What our wheel and micropip's front import of the standard library beside what Pyodide does itself: it is in the
memory from which a page starts, since the library comes only when the page is there."""

RUN = 256
"""A snapshot's runs begin and end at multiples of this, in bytes."""
KEEP, TAKE = 0xFFFFFFFF, 0

RESTORE = re.compile(r"API\.restoreSnapshot=function\((?P<given>\w+)\)\{")
FILLED = "Module.HEAP8.set({given}),"
LIBRARY = "/lib/python{}{}.zip"
"""Where Pyodide puts the standard library, by Python's version."""
FROM_LIBRARY = """{{let file=Module.FS.lookupPath("{library}").node;
{given}=file.contents.subarray(0,file.usedBytes);Module.FS.unlink("{library}")}}"""
FILL = """(()=>{{let snapshot=new Uint32Array({given}.buffer,{given}.byteOffset,{given}.byteLength>>2);
let heap=Module.HEAPU32,runs=2+3*snapshot[0],from=runs,sum=0;
let own=__PyRuntime+HEAP32[__PyEM_EMSCRIPTEN_TRAMPOLINE_OFFSET>>2]>>2,trampoline=heap[own];heap[own]=0;
for(let run=2;run<runs;run+=3)for(let to=snapshot[run],end=to+snapshot[run+1],mask=snapshot[run+2];to<end;to++)
{{let kept=heap[to]&mask;sum=sum+kept>>>0;heap[to]=snapshot[from++]^kept}}
heap[own]=trampoline;
if(sum!==snapshot[1])throw new Error("This memory snapshot is for another memory.")}})(),"""


def restoring(script: str, library: str) -> str:
    """`pyodide.asm.mjs` that restores a packed snapshot, which it finds where `library` would be.

    Raises NotApplicable.
    """
    found = RESTORE.search(script)
    filled = FILLED.format(given=found["given"]) if found else ""
    if found is None or script.count(filled) != 1:
        raise NotApplicable("Pyodide's JavaScript does not restore a snapshot where it did.")
    names = {"given": found["given"], "library": library}
    begin = script[: found.end()] + FROM_LIBRARY.format(**names)
    return begin + script[found.end() :].replace(filled, FILL.format(**names))


def packed(wasm: bytes, before: bytes, snapshot: bytes) -> bytes:
    """The snapshot as the difference to `before`, the memory in which it is restored. Raises NotApplicable."""
    begin = int.from_bytes(snapshot[4:8], "little")
    after = snapshot[begin:]
    if len(after) != len(before) or begin % 4:
        raise NotApplicable("Python's memory has grown: this snapshot would not fit.")
    fresh = fresh_memory(wasm, len(before))
    runs: list[list[int]] = []
    for at in range(0, len(after), RUN):
        part = slice(at, at + RUN)
        if after[part] == before[part] == fresh[part]:
            continue
        mask = KEEP if before[part] == fresh[part] else TAKE
        if runs and runs[-1][1] == at and runs[-1][2] == mask:
            runs[-1][1] = at + RUN
        else:
            runs.append([at, at + RUN, mask])
    table, content, total = array.array("I"), bytearray(), 0
    for first, end, mask in runs:
        table.extend((first // 4, (end - first) // 4, mask))
        if mask:
            total += sum(words(before[first:end]))
            content += difference(before[first:end], after[first:end])
        else:
            content += after[first:end]
    head = array.array("I", (len(runs), total & 0xFFFFFFFF))
    return snapshot[:begin] + head.tobytes() + table.tobytes() + bytes(content)


def words(data: bytes) -> array.array[int]:
    """The data as numbers of 32 bits."""
    return array.array("I", data)


def difference(one: bytes, other: bytes) -> bytes:
    """XOR of two pieces of data of the same length."""
    return (int.from_bytes(one, "little") ^ int.from_bytes(other, "little")).to_bytes(len(one), "little")


def apply(tree: Tree) -> Remarks:
    """Have Pyodide restore a packed snapshot, start it as it lies there, keep its memory. Raises NotApplicable."""
    script = restoring(tree.script.read_text(), LIBRARY.format(*python_version()))
    tree.script.write_text(script)
    with tempfile.TemporaryDirectory(dir=tree.root) as folder:
        before, after = Path(folder) / "before.bin", Path(folder) / "after.bin"
        node(HERE / "memory_snapshot.mjs", tree.pyodide, before, after, *STARTED_WITH.split())
        tree.snapshot.write_bytes(packed(tree.wasm.read_bytes(), before.read_bytes(), after.read_bytes()))
    return []


STEP = Step(
    "memory-snapshot",
    "half of a first visit's computing",
    apply,
    start,
    # What these import would be asked for before the standard library is there.
    needs=("micropip-front", "pyscript-parts"),
)
