"""All tests, in three steps: what goes by the clock, what does not, and what breaks things.

What computes and has no clock to go by (`BESIDE`) runs politely next to the first two steps. In the first, tests
marked `clock` drive a browser; in the second, two runs at once drive browsers, one of which mostly waits while the
other computes. The third has the machine alone. `make test` calls it, and `make quick` with `quick`: what is pure,
in two halves. What a run says is shown when it is over, so that no two mix. It exits with 1 if any run failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ("tests/unit", "tests/browser", "tests/install")
DRIVING = "tests/e2e"
FIRST_HALF = tuple(
    f"{DRIVING}/test_{name}.py"
    for name in ("alarms", "arrivals", "formats", "memory", "no_media", "offline", "tracks")
)
"""Of what does not go by the clock: they take as long as all others together, and wait while those compute."""
CLOCK, NO_CLOCK = ("-m", "clock"), ("-m", "not clock")
ALONE = ("tests/server", "tests/faults")
"""They go by the clock, and starve, stop and kill: nothing else may ask for the machine meanwhile."""
POLITE = ["nice", "-n", "19"]
"""For what has no clock to go by: it computes while a browser that records waits."""


@dataclass(frozen=True)
class Run:
    """Tests in a process of their own; what they say is kept until they are over."""

    title: str
    process: subprocess.Popen[str]
    said: IO[str]
    began: float

    def has_passed(self) -> bool:
        """Wait until they are over, show what they said; True if all of them passed."""
        code = self.process.wait()
        self.said.seek(0)
        print(self.said.read())
        verdict = "passed" if code == 0 else f"exit {code}"
        print(f"== {self.title}: {verdict} in {time.monotonic() - self.began:.0f} s ==", flush=True)
        return code == 0


@contextmanager
def running(title: str, command: list[str]) -> Iterator[Run]:
    """Tests that are started now and do not outlive the block."""
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        print(f"== {title} … ==", flush=True)
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, text=True)
        try:
            yield Run(title, process, said, time.monotonic())
        finally:
            process.kill()


def command(what: Sequence[str], *options: str) -> list[str]:
    """How these folders' or files' tests are run, by the Python that runs this."""
    # Several at once would write the same files of a cache.
    return [sys.executable, "-m", "pytest", "--durations=15", "-p", "no:cacheprovider", *options, *what]


def both(first: tuple[str, list[str]], second: tuple[str, list[str]]) -> bool:
    """Run two commands at once; True if both passed."""
    with running(*first) as one, running(*second) as other:
        passed = one.has_passed()
        return other.has_passed() and passed


def one(title: str, command: list[str]) -> bool:
    """Run a command; True if it passed."""
    with running(title, command) as run:
        return run.has_passed()


def quick() -> bool:
    """Run what is pure, every other file beside the rest, with fewer examples; True if everything passed."""
    os.environ["ROLLTAPE_EXAMPLES"] = "quick"  # tests/unit/conftest.py
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "unit").glob("test_*.py"))
    pure = ("-q", "-m", "not slow")
    return both(
        ("half of tests/unit", command(files[::2], *pure)), ("the other half", command(files[1::2], *pure))
    )


def everything() -> bool:
    """Run all; True if everything passed."""
    others = [f"--ignore={path}" for path in FIRST_HALF]
    with running(f"{' '.join(BESIDE)}, beside", [*POLITE, *command(BESIDE)]) as beside:
        results = [
            one(f"{DRIVING}, by the clock", command([DRIVING], *CLOCK)),
            both(
                (f"half of {DRIVING}", command(FIRST_HALF, *NO_CLOCK)),
                ("the other half", command([DRIVING], *NO_CLOCK, *others)),
            ),
            beside.has_passed(),
        ]
    results.append(one(f"{' '.join(ALONE)}, alone", command(ALONE)))
    return all(results)


if __name__ == "__main__":
    passed = quick() if sys.argv[1:] == ["quick"] else everything()
    sys.exit(0 if passed else 1)
