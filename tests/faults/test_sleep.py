"""The machine sleeps while it records: what is missing is told, and stands on the shelf and in the log.

Firefox's fake devices make up for the time that they slept; real ones may not. So there the file is looked into.
"""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from faults.choice import in_firefox
from faults.scene import Scene
from media_tools import packets
from waiting import wait_for

ASLEEP_S = 8.0
AFTER_MS = 6000
SLACK_MS = 2500


@pytest.mark.parametrize("browser", ["Chromium"])
def test_a_recording_does_not_hide_that_the_machine_slept(scene: Scene) -> None:
    record_asleep(scene)
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


@in_firefox
def test_what_a_machine_that_slept_has_kept_looks_no_more_whole_than_it_is(scene: Scene) -> None:
    record_asleep(scene)
    assert not any("too busy to keep up" in one for one in scene.guest.notices())
    recorded_ms = scene.stop()
    row = scene.row()
    parts = [part for part in scene.guest.log()["parts"] if part["bytes"]]
    scene.in_downloads()

    there_ms = sum(map(held_ms, scene.saved(row, len(parts))))

    holes = [hole for part in parts for hole in part["holes"] if hole["of"] == "everything"]
    noted_ms = sum(hole["to_ms"] - hole["from_ms"] for hole in holes)
    noted_ms += sum(part["gap_before_ms"] + part["behind_ms"] for part in parts)
    assert there_ms + noted_ms == pytest.approx(recorded_ms, abs=SLACK_MS), parts


def record_asleep(scene: Scene) -> None:
    """Record, sleep and record on."""
    elapsed_ms = scene.record()
    with scene.stopped():
        until = time.monotonic() + ASLEEP_S
        wait_for(lambda: time.monotonic() >= until, "it has slept long enough", ASLEEP_S + 5)
    scene.recorded_for(elapsed_ms + ASLEEP_S * 1000 + AFTER_MS)


def held_ms(path: Path) -> float:
    """For how long a file has sound or pictures: gaps of more than half a second in both are left out."""
    times = sorted(packet.seconds for packet in packets(path))
    return 1000 * sum(later - one for one, later in pairwise(times) if later - one < 0.5)
