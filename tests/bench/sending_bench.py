"""What sending costs a guest's page: two guests record side by side, and the host of one of them keeps takes.

`python -m bench.sending_bench [seconds]`. Both are in a call with their director, in browsers of their own, so what
else the machine does is the same for both; what counts is the difference.
"""

from __future__ import annotations

import base64
import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Playwright, expect, sync_playwright

from bench.figures import figure
from processes import private_bytes
from rooms import Visitor, opened_room

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = runpy.run_path(str(ROOT / "playwright.config.py"))
LINK = "record=2500&recordcodec=vp8&width=320&height=180&fps=15&label=Ada"
WARM_S = 10
SAMPLE_S = 5
GOAL_THREAD, GOAL_MEMORY_MB, GOAL_WRITE_MS = 2.0, 8.0, 1.0

TIME_WRITES = """window.writes = []; window.Worker = class extends Worker {
    constructor(url, options) {
        super(url, options);
        if (!options?.name?.startsWith("rolltape-journal")) return;
        const asked = new Map();
        this.ask = super.postMessage.bind(this);
        this.postMessage = (message, ...more) => {
            if (message[1] === "write") asked.set(message[0], performance.now());
            this.ask(message, ...more);
        };
        this.addEventListener("message", ({ data: [id] }) => {
            if (asked.has(id)) window.writes.push(performance.now() - asked.get(id));
            asked.delete(id);
        });
    } };"""
READ = """async (at) => {
    const takes = await (await navigator.storage.getDirectory()).getDirectoryHandle("takes");
    const names = [];
    for await (const one of takes.keys()) names.push(one);
    const folder = await takes.getDirectoryHandle(names.sort().at(-1));
    const slice = (await (await folder.getFileHandle("part1")).getFile()).slice(at, at + (4 << 20));
    const bytes = new Uint8Array(await slice.arrayBuffer());
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
}"""


@dataclass(frozen=True)
class Sample:
    """What a page has used so far."""

    at_s: float
    thread_s: float
    memory: int
    writes: int


@dataclass
class Side:
    """One guest who records."""

    guest: Visitor
    session: CDPSession
    pids: list[int]

    def sample(self) -> Sample:
        """Look at it; its memory after a garbage collection."""
        self.session.send("HeapProfiler.collectGarbage")
        told = {one["name"]: one["value"] for one in self.session.send("Performance.getMetrics")["metrics"]}
        memory = max(private_bytes(str(pid)) for pid in self.pids)
        writes = self.guest.page.evaluate("window.writes.length")
        return Sample(time.monotonic(), told["TaskDuration"], memory, writes)

    def pictures(self, folder: Path) -> tuple[float, float]:
        """How many pictures a second the recording has, and the longest time in seconds without one."""
        file, at = folder / "part1", 0
        with file.open("wb") as to:
            while piece := base64.b64decode(self.guest.page.evaluate(READ, at)):
                to.write(piece)
                at += len(piece)
        probe = [
            "ffprobe",
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-show_entries",
            "packet=pts_time",
            "-of",
            "json",
        ]
        found = json.loads(subprocess.run([*probe, str(file)], capture_output=True, check=True).stdout)
        times = sorted(float(one["pts_time"]) for one in found["packets"])
        return len(times) / (times[-1] - times[0]), max(after - before for before, after in pairwise(times))


def renderer_pids(browser: Browser) -> set[int]:
    """The processes that run the browser's pages."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return {int(one["id"]) for one in processes if one["type"] == "renderer"}


@contextmanager
def recording(playwright: Playwright, folder: Path, options: list[str]) -> Iterator[Side]:
    """A guest who records beside a director, once something of it is written."""
    folder.mkdir()
    settings: dict[str, Any] = {**SETTINGS, "chromium_launch": SETTINGS["chromium_launch"]}
    with opened_room(playwright, settings, ("", ""), folder, options) as scene:
        scene.director(scene.server.links()["Director"])
        before = renderer_pids(scene.browser)
        guest = scene.visitor()
        guest.context.add_init_script(TIME_WRITES)
        guest.open(scene.link(LINK), "guest")
        guest.id("join").click()
        expect(guest.id("where")).to_contain_text("the director is here")
        guest.id("record").click()
        expect(guest.id("record")).to_have_attribute("data-state", "recording", timeout=60_000)
        session = guest.context.new_cdp_session(guest.page)
        session.send(
            "Performance.enable", {"timeDomain": "threadTicks"}
        )  # of the processor: others run here, too
        yield Side(guest, session, sorted(renderer_pids(scene.browser) - before))


def told(name: str, samples: list[Sample], writes: list[float]) -> tuple[float, float, float]:
    """Print a side's own figures; return its share of the thread, the growth of its memory and the median write.

    Workers' garbage comes and goes, so memory is the middle one of the second half's samples.
    """
    first, last = samples[0], samples[-1]
    share = 100 * (last.thread_s - first.thread_s) / (last.at_s - first.at_s)
    later = statistics.median(one.memory for one in samples[len(samples) // 2 :])
    growth = (later - first.memory) / 1e6
    write = statistics.median(writes[first.writes : last.writes])
    figure(f"sending_{name}_main_thread", share, "% of the time")
    figure(f"sending_{name}_memory", growth, "MB more", f"{first.memory / 1e6:.0f} MB at first")
    figure(f"sending_{name}_write_p50", write, "ms", "as the page sees it")
    return share, growth, write


def main(seconds: int = 60) -> None:
    """Take every figure."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright, ExitStack() as stack:
        folder = Path(name)
        on = stack.enter_context(recording(playwright, folder / "on", ["--takes", str(folder / "kept")]))
        off = stack.enter_context(recording(playwright, folder / "off", ["--no-takes"]))
        expect(on.guest.id("upload").first).to_have_attribute("data-state", "sending")
        on.guest.page.wait_for_timeout(WARM_S * 1000)
        samples = [(on.sample(), off.sample())]
        for _ in range(max(1, seconds // SAMPLE_S)):
            on.guest.page.wait_for_timeout(SAMPLE_S * 1000)
            samples.append((on.sample(), off.sample()))
        writes = [side.guest.page.evaluate("window.writes") for side in (on, off)]
        figure("sending_load", os.getloadavg()[0], "processes", "that wanted one of the machine's cores")
        sent = on.guest.id("upload").first.inner_text()
        print(json.dumps({"name": "sending_said", "value": sent}), flush=True)
        mine = told("on", [one for one, _ in samples], writes[0])
        other = told("off", [one for _, one in samples], writes[1])
        thread, memory, write = (one - another for one, another in zip(mine, other, strict=True))
        figure("sending_main_thread", thread, "% of the time", "goal 2 % more", thread / GOAL_THREAD)
        figure("sending_memory", memory, "MB", "goal 8 MB more", memory / GOAL_MEMORY_MB)
        figure("sending_write", write, "ms", "goal 1 ms more", write / GOAL_WRITE_MS)
        for side in (on, off):
            side.guest.id("record").click()
        for label, side in (("on", on), ("off", off)):
            expect(side.guest.id("record")).to_have_attribute("data-state", "idle", timeout=60_000)
            rate, longest_s = side.pictures(folder)
            figure(f"sending_{label}_pictures", rate, "a second", f"longest without one {longest_s:.2f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
