"""Camera, microphone or sound go away while the page records: the take goes on with what is alive."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from faults import provoke
from faults.choice import in_both, in_both_always, in_firefox
from faults.conftest import Scenes
from faults.report import Row
from faults.scene import PATIENCE_S, Scene
from faults.verdict import judge
from rolltape.pages.guest.devices import UNMUTED
from sound import opened_sound
from waiting import wait_for

AFTER_MS = 5000
KEEP_CONTEXTS = """window.graphs = []; window.AudioContext = class extends AudioContext {
    constructor(...given) { super(...given); window.graphs.push(this); } };"""
DEVICES = {"camera": provoke.CAMERA, "microphone": provoke.MICROPHONE}


@pytest.mark.parametrize("device", ["camera", "microphone"])
def test_recording_survives_a_device_that_dies(scenes: Scenes, report: list[Row], device: str) -> None:
    scene = scenes()
    elapsed_ms = scene.record()

    scene.kill_service(DEVICES[device])
    scene.recorded_for(elapsed_ms + AFTER_MS)
    scene.told(device)
    elapsed_ms = scene.stop()

    judge(scene, report, f"{device} dies", elapsed_ms, state="finished", parts=parts(scene))


@in_both
def test_recording_survives_both_devices_dying(scenes: Scenes, report: list[Row]) -> None:
    scene = scenes()
    elapsed_ms = scene.record()

    provoke.lose_devices(scene)

    judge_end(scene, report, "camera and microphone die", elapsed_ms)


@in_both_always
def test_recording_survives_a_camera_that_is_muted_and_comes_back(scenes: Scenes, report: list[Row]) -> None:
    scene = scenes()
    elapsed_ms = scene.record()

    unmute = provoke.mute_camera(scene)
    scene.told("The camera gives no pictures")
    scene.recorded_for(elapsed_ms + AFTER_MS)
    unmute()
    expect(scene.guest.id("notice").filter(has_text="The camera gives no pictures")).to_have_count(0)
    wait_for(lambda: scene.guest.log()["parts"][-1]["reason"] == UNMUTED, "pictures are recorded again")
    scene.recorded_for(scene.elapsed_ms() + AFTER_MS / 2)
    elapsed_ms = scene.stop()

    judge(scene, report, "camera muted, and back", elapsed_ms, state="finished", parts=parts(scene))
    reasons = [part["reason"] for part in scene.guest.log()["parts"] if part["bytes"]]
    assert reasons[0] == "" and reasons[-1] == UNMUTED and len(reasons) == 3


@in_firefox
def test_recording_survives_both_being_muted(scenes: Scenes, report: list[Row]) -> None:
    scene = scenes()
    elapsed_ms = scene.record()

    unmute = provoke.mute_both(scene)
    scene.told("Nothing of you is recorded now")
    scene.recorded_for(elapsed_ms + AFTER_MS)
    unmute()
    expect(scene.guest.id("notice").filter(has_text="Nothing of you is recorded now")).to_have_count(0)
    wait_for(lambda: scene.guest.log()["parts"][-1]["reason"] == UNMUTED, "pictures are recorded again")
    scene.recorded_for(scene.elapsed_ms() + AFTER_MS / 2)
    elapsed_ms = scene.stop()

    judge(
        scene,
        report,
        "camera and microphone muted, and back",
        elapsed_ms,
        state="finished",
        parts=parts(scene),
    )


@in_both
def test_recording_survives_a_suspended_audio_context(scenes: Scenes, report: list[Row]) -> None:
    scene = scenes()
    scene.page.add_init_script(KEEP_CONTEXTS)
    elapsed_ms = scene.record()

    scene.page.evaluate("window.graphs.at(-1).suspend()")
    scene.recorded_for(elapsed_ms + AFTER_MS)
    elapsed_ms = scene.stop()

    judge(scene, report, "AudioContext suspended", elapsed_ms, state="finished", parts=parts(scene))


@in_both
def test_recording_survives_a_permission_that_is_withdrawn(scenes: Scenes, report: list[Row]) -> None:
    scene = scenes(allowed=False)
    withdraw = provoke.permission(scene)
    elapsed_ms = scene.record()

    withdraw()
    scene.told("The recording has stopped", "Camera and microphone are gone")
    expect(scene.guest.id("record")).to_have_attribute("data-state", "idle")
    expect(scene.guest.id("tally")).to_be_hidden()
    judge(scene, report, "permission withdrawn", elapsed_ms, state="finished", parts=parts(scene))


@in_firefox
def test_recording_survives_sound_hardware_that_dies(
    scenes: Scenes, report: list[Row], tmp_path: Path
) -> None:
    with opened_sound(tmp_path) as sound:
        scene = scenes(sound=sound.address)
        elapsed_ms = scene.record()

        sound.process.kill()
        scene.recorded_for(elapsed_ms + AFTER_MS)
        elapsed_ms = scene.stop()

        judge(scene, report, "sound server killed", elapsed_ms, state="finished", parts=parts(scene))


def judge_end(scene: Scene, report: list[Row], fault: str, elapsed_ms: int) -> None:
    """Nothing is left to record: the take goes on with what comes back, or ends by itself; both are said."""
    button = scene.guest.id("record")

    def decided() -> bool:
        return button.get_attribute("data-state") == "idle" or scene.elapsed_ms() >= elapsed_ms + AFTER_MS

    wait_for(decided, "the take has gone on or is over", PATIENCE_S)
    scene.told("camera")
    if button.get_attribute("data-state") == "recording":
        elapsed_ms = scene.stop()
    expect(scene.guest.id("tally")).to_be_hidden()

    judge(scene, report, fault, elapsed_ms, state="finished", parts=parts(scene))


def parts(scene: Scene) -> int:
    """How many parts of the newest take hold something."""
    return sum(1 for part in scene.guest.log()["parts"] if part["bytes"])
