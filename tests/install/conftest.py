"""The page built and installed in other ways than this folder's, each with a recording in Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from browsers import opened_guests
from media_tools import decode_errors, probe
from waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
Record = Callable[[str], list[str]]


@pytest.fixture
def record(
    playwright: Playwright, settings: dict[str, Any], fake_media: tuple[str, str], tmp_path: Path
) -> Record:
    """Record at an address, see that both files decode; what the page said on its console."""

    def recorded(address: str) -> list[str]:
        folder = tmp_path / "recorded"
        folder.mkdir()
        said: list[str] = []
        with opened_guests(playwright, settings, address, fake_media, folder) as guests:
            guest = guests()
            guest.page.on("console", lambda message: said.append(message.text))
            guest.open("?record=1000&width=640&height=360")
            expect(guest.id("destination")).to_contain_text("your Downloads folder while you record")

            downloaded, saved = guest.take("0:02", folder)

            assert guest.notices() == []
        assert decode_errors(downloaded) == decode_errors(saved) == ""
        assert float(probe(saved)["format"]["duration"]) > 1.5
        assert {stream["codec_type"] for stream in probe(saved)["streams"]} == {"audio", "video"}
        return said

    return recorded


@pytest.fixture(scope="session")
def without_node(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with all that this machine has but Node."""
    folder = tmp_path_factory.mktemp("bin")
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            link = folder / program.name
            if program.name not in ("node", "nodejs", "npm", "npx", "corepack") and not link.is_symlink():
                link.symlink_to(program)
    assert shutil.which("node", path=str(folder)) is None
    return str(folder)


def environment(path: str) -> dict[str, str]:
    """The environment of somebody who has just come: nothing in it that points into this folder."""
    ours = ("PYTHONPATH", "VIRTUAL_ENV", "CI", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    return {name: value for name, value in os.environ.items() if name not in ours} | {"PATH": path}


def python() -> str:
    """The Python that this one's virtual environment was made of."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def checkout(folder: Path) -> Path:
    """A copy of this folder's sources, as they are now."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).exists() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@contextmanager
def serving(command: list[str], cwd: Path, env: dict[str, str], log: Path) -> Iterator[str]:
    """A server that this command starts; the address that it prints."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )

    def address() -> str | None:
        assert process.poll() is None, log.read_text()
        lines = [line for line in log.read_text().splitlines() if line.startswith("Home:")]
        return lines[0].split()[1].rstrip("/") if lines else None

    try:
        yield wait_for(address, "it serves", 500)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
