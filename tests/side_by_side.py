"""All tests: what needs no browser, or little of one, runs beside what drives one; what breaks things runs last.

`make test` calls it. The output of what runs beside is shown when it is over, so that no two mix. It exits with 1
if any run failed, and with 2 where a run could not be started.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ("tests/unit", "tests/server", "tests/browser", "tests/install")
DRIVING = ("tests/e2e",)
ALONE = ("tests/faults",)
"""They starve, stop and kill browsers by the clock: nothing else may ask for the machine meanwhile."""


def command(folders: tuple[str, ...], *options: str) -> list[str]:
    """How these folders' tests are run, by the Python that runs this."""
    return [sys.executable, "-m", "pytest", *options, *folders]


def show(title: str, code: int, seconds: float) -> None:
    """Say how a run ended, on a line of its own."""
    print(f"== {title}: {'passed' if code == 0 else f'exit {code}'} in {seconds:.0f} s ==", flush=True)


def main() -> int:
    """Run all; 0 if everything passed."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        # No cache of its own: both would write the same files.
        beside = subprocess.Popen(
            command(BESIDE, "-p", "no:cacheprovider"), cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            driving = subprocess.run(command(DRIVING), cwd=ROOT, check=False).returncode
            show(" ".join(DRIVING), driving, time.monotonic() - began)
            besides = beside.wait()
        finally:
            beside.kill()
        output.seek(0)
        print(output.read(), flush=True)
    show(" ".join(BESIDE), besides, time.monotonic() - began)
    began = time.monotonic()
    alone = subprocess.run(command(ALONE), cwd=ROOT, check=False).returncode
    show(" ".join(ALONE), alone, time.monotonic() - began)
    return 1 if any((driving, besides, alone)) else 0


if __name__ == "__main__":
    sys.exit(main())
