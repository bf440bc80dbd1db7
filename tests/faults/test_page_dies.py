"""The page goes while it records: what was recorded is on the shelf at the next visit."""

from __future__ import annotations

from playwright.sync_api import expect

from faults import provoke
from faults.choice import in_both, in_both_always
from faults.report import Row
from faults.scene import UNFINISHED, Scene
from faults.verdict import judge
from waiting import wait_for


@in_both
def test_recording_survives_a_crashed_tab(scene: Scene, report: list[Row]) -> None:
    elapsed_ms = scene.record()

    provoke.crash(scene)
    scene.page.close()
    scene.reopen()

    judge(scene, report, "tab crash", elapsed_ms)
    scene.told("not finished", "list below")


@in_both_always
def test_recording_survives_a_closed_tab(scene: Scene, report: list[Row]) -> None:
    elapsed_ms = scene.record()

    scene.page.close()
    scene.reopen()

    judge(scene, report, "tab closed", elapsed_ms)


@in_both
def test_recording_survives_a_reload(scene: Scene, report: list[Row]) -> None:
    elapsed_ms = scene.record()

    scene.page.reload()

    judge(scene, report, "page reloaded", elapsed_ms)
    expect(scene.guest.id("record")).to_have_attribute("data-state", "idle")


@in_both
def test_recording_survives_going_back_and_forward(scene: Scene, report: list[Row]) -> None:
    elapsed_ms = scene.record()

    scene.page.goto(f"{scene.guest.base_url}/healthz")
    scene.page.go_back()

    judge(scene, report, "back and forward", elapsed_ms)
    expect(scene.guest.id("record")).to_have_attribute("data-state", "idle")
    expect(scene.guest.id("tally")).to_be_hidden()


@in_both
def test_a_take_that_another_tab_is_recording_is_left_alone(scene: Scene, report: list[Row]) -> None:
    scene.record(1)
    first = scene.page
    scene.new_tab()
    scene.open()
    second = scene.page
    other_row = scene.row("recording")
    expect(other_row.get_by_test_id("save")).to_be_hidden()

    scene.guest.record()
    second_ms = scene.recorded_for(2000)
    second_ms = scene.stop()
    scene.guest.page = first
    first_ms = scene.stop()

    wait_for(lambda: not [p for p in scene.downloads.iterdir() if p.suffix in UNFINISHED], "all is there")
    scene.page.close()
    scene.guest.page = second
    second.reload()
    judge(scene, report, "two tabs record (the later one)", second_ms, state="finished")
    scene.open()
    older = scene.guest.id("take").nth(1)
    expect(older).to_have_attribute("data-state", "finished")
    assert first_ms > second_ms
