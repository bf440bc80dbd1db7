"""Guests in Debian's Chromium and Firefox, and what their browsers must not have done."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Playwright

from guest import Guest, Guests

LEFT_EARLY = r"(/static/[^’]+|:\d+/)’\. A ServiceWorker intercepted the request"
Preferences = dict[str, str | float | bool]


def chromium(
    playwright: Playwright,
    settings: dict[str, Any],
    profile: Path,
    media: tuple[str, str] = ("", ""),
    flags: tuple[str, ...] = (),
    *,
    allowed: bool = True,
    **options: Any,
) -> BrowserContext:
    """Debian's Chromium on a profile of its own; `media` feeds the fake devices."""
    launch = settings["chromium_launch"](*media, flags, allowed=allowed)
    return playwright.chromium.launch_persistent_context(str(profile), **(launch | options))


def firefox(
    playwright: Playwright,
    settings: dict[str, Any],
    profile: Path,
    downloads: Path,
    preferences: Preferences | None = None,
    flags: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> BrowserContext:
    """Debian's Firefox on a profile of its own."""
    return playwright.firefox.launch_persistent_context(
        str(profile),
        downloads_path=downloads,
        args=flags,
        env={**os.environ, **(environment or {})},
        **settings["firefox_launch"](str(downloads), preferences),
    )


@contextmanager
def opened_firefox(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    folder: Path,
    environment: dict[str, str],
    preferences: Preferences | None = None,
) -> Iterator[Guest]:
    """A guest in Debian's Firefox."""
    downloads = folder / "downloads"
    downloads.mkdir()
    profile = folder / "profile"
    context = firefox(playwright, settings, profile, downloads, preferences, environment=environment)
    try:
        guest = Guest(context, base_url, downloads, settings["READY_TIMEOUT_MS"])
        yield guest
    finally:
        context.close()
    # Firefox calls it an error when a page is left while it looks after its copy.
    complaints = [said for said in guest.complaints if not re.search(LEFT_EARLY, said)]
    assert complaints == [], f"The browser complained: {complaints}"


@contextmanager
def opened_guests(
    playwright: Playwright, settings: dict[str, Any], base_url: str, fake_media: tuple[str, str], folder: Path
) -> Iterator[Guests]:
    """Makes guests; at the end nothing may have left the origin, and no browser may have complained."""
    made: list[Guest] = []

    def make(*, files: bool = True, flags: tuple[str, ...] = (), **options: Any) -> Guest:
        downloads = folder / f"downloads{len(made)}"
        downloads.mkdir()
        media = fake_media if files else ("", "")
        profile = folder / f"profile{len(made)}"
        context = chromium(playwright, settings, profile, media, flags, **options)
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
