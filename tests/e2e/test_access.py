"""WCAG 2.2 AA: axe on every page in every state, in both colours; everything by keyboard, with visible focus."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from axe import violations
from guest import Guest, Guests

DATA = Path(__file__).resolve().parents[1] / "data"
SMALL = "width=320&height=180&recordcodec=h264"

FOCUS = """() => {
    const focused = document.activeElement;
    if (!focused || focused === document.body) return "nothing is focused";
    const style = getComputedStyle(focused);
    if (style.outlineStyle !== "solid" || parseFloat(style.outlineWidth) < 2)
        return "no outline: " + focused.outerHTML;
    const box = focused.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 12));
    if (!top || !(focused.contains(top) || top.contains(focused))) return "covered: " + focused.outerHTML;
    return "";
}"""


@pytest.fixture(scope="module")
def guest(module_guests: Guests) -> Guest:
    return module_guests()


def tab_to(guest: Guest, wanted: Locator, limit: int = 40) -> None:
    """Press Tab until this element has the focus; on the way everything focused must be seen to be."""
    for _ in range(limit):
        guest.page.keyboard.press("Tab")
        seen = guest.page.evaluate(FOCUS)
        assert seen in ("", "nothing is focused"), seen
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {wanted}")


def test_home(guest: Guest) -> None:
    guest.open("", ready="home")
    assert violations(guest.page) == []

    guest.id("more-options").locator("summary").click()
    guest.id("options-picture").locator("#option-width").fill("wide")
    expect(guest.id("link-notices")).to_contain_text("wide")
    assert violations(guest.page) == []


def test_a_guest_before_while_and_after_recording(guest: Guest, tmp_path: Path) -> None:
    guest.open(f"?record=800&label=Ada&{SMALL}")
    expect(guest.id("readiness")).to_have_attribute("data-state", "ok")
    assert violations(guest.page) == []

    guest.id("test").click()
    expect(guest.id("test")).to_have_attribute("data-state", "recording")
    assert violations(guest.page) == []
    expect(guest.id("test-result")).to_be_visible()
    assert violations(guest.page) == []

    guest.record()
    expect(guest.id("test-result")).to_be_hidden()
    assert violations(guest.page) == []
    guest.id("pause").click()
    expect(guest.id("record")).to_have_attribute("data-state", "paused")
    assert violations(guest.page) == []
    guest.stop()
    expect(guest.id("after")).to_be_visible()
    guest.id("play").click()
    expect(guest.id("player")).to_be_visible()
    assert violations(guest.page) == []
    guest.take_away(guest.downloaded(), tmp_path / "kept")

    guest.id("hangup").click()
    expect(guest.id("no-picture")).to_be_visible()
    assert violations(guest.page) == []


def test_the_question_for_the_bitrate(guest: Guest) -> None:
    guest.open(f"?record&{SMALL}")
    expect(guest.id("record")).to_be_enabled()
    guest.id("record").click()
    guest.id("bitrate").fill("fast")
    guest.id("bitrate-ok").click()
    expect(guest.id("bitrate-error")).not_to_be_empty()

    assert violations(guest.page) == []


def test_a_link_that_refuses_and_one_that_is_wrong(guest: Guest) -> None:
    guest.open("?record=off&width=wide")
    expect(guest.id("granted")).not_to_have_text("–")

    expect(guest.id("readiness")).to_have_text("This link does not allow recording.")
    expect(guest.id("test")).to_be_hidden()
    assert violations(guest.page) == []


def test_a_guest_without_camera_and_microphone(module_guests: Guests) -> None:
    denied = module_guests(flags=("--use-fake-ui-for-media-stream=deny",))
    denied.open("?record=800")

    expect(denied.id("readiness")).to_contain_text("neither camera nor microphone")
    expect(denied.id("no-picture")).to_be_visible()
    expect(denied.id("again")).to_have_text("Try again")
    assert violations(denied.page) == []


def test_the_converter(guest: Guest, tmp_path: Path) -> None:
    guest.open("?convert", ready="convert")
    assert violations(guest.page) == []

    guest.id("convert-input").set_input_files(DATA / "chromium-opus.webm")
    guest.id("convert-start").click()
    expect(guest.id("job")).to_have_attribute("data-state", "finished")
    assert violations(guest.page) == []
    guest.take_away(guest.downloaded(), tmp_path / "kept")


def test_by_keyboard_from_home_to_a_finished_recording(guest: Guest, tmp_path: Path) -> None:
    guest.open("", ready="home")
    page, keyboard = guest.page, guest.page.keyboard

    tab_to(guest, page.locator("#option-label"))
    keyboard.type("Ada")
    tab_to(guest, page.locator("#option-kbps"))
    keyboard.press("Control+a")
    keyboard.type("900")
    tab_to(guest, guest.id("more-options").locator("summary"))
    keyboard.press("Enter")
    tab_to(guest, page.locator("#option-recordcodec"))
    keyboard.press("h")
    tab_to(guest, page.locator("#option-width"))
    keyboard.type("320")
    tab_to(guest, page.locator("#option-height"))
    keyboard.type("180")
    expect(guest.id("single-link")).to_contain_text(
        "?record=900&recordcodec=h264&label=Ada&width=320&height=180"
    )
    for _ in range(60):
        if guest.id("open-link").evaluate("link => link === document.activeElement"):
            break
        keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    expect(page.locator("html[data-ready=guest]")).to_be_attached(timeout=guest.timeout_ms)

    expect(guest.id("record")).to_be_enabled()
    tab_to(guest, guest.id("record"))
    keyboard.press("Enter")
    expect(guest.id("record")).to_have_attribute("data-state", "recording")
    expect(guest.id("said")).to_have_text("Recording.")
    guest.wait_until("0:01")
    tab_to(guest, guest.id("pause"))
    keyboard.press("Space")
    expect(guest.id("said")).to_have_text("Paused.")
    keyboard.press("Space")
    expect(guest.id("said")).to_have_text("Recording.")
    keyboard.press("Shift+Tab")
    expect(guest.id("record")).to_be_focused()
    keyboard.press("Enter")
    expect(guest.id("said")).to_contain_text("Your recording is finished.")
    expect(guest.id("record")).to_be_focused()
    guest.take_away(guest.downloaded(), tmp_path / "streamed")

    tab_to(guest, guest.id("save").first)
    keyboard.press("Enter")
    saved = guest.take_away(guest.downloaded(), tmp_path / "saved")
    assert saved.name.startswith("Ada_") and saved.stat().st_size > 1000


def test_single_keys_can_be_switched_off(guest: Guest) -> None:
    guest.open(f"?record=800&label=keys&{SMALL}")
    expect(guest.id("record")).to_be_enabled()
    guest.id("keys").uncheck()
    guest.id("record").focus()
    guest.page.keyboard.press("r")
    expect(guest.id("record")).to_have_attribute("data-state", "idle")
    guest.page.reload()
    expect(guest.page.locator("html[data-ready=guest]")).to_be_attached(timeout=guest.timeout_ms)
    expect(guest.id("keys")).not_to_be_checked()
    guest.id("keys").check()


def test_times_and_bytes_are_no_live_regions(guest: Guest) -> None:
    guest.open("?record=800")
    live = "element => Boolean(element.closest('[aria-live], [role=status], [role=alert]'))"

    for name in ("elapsed", "bytes", "rate", "level", "space", "test-text", "recovering"):
        assert not guest.id(name).evaluate(live), name
    assert guest.id("said").evaluate(live)


def test_nothing_moves_where_less_motion_is_wanted(guest: Guest) -> None:
    guest.page.emulate_media(reduced_motion="reduce")
    guest.open("?record=800")

    moves = "element => getComputedStyle(element).animationName !== 'none'"
    assert not guest.page.evaluate(f"[...document.querySelectorAll('*')].some({moves})")
    guest.page.emulate_media(reduced_motion="no-preference")
