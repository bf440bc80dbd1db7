"""Pictures of every page in its states; `make pictures` keeps them in `docs/pictures/`.

Each state is shown at three widths, dark and light, and nothing may hang over the edge. Pictures are taken only
where somebody keeps them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from media_tools import run
from room_guests import simulated_guests
from rooms import RoomScene, opened_room

SIZES = {360: 780, 768: 1024, 1440: 900}
DRESS = "(theme) => { localStorage.setItem('rolltape-theme', theme); rolltapeDress(); }"
NAME_DEVICES = """() => document.querySelectorAll("select[data-testid$=-device] option").forEach(
    (option, number) => (option.textContent = ["Front camera", "Microphone"][number % 2]))"""
"""The fake devices are named after their files, which differ from one machine to the next."""

NAME_LINKS = """() => document.querySelectorAll("input[readonly]").forEach(
    (one) => (one.value = "https://studio.example/?room=sunday-show&record=6000#invite=…"))"""
"""Addresses and tokens of a test's room mean nothing to anybody."""


@dataclass
class Studio:
    """A room, and the folder that pictures go to, if they are kept."""

    scene: RoomScene
    folder: Path | None

    def picture(self, page: Page, name: str) -> None:
        """Keep what a page shows, at each width and in both colours; the page is left at the widest."""
        page.bring_to_front()  # a page behind another may not be painted at all
        page.evaluate(NAME_DEVICES)
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            hidden = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert hidden <= 0, f"{name}: {hidden} px hang over at {width}"
            for theme in ("light", "dark"):
                page.evaluate(DRESS, theme)
                expect(page.locator(f"html[data-theme={theme}]")).to_be_attached()
                if self.folder is not None:
                    page.screenshot(path=self.folder / f"{name}-{width}-{theme}.png", animations="disabled")


@pytest.fixture(scope="module")
def studio(
    playwright: Playwright,
    settings: dict[str, Any],
    fake_media: tuple[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("pictures")
    kept = Path(os.environ["PICTURES"]) if os.environ.get("PICTURES") else None
    if kept is not None:
        kept.mkdir(exist_ok=True, parents=True)
    bars = folder / "bars.mjpeg"
    run(
        *("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "smptehdbars=size=1280x720:rate=10:duration=1"),
        *("-pix_fmt", "yuvj420p", "-q:v", "3", "-f", "mjpeg", bars),
    )
    with opened_room(playwright, settings, (str(bars), fake_media[1]), folder) as scene:
        yield Studio(scene, kept)


def test_the_home_page(studio: Studio) -> None:
    home = studio.scene.visitor().open(f"{studio.scene.server.address}/", "home")
    home.id("room-name").fill("sunday-show")

    studio.picture(home.page, "home")
    home.context.close()


def test_the_directors_page_and_a_guests(studio: Studio) -> None:
    director = studio.scene.director(f"{studio.scene.server.address}/?director=sunday-show&label=Mia")
    director.page.evaluate(NAME_LINKS)
    studio.picture(director.page, "director-empty")
    ada = studio.scene.guest("record=6000&label=Ada&recordcodec=h264")
    bob = studio.scene.guest("record=6000&label=Bob&recordcodec=h264&width=640&height=360")
    for name in ("Ada", "Bob"):
        video = director.guest(name).locator("video")
        expect(video).not_to_have_js_property("videoWidth", 0)
        expect(director.guest(name)).to_have_attribute("data-state", "idle")
    expect(ada.id("person")).to_have_count(2)
    studio.picture(ada.page, "guest-idle")

    with simulated_guests() as make:
        cyd = make(studio.scene.guest_link, "Cyd").come()
        expect(director.guest("Cyd")).to_have_attribute("data-state", "idle")
        cyd.leave()
        expect(director.guest("Cyd")).to_have_attribute("data-state", "offline")
    director.guest("Ada").get_by_test_id("start").click()
    expect(ada.id("record")).to_have_attribute("data-state", "recording")
    expect(ada.id("bytes")).not_to_have_attribute("value", "0")
    expect(director.guest("Ada").get_by_test_id("bytes")).not_to_have_attribute("value", "0")
    studio.picture(director.page, "director-recording")
    studio.picture(ada.page, "guest-recording")

    ada.id("record").click()
    expect(ada.id("take")).to_have_attribute("data-state", "finished")
    expect(ada.id("tally")).to_be_hidden()
    ada.id("take").scroll_into_view_if_needed()
    studio.picture(ada.page, "guest-finished")
    for visitor in (ada, bob, director):
        visitor.context.close()


def test_the_converters_page(studio: Studio, tmp_path: Path) -> None:
    recording = tmp_path / "Ada_take1.mkv"
    run(
        *(
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=duration=2:size=320x180",
            "-f",
            "lavfi",
        ),
        *("-i", "sine=duration=2:sample_rate=48000", "-c:v", "libx264", "-c:a", "libopus", recording),
    )
    convert = studio.scene.visitor().open(f"{studio.scene.server.address}/?convert", "convert")
    convert.id("convert-input").set_input_files(recording)
    convert.id("convert-start").click()
    expect(convert.id("job")).to_have_attribute("data-state", "finished")

    studio.picture(convert.page, "convert")
    convert.context.close()
