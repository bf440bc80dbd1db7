"""The browser goes while it records: what was recorded is on the shelf when it is opened again."""

from __future__ import annotations

import os

import pytest

from faults.conftest import Scenes
from faults.report import Row
from faults.verdict import judge

in_all_browsers = pytest.mark.skipif(
    os.environ.get("FAULTS") != "all", reason="Firefox is in the long form only: make faults"
)
BROWSERS = ("Chromium", pytest.param("Firefox", marks=in_all_browsers))


@pytest.mark.parametrize("browser", BROWSERS)
def test_recording_survives_a_killed_browser(scenes: Scenes, report: list[Row], browser: str) -> None:
    scene = scenes(browser)
    elapsed_ms = scene.record()

    scene.kill()
    scene.reopen()

    judge(scene, report, "browser killed (SIGKILL)", elapsed_ms)


def test_recording_survives_quitting_the_browser(scenes: Scenes, report: list[Row]) -> None:
    scene = scenes()
    elapsed_ms = scene.record()

    scene.close()
    scene.reopen()

    judge(scene, report, "browser quit", elapsed_ms)


@in_all_browsers
def test_firefox_keeps_a_recording_whose_tab_was_closed_or_reloaded(
    scenes: Scenes, report: list[Row]
) -> None:
    scene = scenes("Firefox")
    elapsed_ms = scene.record()
    scene.page.reload()
    judge(scene, report, "page reloaded", elapsed_ms)

    elapsed_ms = scene.record()
    scene.page.close()
    scene.reopen()
    judge(scene, report, "tab closed", elapsed_ms)
