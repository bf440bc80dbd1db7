"""Later visits: next to nothing comes over the network, and the page starts without one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Playwright, expect

from browsers import opened_guests
from guest import Guest
from link_between import link_between
from media_tools import decode_errors
from rolltape.server.app import ROOT_FILES
from rolltape.server.serve import PAGE
from serving import served
from waiting import wait_for

LATER_VISIT_BYTES = 5_000
LINK = "?record=1000&width=640&height=360&recordcodec=h264"


def opened_and_kept(guest: Guest, query: str) -> None:
    """Open a link, and wait until the page has looked after its copy."""
    with guest.page.expect_console_message(lambda said: "copy of the page is kept" in said.text):
        guest.open(query)


def test_a_later_visit_needs_little_of_the_network_or_nothing(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    fake_media: tuple[str, str],
    tmp_path: Path,
) -> None:
    port = urlsplit(base_url).port
    assert port is not None
    with (
        link_between(port) as link,
        opened_guests(playwright, settings, f"http://localhost:{link.port}", fake_media, tmp_path) as guests,
    ):
        guest = guests()
        opened_and_kept(guest, LINK)
        before = link.down
        assert before > 10 * LATER_VISIT_BYTES, "The first visit comes over the link."

        opened_and_kept(guest, LINK)
        assert link.down - before < LATER_VISIT_BYTES
        guest.context.set_offline(True)
        guest.open(LINK)
        downloaded, saved = guest.take("0:02", tmp_path)
        assert decode_errors(downloaded) == decode_errors(saved) == ""
        for query, ready in (("", "home"), ("?convert", "convert"), ("?director=studio", "director")):
            guest.open(query, ready=ready)
        expect(guest.id("where")).to_contain_text("connect")
        guest.page.goto("about:blank")
        guest.complaints[:] = [said for said in guest.complaints if "ERR_INTERNET_DISCONNECTED" not in said]


def test_a_new_version_comes_with_the_next_visit_and_is_kept_whole(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    fake_media: tuple[str, str],
    tmp_path: Path,
) -> None:
    with opened_guests(playwright, settings, base_url, fake_media, tmp_path) as guests:
        guest = guests()
        opened_and_kept(guest, LINK)
        spoil = """async () => {
            const copy = await caches.open("rolltape");
            const page = (headers) => new Response("of an older version", {headers});
            await copy.put("./", page({"Rolltape-Version": "older"}));
            await copy.put("static/style.css", page());
            await copy.put("static/vendor/gone-1-1/old.js", page());
        }"""
        guest.page.evaluate(spoil)

        opened_and_kept(guest, LINK)
        look = """async () => {
            const copy = await caches.open("rolltape");
            return [await (await copy.match("static/style.css")).text(), (await copy.keys()).map((one) => one.url)];
        }"""

        def renewed() -> bool:
            style, names = guest.page.evaluate(look)
            return "older" not in style and not any("gone-1-1" in name for name in names)

        wait_for(renewed, "the copy is of the version that is served")


def test_a_change_of_any_file_is_seen_at_the_next_visit(
    playwright: Playwright, settings: dict[str, Any], fake_media: tuple[str, str], tmp_path: Path
) -> None:
    root, style = tmp_path / "page", tmp_path / "page" / "static" / "style.css"
    shutil.copytree(PAGE / "static", root / "static", copy_function=os.link)
    for name in ROOT_FILES:
        shutil.copyfile(PAGE / name, root / name)
    with (
        served(root) as address,
        opened_guests(playwright, settings, address, fake_media, tmp_path) as guests,
    ):
        guest = guests()
        opened_and_kept(guest, LINK)
        opened_and_kept(guest, LINK)

        changed = style.read_text() + ":root { --seen: yes }"
        style.unlink()
        style.write_text(changed)
        opened_and_kept(guest, LINK)

        seen = "getComputedStyle(document.documentElement).getPropertyValue('--seen')"
        assert guest.page.evaluate(seen) == "yes"
