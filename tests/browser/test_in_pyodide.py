"""The package's own tests in the interpreter that guests run: Pyodide, here in Node."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY = str(ROOT / "node_modules" / "pyodide" / "python_stdlib.zip")

# What needs no other program, no server, and no event loop of its own (that wants stack switching).
PURE = (
    *(
        "bitrate",
        "codec",
        "capture_constraints",
        "ebml",
        "acknowledgements",
        "link",
        "naming",
        "ogg",
        "take",
        "wav",
        "words",
    ),
    *("clock", "fragment", "messages", "sdp", "webm_finish", "webm_header", "webm_index", "webm_recover"),
    *("arrivals_wire", "director_model", "order_form", "qr", "segments"),
)


def test_the_pure_modules_pass_their_tests_in_pyodide() -> None:
    packages = Path(sysconfig.get_path("purelib")).relative_to(ROOT)
    files = [f"tests/unit/test_{name}.py" for name in PURE]

    done = subprocess.run(
        ["node", "tools/runtime/in_pyodide.mjs", LIBRARY, "tests/browser/units.py", str(packages), *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
