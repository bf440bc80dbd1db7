"""Scenes for faults, and the report that each fault adds a row to."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Playwright

from browsers import Preferences, chromium, firefox
from faults import inside
from faults.disk import Disk, forget_locks
from faults.report import Row, write
from faults.scene import Scene
from rooms import Server

Scenes = Callable[..., Scene]
ROWS = pytest.StashKey[list[Row]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table of what survived."""
    if rows := session.config.stash[ROWS]:
        write(rows)


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> list[Row]:
    """The rows of this run."""
    return pytestconfig.stash[ROWS]


@contextmanager
def opened_scenes(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    media: tuple[str, str],
    sound: str,
    folder: Path,
    usual: str = "Chromium",
) -> Iterator[Scenes]:
    """Makes scenes, each with its own profile and Downloads folder; at the end every browser is closed.

    `media` feeds Chromium's fake devices, `sound` is the address of the sound hardware that Firefox has.
    """
    made: list[Scene] = []

    def make(
        browser: str = usual,
        *,
        flags: tuple[str, ...] = (),
        allowed: bool = True,
        preferences: Preferences | None = None,
        sound: str = sound,
        disk: Disk | None = None,
        more: str = "",
    ) -> Scene:
        """`disk` holds the profile and the Downloads folder, `more` is added to the link."""
        place = folder / f"scene{len(made)}"
        if disk is not None:
            disk.mount(place)
            forget_locks(place / "profile")
        downloads, profile = place / "downloads", place / "profile"
        for path in (downloads, profile):
            path.mkdir(parents=True, exist_ok=True)

        def opening() -> BrowserContext:
            if browser == "Firefox":
                return firefox(
                    *(playwright, settings, profile, downloads),
                    (preferences or {}) | inside.PREFERENCES,
                    (f"--start-debugger-server={place / 'inside'}",),
                    {"PULSE_SERVER": sound},
                )
            return chromium(playwright, settings, profile, media, flags, allowed=allowed)

        made.append(Scene(browser, opening, base_url, place, downloads, settings["READY_TIMEOUT_MS"], more))
        return made[-1]

    try:
        yield make
    finally:
        for scene in made:
            scene.close()


@pytest.fixture
def scenes(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    fake_media: tuple[str, str],
    sound_server: str,
    browser: str,
    tmp_path: Path,
) -> Iterator[Scenes]:
    """Scenes of one test in its browser, for faults that a browser does not outlive."""
    with opened_scenes(playwright, settings, base_url, fake_media, sound_server, tmp_path, browser) as make:
        yield make


@pytest.fixture(scope="session")
def shared_browsers(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    fake_media: tuple[str, str],
    sound_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Scene]]:
    """One browser of each name for all faults that it outlives, opened when it is first asked for."""
    folder = tmp_path_factory.mktemp("shared")
    with opened_scenes(playwright, settings, base_url, fake_media, sound_server, folder) as make:
        yield cache(make)


@pytest.fixture
def browser() -> str:
    """Where a test happens; those that are `in_both` say so themselves."""
    return "Chromium"


@pytest.fixture
def scene(shared_browsers: Callable[[str], Scene], browser: str) -> Iterator[Scene]:
    """A new tab in the browser that faults share, nothing in its Downloads folder."""
    shared = shared_browsers(browser)
    shared.new_tab()
    try:
        yield shared
    finally:
        for page in shared.guest.context.pages[1:]:  # Firefox ends with its last tab
            page.close()
        shared.in_downloads()


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, str], None]]:
    """Puts a disk of its own, of this size, under a folder; skips where that is not allowed."""
    with ExitStack() as mounted:

        def mount(folder: Path, size: str) -> None:
            folder.mkdir(parents=True, exist_ok=True)
            asked = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
            done = subprocess.run(asked, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"Only root can mount a small disk: {done.stderr.strip()}")
            mounted.callback(subprocess.run, ["umount", "-l", str(folder)], check=False)

        yield mount


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with rooms that can go away, and that keeps takes in `takes`."""
    made = Server(tmp_path)
    made.start()
    try:
        yield made
    finally:
        made.stop()
