"""The home page: a room and its key, links with every option, colours; also where no server has rooms."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from guest import Guest, Guests


@pytest.fixture(scope="module")
def guest(module_guests: Guests) -> Guest:
    return module_guests()


def test_the_link_follows_the_form_and_is_copied_and_opened(guest: Guest) -> None:
    guest.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=guest.base_url)
    guest.open("", ready="home")
    page = guest.page
    expect(guest.id("single-link")).to_have_text(f"{guest.base_url}/?record=6000")

    page.get_by_label("Guest's name").fill("Zoë & 李雷")
    page.get_by_label("What is recorded").select_option("Sound only, Opus")
    page.get_by_label("Bitrate in kbit/s").fill("96")
    guest.id("more-options").locator("summary").click()
    page.get_by_label("Echo cancellation").select_option("On")
    link = f"{guest.base_url}/?record=-96&label=Zo%C3%AB%20%26%20%E6%9D%8E%E9%9B%B7&aec=1"
    expect(guest.id("single-link")).to_have_text(link)
    guest.id("copy-link").click()
    expect(guest.id("copy-text")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == link
    guest.id("open-link").click()

    expect(page.locator("html[data-ready=guest]")).to_be_attached(timeout=guest.timeout_ms)
    expect(guest.id("codec")).to_contain_text("Opus audio")
    assert guest.notices() == []


def test_a_bad_value_is_said_beside_the_form_and_left_out_of_the_link(guest: Guest) -> None:
    guest.open("", ready="home")
    guest.id("more-options").locator("summary").click()
    guest.page.get_by_label("Width").fill("wide")

    expect(guest.id("link-notices")).to_contain_text("width=“wide”")
    expect(guest.id("single-link")).to_have_text(f"{guest.base_url}/?record=6000")


def test_a_room_is_opened_with_a_key_of_its_own_and_the_options(guest: Guest) -> None:
    found = set()
    for _ in range(2):
        guest.open("", ready="home")
        assert re.fullmatch(r"([a-z]+-){3}[0-9]{4}", guest.id("room-name").input_value())
        guest.page.get_by_label("Guest's name").fill("Ada")
        guest.id("more-options").locator("summary").click()
        guest.page.get_by_label("Codec").select_option("H.264")
        guest.id("room-name").fill("Friday talk")
        guest.id("room-name").press("Enter")
        guest.page.wait_for_url("**/?director=*")
        query, _, key = guest.page.url.partition("#key=")
        assert query == f"{guest.base_url}/?director=Friday%20talk&record=6000&recordcodec=h264"
        assert re.fullmatch(r"[A-Za-z0-9_-]{22}", key)
        found.add(key)
    assert len(found) == 2


def test_a_room_without_a_name_is_not_opened(guest: Guest) -> None:
    guest.open("", ready="home")
    guest.id("room-name").fill("  ")
    guest.id("make-room").click()

    expect(guest.id("notice")).to_contain_text("Give the room a name first.")
    assert guest.page.url == f"{guest.base_url}/"


def test_colours_are_dark_whatever_the_system_says_until_somebody_chooses(guest: Guest) -> None:
    page, html = guest.page, guest.page.locator("html")
    page.emulate_media(color_scheme="light")
    guest.open("", ready="home")
    expect(html).to_have_attribute("data-theme", "dark")

    guest.id("theme").click()
    expect(html).to_have_attribute("data-theme", "light")
    expect(guest.id("said")).to_have_text("Colours: light")
    page.reload()
    expect(html).to_have_attribute("data-theme", "light")
    expect(guest.id("theme")).to_have_attribute("data-choice", "light", timeout=guest.timeout_ms)

    guest.id("theme").click()
    page.emulate_media(color_scheme="dark")
    expect(html).to_have_attribute("data-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(html).to_have_attribute("data-theme", "light")
    guest.id("theme").click()
    expect(html).to_have_attribute("data-theme", "dark")


def test_where_no_server_has_rooms_the_page_says_so_and_links_still_work(guest: Guest) -> None:
    page = guest.page
    page.route("**/healthz", lambda route: route.fulfill(status=200, body="<!doctype html>"))
    guest.open("", ready="home")

    expect(guest.id("no-rooms")).to_be_visible()
    expect(guest.id("make-room")).to_be_disabled()
    expect(guest.id("single-link")).to_contain_text("?record=6000")
    page.unroute("**/healthz")
