"""Hasty hands: no state in which the button lies, and no take is lost."""

from __future__ import annotations

from playwright.sync_api import expect

from faults.choice import in_both
from faults.scene import PATIENCE_S, Scene
from waiting import wait_for

TWICE = """async () => {
    const button = document.querySelector("[data-testid=record]"), was = button.dataset.state;
    button.click();
    button.click();
    while (button.dataset.state === was) await new Promise(requestAnimationFrame); // until the first is seen
}"""


@in_both
def test_a_double_click_starts_one_recording(scene: Scene) -> None:
    scene.open()
    before = scene.guest.id("take").count()

    scene.guest.id("record").dblclick()
    expect(scene.guest.id("record")).to_have_attribute("data-state", "recording")
    scene.recorded_for(1000)
    scene.stop()

    expect(scene.guest.id("take")).to_have_count(before + 1)
    scene.row("finished")


@in_both
def test_a_stop_while_it_starts_is_no_lie(scene: Scene) -> None:
    scene.open()

    scene.page.evaluate(TWICE)

    settled(scene)


@in_both
def test_a_start_while_it_stops_loses_nothing(scene: Scene) -> None:
    scene.record(2)

    scene.page.evaluate(TWICE)

    settled(scene)


@in_both
def test_a_reload_right_after_stop_keeps_the_take(scene: Scene) -> None:
    scene.record(2)
    before = scene.guest.log()["id"]

    scene.page.evaluate("document.querySelector('[data-testid=record]').click()")
    scene.page.reload()

    row = scene.guest.id("take").first
    wait_for(lambda: row.get_attribute("data-state") in ("finished", "recovered"), "it is there", PATIENCE_S)
    assert row.get_attribute("data-take") == before
    expect(row.get_by_test_id("save")).to_be_visible()
    expect(scene.guest.id("record")).to_have_attribute("data-state", "idle")


@in_both
def test_a_take_left_behind_is_recovered_once_by_two_tabs_at_once(scene: Scene) -> None:
    scene.record(2)
    scene.page.close()
    scene.new_tab()
    first = scene.guest.page
    scene.new_tab()
    second = scene.guest.page

    for page in (first, second):
        page.goto(f"{scene.guest.base_url}/{scene.link}", wait_until="commit")

    for page in (first, second):
        scene.guest.page = page
        row = scene.guest.id("take").first
        expect(row).to_have_attribute("data-state", "recovered", timeout=PATIENCE_S * 1000)
        assert scene.guest.id("notice").filter(has_text="wrong").count() == 0
        assert scene.guest.id("notice").filter(has_text="could not").count() == 0


def settled(scene: Scene) -> None:
    """Whatever was pressed: the button says what is true, stops what runs, and the take is there."""
    button, tally = scene.guest.id("record"), scene.guest.id("tally")
    wait_for(
        lambda: button.get_attribute("data-state") in ("idle", "recording"), "the state settles", PATIENCE_S
    )
    wait_for(
        lambda: (button.get_attribute("data-state") == "recording") == tally.is_visible(), "the tally agrees"
    )
    if button.get_attribute("data-state") == "recording":
        scene.recorded_for(1000)
        scene.stop()
    expect(tally).to_be_hidden()
    scene.row("finished")
