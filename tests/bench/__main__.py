"""`make bench`: measures what `docs/benchmarks.md` reports; one JSON line a figure.

Figures that are compared are taken in turn in one run (A B A B …) and given as a ratio of medians: absolute
times drift on a shared machine, ratios hold.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import brotli
from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright

from bench import arrivals_bench, convert_bench, keep_up_bench, load_bench, tracks_bench
from bench.figures import figure
from link_between import LinkBetween, link_between
from processes import private_bytes, renderers
from rolltape.server.serve import PAGE
from serving import served

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = runpy.run_path(str(ROOT / "playwright.config.py"))

SAMPLE_EVERY_MS = 10_000

BARE_PAGE = (
    '<!doctype html><meta charset="utf-8"><title>bare</title><link rel="icon" href="data:,">'
    '<script type="module" src="static/bare.js"></script>'
)
BARE_SCRIPT = """import { loadPyodide } from "./vendor/pyodide-bare/pyodide.mjs";
const python = await loadPyodide();
document.documentElement.dataset.ready = String(python.runPython("21 * 2"));
"""


NPM = ROOT / "node_modules" / "pyodide"


def bare_site(folder: Path, pyodide: Path) -> Path:
    """A page that loads the Pyodide of this folder and nothing else, compressed like ours."""
    vendor = folder / "static" / "vendor" / "pyodide-bare"
    vendor.mkdir(parents=True)
    (folder / "index.html").write_text(BARE_PAGE)
    (folder / "static" / "bare.js").write_text(BARE_SCRIPT)
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"):
        shutil.copy(pyodide / name, vendor / name)
        if (pyodide / f"{name}.br").exists():
            shutil.copy(pyodide / f"{name}.br", vendor / f"{name}.br")
    shutil.copy(NPM / "pyodide-lock.json", vendor)
    return folder


def compressed(pyodide: Path, folder: Path) -> Path:
    """npm's Pyodide with the compressed copies that we make of ours; kept in `folder`, since that takes a minute."""
    if not (folder / "pyodide.asm.wasm.br").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("python_stdlib.zip", "pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm"):
            shutil.copy(pyodide / name, folder)
            if not name.endswith(".zip"):  # deflated: brotli finds nothing in it
                (folder / f"{name}.br").write_bytes(
                    brotli.compress((pyodide / name).read_bytes(), quality=11)
                )
    return folder


def open_ms(page: Page, address: str) -> float:
    """Milliseconds from navigation to `data-ready`, by the page's own clock."""
    page.add_init_script(
        "new MutationObserver(() => { if (document.documentElement?.dataset.ready)"
        " globalThis.readyAt ??= performance.now(); }).observe(document, {subtree: true, attributes: true})"
    )
    page.goto(address)
    expect(page.locator("html[data-ready]")).to_be_attached(timeout=SETTINGS["READY_TIMEOUT_MS"])
    return float(page.evaluate("globalThis.readyAt"))


@contextmanager
def fresh_context(playwright: Playwright, folder: Path) -> Iterator[BrowserContext]:
    """A browser with an empty profile."""
    context = playwright.chromium.launch_persistent_context(str(folder), **SETTINGS["chromium_launch"]())
    try:
        yield context
    finally:
        context.close()


def start_up(playwright: Playwright, folder: Path) -> None:
    """Time to `data-ready`, first and later visits, against bare pages in the same run, on two kinds of link."""
    (ours,) = (ROOT / "static" / "vendor").glob("pyodide-*")
    version = json.loads((NPM / "package.json").read_text())["version"]
    stock = bare_site(folder / "stock", compressed(NPM, ROOT / "build" / f"stock-{version}"))
    compiled = bare_site(folder / "compiled", ours)
    sites = {"page": (PAGE, "?record=6000"), "stock": (stock, ""), "compiled": (compiled, "")}
    for link, (one_way_s, bytes_per_s, runs) in LINKS.items():
        visits: dict[str, list[Visit]] = {}
        with ExitStack() as open_:
            links = {}
            for name, (root, query) in sites.items():
                address = open_.enter_context(served(root))
                relay = open_.enter_context(link_between(urlsplit(address).port or 0, one_way_s, bytes_per_s))
                links[name] = relay, f"http://localhost:{relay.port}/{query}"
            for run, (name, (relay, address)) in product(range(runs), links.items()):
                with fresh_context(playwright, folder / f"profile-{link}-{name}-{run}") as context:
                    for moment in ("cold", "warm"):
                        visits.setdefault(f"{name} {moment}", []).append(visit(context, relay, address))
        report_start(link, visits)


