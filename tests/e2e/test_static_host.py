"""Without any server of ours: the page from Python's own http.server, in a folder of its host."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Playwright, expect

from browsers import opened_guests
from media_tools import decode_errors, packets, probe
from rolltape.server.serve import PAGE
from waiting import wait_for


@pytest.fixture(params=["", "/studio"], ids=["root", "folder"])
def static_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The page's address on a host that only hands out files."""
    folder = PAGE
    if request.param:
        (tmp_path / "host").mkdir()
        (tmp_path / "host" / "studio").symlink_to(PAGE)
        folder = tmp_path / "host"
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        port = probe_socket.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    command += ["--directory", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://localhost:{port}{request.param}"

    def answers() -> bool:
        try:
            with urlopen(f"{address}/index.html", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        wait_for(answers, "the static host answers")
        yield address
    finally:
        server.terminate()
        server.wait(10)


def test_page_recorder_and_shelf_work_from_a_static_host(
    playwright: Playwright,
    settings: dict[str, Any],
    fake_media: tuple[str, str],
    static_url: str,
    tmp_path: Path,
) -> None:
    with opened_guests(playwright, settings, static_url, fake_media, tmp_path) as guests:
        guest = guests().open("?record=1000&width=640&height=360&recordcodec=h264")
        expect(guest.id("destination")).to_contain_text("your Downloads folder while you record")

        downloaded, saved = guest.take("0:02", tmp_path)

        assert guest.notices() == []
        assert decode_errors(downloaded) == decode_errors(saved) == ""
        assert [packet.hash for packet in packets(downloaded)] == [packet.hash for packet in packets(saved)]
        assert float(probe(saved)["format"]["duration"]) > 1.5
        scope = guest.page.evaluate("async () => (await navigator.serviceWorker.ready).scope")
        assert scope == f"{static_url}/"
        for page, ready in (("room=studio&record=1000", "guest"), ("director=studio", "director")):
            guest.open(f"?{page}", ready=ready)
            if ready == "guest":
                guest.id("join").click()
            expect(guest.id("notice").filter(has_text="served without rooms").first).to_be_visible()
        guest.complaints[:] = [said for said in guest.complaints if "501" not in said]  # asking is seen
