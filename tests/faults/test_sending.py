"""What goes wrong while a recording is sent to the host: in the end every byte of it is there, by SHA-256."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Playwright, expect

from at_host import JOURNAL, arrived
from faults import provoke
from faults.choice import IS_LONG, in_both, in_the_long_form
from faults.conftest import opened_scenes
from faults.scene import Scene
from link_between import LinkBetween, link_between
from media_tools import decode_errors, packets, probe
from rooms import RoomScene, Server
from waiting import wait_for

KILLS = 15 if IS_LONG else 3
GONE_S = 60.0
"""For so long the line is gone."""
NARROW = 0.3
"""So much of what is recorded passes a narrow line."""
MORE = 200_000
"""Bytes that are sent between a fault and the next."""
KEPT_FREE = 5_000_000_000
"""Bytes of its disk that the host never uses."""
MAY_LACK_S = 5.0
"""What a guest's machine that is gone for good may take along."""
PATIENCE_MS = 120_000
AN_HOUR_LATER = """() => { const now = Date.now; Date.now = () => now() + 3_600_000; }"""


class Sending:
    """A guest who is recorded and sends it, the line that it takes, and the host that keeps it."""

    def __init__(self, scene: Scene, server: Server, link: LinkBetween) -> None:
        self.scene = scene
        self.server = server
        self.link = link

    def begin(self, seconds: float = 3.0, state: str = "sending") -> None:
        """Join, record so long, and see that it is sent, or in which state else it is."""
        self.scene.open()
        self.scene.guest.id("join").click()
        expect(self.scene.guest.id("check-upload")).to_be_visible()
        self.scene.guest.record()
        self.scene.recorded_for(1000 * seconds)
        self.upload(state)

    @property
    def takes(self) -> Path:
        """The host's folder."""
        return self.server.folder / "takes"

    def more(self, count: int = MORE) -> None:
        """Wait until so many bytes more were sent."""
        before = self.link.up
        wait_for(lambda: self.link.up >= before + count, "more is sent", PATIENCE_MS / 1000)

    def upload(self, state: str) -> Locator:
        """What the page says of the newest take's way to the host, once it is in this state."""
        shown = self.scene.guest.id("upload").first
        expect(shown).to_have_attribute("data-state", state, timeout=PATIENCE_MS)
        return shown

    def ends_whole(self) -> int:
        """In the end all of it is at the host, byte for byte what this machine keeps; in how many files."""
        row = self.scene.guest.id("take").first.get_by_test_id("upload")
        expect(row).to_have_attribute("data-state", "arrived", timeout=PATIENCE_MS)
        names = [one.file for one in self.scene.guest.newest().kept_parts]
        kept = [self.scene.page.evaluate(JOURNAL, name) for name in names]
        assert sorted(arrived(self.takes)) == sorted(kept)
        return len(kept)


@pytest.fixture
def query() -> str:
    """What is added to the guest's link."""
    return ""


@pytest.fixture
def sending(
    playwright: Playwright,
    settings: dict[str, Any],
    server: Server,
    fake_media: tuple[str, str],
    sound_server: str,
    browser: str,
    query: str,
    tmp_path: Path,
) -> Iterator[Sending]:
    """A guest with the room's link, at a host of their own, over a line that can break."""
    options, _, secret = server.links()["Guest"].partition("?")[2].partition("#")
    room = options.partition("&")[0]
    with (
        link_between(server.port) as link,
        opened_scenes(
            *(playwright, settings, f"http://localhost:{link.port}", fake_media, sound_server),
            *(tmp_path / "guest", browser),
        ) as make,
    ):
        (tmp_path / "guest").mkdir()
        yield Sending(make(more=f"{query}&{room}#{secret}"), server, link)


@contextmanager
def director(playwright: Playwright, settings: dict[str, Any], server: Server) -> Iterator[Locator]:
    """The row of the one take on the director's page, in a browser of its own."""
    browser = playwright.chromium.launch(**settings["chromium_launch"]())
    try:
        page = RoomScene(browser, server, settings).director(server.links()["Director"])
        yield page.id("session-take")
    finally:
        browser.close()


@in_both
def test_a_host_that_is_killed_again_and_again_and_once_more_at_the_end_has_all_of_it(
    sending: Sending,
) -> None:
    sending.begin()
    for _ in range(KILLS):
        sending.more()
        sending.server.kill()
        sending.server.start()
    sending.more()
    sending.scene.stop()
    sending.server.kill()
    sending.server.start()

    sending.ends_whole()


@in_both
def test_an_answer_that_is_lost_after_all_was_written_is_asked_for_again(sending: Sending) -> None:
    sending.begin()
    sending.link.to_swallow = 3
    wait_for(lambda: sending.link.to_swallow == 0, "answers were lost", 60)
    sending.more()
    sending.scene.stop()

    sending.ends_whole()


@in_the_long_form
@in_both
def test_a_line_that_is_gone_for_a_minute_is_told_and_holds_nothing_up(sending: Sending) -> None:
    sending.begin()
    sending.link.stands = True
    until = time.monotonic() + GONE_S
    expect(sending.upload("waiting")).to_contain_text("safe on this machine")
    recorded_ms = sending.scene.elapsed_ms()
    sending.scene.recorded_for(recorded_ms + 1000 * max(1.0, until - time.monotonic()))
    sending.link.stands = False
    sending.more()
    sending.scene.stop()

    sending.ends_whole()


