"""The runtime that `tools/runtime` makes: what it leaves out is not missed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

CHARACTERS = "dac2893a449ff0e9"
"""What the same lines say of characters in Pyodide 314.0.7 as npm has it."""
ROOT = Path(__file__).parents[2]


def test_our_modules_need_no_library_and_what_the_lock_file_names_no_resolver() -> None:
    (folder,) = (ROOT / "static" / "vendor").glob("pyodide-*")

    done = subprocess.run(
        ["node", "tests/browser/runtime.mjs", str(folder.relative_to(ROOT))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said.pop("compiled ahead") > 60
    assert said.pop("modules") > 100
    assert said == {
        "resolver after rolltape": False,
        "resolver after a requirement": True,
        "compiled here": [],
        "lacks the library": [],
        "segno": "M3",
        "listed": ["micropip", "micropip-rest", "rolltape", "segno"],
        "characters": CHARACTERS,
        "a name": "no such name",
    }
