"""How fast recordings are converted: our page, mediabunny and ffmpeg.wasm in the same browser, ffmpeg natively.

`run()` prints one JSON line a figure. All read the same file of 300 MB from disk. `convert.*.page` compares
what is the same for all in a page, reading and converting: our output and mediabunny's are thrown away,
ffmpeg.wasm's goes into memory. `convert.*.delivered` is from the press on the button to the finished download.
"""

from __future__ import annotations

import http.server
import json
import runpy
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
SECONDS = 400
RUNS = 3
LAYOUT = "-f matroska -live 1 -cluster_time_limit 1000 -cluster_size_limit 16M"
"""As browsers write: sizes unknown, a Cluster a second."""
PEERS = {
    "mediabunny.mjs": ROOT / "node_modules/mediabunny/dist/bundles/mediabunny.min.mjs",
    "core": ROOT / "node_modules/@ffmpeg/core/dist/esm",
}

COPY_WITH_MEDIABUNNY = """async ({ sound, mp4 }) => {
  const m = await import("./mediabunny.mjs");
  const [file] = document.querySelector("input").files;
  const began = performance.now();
  const input = new m.Input({ formats: [m.MATROSKA, m.WEBM], source: new m.BlobSource(file) });
  const format = sound ? new m.OggOutputFormat() : mp4 ? new m.Mp4OutputFormat({ fastStart: false })
    : new m.MkvOutputFormat();
  const target = new m.StreamTarget(new WritableStream({ write() {} }), { chunked: true });
  const output = new m.Output({ format, target });
  const conversion = await m.Conversion.init(
    { input, output, copy: { mode: "forced" }, video: { discard: sound }, showWarnings: false });
  await conversion.execute();
  return performance.now() - began;
}"""

COPY_WITH_FFMPEG_WASM = """(asked) => new Promise((done, failed) => {
  const worker = new Worker("ffmpeg.js", { type: "module" });
  worker.onerror = failed;
  worker.onmessage = ({ data: { ms, bytes } }) => {
    worker.terminate();
    bytes ? done(ms) : failed(new Error("not converted"));
  };
  worker.postMessage({ ...asked, file: document.querySelector("input").files[0] });
})"""

PRESS_AND_WAIT = """(throwAway) => new Promise((done, failed) => {
  globalThis.throwAway = throwAway;
  const began = performance.now();
  new MutationObserver((_, observer) => {
    const state = document.querySelector("[data-testid=job]")?.dataset.state;
    if (state !== "finished" && state !== "failed") return;
    observer.disconnect();
    state === "finished" ? done(performance.now() - began) : failed(new Error("not converted"));
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-state"] });
  document.querySelector("[data-testid=convert-start]").click();
})"""

# Stands for a download that takes everything at once and keeps nothing.
THROW_AWAY = """{
  const post = MessagePort.prototype.postMessage;
  const taken = new WeakMap();
  MessagePort.prototype.postMessage = function (message, transfer) {
    if (!globalThis.throwAway || !(message instanceof Uint8Array)) return post.call(this, message, transfer);
    taken.set(this, (taken.get(this) ?? 0) + message.byteLength);
    this.dispatchEvent(new MessageEvent("message", { data: { taken: taken.get(this) } }));
  };
}"""


def make_recording(path: Path, seconds: int = SECONDS) -> Path:
    """A recording of so many seconds at 6 Mbit/s, H.264 and Opus, as browsers write it: nothing known beforehand."""
    clip = path.with_name("clip.mkv")
    picture = (
        "-f lavfi -i testsrc2=size=1280x720:rate=30:duration=10 -f lavfi -i sine=440:sample_rate=48000:d=10"
    )
    codecs = "-c:v libx264 -preset ultrafast -b:v 6000k -minrate 6000k -maxrate 6000k -bufsize 1M"
    codecs += " -nal-hrd cbr -g 60 -c:a libopus -b:a 128k"
    _run(f"ffmpeg -v error -y {picture} {codecs} -shortest {clip}")
    _run(f"ffmpeg -v error -y -stream_loop {seconds // 10 - 1} -i {clip} -c copy {LAYOUT} {path}")
    return path


COPY = {"opus": "-map 0:a -c copy -f opus", "mkv": "-map 0 -c copy", "mp4": "-map 0 -c copy"}


def native(path: Path, target: str) -> float:
    """Seconds that ffmpeg takes to copy."""
    out = path.with_name(f"native.{target}")
    began = time.perf_counter()
    _run(f"ffmpeg -v error -y -i {path} {COPY[target]} {out}")
    taken_s = time.perf_counter() - began
    out.unlink()
    return taken_s


def ours(page: Page, path: Path, target: str, delivered: bool) -> float:
    """Seconds that our page takes from the press on the button until it says that it is finished."""
    page.get_by_test_id("convert-input").set_input_files([])
    page.get_by_test_id("convert-input").set_input_files(path)
    page.get_by_test_id("convert-target").select_option(target)
    return float(page.evaluate(PRESS_AND_WAIT, not delivered)) / 1000


