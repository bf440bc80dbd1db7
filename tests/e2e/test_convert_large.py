"""Converting what is large in the page: memory stays flat, the page answers, cancel leaves nothing.

The file is 400 MB, so that the test is over in seconds; tests/unit/test_convert_size.py converts 5 GiB
with the same code.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from playwright.sync_api import expect

from guest import Guest, Guests
from media_tools import run
from unit.media_files import half_seconds
from waiting import wait_for

MEGABYTES = 400


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Header and half seconds of 1.5 MB, as from a camera at 24 Mbit/s."""
    path = tmp_path_factory.mktemp("large") / "large.webm"
    with path.open("wb") as file:
        for chunk in islice(half_seconds(10_000, 100_000), MEGABYTES * 10 // 15):
            file.write(chunk)
    return path


@pytest.fixture(scope="module")
def guest(module_guests: Guests) -> Guest:
    return module_guests(files=False).open("?convert", ready="convert")


def resident_mb(profile: str) -> float:
    """Resident memory of the renderers of the browser with this profile folder, the shared part once."""
    total = 0.0
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes()
            if profile.encode() in command and b"--type=renderer" in command:
                fields = (process / "smaps_rollup").read_text()
                total += next(int(line.split()[1]) for line in fields.splitlines() if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total / 1000


def profile_of(guest: Guest) -> str:
    return str(guest.downloads.with_name(guest.downloads.name.replace("downloads", "profile")))


def start(guest: Guest, target: str, path: Path) -> None:
    for old in guest.downloads.iterdir():
        old.unlink()
    guest.id("convert-input").set_input_files(path)
    guest.id("convert-target").select_option(target)
    guest.id("convert-start").click()


def share(guest: Guest) -> float:
    return float(guest.id("convert-progress").get_attribute("value") or 0)


WATCH_LONG_TASKS = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((task) => task.duration)))
    .observe({ type: "longtask" });
}"""


def test_memory_stays_flat_and_the_page_answers(guest: Guest, large: Path) -> None:
    guest.page.evaluate(WATCH_LONG_TASKS)
    before, peak = resident_mb(profile_of(guest)), 0.0

    start(guest, "webm", large)

    def finished() -> bool:
        nonlocal peak
        peak = max(peak, resident_mb(profile_of(guest)))
        return guest.id("job").get_attribute("data-state") == "finished"

    wait_for(finished, "the large file is converted", 120)
    (result,) = wait_for(
        lambda: [path for path in guest.downloads.iterdir() if path.suffix == ".webm"], "the file is there"
    )
    long_tasks = sorted(guest.page.evaluate("() => window.longTasks"))
    assert result.stat().st_size == pytest.approx(large.stat().st_size, rel=0.001)
    assert "|+ Cues" in run("mkvinfo", "-a", result)
    # What the browser has not collected yet of what went through is in it too.
    assert before > 0 and peak - before < MEGABYTES * 0.75, f"Memory went from {before} to {peak} MB."
    # A few hold-ups may be the machine's; a page that takes too much at a time has one with each piece.
    assert len([task for task in long_tasks if task > 250]) <= 3, (
        f"The page was busy for {long_tasks[-9:]} ms."
    )
    assert max(long_tasks, default=0) < 5000, f"The page was busy for {long_tasks[-1]} ms."


def test_cancel_leaves_nothing(guest: Guest, large: Path) -> None:
    start(guest, "webm", large)
    wait_for(lambda: share(guest) > 0.55, "it is being written")

    guest.id("convert-cancel").click()

    expect(guest.id("job")).to_have_attribute("data-state", "cancelled")
    expect(guest.id("convert-start")).to_be_enabled()
    expect(guest.id("convert-left")).to_have_text("Cancelled; nothing is left of what was not finished.")
    wait_for(
        lambda: not [path for path in guest.downloads.iterdir() if path.suffix == ".webm"], "no file is there"
    )


def test_time_left_is_shown(guest: Guest, large: Path) -> None:
    start(guest, "webm", large)

    expect(guest.id("convert-left")).to_contain_text("left")

    guest.id("convert-cancel").click()
    expect(guest.id("convert-start")).to_be_enabled()
