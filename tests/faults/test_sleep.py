"""The machine sleeps while it records: what is missing is told, and stands on the shelf and in the log.

In Firefox's fake devices nothing could be seen to be missing after the same; real ones may differ.
"""

from __future__ import annotations

import time

import pytest

from faults.scene import Scene
from waiting import wait_for

ASLEEP_S = 8.0
AFTER_MS = 6000
SLACK_MS = 2500


@pytest.mark.parametrize("browser", ["Chromium"])
def test_a_recording_does_not_hide_that_the_machine_slept(scene: Scene) -> None:
    elapsed_ms = scene.record()

    with scene.stopped():
        until = time.monotonic() + ASLEEP_S
        wait_for(lambda: time.monotonic() >= until, "it has slept long enough", ASLEEP_S + 5)
    scene.recorded_for(elapsed_ms + ASLEEP_S * 1000 + AFTER_MS)
    scene.told("missing")
    scene.stop()
    row = scene.row()

    take = scene.guest.log()
    holes = [hole for part in take["parts"] for hole in part["holes"]]
    missing_ms = sum(hole["to_ms"] - hole["from_ms"] for hole in holes if hole["of"] == "everything")
    missing_ms += sum(part["gap_before_ms"] + part["behind_ms"] for part in take["parts"])
    assert missing_ms == pytest.approx(ASLEEP_S * 1000, abs=SLACK_MS), take
    assert "nothing missing" not in row.inner_text()
    assert "missing" in row.inner_text() or "less than went by" in row.inner_text()
