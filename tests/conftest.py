"""What all tests share: the settings of `playwright.config.py`, the server, made media, browsers."""

from __future__ import annotations

import gc
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Playwright, expect, sync_playwright

import crashes
from media_tools import make_audio, make_video
from runtime.page import assemble
from sound import opened_sound
from waiting import wait_for

ROOT = Path(__file__).resolve().parent.parent
CRASHES = ROOT / "build" / "crashes" / str(os.getpid())
"""Of this run: others may go on beside it."""
NOISE = re.compile(r"^.*pw:browser.*(dbus|ALSA|alsa|crashpad|<launch|cleanup).*\n", re.M)


# A busy machine is no fault of an example's.
hypothesis_settings.register_profile("unhurried", deadline=None)
hypothesis_settings.load_profile("unhurried")


def pytest_sessionstart() -> None:
    """Have the page be as its sources are now: only its Python takes building.

    Programs that tests start hear SIGINT, also where these tests run in the background, whose shell has it ignored.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assemble()


def pytest_collection_finish() -> None:
    """What is imported by now need not be looked through after each test (`lost_tasks`)."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the browser said, but for its search for a desktop, and what is known of a crash."""
    report = yield
    report.sections = [(title, NOISE.sub("", said)) for title, said in report.sections]
    if call.excinfo and "crashed" in str(call.excinfo.value):
        report.sections.append(("The crash", crashes.told(CRASHES)))
    return report


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """The names of `playwright.config.py`."""
    return runpy.run_path(str(ROOT / "playwright.config.py"))


@pytest.fixture(scope="session")
def base_url(settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server started as people start it."""
    with socket.socket() as probe:
        probe.bind((settings["BASE_HOST"], 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    with (folder / "log.txt").open("w") as output:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "rolltape",
                "serve",
                "--port",
                str(port),
                "--takes",
                str(folder / "takes"),
            ],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://localhost:{port}"
    try:
        wait_for(lambda: _answers(f"{address}/healthz"), "the server answers", 30)
        yield address
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="session")
def playwright(settings: dict[str, Any]) -> Iterator[Playwright]:
    os.environ.setdefault("DEBUG", "pw:browser")  # a failed test shows what the browser said
    os.environ[crashes.FOLDER_VARIABLE] = str(CRASHES)
    with sync_playwright() as started:
        expect.set_options(timeout=settings["EXPECT_TIMEOUT_MS"])
        yield started
    shutil.rmtree(CRASHES, ignore_errors=True)  # what they say is in the reports by now


@pytest.fixture(scope="session")
def fake_media(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A clip with burnt-in frame numbers and a wave file with two tones."""
    folder = tmp_path_factory.mktemp("fake")
    return str(make_video(folder / "camera.mjpeg")), str(make_audio(folder / "microphone.wav"))


@pytest.fixture(scope="session")
def sound_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of sound hardware, for Firefox."""
    with opened_sound(tmp_path_factory.mktemp("sound")) as sound:
        yield sound.address


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