LINKS = {"": (0.0, 0.0, 5), "slow_": (0.03, 2.5e6, 3)}
"""Kinds of link: seconds one way, bytes a second down, runs. The slow one is 60 ms there and back, 20 Mbit/s."""


@dataclass(frozen=True)
class Visit:
    """One visit: when the page was ready, what came over the link until its copy was kept, its marks in ms."""

    ready_ms: float
    bytes: int
    marks: dict[str, float]


def visit(context: BrowserContext, relay: LinkBetween, address: str) -> Visit:
    """Open a page in a new tab, wait until it is ready and its copy is kept, if it keeps one."""
    page, before = context.new_page(), relay.down
    kept: list[str] = []
    page.on("console", lambda said: kept.append(said.text) if "copy of the page" in said.text else None)
    ready_ms = open_ms(page, address)
    marks = page.evaluate(MARKS) if "?" in address else {}
    while marks and not kept:
        page.wait_for_timeout(50)
    page.close()
    return Visit(ready_ms, relay.down - before, marks)


def report_start(link: str, visits: dict[str, list[Visit]]) -> None:
    """Print what the visits over one kind of link showed."""
    ready = {name: statistics.median(one.ready_ms for one in found) for name, found in visits.items()}
    for moment in ("cold", "warm"):
        ours, found = ready[f"page {moment}"], visits[f"page {moment}"]
        for other, words in (
            ("stock", "a bare page with stock Pyodide"),
            ("compiled", "a bare page, byte-compiled"),
        ):
            figure(f"{link}ready_{moment}_vs_{other}", ours, "ms", words, ours / ready[f"{other} {moment}"])
        figure(f"{link}bytes_{moment}", statistics.median(one.bytes for one in found) / 1000, "kB")
        for name in found[0].marks:
            value = statistics.median(one.marks[name] for one in found)
            figure(f"{link}start_{moment}_{name}", value, "ms", f"{moment} ready", value / ours)


MARKS = """() => {
  const at = (name) => performance.getEntriesByName(name)[0].startTime;
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  return { first_paint: paint, runtime: at("rolltape-runtime"),
    packages: at("rolltape-python") - at("rolltape-runtime"),
    own_imports: at("rolltape-imported") - at("rolltape-python"),
    page: at("rolltape-ready") - at("rolltape-imported") };
}"""


def in_page(playwright: Playwright, folder: Path) -> None:
    """What a chunk costs, what the sinks take, how long finishing takes, in the page itself."""
    here = Path(__file__).parent
    parts = {"bench": "", "bench.synthetic": (here / "synthetic.py").read_text()}
    source = f"import sys, types\nfor name, source in {parts!r}.items():\n"
    source += "    sys.modules[name] = types.ModuleType(name)\n    exec(source, sys.modules[name].__dict__)\n"
    source += (here / "in_page.py").read_text().replace("from __future__ import annotations\n", "")
    source += "\nawait main()\n"
    with served(PAGE) as address, fresh_context(playwright, folder / "profile-in-page") as context:
        page = context.new_page()
        page.on("console", lambda said: print(said.text, file=sys.stderr) if said.type == "error" else None)
        page.route(
            "**/static/main.py", lambda route: route.fulfill(body=source, content_type="text/x-python")
        )
        page.goto(f"{address}/?director=bench")
        expect(page.locator("html[data-ready=hour]")).to_be_attached(timeout=180_000)
        is_over = page.locator("html[data-ready=bench]").count
        memory = sampled(folder / "profile-in-page", page, lambda: is_over() > 0, 900)
        expect(page.locator("html[data-ready=bench]")).to_be_attached(timeout=180_000)
        found = {said["name"]: said for said in map(json.loads, page.locator(".figure").all_inner_texts())}
    report(found)
    figure("hour_memory_slope", slope(memory) / 1e6, "MB/min", "2.7 GB recorded in that time")


