"""Guests in Debian's Chromium with fake devices, and every complaint of the browser noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from guest import Guest, Guests


@contextmanager
def opened_guests(
    playwright: Playwright, settings: dict[str, Any], base_url: str, fake_media: tuple[str, str], folder: Path
) -> Iterator[Guests]:
    """Makes guests; at the end nothing may have left the origin, and no browser may have complained."""
    made: list[Guest] = []

    def make(*, files: bool = True, flags: tuple[str, ...] = (), **options: Any) -> Guest:
        downloads = folder / f"downloads{len(made)}"
        downloads.mkdir()
        video, audio = fake_media if files else ("", "")
        context = playwright.chromium.launch_persistent_context(
            str(folder / f"profile{len(made)}"),
            **(settings["chromium_launch"](video, audio, flags) | options),
        )
        made.append(Guest(context, base_url, downloads, settings["READY_TIMEOUT_MS"]))
        return made[-1]

    try:
        yield make
    finally:
        for guest in made:
            guest.context.close()
    for guest in made:
        own = (base_url, "blob:", "data:", "chrome-error:")
        foreign = [url for url in guest.requests if not url.startswith(own)]
        assert foreign == [], f"These requests left the origin: {foreign}"
        assert guest.complaints == [], f"The browser complained: {guest.complaints}"


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