def mediabunny(page: Page, path: Path, target: str) -> float:
    """Seconds that mediabunny takes in the same browser, its output thrown away."""
    page.locator("input").set_input_files(path)
    given = {"sound": target == "opus", "mp4": target == "mp4"}
    return float(page.evaluate(COPY_WITH_MEDIABUNNY, given)) / 1000


def ffmpeg_wasm(page: Page, path: Path, target: str) -> float:
    """Seconds that ffmpeg.wasm takes in the same browser, its output left in memory."""
    page.locator("input").set_input_files(path)
    asked = {"given": COPY[target].split(), "output": f"/out.{target}"}
    return float(page.evaluate(COPY_WITH_FFMPEG_WASM, asked)) / 1000


def desk(path: Path, target: str) -> float:
    """Seconds that `rolltape convert` takes, Python's start among them."""
    out = path.with_name(f"desk.{target}")
    began = time.perf_counter()
    _run(f"{sys.executable} -m rolltape convert {path} --to {target} --force -o {out}")
    taken_s = time.perf_counter() - began
    out.unlink()
    return taken_s


def taken_in_turn(*measures: Callable[[], float]) -> list[float]:
    """The best of several of each: A B C A B C ..., so that what else the machine does disturbs all alike."""
    rounds = [[measure() for measure in measures] for _ in range(RUNS)]
    return [min(found) for found in zip(*rounds, strict=True)]


def figure(name: str, value: float, against: str, ratio: float) -> None:
    """Print one figure, in MB of the recording a second; the ratio is ours by theirs."""
    line = {"name": name, "value": round(value, 1), "unit": "MB/s", "against": against}
    print(json.dumps(line | {"ratio": round(ratio, 2)}), flush=True)


def run() -> None:
    """Measure and print; each ratio is ours by theirs, so more than 1 is faster."""
    settings = runpy.run_path(str(ROOT / "playwright.config.py"))
    with tempfile.TemporaryDirectory() as folder, _pages(settings, Path(folder)) as (page, peers):
        path = make_recording(Path(folder) / "recording.mkv")
        megabytes = path.stat().st_size / 1e6
        for target, kind in (("opus", "opus"), ("webm", "mkv"), ("mp4", "mp4")):
            in_page, peer, wasm, copy = taken_in_turn(
                partial(ours, page, path, target, False),
                partial(mediabunny, peers, path, target),
                partial(ffmpeg_wasm, peers, path, kind),
                partial(native, path, kind),
            )
            name, speed = f"convert.{target}.page", megabytes / in_page
            figure(name, speed, f"mediabunny, {megabytes / peer:.1f} MB/s", peer / in_page)
            figure(name, speed, f"ffmpeg.wasm, {megabytes / wasm:.1f} MB/s", wasm / in_page)
            figure(name, speed, f"ffmpeg -c copy, {megabytes / copy:.1f} MB/s", copy / in_page)
            delivered = min(ours(page, path, target, True) for _ in range(RUNS))
            figure(f"convert.{target}.delivered", megabytes / delivered, "ffmpeg -c copy", copy / delivered)
            on_desk = min(desk(path, target) for _ in range(RUNS))
            against = f"ffmpeg -c copy, {megabytes / copy:.1f} MB/s"
            figure(f"convert.{target}.desk", megabytes / on_desk, against, copy / on_desk)


@contextmanager
def _peers(folder: Path) -> Iterator[str]:
    """The address of a page in which others convert."""
    site = folder / "peers"
    shutil.copytree(Path(__file__).with_name("peers"), site)
    for name, source in PEERS.items():
        (site / name).symlink_to(source)
    handler = partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def _pages(settings: dict[str, Any], folder: Path) -> Iterator[tuple[Page, Page]]:
    """The converter's page in Chromium, served as people serve it, and one in which others convert."""
    port = 8231
    server = subprocess.Popen(
        [sys.executable, "-m", "rolltape", "serve", "--port", str(port), "--no-takes"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        with _peers(folder) as peers_at, sync_playwright() as started:
            launch = settings["chromium_launch"]()
            context = started.chromium.launch_persistent_context(str(folder / "profile"), **launch)
            context.add_init_script(THROW_AWAY)
            peers = context.new_page()
            peers.goto(peers_at)
            page = context.new_page()
            session = context.new_cdp_session(page)
            downloads = {"behavior": "allow", "downloadPath": str(folder / "downloads")}
            session.send("Browser.setDownloadBehavior", downloads)
            page.goto(f"http://localhost:{port}/?convert")
            ready = page.locator("html[data-ready=convert]")
            expect(ready).to_be_attached(timeout=settings["READY_TIMEOUT_MS"])
            yield page, peers
            context.close()
    finally:
        server.terminate()
        server.wait(10)


def _run(command: str) -> None:
    subprocess.run(command.split(), check=True, stdout=subprocess.DEVNULL, timeout=600)


if __name__ == "__main__":
    run()
