"""Guests in Debian's Chromium with fake devices, and every complaint of the browser noted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from browsers import opened_guests
from guest import Guests
from waiting import wait_for


@pytest.fixture(scope="session")
def sound_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of sound hardware that swallows all: Firefox runs no AudioContext without (quirk 4)."""
    folder = tmp_path_factory.mktemp("sound")
    socket = folder / "socket"
    modules = ("module-null-sink rate=48000", f"module-native-protocol-unix auth-anonymous=1 socket={socket}")
    server = subprocess.Popen(
        ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
        + [argument for module in modules for argument in ("-L", module)],
        env={**os.environ, "HOME": str(folder), "PULSE_RUNTIME_PATH": str(folder)},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(socket.exists, "the sound server is there")
        yield f"unix:{socket}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def guests(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    fake_media: tuple[str, str],
    tmp_path: Path,
) -> Iterator[Guests]:
    """Guests of one test."""
    with opened_guests(playwright, settings, base_url, fake_media, tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def module_guests(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    fake_media: tuple[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Guests]:
    """Guests that all tests of a module share."""
    folder = tmp_path_factory.mktemp("guests")
    with opened_guests(playwright, settings, base_url, fake_media, folder) as make:
        yield make
