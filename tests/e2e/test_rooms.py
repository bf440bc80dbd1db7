"""A director and guests in one room: whatever happens, the director's page shows what is true."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Locator, Playwright, expect

from guest import or_later
from media_tools import LOOP_FRAMES, decode_errors, frame_numbers, packets, probe
from rolltape.__main__ import main
from rooms import RoomScene, Visitor, opened_room
from waiting import wait_for

SMALL = "width=320&height=180&fps=15&recordcodec=vp8"
TOLD_WITHIN_S = 1.0
"""The promise: a director is told of a start, stop or failure within a second."""


@dataclass
class Room:
    """A director and three guests: one with a button, one without, one whose link refuses recording."""

    scene: RoomScene
    director: Visitor
    ada: Visitor
    bob: Visitor
    cyd: Visitor

    def row(self, label: str) -> Locator:
        """The director's row of a guest."""
        return self.director.guest(label)

    def stop(self, label: str) -> None:
        """Stop one guest, and wait until that is true."""
        self.row(label).get_by_test_id("stop").click()
        expect(self.row(label)).to_have_attribute("data-state", "idle")

    def stop_all(self) -> None:
        """Stop everybody at once, and wait until that is true."""
        self.director.id("stop-all").click()
        for label in ("Ada", "Bob", "Cyd"):
            expect(self.row(label)).to_have_attribute("data-state", "idle")


