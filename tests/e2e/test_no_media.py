"""Recorders that never deliver, cameras that are gone before the page is there: told, and recorded all the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from guest import Guest, Guests
from media_tools import decode_errors, kinds
from waiting import wait_for

# A browser whose recorder runs and delivers nothing, in the formats that match.
SILENT = """(() => {
  const Real = MediaRecorder;
  globalThis.MediaRecorder = class extends Real {
    addEventListener(type, ...rest) {
      if (type !== "dataavailable" || !%s.test(this.mimeType)) super.addEventListener(type, ...rest);
    }
  };
})()"""

# The camera is unplugged while Python loads: the first picture is there, and has ended when it is taken over.
CAMERA_ENDS = """(() => {
  const devices = navigator.mediaDevices;
  const real = devices.getUserMedia.bind(devices);
  let asked = 0;
  devices.getUserMedia = async (wish) => {
    asked += 1;
    if (asked > 1 && wish.video && %s) throw new DOMException("unplugged", "NotFoundError");
    const stream = await real(wish);
    if (asked === 1) stream.getVideoTracks().forEach((track) => track.stop());
    return stream;
  };
})()"""


def notices_say(guest: Guest, words: str, timeout_s: float = 30.0) -> None:
    wait_for(lambda: any(words in sentence for sentence in guest.notices()), f"“{words}” is told", timeout_s)


def finished(guest: Guest) -> list[Path]:
    """What looks like a whole file in the Downloads folder."""
    return [path for path in guest.downloads.iterdir() if path.suffix != ".crdownload"]


@pytest.mark.clock
def test_a_recorder_that_never_delivers_is_told_of_and_another_format_is_recorded(
    guests: Guests, tmp_path: Path
) -> None:
    guest = guests()
    guest.page.add_init_script(SILENT % "/vp8/")
    guest.open("?record=1500&width=640&height=360&recordcodec=vp8&label=Ada&room=silent")

    guest.record()
    notices_say(guest, "Nothing is recorded yet", 5)
    notices_say(guest, "delivered nothing; recording", 5)
    wait_for(lambda: guest.shown_bytes() > 50_000, "another format is written")
    guest.wait_until("0:04")
    guest.stop()

    expect(guest.id("take").first).to_have_attribute("data-state", "finished")
    # Of the silent one's download nothing is left but what a browser keeps of one that was broken off.
    (whole,) = wait_for(lambda: finished(guest), "a finished file is in the Downloads folder")
    kept = guest.take_away(whole, tmp_path / "kept")
    assert kinds(kept) == ["audio", "video"] and decode_errors(kept) == ""
    assert "vp8" not in guest.log()["mime_type"]


@pytest.mark.clock
def test_where_no_format_delivers_the_take_has_failed_and_no_file_looks_like_one(guests: Guests) -> None:
    guest = guests()
    guest.page.add_init_script(SILENT % "/./")
    guest.open("?record=-128&label=Ada&room=mute")

    guest.record()
    notices_say(guest, "Nothing is recorded yet", 5)
    notices_say(guest, "Nothing is recorded now", 60)
    expect(guest.id("record")).to_have_attribute("data-state", "idle", timeout=60_000)

    expect(guest.id("after")).to_contain_text("Nothing was recorded.")
    expect(guest.id("take").first).to_have_attribute("data-state", "failed")
    assert finished(guest) == []
    assert guest.log()["delivered"] == []


def test_a_camera_that_ended_while_the_page_loaded_is_asked_for_anew(guests: Guests, tmp_path: Path) -> None:
    guest = guests()
    guest.page.add_init_script(CAMERA_ENDS % "false")
    guest.open("?record=1500&width=640&height=360&label=Ada&room=anew")

    guest.record()
    guest.wait_until("0:02")
    guest.stop()

    kept = guest.take_away(guest.downloaded(), tmp_path / "kept")
    assert kinds(kept) == ["audio", "video"] and decode_errors(kept) == ""


def test_where_no_camera_is_left_the_sound_is_recorded(guests: Guests, tmp_path: Path) -> None:
    guest = guests()
    guest.page.add_init_script(CAMERA_ENDS % "true")
    guest.open("?record=1500&label=Ada&room=soundonly")
    expect(guest.id("granted")).not_to_have_text(re.compile("0×0"))

    guest.record()
    guest.wait_until("0:02")
    guest.stop()

    expect(guest.id("take").first).to_have_attribute("data-state", "finished")
    kept = guest.take_away(guest.downloaded(), tmp_path / "kept")
    assert kinds(kept) == ["audio"] and decode_errors(kept) == ""
