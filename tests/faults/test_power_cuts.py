"""The power goes while it records: what was recorded is on the shelf when the machine is on again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from faults.choice import in_the_long_form
from faults.conftest import Scenes
from faults.disk import Disk, NoDisk
from faults.report import Row
from faults.scene import PATIENCE_S, Scene
from faults.verdict import MAY_LOSE_MS, judge, starts

SHORT_S = (5.0,)
LONG_S = (1.0, 3.0, 10.0, 25.0, 40.0, 62.0, 90.0)
IN_PARTS = "&splitrecording=0.2"
"""A part every twelve seconds: what is cut is young in a take that is not."""


@dataclass(frozen=True)
class Cut:
    """A disk as it was when so much was shown as recorded."""

    disk: Disk
    elapsed_ms: int


@pytest.fixture
def new_disk(tmp_path: Path) -> Iterator[Callable[[], Disk]]:
    """Makes disks; skips where none can be mounted."""
    with ExitStack() as made:

        def make() -> Disk:
            try:
                disk = Disk.made(tmp_path / "disk.img")
                disk.mount(tmp_path / "try")
                disk.close()
                disk = Disk.made(tmp_path / "disk.img")
            except NoDisk as error:
                pytest.skip(str(error))
            made.callback(disk.close)
            return disk

        yield make


def record_and_cut(scene: Scene, disk: Disk, moments_s: tuple[float, ...]) -> list[Cut]:
    """Record, and cut the power at each of these moments; the browser lives through all of them."""
    scene.open()
    scene.guest.record()
    cuts = []
    for moment_s in moments_s:
        elapsed_ms = scene.recorded_for(moment_s * 1000)
        cuts.append(Cut(disk.cut(), elapsed_ms))
    return cuts


def use(scene: Scene) -> None:
    """A visit with a short take, long ago."""
    scene.record(2.0)
    scene.stop()
    scene.close()


def anything_is_left(scene: Scene) -> bool:
    """Whether the take that was cut holds something, once it is recovered."""
    newest = scene.guest.id("take").first
    expect(newest).to_have_attribute("data-state", re.compile("recovered|failed"), timeout=PATIENCE_S * 1000)
    return newest.get_attribute("data-state") == "recovered"


def judge_cuts(
    scenes: Scenes, browser: str, report: list[Row], cuts: list[Cut], what: str, link: str
) -> None:
    """Open a browser on what each cut left, and judge what is on its shelf."""
    for cut in cuts:
        scene = scenes(browser, disk=cut.disk, more=link)
        try:
            scene.open()
            fault = f"power cut after {round(cut.elapsed_ms / 1000)} s, {what}"
            if cut.elapsed_ms <= MAY_LOSE_MS and not anything_is_left(scene):
                report.append(Row(browser, fault, "nothing", "0 %, failed", cut.elapsed_ms))
            else:
                scene.row("recovered")
                judge(scene, report, fault, cut.elapsed_ms, parts=max(1, len(starts(scene))))
        finally:
            scene.close()
            cut.disk.close()


@pytest.mark.parametrize("browser", ["Chromium"])
def test_recording_survives_a_power_cut(
    scenes: Scenes, browser: str, new_disk: Callable[[], Disk], report: list[Row]
) -> None:
    disk = new_disk()
    scene = scenes(browser, disk=disk)

    cuts = record_and_cut(scene, disk, SHORT_S)
    scene.close()

    judge_cuts(scenes, browser, report, cuts, "new profile", "")


@in_the_long_form
@pytest.mark.parametrize("profile", ["new", "used"])
@pytest.mark.parametrize("browser", ["Chromium", "Firefox"])
@pytest.mark.parametrize("link", ["", IN_PARTS], ids=["one part", "parts"])
def test_recording_survives_power_cuts_at_any_moment(
    scenes: Scenes, browser: str, profile: str, link: str, new_disk: Callable[[], Disk], report: list[Row]
) -> None:
    disk = new_disk()
    scene = scenes(browser, disk=disk, more=link)
    if profile == "used":
        use(scene)
        disk.settle()
        scene.reopen()

    cuts = record_and_cut(scene, disk, LONG_S)
    scene.close()

    judge_cuts(scenes, browser, report, cuts, f"{profile} profile" + ", in parts" * bool(link), link)
