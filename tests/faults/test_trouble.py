"""The page itself is in trouble while it records: the take goes on."""

from __future__ import annotations

from playwright.sync_api import expect

from faults.choice import in_both, in_both_always
from faults.report import Row
from faults.scene import Scene
from faults.verdict import judge

AFTER_MS = 3000
BLOCK_MS = 10_000
BLOCK = """(ms) => { const until = performance.now() + ms; while (performance.now() < until); }"""
BREAK_A_DRAWING = """() => Object.defineProperty(document.querySelector("[data-testid=bytes]"), "textContent", {
    get() { return "" }, set() { throw new Error("This element is broken.") } })"""


@in_both_always
def test_recording_survives_a_blocked_page(scene: Scene, report: list[Row]) -> None:
    elapsed_ms = scene.record()

    scene.page.evaluate(BLOCK, BLOCK_MS)
    scene.recorded_for(elapsed_ms + BLOCK_MS + AFTER_MS)
    elapsed_ms = scene.stop()

    found = judge(scene, report, "main thread blocked for 10 s", elapsed_ms, state="finished")
    assert not found.hole_ms, "No picture of that time may be missing."


@in_both
def test_recording_survives_a_page_that_cannot_draw(scene: Scene, report: list[Row]) -> None:
    elapsed_ms = scene.record()

    scene.page.evaluate(BREAK_A_DRAWING)
    scene.told("This element is broken")
    scene.recorded_for(elapsed_ms + AFTER_MS)
    elapsed_ms = scene.stop()

    judge(scene, report, "Python raises while the page draws", elapsed_ms, state="finished")


@in_both
def test_recording_survives_a_shelf_that_cannot_be_drawn(scene: Scene, report: list[Row]) -> None:
    scene.open()
    scene.page.evaluate("document.querySelector('#take-template').remove()")

    scene.guest.record()
    scene.told("Something went wrong")
    scene.recorded_for(AFTER_MS)
    elapsed_ms = scene.stop()
    expect(scene.guest.id("tally")).to_be_hidden()
    scene.page.reload()

    judge(scene, report, "Python raises while the shelf is drawn", elapsed_ms, state="finished")
