"""Start, stop, pause, hang up: by button, by key, by the link itself; and what the bitrate prompt does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, expect

from guest import Guest, Guests
from media_tools import decode_errors, packets, probe
from waiting import wait_for

SMALL = "width=320&height=180&recordcodec=h264"


@pytest.fixture(scope="module")
def guest(module_guests: Guests) -> Guest:
    return module_guests()


def test_the_prompt_asks_checks_and_remembers(guest: Guest, tmp_path: Path) -> None:
    guest.open(f"?record&room=prompt&{SMALL}")
    expect(guest.id("record")).to_be_enabled()

    guest.page.keyboard.press("r")
    expect(guest.id("bitrate-dialog")).to_be_visible()
    expect(guest.id("bitrate")).to_have_value("6000")
    expect(guest.id("bitrate")).to_be_focused()

    guest.page.keyboard.type("fast")
    guest.page.keyboard.press("Enter")
    expect(guest.id("bitrate-error")).to_contain_text("“fast” is not a whole number of kbps")
    expect(guest.id("bitrate-dialog")).to_be_visible()

    guest.page.keyboard.press("Escape")
    expect(guest.id("bitrate-dialog")).to_be_hidden()
    guest.id("record").click()
    expect(guest.id("bitrate")).to_have_value("6000")
    expect(guest.id("bitrate-error")).to_have_text("")
    guest.id("bitrate-cancel").click()
    expect(guest.id("bitrate-dialog")).to_be_hidden()
    expect(guest.id("record")).to_have_attribute("data-state", "idle")
    assert guest.id("take").count() == 0 and list(guest.downloads.iterdir()) == []

    guest.id("record").click()
    guest.id("bitrate").fill("-64")
    guest.page.keyboard.press("Enter")
    expect(guest.id("record")).to_have_attribute("data-state", "recording")
    guest.wait_until("0:01")
    guest.stop()
    path = guest.take_away(guest.downloaded(), tmp_path / "kept")
    assert [stream["codec_name"] for stream in probe(path)["streams"]] == ["opus"]

    guest.page.reload()
    expect(guest.page.locator("html[data-ready=guest]")).to_be_attached(timeout=guest.timeout_ms)
    guest.id("record").click()
    expect(guest.id("bitrate")).to_have_value("-64")


@pytest.mark.clock
def test_keys_record_pause_and_stop_but_not_while_typing(guest: Guest, tmp_path: Path) -> None:
    guest.open(f"?record=800&room=keys&{SMALL}")
    expect(guest.id("record")).to_be_enabled()

    guest.page.keyboard.press("Control+p")
    guest.id("audio-device").focus()
    guest.page.keyboard.press("r")
    expect(guest.id("record")).to_have_attribute("data-state", "idle")
    guest.id("record").focus()
    guest.page.keyboard.press("r")
    expect(guest.id("record")).to_have_attribute("data-state", "recording")
    guest.wait_until("0:01")
    guest.page.keyboard.press("p")
    expect(guest.id("record")).to_have_attribute("data-state", "paused")
    expect(guest.id("tally")).to_contain_text("Paused")
    paused_at = guest.id("elapsed").get_attribute("datetime")
    began = time.monotonic()
    wait_for(lambda: time.monotonic() - began > 1.5, "the pause has lasted")
    assert guest.id("elapsed").get_attribute("datetime") == paused_at
    guest.page.keyboard.press("Shift+p")
    expect(guest.id("record")).to_have_attribute("data-state", "paused")
    guest.page.keyboard.press("p")
    expect(guest.id("record")).to_have_attribute("data-state", "recording")
    guest.wait_until("0:02")
    guest.page.keyboard.press("r")
    expect(guest.id("record")).to_have_attribute("data-state", "idle")

    path = guest.take_away(guest.downloaded(), tmp_path / "kept")
    assert decode_errors(path) == ""
    assert max(packet.seconds for packet in packets(path)) < 3.4
    log = guest.log()
    assert 1400 < log["pauses"][0]["to_ms"] - log["pauses"][0]["from_ms"] < 4000


def test_hanging_up_finishes_the_take_before_the_devices_are_released(guest: Guest, tmp_path: Path) -> None:
    guest.open(f"?record=800&room=hangup&{SMALL}")
    guest.record()
    guest.wait_until("0:02")

    guest.id("hangup").click()

    expect(guest.id("no-picture")).to_contain_text("You have hung up")
    expect(guest.id("record")).to_be_disabled()
    expect(guest.id("granted")).to_be_hidden()
    expect(guest.id("take").first).to_have_attribute("data-state", "finished")
    path = guest.take_away(guest.downloaded(), tmp_path / "kept")
    assert decode_errors(path) == ""
    saved = guest.save()
    assert float(probe(saved)["format"]["duration"]) > 1.8
    kinds = {stream["codec_type"] for stream in probe(saved)["streams"]}
    assert kinds == {"video", "audio"}
    guest.take_away(saved, tmp_path / "saved")
    guest.page.keyboard.press("r")
    expect(guest.id("record")).to_have_attribute("data-state", "idle")

    guest.id("again").click()
    expect(guest.id("record")).to_be_enabled()
    expect(guest.id("no-picture")).to_be_hidden()


def test_leaving_asks_only_while_recording_and_the_screen_stays_on(guest: Guest, tmp_path: Path) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page = guest.page
    page.add_init_script(
        """navigator.wakeLock.request = ((real) => async (type) => {
            const lock = await real.call(navigator.wakeLock, type);
            const page = document.documentElement.dataset;
            window.screenLock = lock;
            page.locks = Number(page.locks ?? 0) + 1;
            lock.addEventListener("release", () => (page.locks -= 1));
            return lock;
        })(navigator.wakeLock.request);"""
    )
    guest.open(f"?record=800&room=leaving&{SMALL}")
    page.on("dialog", stay)
    locks = page.locator("html[data-locks='1']")

    guest.record()
    expect(locks).to_be_attached()
    page.evaluate("window.screenLock.release()")  # as the browser does when another tab comes to the front
    expect(page.locator("html[data-locks='0']")).to_be_attached()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(locks).to_be_attached()
    page.evaluate("location.hash = ''; setTimeout(() => location.reload(), 0)")
    page.wait_for_event("dialog") if not asked else None
    expect(guest.id("record")).to_have_attribute("data-state", "recording")
    guest.wait_until("0:01")
    guest.stop()

    assert asked == ["beforeunload"]
    expect(page.locator("html[data-locks='0']")).to_be_attached()
    guest.take_away(guest.downloaded(), tmp_path / "kept")
    page.reload()
    expect(page.locator("html[data-ready=guest]")).to_be_attached(timeout=guest.timeout_ms)
    assert asked == ["beforeunload"]
    page.remove_listener("dialog", stay)


def test_autorecord_records_as_soon_as_the_devices_are_there(guest: Guest, tmp_path: Path) -> None:
    guest.open(f"?autorecord=700&room=auto&{SMALL}")

    expect(guest.id("record")).to_have_attribute("data-state", "recording", timeout=guest.timeout_ms)
    guest.wait_until("0:01")
    guest.stop()

    assert decode_errors(guest.take_away(guest.downloaded(), tmp_path / "kept")) == ""


@pytest.mark.parametrize("value", ["false", "Off", "no"])
def test_a_link_that_refuses_recording_has_no_button_and_says_so(guest: Guest, value: str) -> None:
    guest.open(f"?record={value}&autorecord&room=refused")
    expect(guest.id("granted")).not_to_have_text("–")

    expect(guest.id("record")).to_be_hidden()
    assert "This link does not allow recording." in guest.notices()
    assert any("nothing is recorded" in sentence for sentence in guest.notices())
    guest.page.keyboard.press("r")
    expect(guest.id("record")).to_have_attribute("data-state", "idle")


def test_a_link_without_record_has_no_button(guest: Guest) -> None:
    guest.open("?room=absent")
    expect(guest.id("granted")).not_to_have_text("–")

    expect(guest.id("record")).to_be_hidden()
    guest.page.keyboard.press("r")
    expect(guest.id("record")).to_have_attribute("data-state", "idle")
    assert guest.notices() == []


def test_a_bad_link_is_said_and_shows_no_markup(guest: Guest) -> None:
    guest.open("?record=%3Cimg%20src=x%3E&room=bad&width=wide&recordcodec=mpeg2")

    said = guest.notices()
    assert any("record=“‹img src=x›”" in sentence and "asks for the bitrate" in sentence for sentence in said)
    assert any("width" in sentence for sentence in said) and any("mpeg2" in sentence for sentence in said)
    assert guest.page.locator("#notices img").count() == 0
    guest.id("record").click()
    expect(guest.id("bitrate-dialog")).to_be_visible()
