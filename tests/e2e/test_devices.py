"""Devices the link names or leaves out, and devices that are switched or unplugged while recording."""

from __future__ import annotations

import os
import signal
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import expect

from guest import Guest, Guests
from media_tools import decode_errors, kinds, packets, probe, samples
from waiting import wait_for

TWO_CAMERAS = ("--use-fake-device-for-media-stream=device-count=2",)
LINK = "?record=800&width=320&height=180&recordcodec=h264"


@pytest.fixture(scope="module")
def guest(module_guests: Guests) -> Guest:
    return module_guests(files=False, flags=TWO_CAMERAS)


def other_option(guest: Guest, name: str) -> str:
    """The value of an option that is not chosen."""
    chosen = guest.id(name).input_value()
    values = guest.id(name).locator("option").evaluate_all("options => options.map((each) => each.value)")
    return next(str(value) for value in values if value not in (chosen, "default"))


@pytest.mark.parametrize(
    ("parameter", "granted", "left"),
    [("videodevice", "no camera", "audio"), ("ad", "no microphone", "video")],
)
def test_a_device_can_be_left_out(
    guest: Guest, parameter: str, granted: str, left: str, tmp_path: Path
) -> None:
    guest.open(f"{LINK}&{parameter}=0&room=without")
    expect(guest.id("granted")).to_contain_text(granted)
    assert guest.notices() == []

    downloaded, saved = guest.take("0:01", tmp_path)

    assert kinds(downloaded) == kinds(saved) == [left]
    assert decode_errors(saved) == ""


def test_a_link_without_any_device_says_so(guest: Guest) -> None:
    guest.open(f"{LINK}&vd=0&ad=0&room=none")

    assert any("nothing can be recorded" in sentence for sentence in guest.notices())
    expect(guest.id("record")).to_be_disabled()


def test_the_named_camera_is_used_and_a_missing_one_is_said(guest: Guest) -> None:
    guest.open(f"{LINK}&videodevice=device_1&audiodevice=Blue+Yeti&room=named")
    expect(guest.id("granted")).not_to_have_text("–")

    assert "fake_device_1" in guest.id("video-device").locator("option:checked").inner_text()
    assert any("no microphone named Blue Yeti" in sentence for sentence in guest.notices())


def test_overrides_and_wishes_are_granted_and_shown(guest: Guest) -> None:
    guest.open("?record=800&room=wishes&w=640&h=480&fps=15&aec=1&stereo=0")

    expect(guest.id("granted")).to_contain_text("640×480, 15 fps")
    expect(guest.id("granted")).to_contain_text("with echo cancellation")


@pytest.mark.clock
def test_a_microphone_and_a_camera_are_switched_each_with_a_new_part(guest: Guest, tmp_path: Path) -> None:
    guest.open(f"{LINK}&room=switched")
    guest.record()
    guest.wait_until("0:01")
    microphone, camera = other_option(guest, "audio-device"), other_option(guest, "video-device")

    guest.id("audio-device").select_option(microphone)
    wait_for(lambda: len(guest.log()["parts"]) == 2, "a second part is being recorded")
    expect(guest.id("audio-device")).to_have_value(microphone)
    guest.wait_until("0:04")
    guest.id("video-device").select_option(camera)
    wait_for(lambda: len(guest.log()["parts"]) == 3, "a third part is being recorded")
    expect(guest.id("video-device")).to_have_value(camera)
    guest.wait_until("0:07")
    guest.stop()

    found = [(part["reason"], part["gap_before_ms"]) for part in guest.log()["parts"]]
    assert found == [("", 0), ("The microphone was switched.", 0), ("The camera was switched.", 0)]
    assert "The camera was switched. The recording goes on in a new part." in guest.notices()
    expect(guest.id("take").first).to_contain_text("3 parts")
    for path in guest.files(3):
        kept = guest.take_away(path, tmp_path / "kept")
        assert kinds(kept) == ["audio", "video"] and decode_errors(kept) == ""
        # Nowhere in a part is the sound interrupted.
        audio = _audio(kept)
        sound = [packet for packet in packets(kept) if packet.stream == audio]
        assert max(after.seconds - before.seconds for before, after in pairwise(sound)) < 0.1


def _audio(path: Path) -> int:
    streams = probe(path)["streams"]
    return next(int(stream["index"]) for stream in streams if stream["codec_type"] == "audio")


