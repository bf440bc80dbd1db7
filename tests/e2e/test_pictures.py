"""Pictures of the pages in each state; `make pictures` keeps them in `docs/pictures/`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Playwright, expect

from guest import Guest
from media_tools import run

SIZES = {"desk": (1280, 800), "phone": (360, 780)}


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A camera that shows colour bars."""
    path = tmp_path_factory.mktemp("bars") / "bars.mjpeg"
    run(
        *("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "smptehdbars=size=1280x720:rate=10:duration=1"),
        *("-pix_fmt", "yuvj420p", "-q:v", "3", "-f", "mjpeg", path),
    )
    return str(path)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_pictures_of_the_guests_page(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    bars: str,
    fake_media: tuple[str, str],
    tmp_path: Path,
    size: str,
    scheme: Literal["dark", "light"],
) -> None:
    folder = Path(os.environ.get("PICTURES") or tmp_path / "pictures")
    folder.mkdir(exist_ok=True, parents=True)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    width, height = SIZES[size]
    context = playwright.chromium.launch_persistent_context(
        str(tmp_path / "profile"),
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        **settings["chromium_launch"](bars, fake_media[1]),
    )
    guest = Guest(context, base_url, downloads, settings["READY_TIMEOUT_MS"])
    guest.open("?record=6000&label=Ada&room=studio&recordcodec=h264")
    expect(guest.id("record")).to_be_enabled()

    def picture(state: str) -> None:
        # The fake camera is named after its file, which differs from one machine to the next.
        guest.id("video-device").locator("option").evaluate("option => option.textContent = 'Front camera'")
        guest.page.screenshot(path=str(folder / f"guest-{state}-{size}-{scheme}.png"))

    picture("idle")
    guest.record()
    guest.wait_until("0:03")
    expect(guest.id("tally")).to_be_visible()
    assert guest.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over"
    picture("recording")
    guest.stop()
    expect(guest.id("take")).to_have_attribute("data-state", "finished")
    expect(guest.id("tally")).to_be_hidden()
    guest.id("take").scroll_into_view_if_needed()
    picture("finished")
    context.close()
    assert guest.complaints == []
