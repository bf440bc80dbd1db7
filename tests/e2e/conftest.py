"""Guests in Debian's Chromium with fake devices, and every complaint of the browser noted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from browsers import opened_guests
from guest import Guests

BY_THE_CLOCK = {
    "test_clocks.py",
    "test_convert_large.py",
    "test_keep_up.py",
    "test_parts.py",
    "test_recorded_file.py",
    "test_rooms.py",
    "test_two_clocks.py",
}
"""What these say of time, or of every picture and sample, holds where no other browser is driven: marked `clock`."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark all tests of the files that go by the clock; in other files single tests are marked."""
    if item.path.name in BY_THE_CLOCK:
        item.add_marker("clock")


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
