"""All tests: what needs no browser, or little of one, runs beside what drives one; what breaks things runs last.

`make test` calls it, and `make quick` with `quick`: what is pure, in two halves. The output of what runs beside is
shown when it is over, so that no two mix. It exits with 1 if any run failed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ("tests/unit", "tests/browser", "tests/install")
DRIVING = ("tests/e2e",)
ALONE = ("tests/server", "tests/faults")
"""They go by the clock, and starve, stop and kill: nothing else may ask for the machine meanwhile."""
POLITE = ["nice", "-n", "19"]
"""For what has no clock to go by: it computes while a browser that records waits."""


def command(what: Sequence[str], *options: str) -> list[str]:
    """How these folders' or files' tests are run, by the Python that runs this."""
    return [sys.executable, "-m", "pytest", "--durations=15", *options, *what]


def show(title: str, code: int, seconds: float) -> None:
    """Say how a run ended, on a line of its own."""
    print(f"== {title}: {'passed' if code == 0 else f'exit {code}'} in {seconds:.0f} s ==", flush=True)


def side_by_side(before: list[str], beside: list[str], titles: tuple[str, str]) -> bool:
    """Run two commands at once, the output of the second after that of the first; True if both passed."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        other = subprocess.Popen(beside, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        try:
            code = subprocess.run(before, cwd=ROOT, check=False).returncode
            show(titles[0], code, time.monotonic() - began)
            others = other.wait()
        finally:
            other.kill()
        output.seek(0)
        print(output.read(), flush=True)
    show(titles[1], others, time.monotonic() - began)
    return not (code or others)


def quick() -> int:
    """Run what is pure, every other file beside the rest; 0 if everything passed."""
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "unit").glob("test_*.py"))
    pure = ("-q", "-m", "not slow")
    return not side_by_side(
        command(files[::2], *pure),
        command(files[1::2], *pure, "-p", "no:cacheprovider"),  # both would write the same files
        ("half of tests/unit", "the other half"),
    )


def main() -> int:
    """Run all; 0 if everything passed."""
    passed = side_by_side(
        command(DRIVING),
        [*POLITE, *command(BESIDE, "-p", "no:cacheprovider")],  # both would write the same files
        (" ".join(DRIVING), " ".join(BESIDE)),
    )
    began = time.monotonic()
    alone = subprocess.run(command(ALONE), cwd=ROOT, check=False).returncode
    show(" ".join(ALONE), alone, time.monotonic() - began)
    return 0 if passed and not alone else 1


if __name__ == "__main__":
    sys.exit(quick() if sys.argv[1:] == ["quick"] else main())