def sampled(
    profile: Path, page: Page, is_over: Callable[[], bool], seconds: float
) -> list[tuple[float, int]]:
    """(seconds, private bytes of the page's process after a garbage collection) until it is over."""
    session = page.context.new_cdp_session(page)
    began, found = time.monotonic(), []
    while not is_over() and time.monotonic() - began < seconds:
        session.send("HeapProfiler.collectGarbage")
        found.append((time.monotonic() - began, max(private_bytes(pid) for pid in renderers(profile))))
        page.wait_for_timeout(SAMPLE_EVERY_MS)
    return found


def recorded_s(page: Page) -> float:
    """What the page shows as recorded, in seconds."""
    return float((page.get_by_test_id("elapsed").get_attribute("datetime") or "PT0S")[2:-1])


def slope(samples: list[tuple[float, int]]) -> float:
    """Bytes a minute, over all samples but the first fifth, in which caches fill."""
    settled = samples[len(samples) // 5 :]
    return statistics.linear_regression(*zip(*settled, strict=True)).slope * 60


def soak(playwright: Playwright, folder: Path, minutes: int) -> None:
    """A real recording: memory, and how long the end takes."""
    profile = folder / "profile-soak"
    with served(PAGE) as address, fresh_context(playwright, profile) as context:
        page = context.new_page()
        open_ms(page, f"{address}/?record=6000&recordcodec=h264")
        page.get_by_test_id("record").click()
        memory = sampled(profile, page, lambda: recorded_s(page) >= minutes * 60, minutes * 60 + 120)
        bytes_written = float(page.get_by_test_id("bytes").get_attribute("value") or 0)
        began = time.monotonic()
        page.get_by_test_id("record").click()
        expect(page.get_by_test_id("take")).to_have_attribute("data-state", "finished", timeout=60_000)
        figure("soak_end", (time.monotonic() - began) * 1000, "ms")
        per_minute = bytes_written / minutes
        figure(
            "soak_memory_slope",
            slope(memory) / 1e6,
            "MB/min",
            "recorded a minute",
            slope(memory) / per_minute,
        )
        for name, samples in (("first", memory[: len(memory) // 10]), ("last", memory[-len(memory) // 10 :])):
            figure(f"soak_memory_{name}_tenth", statistics.median(size for _, size in samples) / 1e6, "MB")


def report(found: dict[str, dict[str, Any]]) -> None:
    """Print the page's figures beside their goals."""
    value = {name: float(said["value"]) for name, said in found.items()}
    figure("chunk_p50", value["chunk_p50"], "ms", "goal 5 ms", value["chunk_p50"] / 5)
    figure("chunk_p95", value["chunk_p95"], "ms", "goal 5 ms", value["chunk_p95"] / 5)
    for sink in ("journal", "download"):
        rate = value[sink] / 1e6
        figure(f"{sink}_rate", rate, "MB/s", "a recording at 6000 kbps (0.75 MB/s)", rate / 0.75)
    figure("finish_10s", value["finish_10s"], "ms")
    first, last = value["hour_chunk_p95_first"], value["hour_chunk_p95_last"]
    figure("hour_chunk_p95_last", last, "ms", "the hour's first tenth", last / first)
    figure("hour_end", value["hour_end"], "ms")
    figure("finish_1h", value["finish_1h"], "ms", "finish_10s", value["finish_1h"] / value["finish_10s"])


def main() -> None:
    """Run every measurement, or those named on the command line."""
    wanted = sys.argv[1:] or ["in_page", "start_up", "convert", "soak", "keep_up", "tracks", "rooms"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        if "in_page" in wanted:
            in_page(playwright, Path(folder))
        if "start_up" in wanted:
            start_up(playwright, Path(folder))
        if "soak" in wanted:
            soak(playwright, Path(folder), int(os.environ.get("SOAK_MINUTES", "10")))
    if "convert" in wanted:
        convert_bench.run()
    if "keep_up" in wanted:
        keep_up_bench.main()
    if "tracks" in wanted:
        tracks_bench.main()
        tracks_bench.films()
    if "rooms" in wanted:
        load_bench.main()
        arrivals_bench.main()


if __name__ == "__main__":
    main()
