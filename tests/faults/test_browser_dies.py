"""The browser goes while it records: what was recorded is on the shelf when it is opened again."""

from __future__ import annotations

from faults.choice import in_both, in_both_always
from faults.conftest import Scenes
from faults.report import Row
from faults.verdict import judge


@in_both_always
def test_recording_survives_a_killed_browser(scenes: Scenes, report: list[Row]) -> None:
    scene = scenes()
    elapsed_ms = scene.record()

    scene.kill()
    scene.reopen()

    judge(scene, report, "browser killed (SIGKILL)", elapsed_ms)


@in_both
def test_recording_survives_quitting_the_browser(scenes: Scenes, report: list[Row]) -> None:
    scene = scenes()
    elapsed_ms = scene.record()

    scene.close()
    scene.reopen()

    judge(scene, report, "browser quit", elapsed_ms)