def test_a_changed_resolution_is_survived(guest: Guest, tmp_path: Path) -> None:
    guest.open("?record=1000&width=640&height=360&recordcodec=vp9&room=rotated")
    guest.record()
    guest.wait_until("0:02")

    guest.page.evaluate(
        """() => document.querySelector("[data-testid=preview]").srcObject.getVideoTracks()[0]
            .applyConstraints({ width: { exact: 360 }, height: { exact: 640 } })"""
    )
    guest.wait_until("0:05")
    guest.stop()

    path = guest.take_away(guest.downloaded(), tmp_path / "kept")
    assert decode_errors(path) == ""
    assert packets(path)[-1].seconds > 4
    saved = guest.save()
    assert decode_errors(saved) == ""
    guest.take_away(saved, tmp_path / "saved")


def service(folder: Path, name: str) -> int:
    """The process of this browser that captures."""
    found = subprocess.run(["pgrep", "-af", name], capture_output=True, text=True, check=False).stdout
    lines = [line for line in found.splitlines() if str(folder) in line and "--type=utility" in line]
    assert len(lines) == 1, f"One process of {name} is running: {lines}"
    return int(lines[0].split()[0])


@pytest.mark.parametrize(
    ("process", "kind"),
    [("video_capture.mojom.VideoCaptureService", "camera"), ("audio.mojom.AudioService", "microphone")],
)
@pytest.mark.clock
def test_an_unplugged_device_leaves_the_take_whole(
    guests: Guests, tmp_path: Path, process: str, kind: str
) -> None:
    guest = guests(files=False).open(f"{LINK}&room=unplugged")
    guest.record()
    guest.wait_until("0:02")

    os.kill(service(tmp_path, process), signal.SIGKILL)

    expect(guest.id("notice").filter(has_text=f"The {kind} was gone and is back")).to_be_visible()
    guest.wait_until("0:08")
    assert not any(sentence.startswith(f"The {kind} is gone") for sentence in guest.notices())
    guest.stop()
    guest.complaints.clear()  # the browser's own words about its killed process
    expect(guest.id("take").first).to_have_attribute("data-state", "finished")
    log = guest.log()
    kept = [guest.take_away(path, tmp_path / "kept") for path in guest.files(len(log["parts"]))]
    assert [decode_errors(path) for path in kept] == [""] * len(kept)
    assert kinds(kept[-1]) == ["audio", "video"]
    assert max(samples(kept[-1])[0]) > 0.01, "there is sound again"
    total_ms = sum(part["duration_ms"] - part["overlap_before_ms"] for part in log["parts"])
    missing_ms = sum(part["gap_before_ms"] for part in log["parts"])
    assert total_ms == pytest.approx(8000, abs=1500)
    assert missing_ms < 2500
    assert ("s missing" in guest.id("take").first.inner_text()) is (missing_ms > 0), log["parts"]


CAMERA_ENDS = """async () => {
  const canvas = document.createElement("canvas");
  const paint = () => canvas.getContext("2d").fillRect(0, 0, 1, 1);
  canvas.getContext("2d");
  const [camera] = canvas.captureStream().getVideoTracks();
  const track = new MediaStreamTrackGenerator({kind: "video"});
  const rule = trustedTypes.createPolicy("test", {createScriptURL: (url) => url});
  const worker = new Worker(rule.createScriptURL("static/frames.js"));
  const ends = [new MediaStreamTrackProcessor({track: camera}).readable, track.writable];
  const first = new Promise((resolve) => (worker.onmessage = resolve));
  worker.postMessage({readable: ends[0], writable: ends[1]}, ends);
  const painting = setInterval(paint, 30);
  await first;
  clearInterval(painting);
  const drained = new Promise((resolve) => (worker.onmessage = ({data}) => data.drained && resolve()));
  camera.stop();
  const states = [];
  const until = performance.now() + 500;
  while (performance.now() < until) {
    worker.postMessage({answer: true});  // wakes it
    states.push(track.readyState);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  worker.postMessage({drain: true});
  await drained;
  worker.terminate();
  return [...new Set(states)];
}"""


def test_a_camera_that_ends_does_not_end_the_track_that_is_recorded(guest: Guest) -> None:
    guest.open(LINK)

    assert guest.page.evaluate(CAMERA_ENDS) == ["live"]