@pytest.fixture(scope="module")
def opened(
    playwright: Playwright,
    settings: dict[str, Any],
    fake_media: tuple[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("room")
    # What is sent to the host is tested alone (test_arrivals): four recordings at once fill two cores
    with opened_room(playwright, settings, fake_media, folder, ["--no-takes"]) as scene:
        director = scene.director(scene.server.links()["Director"])
        ada = scene.guest(f"record=800&label=Ada&{SMALL}")
        bob = scene.guest(f"label=Bob&{SMALL}")
        # Five pages that show each other fill two cores: who is not recorded sends fewer pictures.
        cyd = scene.guest(f"record=off&label=Cyd&{SMALL.replace('fps=15', 'fps=5')}")
        yield Room(scene, director, ada, bob, cyd)


@pytest.fixture
def room(opened: Room) -> Room:
    """The same room for all tests of this module, with nothing being recorded."""
    for label in ("Ada", "Bob", "Cyd"):
        expect(opened.row(label)).to_have_attribute("data-state", "idle")
    return opened


def test_every_guest_is_there_by_name_with_a_picture(room: Room) -> None:
    expect(room.director.id("guest")).to_have_count(3)
    for label in ("Ada", "Bob", "Cyd"):
        expect(room.row(label).locator("video")).to_have_js_property("videoWidth", 320)
        expect(room.row(label).locator("video")).to_have_js_property("paused", False)


def test_guests_see_the_director_and_each_other(room: Room) -> None:
    expect(room.ada.id("person")).to_have_count(3)
    for label in ("Bob", "Cyd"):
        person = room.ada.id("person").filter(has_text=label)
        expect(person.locator("video")).not_to_have_js_property("videoWidth", 0)


def test_takes_of_two_guests_line_up_on_the_rooms_clock(room: Room, tmp_path: Path) -> None:
    """Both record the same camera at once: a picture's number in both files tells how far they are apart."""
    room.row("Ada").get_by_test_id("start").click()
    expect(room.row("Ada")).to_have_attribute("data-state", "recording")
    room.row("Bob").get_by_test_id("start").click()
    expect(room.row("Bob")).to_have_attribute("data-state", "recording")
    for guest in (room.ada, room.bob):
        expect(guest.id("elapsed")).to_have_text(or_later("0:05"))
    room.stop_all()

    files = [_saved(guest, tmp_path)[0] for guest in (room.ada, room.bob)]
    with room.director.page.expect_download() as download:
        room.director.id("session-json").click()
    session = tmp_path / "session.json"
    download.value.save_as(session)
    starts = _starts(session, [path.name for path in files])

    apart_ms = _apart_ms(*files) - (starts[1] - starts[0])
    print(f"aligned to within {abs(apart_ms):.1f} ms")
    assert abs(apart_ms) <= 40
    off = _frames_apart(tmp_path)
    near = sum(abs(one) <= 1 for one in off)
    print(f"tracks: of {len(off)} frames {near} show the same picture or the one beside it")
    assert len(off) > 60 and abs(sorted(off)[len(off) // 2]) <= 1, off  # a busy machine leaves pictures out


def test_a_director_starts_and_stops_a_guest_whose_link_has_no_button(room: Room) -> None:
    expect(room.bob.id("record")).to_be_hidden()

    room.row("Bob").get_by_test_id("start").click()
    expect(room.row("Bob")).to_have_attribute("data-state", "recording")
    expect(room.bob.id("tally")).to_be_visible()
    expect(room.bob.id("tally")).to_contain_text("started it")
    expect(room.bob.id("record")).to_be_visible()  # so that they can stop
    written = room.row("Bob").get_by_test_id("bytes")
    expect(written).not_to_have_attribute("value", "0")
    room.row("Bob").get_by_test_id("stop").click()
    expect(room.row("Bob")).to_have_attribute("data-state", "idle")
    expect(room.bob.id("take").first).to_have_attribute("data-state", "finished")


def told_after_s(room: Room, state: str) -> float:
    """How long it takes until Ada's card says so; looked at more often than Playwright's expectations do."""
    began = time.monotonic()
    wait_for(lambda: room.row("Ada").get_attribute("data-state") == state, f"her card says {state}")
    return time.monotonic() - began


def test_the_director_is_told_within_a_second_of_what_a_guest_does(room: Room) -> None:
    room.ada.id("record").click()
    expect(room.ada.id("record")).to_have_attribute("data-state", "recording")
    told_of_start = told_after_s(room, "recording")

    room.ada.id("record").click()
    expect(room.ada.id("record")).to_have_attribute("data-state", "idle")
    told_of_stop = told_after_s(room, "idle")

    assert told_of_start < TOLD_WITHIN_S
    assert told_of_stop < TOLD_WITHIN_S
    expect(room.director.id("notice").filter(has_text="Ada").first).to_be_visible()


ROOM_LEFT = """bytes => { navigator.storage.estimate = async () => ({ usage: 0, quota: bytes }); }"""


def test_a_warning_goes_from_both_pages_when_its_cause_ends_and_is_told_anew(room: Room) -> None:
    warned = room.ada.page.locator("[data-testid=notice][data-subject=room-left]")
    card = room.row("Ada").get_by_test_id("error")
    news = room.director.id("notice").filter(has_text="There is room for about")
    before = news.count()
    room.ada.page.evaluate(ROOM_LEFT, 20_000_000)
    room.row("Ada").get_by_test_id("start").click()

    for times in (1, 2):
        expect(warned).to_be_visible(timeout=45_000)
        expect(card).to_contain_text("There is room for about")
        expect(news).to_have_count(before + 2 * times - 1)

        room.ada.page.evaluate(ROOM_LEFT, 10_000_000_000)
        expect(warned).to_have_count(0, timeout=45_000)
        expect(card).not_to_contain_text("There is room for about")
        expect(news.filter(has_text="This is over")).to_have_count(times)

        room.ada.page.evaluate(ROOM_LEFT, 20_000_000)
    room.ada.page.evaluate(ROOM_LEFT, 10_000_000_000)
    room.stop("Ada")


def test_the_guest_can_stop_what_the_director_started(room: Room) -> None:
    room.row("Bob").get_by_test_id("start").click()
    expect(room.bob.id("record")).to_have_attribute("data-state", "recording")

    room.bob.id("record").click()

    expect(room.row("Bob")).to_have_attribute("data-state", "idle")


def test_a_guest_whose_link_refuses_is_not_recorded_and_says_why(room: Room) -> None:
    expect(room.row("Cyd")).to_contain_text("does not allow recording")

    room.director.id("start-all").click()
    expect(room.row("Ada")).to_have_attribute("data-state", "recording")
    expect(room.row("Bob")).to_have_attribute("data-state", "recording")
    expect(room.cyd.id("tally")).to_be_hidden()
    expect(room.row("Cyd")).to_have_attribute("data-state", "idle")

    room.stop_all()


def test_all_are_started_at_the_rate_the_director_chose(room: Room) -> None:
    room.director.id("all-bitrate").fill("500")
    room.director.id("start-all").click()
    for guest, label in ((room.ada, "Ada"), (room.bob, "Bob")):
        expect(room.row(label)).to_have_attribute("data-state", "recording")
        expect(room.row(label)).to_contain_text("500")
        expect(guest.id("tally")).to_be_visible()
    room.stop_all()


SLOW_TO_TELL = """() => {
    const capabilities = navigator.mediaCapabilities, asked = capabilities.encodingInfo;
    capabilities.encodingInfo = async (what) => {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        return asked.call(capabilities, what);
    };
}"""


def test_a_guest_is_started_again_the_moment_the_last_take_is_over(room: Room) -> None:
    """What the next one would be recorded as is looked up then, and a busy browser takes its time to tell."""
    room.bob.page.evaluate(SLOW_TO_TELL)
    for _ in range(2):
        room.row("Bob").get_by_test_id("start").click()
        expect(room.row("Bob")).to_have_attribute("data-state", "recording")
        room.stop("Bob")
    room.bob.page.evaluate("delete navigator.mediaCapabilities.encodingInfo")


def test_pause_from_the_director_is_seen_on_both_sides(room: Room) -> None:
    room.row("Ada").get_by_test_id("start").click()
    expect(room.row("Ada")).to_have_attribute("data-state", "recording")

    room.row("Ada").get_by_test_id("pause").click()
    expect(room.row("Ada")).to_have_attribute("data-state", "paused")
    expect(room.ada.id("record")).to_have_attribute("data-state", "paused")
    room.row("Ada").get_by_test_id("pause").click()
    expect(room.ada.id("record")).to_have_attribute("data-state", "recording")
    expect(room.row("Ada")).to_have_attribute("data-state", "recording")
    room.stop("Ada")


def test_a_guest_without_network_goes_on_and_is_back_true_to_state(room: Room) -> None:
    room.row("Ada").get_by_test_id("start").click()
    expect(room.row("Ada")).to_have_attribute("data-state", "recording")
    room.scene.server.stop()
    expect(room.ada.id("where")).to_contain_text("connection lost")
    expect(room.ada.id("record")).to_have_attribute("data-state", "recording")
    before = int(room.ada.id("bytes").get_attribute("value") or 0)
    expect(room.ada.id("bytes")).not_to_have_attribute("value", str(before))

    room.scene.server.start()
    started = time.monotonic()
    expect(room.row("Ada")).to_have_attribute("data-state", "recording")
    expect(room.ada.id("where")).to_contain_text("director is here")
    back_after = time.monotonic() - started
    room.row("Ada").get_by_test_id("stop").click()
    expect(room.row("Ada")).to_have_attribute("data-state", "idle")

    assert back_after < 10
    for label in ("Bob", "Cyd"):
        expect(room.row(label)).to_have_attribute("data-state", "idle")


def test_a_guest_whose_machine_is_offline_records_on_and_is_back(room: Room) -> None:
    room.row("Ada").get_by_test_id("start").click()
    expect(room.row("Ada")).to_have_attribute("data-state", "recording")

    room.ada.context.set_offline(True)
    expect(room.row("Ada")).to_have_attribute("data-state", "offline")
    before = int(room.ada.id("bytes").get_attribute("value") or 0)
    expect(room.ada.id("bytes")).not_to_have_attribute("value", str(before))
    expect(room.ada.id("record")).to_have_attribute("data-state", "recording")
    room.ada.context.set_offline(False)

    expect(room.row("Ada")).to_have_attribute("data-state", "recording")
    room.row("Ada").get_by_test_id("stop").click()
    expect(room.row("Ada")).to_have_attribute("data-state", "idle")
    expect(room.ada.id("take").first).to_have_attribute("data-state", "finished")


def test_what_arrives_is_recorded_at_the_rates_of_the_table(room: Room, tmp_path: Path) -> None:
    row = room.row("Ada")
    room.director.id("all-bitrate").fill("6000")
    row.get_by_test_id("record-inbound").click()
    take = room.director.id("take").first
    expect(take).to_have_attribute("data-state", "recording")
    expect(row.get_by_test_id("arriving")).to_have_text(
        re.compile(r"sound 1(2[0-9]|3[0-5]) kbit/s"), timeout=30_000
    )
    row.get_by_test_id("record-inbound").click()
    expect(take).to_have_attribute("data-state", "finished")
    with room.director.page.expect_download() as download:
        take.get_by_test_id("save").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)

    assert decode_errors(saved) == ""
    assert {one["codec_type"] for one in probe(saved)["streams"]} == {"video", "audio"}
    assert "Ada" in saved.name


def _frames_apart(folder: Path) -> list[int]:
    """How many pictures of the camera lie between what two guests' tracks show at the same frame."""
    assert main(["tracks", str(folder)]) == 0
    first, second = (frame_numbers(folder / "tracks" / f"{name}.mp4") for name in ("Ada", "Bob"))
    sizes = {(folder / "tracks" / f"{name}.wav").stat().st_size for name in ("Ada", "Bob")}
    assert len(first) == len(second) and len(sizes) == 1, "equally long"
    half = LOOP_FRAMES // 2
    return [(a - b + half) % LOOP_FRAMES - half for a, b in zip(first, second, strict=True) if a and b]


def _saved(guest: Visitor, folder: Path) -> list[Path]:
    """Save the newest take: its files in order, more than one where a busy machine had it go on in a new part."""
    take = guest.id("take").first
    parts = re.search(r"(\d+) parts", take.inner_text())
    with ExitStack() as stack:
        count = int(parts[1]) if parts else 1
        ends = [f"_part{number}." for number in range(1, count + 1)] if count > 1 else ["."]
        downloads = [stack.enter_context(guest.page.expect_download(partial(_is_part, end))) for end in ends]
        take.get_by_test_id("save").click()
    paths = [folder / download.value.suggested_filename for download in downloads]
    for path, download in zip(paths, downloads, strict=True):
        download.value.save_as(path)
    return paths


def _is_part(end: str, download: Download) -> bool:
    return end in download.suggested_filename


def _starts(session: Path, names: list[str]) -> list[float]:
    """Where the session file puts each file's beginning, in milliseconds."""
    parts = [part for take in json.loads(session.read_text())["takes"] for part in take["parts"]]
    found = {part["saved_as"]: float(part["start_ms"]) for part in parts}
    return [found[name] for name in names]


def _apart_ms(first: Path, second: Path) -> float:
    """How much later the second file begins, by the pictures that both hold."""
    placed = []
    for path in (first, second):
        video = next(one["index"] for one in probe(path)["streams"] if one["codec_type"] == "video")
        times = [1000 * packet.seconds for packet in packets(path) if packet.stream == video]
        placed.append(dict(zip(frame_numbers(path)[:LOOP_FRAMES], times, strict=False)))
    shared = sorted(placed[0].keys() & placed[1].keys())
    assert len(shared) > 15
    differences = sorted(placed[0][number] - placed[1][number] for number in shared)
    return differences[len(differences) // 2]
