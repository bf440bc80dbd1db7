"""What browsers do that the code works around (docs/browser-quirks.md): each test says when a workaround can go."""

from __future__ import annotations

import base64
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import expect

from guest import Guest, Guests
from media_tools import packets, probe

WITHHELD = """async ([ms, connected]) => {
    const camera = await navigator.mediaDevices.getUserMedia({ video: true });
    const context = new AudioContext(), destination = context.createMediaStreamDestination();
    const source = context.createConstantSource();
    source.start();
    if (connected) source.connect(destination);
    const silent = destination.stream;
    const recorder = new MediaRecorder(new MediaStream([...camera.getTracks(), ...silent.getTracks()]));
    let bytes = 0;
    recorder.ondataavailable = ({ data }) => (bytes += data.size);
    recorder.start(500);
    await new Promise((resolve) => setTimeout(resolve, ms));
    const before = bytes;
    recorder.stop();
    camera.getTracks().forEach((track) => track.stop());
    await context.close();
    return before;
}"""
GROWN = """async () => {
    const root = await navigator.storage.getDirectory();
    const handle = await root.getFileHandle("quirk3", { create: true });
    const add = async (text) => {
        const stream = await handle.createWritable();
        await stream.write(text);
        await stream.close();
    };
    await add("some");
    const file = await handle.getFile();
    await add("some more");
    return file.text().catch((error) => error.name);
}"""
SIZES = """async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 180 } });
    const [track] = stream.getVideoTracks();
    const { value: frame } = await new MediaStreamTrackProcessor({ track }).readable.getReader().read();
    const found = [track.getSettings().width, frame.codedWidth];
    frame.close();
    track.stop();
    return found;
}"""
PROFILED = (
    "--enable-features=HeapProfilerReporting:stable-probability/1.0/nonstable-probability/1.0/renderer-prob-pct/100"
    "/sampling-rate/5000/renderer-sampling-rate-bytes/5000"
)
BLOCKED = """async (ms) => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 } });
    const recorder = new MediaRecorder(stream, { mimeType: "video/webm;codecs=h264" });
    const blobs = [];
    recorder.ondataavailable = ({ data }) => blobs.push(data);
    recorder.start(500);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const until = performance.now() + ms;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    recorder.stop();
    await new Promise((resolve) => (recorder.onstop = resolve));
    stream.getTracks().forEach((track) => track.stop());
    let text = "";
    for (const byte of new Uint8Array(await new Blob(blobs).arrayBuffer())) text += String.fromCharCode(byte);
    return btoa(text);
}"""
HOOK = "hooks.worker.onBeforeRunAsync.clear();"


@pytest.fixture(scope="module")
def home(module_guests: Guests) -> Guest:
    return module_guests().open("", ready="home")


def test_quirk_1_a_silent_destination_withholds_the_whole_recording(home: Guest) -> None:
    assert home.page.evaluate(WITHHELD, [2500, True]) > 0
    assert home.page.evaluate(WITHHELD, [2500, False]) == 0


def test_quirk_3_a_file_that_has_changed_cannot_be_read(home: Guest) -> None:
    assert home.page.evaluate(GROWN) == "NotReadableError"


def test_quirk_8_a_camera_fed_from_a_file_has_the_files_size(home: Guest) -> None:
    told, given = home.page.evaluate(SIZES)

    assert (told, given) == (320, 640)


@pytest.mark.clock
def test_quirk_16_a_recorder_gets_no_pictures_while_the_page_is_held_up(home: Guest, tmp_path: Path) -> None:
    path = tmp_path / "held-up.mkv"
    path.write_bytes(base64.b64decode(home.page.evaluate(BLOCKED, 2000)))

    assert probe(path)["streams"][0]["codec_name"] == "h264"
    assert max(after - before for before, after in pairwise(p.seconds for p in packets(path))) > 1.5


def test_quirk_18_a_profiled_page_does_not_crash(guests: Guests) -> None:
    guest = guests(files=False, flags=(PROFILED,))

    for _ in range(4):
        guest.open("", ready="home")
        assert not guest.page.evaluate('"Suspending" in WebAssembly')


def test_quirk_13_pyscript_makes_its_worker_hook_by_function(guests: Guests) -> None:
    guest = guests()
    boot = guest.page.request.get(f"{guest.base_url}/static/boot.js").text()
    assert HOOK in boot
    guest.page.route(
        "**/static/boot.js*",
        lambda route: route.fulfill(body=boot.replace(HOOK, ""), content_type="text/javascript"),
    )

    guest.page.goto(f"{guest.base_url}/")
    expect(guest.page.locator("html[data-ready]")).to_be_attached(timeout=guest.timeout_ms)

    found, guest.complaints[:] = list(guest.complaints), []
    assert any("unsafe-eval" in said for said in found), found
