"""The test recording: five seconds through the real recorder, played at once, and nothing of it is left."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from guest import Guest, Guests

SMALL = "width=320&height=180&recordcodec=h264"
REHEARSALS = """async () => {
    const names = [];
    const visit = async (folder) => {
        for await (const [name, handle] of folder.entries())
            handle.kind === "directory" ? await visit(handle) : names.push(name);
    };
    const root = await navigator.storage.getDirectory();
    try { await visit(await root.getDirectoryHandle("rehearsals")); } catch { return []; }
    return names;
}"""


@pytest.fixture
def guest(module_guests: Guests) -> Guest:
    return module_guests().open(f"?record=800&label=Ada&{SMALL}")


def test_a_test_is_played_back_and_leaves_nothing(guest: Guest) -> None:
    expect(guest.id("readiness")).to_have_text("Ready to record.")
    guest.id("test").click()
    expect(guest.id("test-text")).to_contain_text("s left")
    expect(guest.id("tally")).to_be_hidden()
    expect(guest.id("said")).to_have_text("The test recording has begun: five seconds.")

    player = guest.id("test-player")
    expect(guest.id("test-result")).to_be_visible()
    expect(guest.id("test-facts")).to_contain_text("H.264 video and Opus audio in Matroska. 0:05 · ")
    player.evaluate(
        "video => new Promise(done => video.ended ? done() : video.addEventListener('ended', done))"
    )
    expect(guest.id("said")).to_have_text("The test recording is finished and is played now.")
    length, width = player.evaluate("video => [video.duration, video.videoWidth]")
    assert 4.5 < length < 8 and width > 0

    assert list(guest.downloads.iterdir()) == [] and guest.id("take").count() == 0
    assert guest.page.evaluate(REHEARSALS) != []
    guest.id("test-close").click()
    expect(guest.id("test-result")).to_be_hidden()
    expect(guest.id("test")).to_be_focused()
    assert guest.page.evaluate(REHEARSALS) == []


def test_a_recording_may_begin_in_the_middle_of_a_test(guest: Guest) -> None:
    expect(guest.id("test")).to_be_visible()
    guest.id("test").click()
    expect(guest.id("test")).to_have_attribute("data-state", "recording")

    guest.record()
    guest.wait_until("0:02")
    guest.stop()

    expect(guest.id("test-result")).to_be_hidden()
    expect(guest.id("take")).to_have_count(1)
    expect(guest.id("after-title")).to_have_text("Your recording is finished.")
    expect(guest.id("after-where")).to_contain_text(guest.downloaded().name)
    assert guest.page.evaluate(REHEARSALS) == []


def test_what_an_earlier_visit_left_is_deleted(guest: Guest) -> None:
    expect(guest.id("test")).to_be_visible()
    guest.id("test").click()
    expect(guest.id("test")).to_have_attribute("data-state", "recording")
    expect(guest.id("test-text")).to_contain_text("3 s left")
    guest.page.reload()

    expect(guest.id("test")).to_be_visible(timeout=guest.timeout_ms)
    expect(guest.id("take")).to_have_count(0)
    assert guest.page.evaluate(REHEARSALS) == []
