"""Does this checkout convert in the page as fast as another? `python -m bench.convert_compare OTHER [ROUNDS]`.

OTHER is the folder of another checkout with its page built; this one's own folder tells how much of a difference is
scatter. Both pages are open in one browser, in processes of their own, and convert the same file in turn, many times;
output is thrown away. What is compared is the processor time of each page's main thread, which hardly depends on what
else the machine does, as a ratio of neighbours: more than 1 is slower than OTHER. One JSON line a target.
"""

from __future__ import annotations

import json
import runpy
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, expect, sync_playwright

from bench.convert_bench import PRESS_AND_WAIT, ROOT, THROW_AWAY, make_recording
from waiting import wait_for

SECONDS = 60
PLACES = (("localhost", 8232), ("127.0.0.1", 8233))
"""Of two sites, so that each page has a process of its own."""


@contextmanager
def _served(checkout: Path, port: int, folder: Path) -> Iterator[None]:
    """The page of a checkout, by its own server."""
    command = [str(checkout / ".venv/bin/python"), "-m", "rolltape", "serve", "--port", str(port)]
    with (folder / f"{port}.log").open("w") as log:
        server = subprocess.Popen(command, cwd=checkout, stdout=log, stderr=log)
        try:
            wait_for(lambda: _answers(port), f"{checkout} is served", 60)
            yield
        finally:
            server.terminate()
            server.wait(10)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


class Side:
    """One of the pages."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self._session = session
        session.send("Performance.enable")

    def _thread_s(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(float(one["value"]) for one in metrics if one["name"] == "ThreadTime")

    def pick(self, path: Path, target: str) -> None:
        """Choose what the next runs convert."""
        self._page.get_by_test_id("convert-input").set_input_files(path)
        self._page.get_by_test_id("convert-target").select_option(target)

    def run(self) -> tuple[float, float]:
        """Convert once; seconds of the main thread's processor time, and on the clock."""
        began = self._thread_s()
        took_ms = float(self._page.evaluate(PRESS_AND_WAIT, True))
        return self._thread_s() - began, took_ms / 1000


def compared(ours: Side, theirs: Side, rounds: int) -> dict[str, Any]:
    """The medians and quartiles of ours by theirs, in turn, each first every other time."""
    cpu, clock, spent = [], [], []
    for number in range(-1, rounds):
        pair = (ours, theirs) if number % 2 else (theirs, ours)
        found = {side: side.run() for side in pair}
        if number >= 0:  # the first time is warming up
            cpu.append(found[ours][0] / found[theirs][0])
            clock.append(found[ours][1] / found[theirs][1])
            spent.append(found[ours][0])
    low, middle, high = statistics.quantiles(cpu, n=4)
    return {
        "ratio": round(middle, 3),
        "quartiles": [round(low, 3), round(high, 3)],
        "clock": round(statistics.median(clock), 3),
        "cpu_s": round(statistics.median(spent), 3),
        "rounds": rounds,
    }


def run(other: Path, rounds: int) -> None:
    """Measure and print."""
    settings = runpy.run_path(str(ROOT / "playwright.config.py"))
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        path = make_recording(folder / "recording.mkv", SECONDS)
        for checkout, (_, port) in zip((ROOT, other), PLACES, strict=True):
            stack.enter_context(_served(checkout, port, folder))
        started = stack.enter_context(sync_playwright())
        launch = settings["chromium_launch"]()
        context = started.chromium.launch_persistent_context(str(folder / "profile"), **launch)
        stack.callback(context.close)
        context.add_init_script(THROW_AWAY)
        sides = []
        for host, port in PLACES:
            page = context.new_page()
            page.goto(f"http://{host}:{port}/?convert")
            ready = page.locator("html[data-ready=convert]")
            expect(ready).to_be_attached(timeout=settings["READY_TIMEOUT_MS"])
            sides.append(Side(page, context.new_cdp_session(page)))
        for target in ("opus", "webm", "mp4"):
            for side in sides:
                side.pick(path, target)
            began = time.monotonic()
            found = compared(sides[0], sides[1], rounds)
            print(
                json.dumps({"target": target, **found, "took_s": round(time.monotonic() - began)}), flush=True
            )


if __name__ == "__main__":
    run(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 20)
