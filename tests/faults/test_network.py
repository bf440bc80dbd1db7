"""The network goes while a guest of a room records: the take goes on, and the room finds them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from faults.choice import in_both
from faults.conftest import opened_scenes
from faults.report import Row
from faults.scene import SECONDS, Scene
from faults.verdict import judge
from rooms import Server

AFTER_MS = 3000
LOST = "connection lost"


@pytest.fixture
def guest_of_a_room(
    playwright: Playwright,
    settings: dict[str, Any],
    fake_media: tuple[str, str],
    server: Server,
    sound_server: str,
    browser: str,
    tmp_path: Path,
) -> Iterator[Scene]:
    """A guest whose page comes from that server."""
    media = (fake_media, sound_server)
    with opened_scenes(playwright, settings, server.address, *media, tmp_path, browser) as make:
        yield make()


@in_both
def test_recording_survives_a_network_that_goes(
    guest_of_a_room: Scene, server: Server, report: list[Row]
) -> None:
    scene = guest_of_a_room
    where = scene.guest.id("where")
    scene.open()
    scene.guest.id("join").click()
    expect(where).to_contain_text("lets you in")
    scene.guest.record()
    elapsed_ms = scene.recorded_for(SECONDS * 1000)

    server.stop()
    scene.guest.context.set_offline(True)
    expect(where).to_contain_text(LOST)
    elapsed_ms = scene.recorded_for(elapsed_ms + AFTER_MS)
    scene.guest.context.set_offline(False)
    server.start()
    expect(where).not_to_contain_text(LOST, timeout=30_000)
    scene.recorded_for(elapsed_ms + AFTER_MS)
    elapsed_ms = scene.stop()

    judge(scene, report, "network gone (guest of a room)", elapsed_ms, state="finished")
