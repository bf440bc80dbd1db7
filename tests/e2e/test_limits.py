"""What is missing or refused gets its sentence, and what still works goes on working."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from guest import Guest, Guests
from media_tools import probe
from rolltape.server.serve import PAGE
from waiting import wait_for


def without(guest: Guest, script: str) -> Guest:
    """A browser in which something does not exist."""
    guest.page.add_init_script(script)
    return guest


def says(guest: Guest, *words: str) -> None:
    """One notice holds all these words."""
    notice = guest.id("notice")
    for word in words:
        notice = notice.filter(has_text=word)
    expect(notice).to_have_count(1)


@pytest.fixture
def small(guests: Guests) -> Guest:
    return guests(files=False)


def test_refused_devices_are_said_with_what_to_do(guests: Guests) -> None:
    guest = guests(flags=("--use-fake-ui-for-media-stream=deny",))

    guest.open("?record=6000")

    says(guest, "Camera and microphone cannot be used", "did not allow", "press “Try again”")
    expect(guest.id("record")).to_be_disabled()
    expect(guest.id("record")).to_have_attribute("data-state", "idle")


def test_without_a_camera_the_sound_is_recorded(guests: Guests) -> None:
    guest = guests(files=False, flags=("--use-fake-device-for-media-stream=device-count=0",))
    guest.open("?record=6000")

    says(guest, "no camera", "only sound")
    guest.record()
    guest.wait_until("0:02")
    guest.stop()

    assert [stream["codec_name"] for stream in probe(guest.downloaded())["streams"]] == ["opus"]


def test_without_a_microphone_the_picture_is_recorded(small: Guest) -> None:
    without(
        small,
        """const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wish) => wish.audio
          ? Promise.reject(new DOMException("Requested device not found", "NotFoundError")) : ask(wish);""",
    )
    small.open("?record=1000&width=320&height=180")

    says(small, "no microphone", "silent")
    small.record()
    small.wait_until("0:02")
    small.stop()

    assert [stream["codec_name"] for stream in probe(small.downloaded())["streams"]] == ["vp8"]


def test_without_a_recorder_the_page_says_which_browsers_have_one(small: Guest) -> None:
    without(small, "delete window.MediaRecorder").open("?record=6000")

    says(small, "cannot record", "Chrome, Edge or Firefox")
    expect(small.id("record")).to_be_disabled()
    expect(small.id("granted")).to_contain_text("1280×720")


def test_without_a_service_worker_the_take_comes_from_the_journal(small: Guest) -> None:
    without(small, "delete Navigator.prototype.serviceWorker")
    small.open("?record=1000&width=320&height=180")

    says(small, "cannot write a download while it is made", "save it from the list")
    expect(small.id("destination")).to_contain_text("save it from the list")
    small.record()
    small.wait_until("0:02")
    small.stop()
    assert list(small.downloads.iterdir()) == []
    assert float(probe(small.save())["format"]["duration"]) > 1.5


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "Object.defineProperty(ServiceWorkerContainer.prototype, 'ready', {get: () => new Promise(() => 0)})",
            "The browser did not start what writes downloads while they are made.",
        ),
        (
            "ServiceWorker.prototype.postMessage = () => {}",
            "What writes downloads does not answer.",
        ),
    ],
    ids=["never ready", "silent"],
)
def test_a_service_worker_that_does_not_come_about_holds_up_no_recording(
    small: Guest, script: str, words: str
) -> None:
    without(small, script).open("?record=1000&width=320&height=180&recordcodec=vp8")

    expect(small.id("record")).to_be_enabled(timeout=15_000)
    small.record()
    expect(small.id("notice").filter(has_text=words)).to_be_visible()
    wait_for(lambda: small.shown_bytes() > 100_000, "it is written")
    small.stop()
    assert list(small.downloads.iterdir()) == []
    assert float(probe(small.save())["format"]["duration"]) > 1.5


def test_without_crash_proof_storage_the_download_goes_on(small: Guest) -> None:
    without(small, "delete StorageManager.prototype.getDirectory")
    small.open("?record=1000&width=320&height=180")

    says(small, "no storage that survives a crash", "may be lost")
    small.record()
    small.wait_until("0:02")
    assert small.shown_bytes() > 0
    small.stop()

    assert {stream["codec_name"] for stream in probe(small.downloaded())["streams"]} == {"vp8", "opus"}


def test_a_bad_value_is_named_and_the_page_asks_for_the_bitrate(small: Guest) -> None:
    small.open("?record=%3Cb%3Eabc")

    says(small, "record", "abc")
    assert small.page.locator("b").count() == 0
    small.id("record").click()
    expect(small.id("bitrate-dialog")).to_be_visible()
    expect(small.id("bitrate")).to_have_value("6000")
    small.id("bitrate-cancel").click()
    expect(small.id("bitrate-dialog")).to_be_hidden()
    expect(small.id("record")).to_have_attribute("data-state", "idle")
    assert list(small.downloads.iterdir()) == []


def test_a_memory_snapshot_that_does_not_fit_costs_time_and_nothing_else(guests: Guests) -> None:
    (file,) = (PAGE / "static" / "vendor").glob("pyodide-*/snapshot.bin")
    other = bytearray(file.read_bytes())
    other[int.from_bytes(other[4:8], "little") + 4] ^= 1  # the sum
    guest = guests(files=False)
    guest.page.route("**/snapshot.bin", lambda route: route.fulfill(body=bytes(other)))

    guest.open("?record=6000")

    assert any("for another memory" in said for said in guest.complaints)
    guest.complaints.clear()


def test_a_page_that_cannot_start_says_so(guests: Guests) -> None:
    guest = guests(files=False)
    guest.page.route("**/rolltape-*.whl", lambda route: route.fulfill(status=404, body="gone"))
    guest.page.goto(f"{guest.base_url}/?record=6000")

    expect(guest.page.locator("html[data-ready=failed]")).to_be_attached(timeout=guest.timeout_ms)
    says(guest, "could not start", "nothing is being recorded")
    guest.page.close()  # now all complaints are there
    assert guest.complaints
    guest.complaints.clear()
