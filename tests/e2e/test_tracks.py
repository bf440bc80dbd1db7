"""From Stop to tracks in the director's hands: made at the host of what real guests recorded, fetched, and probed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from playwright.sync_api import Playwright, expect

from guest import or_later
from media_tools import probe, samples
from rooms import RoomScene, Visitor, opened_room

SMALL = "width=320&height=180&fps=15&recordcodec=vp8"
PICTURES = os.environ.get("ROLLTAPE_SCREENSHOTS", "")
"""A folder: what the page looks like is put there, to be looked at."""


@pytest.fixture
def scene(
    playwright: Playwright, settings: dict[str, Any], fake_media: tuple[str, str], tmp_path: Path
) -> Iterator[RoomScene]:
    options = ["--takes", str(tmp_path / "takes"), "--track-workers", "1"]
    with opened_room(playwright, settings, fake_media, tmp_path, options) as scene:
        scene.director(scene.server.links()["Director"])
        yield scene


def recorded(scene: RoomScene, *labels: str) -> None:
    """Guests who have recorded some seconds, all of which has arrived."""
    guests = [scene.guest(f"record=800&label={label}&{SMALL}") for label in labels]
    for guest in guests:
        expect(guest.id("check-upload")).to_be_visible()
        guest.id("record").click()
    for guest in guests:
        expect(guest.id("elapsed")).to_have_text(or_later("0:03"))
        guest.id("record").click()
    for guest in guests:
        expect(guest.id("upload").first).to_have_attribute("data-state", "arrived", timeout=30_000)
        guest.page.close()  # what makes tracks gives way to everything else


def fetched(director: Visitor, link: Any) -> Path:
    with director.page.expect_download() as begun:
        link.click()
    return Path(begun.value.path())


def looked_at(page: Visitor, name: str) -> None:
    for width in (360, 1280) if PICTURES else ():
        for scheme in ("light", "dark"):
            page.page.set_viewport_size({"width": width, "height": 900})
            if page.page.locator("html").get_attribute("data-theme") != scheme:
                page.id("theme").click()
            page.id("tracks-panel").scroll_into_view_if_needed()
            page.page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png")


@pytest.mark.slow
def test_tracks_of_two_guests_are_made_at_the_host_and_fetched_by_the_director(
    scene: RoomScene, tmp_path: Path
) -> None:
    director = scene.visitors[0]
    expect(director.id("tracks-panel")).to_be_hidden()
    recorded(scene, "Ada", "Ben")
    button = director.id("tracks")
    expect(button).to_have_attribute("data-state", "none")
    looked_at(director, "none")

    button.click()
    director.id("tracks-cancel").click()
    expect(button).to_have_attribute("data-state", "none")
    button.click()
    expect(director.id("track").filter(has_text="Ada.wav")).to_be_visible(timeout=60_000)
    looked_at(director, "making")
    expect(button).to_have_attribute("data-state", "ready", timeout=120_000)
    expect(director.id("track")).to_have_count(10)
    expect(director.id("tracks-said")).to_have_text("")
    looked_at(director, "ready")

    def track(name: str) -> Path:
        return fetched(director, director.id("track-fetch").filter(has_text=name))

    sounds = [track(name) for name in ("Ada.wav", "Ben.wav")]
    (first, second) = (probe(path)["streams"][0] for path in sounds)
    assert (first["codec_name"], first["sample_rate"]) == ("pcm_s24le", "48000")
    assert first["duration_ts"] == second["duration_ts"] and first["duration_ts"] % 48000 == 0
    assert all(max(map(abs, samples(path)[0])) > 0.01 for path in sounds), "somebody is heard"
    told = json.loads(track("report.json").read_text())
    assert all(one["to_room"] for whose in told["tracks"] for one in whose["files"]), "their clocks are known"
    (picture,) = (one for one in probe(track("Ada.mp4"))["streams"] if one["codec_type"] == "video")
    assert picture["r_frame_rate"] == picture["avg_frame_rate"]

    expect(director.id("fetch-all-facts")).to_contain_text("and the tracks")
    with ZipFile(fetched(director, director.id("fetch-all"))) as archive:
        assert archive.testzip() is None
        names = [name.rpartition("/")[2] for name in archive.namelist() if "/tracks/" in name]
    assert sorted(names) == sorted(director.id("track-fetch").all_text_contents())

    row = director.id("session-take").filter(has_text="Ben")
    row.get_by_test_id("delete").click()
    row.get_by_test_id("delete").click()
    expect(button).to_have_attribute("data-state", "none")
    expect(director.id("track")).to_have_count(0)
    assert [path.name for path in (tmp_path / "takes").rglob("*") if path.suffix in (".wav", ".mp4")] == []
