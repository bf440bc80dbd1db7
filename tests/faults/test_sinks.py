"""A sink breaks while the page records: the take goes on in the other, and a person is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faults import provoke
from faults.choice import in_both
from faults.conftest import Scenes
from faults.report import Row
from faults.scene import PATIENCE_S, Scene
from faults.verdict import judge
from waiting import wait_for

AFTER_MS = 3000
"""How much longer it records after the fault."""
SMALL = {"Chromium": "1m", "Firefox": "128k"}
"""A recording of some seconds fills it: pictures of Firefox's fake camera are small."""
AT_ONCE_S = 2.0
"""The page looks five times a second; the rest is the browser's, on a busy machine. The alarm comes at 5 s."""
SmallDisk = Callable[[Path, str], None]


@in_both
def test_recording_survives_a_stopped_service_worker(scene: Scene, report: list[Row]) -> None:
    elapsed_ms = scene.record()

    provoke.stop_service_worker(scene)
    scene.told("Downloads", "stopped what writes it", seconds=AT_ONCE_S)
    scene.recorded_for(elapsed_ms + AFTER_MS)
    elapsed_ms = scene.stop()

    judge(scene, report, "service worker stopped", elapsed_ms, state="finished")


@in_both
def test_recording_survives_a_killed_journal_worker(scene: Scene, report: list[Row]) -> None:
    kill_journal = provoke.journal_killer(scene)
    elapsed_ms = scene.record()

    kill_journal()
    before = scene.guest.shown_bytes()
    scene.recorded_for(elapsed_ms + AFTER_MS)
    wait_for(lambda: scene.guest.shown_bytes() > before + 100_000, "the journal is written again")
    elapsed_ms = scene.stop()

    judge(scene, report, "journal worker killed", elapsed_ms, state="finished")


@in_both
def test_recording_survives_a_journal_worker_and_then_a_tab_that_die(scene: Scene, report: list[Row]) -> None:
    kill_journal = provoke.journal_killer(scene)
    elapsed_ms = scene.record()

    kill_journal()
    elapsed_ms = scene.recorded_for(elapsed_ms + AFTER_MS)
    scene.page.close()
    scene.reopen()

    judge(scene, report, "journal worker killed, then tab closed", elapsed_ms)


@in_both
def test_recording_survives_a_cancelled_download(scene: Scene, report: list[Row]) -> None:
    cancel = provoke.download_canceller(scene)
    elapsed_ms = scene.record()

    cancel()
    scene.told("Downloads", "cancelled", seconds=AT_ONCE_S)
    scene.recorded_for(elapsed_ms + AFTER_MS)
    elapsed_ms = scene.stop()

    judge(scene, report, "download cancelled", elapsed_ms, state="finished")


@in_both
def test_recording_survives_a_full_disk_under_downloads(
    scenes: Scenes, small_disk: SmallDisk, report: list[Row]
) -> None:
    scene = scenes()
    small_disk(scene.downloads, SMALL[scene.browser])
    scene.record(1)

    wait_for(lambda: scene.guest.id("notice").filter(has_text="Downloads").count(), "it is said", 90)
    scene.recorded_for(scene.elapsed_ms() + AFTER_MS)
    elapsed_ms = scene.stop()
    copies = scene.in_downloads()
    small_disk(scene.downloads, "200m")
    scene.put_back(copies)

    judge(scene, report, "disk full under Downloads", elapsed_ms, state="finished")


@in_both
def test_recording_survives_a_full_disk_under_the_profile(
    scenes: Scenes, small_disk: SmallDisk, tmp_path: Path, report: list[Row]
) -> None:
    small_disk(tmp_path / "scene0" / "profile", "400m")
    scene = scenes()
    provoke.store_for_another_site(scene)
    elapsed_ms = scene.record()
    ballast = scene.profile / "ballast"

    said = scene.guest.id("notice").filter(has_text="crash-proof copy is not written any more")

    def is_said() -> bool:
        fill(ballast)
        return said.count() > 0

    wait_for(is_said, "it is said while the disk stays full", PATIENCE_S)
    scene.recorded_for(elapsed_ms + AFTER_MS)
    elapsed_ms = scene.stop()
    wait_for(lambda: scene.guest.files(1), "the download is whole")
    copies = scene.in_downloads()  # its driver clears them away when Firefox is quit
    ballast.unlink()
    scene.close()  # Firefox writes nothing more to a storage whose disk was full before it is started anew
    scene.put_back(copies)
    scene.reopen()

    judge(
        *(scene, report, "disk full under the profile", elapsed_ms),
        state=settled_state(scene),
        downloads_complete=True,
        remark="up to where there was room",
    )


@in_both
def test_recording_survives_the_quota(scenes: Scenes, report: list[Row]) -> None:
    scene = scenes(preferences=provoke.LITTLE_SPACE)
    elapsed_ms = scene.record()

    give_back = provoke.use_up_quota(scene)
    scene.told("crash-proof copy is not written any more")
    scene.recorded_for(elapsed_ms + AFTER_MS)
    elapsed_ms = scene.stop()
    wait_for(lambda: scene.guest.files(1), "the download is whole")
    give_back()
    scene.page.reload()

    judge(
        *(scene, report, "quota reached", elapsed_ms),
        state=settled_state(scene),
        downloads_complete=True,
        remark="up to where there was room",
    )


def settled_state(scene: Scene) -> str:
    """The state of the newest take, once it is over."""
    row = scene.guest.id("take").first
    wait_for(lambda: row.get_attribute("data-state") in ("finished", "recovered"), "it is over", PATIENCE_S)
    return row.get_attribute("data-state") or ""


def fill(path: Path) -> None:
    """Write until the disk is full, again where a browser has made room."""
    with path.open("ab", buffering=0) as ballast:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while ballast.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
