"""Makes what is installed: `python tools/release.py wheel`, or `release` (`make wheel`, `make release`).

`wheel` makes `dist/rolltape-VERSION-py3-none-any.whl` of the page that has been built: it has the page in it and
needs neither Node nor make nor this folder. `release` makes wheel and source archive of what is committed, twice,
each in a copy of its own with packages and runtime installed and built anew, compares them byte for byte, and puts
them into `dist/` with `SHA256SUMS`. Exit status 1 with a sentence where they differ, or where something is missing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
COPIES = ("one", "another-folder-with-a-longer-name")
"""Where a release is built: what depends on a folder's name would be seen."""
# Hatchling's own date for all files counts, not one of this machine's.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}


class ReleaseError(Exception):
    """There is nothing to give out: a sentence that says why."""


def wheel() -> None:
    """Make the wheel of this folder, in `dist/`. Raises ReleaseError."""
    packed("wheel")
    (made,) = DIST.glob("*.whl")
    print(f"{made.relative_to(ROOT)}: pip install it anywhere, then rolltape serve.")


def pack() -> None:
    """Make wheel and source archive of this folder, in `dist/`. Raises ReleaseError."""
    packed("sdist", "wheel")


def packed(*targets: str) -> None:
    """Have hatchling make these into an empty `dist/`. Raises ReleaseError."""
    if not (ROOT / "py" / "rolltape" / "www" / "index.html").exists():
        raise ReleaseError("The page is not built: make page does that.")
    shutil.rmtree(DIST, ignore_errors=True)
    kinds = [argument for target in targets for argument in ("-t", target)]
    command = [sys.executable, "-m", "hatchling", "build", *kinds, "-d", str(DIST)]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise ReleaseError(f"hatchling has failed. {done.stderr.strip()}")


def release() -> None:
    """Make wheel and source of what is committed, twice; into `dist/` if they are the same. Raises ReleaseError."""
    if run("git", "status", "--porcelain", cwd=ROOT):
        raise ReleaseError("There is something that is not committed.")
    commit = run("git", "rev-parse", "HEAD", cwd=ROOT)
    first, second = (built(commit, ROOT / "build" / "release" / name) for name in COPIES)
    differing = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
    if differing:
        raise ReleaseError(f"Built twice, these are not the same: {', '.join(differing)}.")
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    for name, data in first.items():
        (DIST / name).write_bytes(data)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(first.items()))
    (DIST / "SHA256SUMS").write_text(sums)
    shutil.rmtree(ROOT / "build" / "release")
    print(f"{sums}in {DIST.relative_to(ROOT)}/, of {commit}, built twice: the same.")


def built(commit: str, folder: Path) -> dict[str, bytes]:
    """Wheel and source by their names, made in a fresh copy of this commit. Raises ReleaseError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-x"], cwd=folder, check=True, input=archive)
    run("make", "page", "RUNTIME=--strict", cwd=folder)
    run(".venv/bin/python", "tools/release.py", "pack", cwd=folder)
    return {path.name: path.read_bytes() for path in (folder / "dist").iterdir()}


def run(*command: str, cwd: Path) -> str:
    """Run a command; its output. Raises ReleaseError with what it said."""
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise ReleaseError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout.strip()


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Makes what is installed.")
    commands: dict[str, Callable[[], None]] = {"wheel": wheel, "release": release, "pack": pack}
    parser.add_argument("what", choices=commands)
    try:
        commands[parser.parse_args().what]()
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
