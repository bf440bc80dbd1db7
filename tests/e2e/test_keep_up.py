"""Encoders that are starved: it is told with numbers, and the recording goes on in a format that keeps up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from browsers import opened_guests
from faults.choice import in_the_long_form
from guest import Guest, Guests
from media_tools import (
    LOOP_FRAMES,
    decode_errors,
    frame_numbers,
    frame_sizes,
    make_detailed,
    packets,
    probe,
    share_recorded,
)
from processes import busy_loops
from waiting import wait_for

NUMBERS = re.compile(r"Of (\d+) pictures a second that the camera gives only (\d+) are recorded")
# When the notice was there, by the page's clock: a test that looks on a busy machine comes a second later.
WHEN_TOLD = """() => new MutationObserver((_, observer) => {
  const notices = [...document.querySelectorAll("[data-testid=notice]")];
  if (!notices.some((one) => /pictures a second/.test(one.textContent))) return;
  window.toldAt = Number(document.querySelector("[data-testid=elapsed]").dateTime.slice(2, -1));
  observer.disconnect();
}).observe(document.body, {childList: true, subtree: true})"""


@pytest.fixture(scope="module")
def detailed(fake_media: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The clip with its numbers, three times as wide, its moving part full of noise: much work for an encoder."""
    path = tmp_path_factory.mktemp("detailed") / "camera.mjpeg"
    return str(make_detailed(path, Path(fake_media[0]), 1920, 1080)), fake_media[1]


@pytest.fixture
def guest(
    playwright: Playwright, settings: dict[str, Any], base_url: str, detailed: tuple[str, str], tmp_path: Path
) -> Iterator[Guest]:
    with opened_guests(playwright, settings, base_url, detailed, tmp_path) as make:
        yield make()


LINK = "?record=6000&width=1920&height=1080"

# A camera of which half is recorded while its picture has more than 540 lines, and codecs that are known for it.
HALF = """(() => {
  const real = Object.getOwnPropertyDescriptor(MediaStreamTrack.prototype, "stats").get;
  Object.defineProperty(MediaStreamTrack.prototype, "stats", {get() {
    const found = real.call(this), by = this.kind === "video" && this.getSettings().height > 540 ? 2 : 1;
    if (by === 1) return found;
    return {totalFrames: found.totalFrames * by, discardedFrames: found.discardedFrames * by};
  }});
  const known = ["vp8", "h264", "vp9", "av1"].map((codec) => `${codec} 12000000 ${Date.now()}`);
  localStorage.setItem("rolltape-slow-codecs", known.join("\\n"));
})()"""


def pictures(path: Path, part: dict[str, Any]) -> list[tuple[float, int]]:
    """When each was captured, in seconds of the take, and the number burnt into it."""
    (video,) = (one["index"] for one in probe(path)["streams"] if one["codec_type"] == "video")
    at_s = [one.seconds + part["started_ms"] / 1000 for one in packets(path) if one.stream == video]
    return list(zip(at_s, frame_numbers(path), strict=True))


# Which codec keeps up is the machine's matter: what else it does meanwhile decides, so not beside other tests.
@in_the_long_form
def test_a_codec_that_does_not_keep_up_is_told_and_followed_by_one_that_does(
    guest: Guest, tmp_path: Path
) -> None:
    guest.open(LINK)
    expect(guest.id("codec")).to_contain_text("VP8")
    guest.page.evaluate(WHEN_TOLD)
    with busy_loops(os.cpu_count() or 1):
        guest.record()
        notice = guest.id("notice").filter(has_text=NUMBERS)
        expect(notice.first).to_contain_text(
            re.compile("Another format is tried|recorded smaller from now on")
        )
        told_at_s = guest.page.evaluate("toldAt")
        found = NUMBERS.search(notice.first.inner_text())
        went_on = re.compile("(VP8 did not keep up|The picture is smaller). The recording goes on")
        expect(guest.id("notice").filter(has_text=went_on)).to_have_count(1)
        guest.wait_until("0:20")
        guest.stop()

    assert found is not None and int(found[2]) < 0.8 * int(found[1])
    assert told_at_s <= 5
    first, second, *_ = parts = guest.log()["parts"]
    assert "vp8" in first["mime_type"] and "vp8" not in second["mime_type"]
    one, other, *_ = (
        pictures(guest.take_away(path, tmp_path / "kept"), part)
        for path, part in zip(guest.files(len(parts)), parts, strict=True)
    )
    assert (one[-1][1] - other[0][1] + 1) % LOOP_FRAMES < LOOP_FRAMES / 2, (
        "no picture is missing between them"
    )
    assert share_recorded([number for at_s, number in other if at_s > 10]) >= 0.9

    expect(guest.id("codec")).not_to_contain_text("VP8")
    guest.open(LINK)
    expect(guest.id("codec")).not_to_contain_text("VP8")


@in_the_long_form
def test_a_codec_that_is_insisted_on_is_only_told_of(guest: Guest) -> None:
    guest.open(f"{LINK}&recordcodec=vp8")
    with busy_loops(os.cpu_count() or 1):
        guest.record()
        notice = guest.id("notice").filter(has_text=NUMBERS)
        expect(notice.first).to_contain_text("The format stays, since it was asked for.")
        guest.stop()

    assert len(guest.log()["parts"]) == 1


def until_it_is_smaller(guest: Guest, link: str) -> None:
    """Record until the picture is smaller, and some time on."""
    guest.page.add_init_script(HALF)
    guest.open(link)
    expect(guest.id("granted")).to_contain_text("1280×720")
    guest.record()
    told = guest.id("notice").filter(has_text="The picture is recorded smaller from now on: 960×540.")
    expect(told).to_be_visible(timeout=30_000)
    expect(guest.id("granted")).to_contain_text("960×540")
    expect(told).to_have_count(0, timeout=30_000)
    wait_for(lambda: guest.shown_bytes() > 500_000, "it is written")
    guest.stop()


def test_where_no_codec_keeps_up_the_picture_gets_smaller_in_the_same_file(guests: Guests) -> None:
    guest = guests(files=False)
    until_it_is_smaller(guest, "?record=2000")

    assert len(guest.log()["parts"]) == 1
    path = guest.downloaded()
    assert decode_errors(path) == ""
    assert frame_sizes(path) == [(1280, 720), (960, 540)]


def test_mp4_keeps_its_size_and_goes_on_smaller_in_a_new_part(guests: Guests, tmp_path: Path) -> None:
    guest = guests(files=False)
    until_it_is_smaller(guest, "?record=2000&recordcodec=mp4")

    assert len(guest.log()["parts"]) == 2
    one, other = (guest.take_away(path, tmp_path / "kept") for path in guest.files(2))
    assert [decode_errors(path) for path in (one, other)] == ["", ""]
    assert [frame_sizes(path) for path in (one, other)] == [[(1280, 720)], [(960, 540)]]
