"""A folder that the guest chose: the finished file is in it, and the choice holds over visits.

A picker cannot be driven, so it is answered with a folder of the origin private file system, which is written by the
same interfaces.
"""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import Page, expect

from guest import Guest, Guests
from media_tools import decode_errors, probe
from rolltape.media.webm import Index
from waiting import wait_for

LINK = "?record=2500&label=Ada&recordcodec=h264&width=640&height=360"
PICKER = """window.showDirectoryPicker = async () =>
    (await navigator.storage.getDirectory()).getDirectoryHandle("chosen", { create: true });"""
COUNT_WRITES = """(() => {
    const { write } = FileSystemWritableFileStream.prototype;
    window.writes = { begun: 0, over: 0 };
    FileSystemWritableFileStream.prototype.write = function (...what) {
        window.writes.begun++;
        return write.apply(this, what).finally(() => window.writes.over++);
    };
})()"""
LEAVE_AFTER_A_WRITE = """() => {
    const before = window.writes.over;
    const look = () => {
        const { begun, over } = window.writes;
        if (over > before && begun === over) location.href = "about:blank";
        else setTimeout(look, 1);
    };
    look();
}"""
LITTLE_ROOM = "navigator.storage.estimate = async () => ({ usage: 1e6, quota: 51e6 })"
"""Chromium tells every page that there are ten gigabytes, whatever it has."""
FILES = """async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("chosen", { create: true });
    const found = {};
    for await (const [name, handle] of folder.entries()) {
        const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
        let text = "";
        for (const byte of bytes) text += String.fromCharCode(byte);
        found[name] = btoa(text);
    }
    return found;
}"""


def in_folder(page: Page) -> dict[str, bytes]:
    """The files in the chosen folder."""
    return {name: base64.b64decode(text) for name, text in page.evaluate(FILES).items()}


def opened(guest: Guest) -> Guest:
    guest.open(LINK)
    expect(guest.id("record")).to_be_enabled()
    return guest


def test_a_chosen_folder_holds_the_seekable_file_and_is_remembered(guests: Guests, tmp_path: Path) -> None:
    guest = guests()
    guest.page.add_init_script(PICKER)
    opened(guest)
    expect(guest.id("folder")).to_have_text("Choose a folder instead")

    guest.id("folder").click()
    expect(guest.id("destination")).to_contain_text("the folder “chosen”")
    guest.record()
    guest.wait_until("0:02")
    guest.stop()

    ((name, data),) = in_folder(guest.page).items()
    assert name.startswith("Ada_") and name.endswith(".mkv")
    index = Index()
    index.feed(data)
    assert index.finished and index.key_frames
    path = tmp_path / name
    path.write_bytes(data)
    assert decode_errors(path) == "" and float(probe(path)["format"]["duration"]) > 1.5
    assert list(guest.downloads.iterdir()) == []
    assert guest.log()["delivered"] == ["folder"]

    opened(guest)
    expect(guest.id("destination")).to_contain_text("the folder “chosen”")
    guest.id("folder").click()
    expect(guest.id("destination")).to_contain_text("your Downloads folder")
    opened(guest)
    expect(guest.id("folder")).to_have_text("Choose a folder instead")


def test_a_page_that_is_left_midway_leaves_the_file_in_the_folder(guests: Guests) -> None:
    guest = guests()
    guest.page.add_init_script(PICKER)
    guest.page.add_init_script(COUNT_WRITES)
    opened(guest)
    guest.id("folder").click()
    guest.record()
    guest.wait_until("0:02")

    # A stream closes once what it writes is written, and the page is gone by then where that takes long.
    guest.page.evaluate(LEAVE_AFTER_A_WRITE)
    guest.page.wait_for_url("about:blank")
    opened(guest)

    (data,) = wait_for(lambda: [found for found in in_folder(guest.page).values() if found], "it is there")
    index = Index()
    index.feed(data)
    assert index.duration_ms > 1000


def test_a_take_in_the_folder_is_told_of_before_it_is_removed_to_make_room(guests: Guests) -> None:
    guest = guests()
    guest.page.add_init_script(PICKER)
    opened(guest)
    guest.id("folder").click()
    expect(guest.id("destination")).to_contain_text("the folder “chosen”")
    guest.record()
    guest.wait_until("0:02")
    guest.stop()
    guest.page.evaluate(LITTLE_ROOM)

    guest.record()

    told = guest.id("notice").filter(has_text="removed from it in a minute")
    expect(told).to_contain_text("whole in the folder “chosen”")
    guest.stop()
    expect(guest.id("take")).to_have_count(2)