@in_the_long_form
@in_both
def test_over_a_line_that_takes_a_third_of_it_all_arrives_after_a_while(sending: Sending) -> None:
    sending.begin()
    before, began = sending.scene.guest.shown_bytes(), sending.scene.elapsed_ms()
    sending.scene.recorded_for(began + 3000)
    recorded = (sending.scene.guest.shown_bytes() - before) * 1000 / (sending.scene.elapsed_ms() - began)
    sending.link.up_bytes_per_s = NARROW * recorded
    sending.scene.recorded_for(began + 15_000)
    sending.scene.stop()
    assert arrived(sending.takes) == [], "the line was to be narrow"

    sending.ends_whole()


@in_the_long_form
@in_both
@pytest.mark.parametrize("dies", ["the tab", "the browser"])
def test_what_a_guest_whose_page_died_has_kept_arrives_at_the_next_visit_without_a_click(
    sending: Sending, dies: str
) -> None:
    sending.begin()
    if dies == "the tab":
        provoke.crash(sending.scene)
    else:
        sending.scene.kill()
    assert arrived(sending.takes) == []

    sending.scene.reopen()

    sending.ends_whole()


@in_the_long_form
@in_both
def test_a_journal_worker_that_dies_while_it_is_read_is_followed_by_another(sending: Sending) -> None:
    kill_journal = provoke.journal_killer(sending.scene)
    sending.begin()
    kill_journal()
    sending.more()
    sending.scene.stop()

    sending.ends_whole()


@in_the_long_form
@in_both
def test_bytes_that_are_bent_on_the_way_and_on_the_hosts_disk_are_sent_again(sending: Sending) -> None:
    sending.begin()
    sending.link.to_bend = 3
    wait_for(lambda: sending.link.to_bend == 0, "something was bent", 60)
    (part,) = [path for path in sending.takes.rglob("*.part") if path.stat().st_size]
    with part.open("r+b") as file:
        file.seek(part.stat().st_size // 2)
        octet = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([octet[0] ^ 1]))
    sending.more()
    sending.scene.stop()

    sending.ends_whole()


@in_the_long_form
@in_both
def test_a_machine_that_slept_while_it_sent_and_a_clock_that_jumped_change_nothing(sending: Sending) -> None:
    sending.begin()
    with sending.scene.stopped():
        until = time.monotonic() + 10.0
        wait_for(lambda: time.monotonic() > until, "it slept", 20)
    sending.more()
    sending.scene.page.evaluate(AN_HOUR_LATER)
    sending.more()
    sending.scene.stop()

    sending.ends_whole()


@in_the_long_form
@in_both
@pytest.mark.parametrize("query", ["&splitrecording=0.1"])
def test_a_recording_in_parts_whose_browser_is_killed_arrives_in_parts(sending: Sending) -> None:
    sending.begin(9.0)
    sending.scene.kill()

    sending.scene.reopen()

    assert sending.ends_whole() == 2


@in_the_long_form
@in_both
def test_a_recording_whose_camera_stands_still_meanwhile_arrives_with_its_part_of_sound(
    sending: Sending,
) -> None:
    sending.begin()
    unmute = provoke.mute_camera(sending.scene)
    sending.scene.told("The camera gives no pictures")
    sending.more(50_000)
    unmute()
    recorded_ms = sending.scene.elapsed_ms()
    sending.scene.recorded_for(recorded_ms + 5000)
    sending.scene.stop()

    assert sending.ends_whole() >= 2


@in_both
def test_what_arrived_of_a_machine_that_is_gone_for_good_is_finished_without_it(
    sending: Sending, playwright: Playwright, settings: dict[str, Any]
) -> None:
    sending.begin(8.0)
    recorded_s = sending.scene.elapsed_ms() / 1000
    sending.scene.kill()
    shutil.rmtree(sending.scene.profile)
    with director(playwright, settings, sending.server) as row:
        row.get_by_test_id("finish").click(timeout=PATIENCE_MS)
        expect(row.get_by_test_id("fetch")).to_be_visible(timeout=PATIENCE_MS)
        expect(row).to_contain_text("did not send the rest")

    (path,) = [path for path in sending.takes.rglob("*") if path.suffix in (".webm", ".mkv")]
    assert not decode_errors(path)
    assert float(probe(path)["format"]["duration"]) >= recorded_s - MAY_LACK_S
    assert max(one.seconds for one in packets(path)) >= recorded_s - MAY_LACK_S


@in_the_long_form
@in_both
def test_a_hosts_disk_that_is_full_is_told_and_has_it_all_once_it_has_room(
    sending: Sending, small_disk: Callable[[Path, str], None]
) -> None:
    sending.server.stop()
    small_disk(sending.takes, f"{KEPT_FREE + MORE}")
    sending.server.start()
    sending.begin(state="waiting")
    expect(sending.upload("waiting")).to_contain_text("goes on when there is room")
    sending.scene.told("tell the director")
    sending.scene.stop()
    mount = ["mount", "-o", f"remount,size={2 * KEPT_FREE}", str(sending.takes)]
    subprocess.run(mount, check=True)

    sending.ends_whole()


@in_the_long_form
@in_both
def test_a_director_who_deletes_it_meanwhile_ends_the_sending_not_the_recording(
    sending: Sending, playwright: Playwright, settings: dict[str, Any]
) -> None:
    sending.begin()
    with director(playwright, settings, sending.server) as row:
        row.get_by_test_id("delete").click(timeout=PATIENCE_MS)
        row.get_by_test_id("delete").click()
        sending.upload("withdrawn")
    recorded_ms = sending.scene.elapsed_ms()
    sending.scene.recorded_for(recorded_ms + 2000)
    sending.scene.stop()

    assert arrived(sending.takes) == []
    saved = sending.scene.saved(sending.scene.row())
    assert max(one.seconds for one in packets(saved[0])) * 1000 >= recorded_ms
