"""The checks before a recording, and the verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rolltape.recording.preflight import CheckState, Known, browser_can, readiness
from rolltape.recording.save_permission import Saving

READY = Known(
    opened=True,
    camera=True,
    microphone=True,
    heard=True,
    format_found=True,
    downloads=True,
    journal=True,
    minutes_left=200,
)


def states(known: Known) -> dict[str, str]:
    return {check.name: str(check.state) for check in readiness(known).checks}


def test_all_is_well() -> None:
    found = readiness(READY)

    assert (found.state, found.verdict, found.can_test) == (CheckState.OK, "Ready to record.", True)
    assert set(states(READY).values()) == {"ok"}


@pytest.mark.parametrize(
    ("known", "marked", "state", "verdict"),
    [
        (Known(), {}, "wait", "Looking for camera and microphone … If the browser asks, answer “Allow”."),
        (
            replace(READY, heard=False),
            {"heard": "wait"},
            "warning",
            "Ready, but nothing was heard yet: say something.",
        ),
        (replace(READY, heard=None), {"heard": "warning"}, "warning", "marked"),
        (replace(READY, camera=False), {"granted": "warning"}, "warning", "marked"),
        (replace(READY, camera=None), {}, "ok", "Ready to record"),
        (replace(READY, microphone=False), {"granted": "warning", "heard": "warning"}, "warning", "marked"),
        (
            replace(READY, camera=False, microphone=False),
            {"granted": "bad"},
            "bad",
            "There is neither camera nor microphone to record.",
        ),
        (replace(READY, camera=None, microphone=None), {"granted": "bad"}, "bad", "neither camera"),
        (replace(READY, format_found=False), {"codec": "bad"}, "bad", "Nothing of what is there can"),
        (replace(READY, downloads=False), {"destination": "warning"}, "warning", "marked"),
        (replace(READY, journal=False), {"destination": "warning"}, "warning", "marked"),
        (
            replace(READY, downloads=False, journal=False),
            {"destination": "bad"},
            "bad",
            "There is nowhere to write a recording to.",
        ),
        (replace(READY, minutes_left=29), {"space": "warning"}, "warning", "marked"),
        (replace(READY, minutes_left=None), {"space": "wait"}, "ok", "Ready to record"),
        (replace(READY, minutes_left=None, journal=False), {"space": "warning"}, "warning", "marked"),
        (replace(READY, refused=True), {}, "bad", "does not allow"),
        (replace(READY, saving=Saving.UNKNOWN), {"saving": "wait"}, "ok", "Ready to record"),
        (
            replace(READY, saving=Saving.UNKNOWN, directed=True),
            {"saving": "warning"},
            "warning",
            "Ready, but the browser may ask before it saves another file: press “Ask now”.",
        ),
        (replace(READY, saving=Saving.ASKS), {"saving": "warning"}, "warning", "Ask now"),
        (replace(READY, saving=Saving.ASKING), {"saving": "warning"}, "warning", "marked"),
        (replace(READY, saving=Saving.REFUSED), {"saving": "warning"}, "warning", "marked"),
    ],
)
def test_what_stands_in_the_way_is_marked_and_said(
    known: Known, marked: dict[str, str], state: str, verdict: str
) -> None:
    found = readiness(known)

    assert found.state == state
    assert verdict in found.verdict
    assert found.can_test is (state not in ("bad", "wait"))
    for name, value in marked.items():
        assert states(known)[name] == value


def test_a_browser_says_what_it_records() -> None:
    firefox = {"video/webm;codecs=vp8,opus", "audio/webm;codecs=opus"}

    assert browser_can(lambda mime: True) == (
        "VP8, H.264, VP9 and AV1. Keep this tab open until the recording is finished."
    )
    assert browser_can(firefox.__contains__).startswith("only VP8.")
    assert browser_can(lambda mime: "mp4" in mime and "avc1" in mime).startswith("only H.264 in MP4.")
    assert browser_can(lambda mime: mime == "video/webm").startswith("only a codec of its own choice.")
    assert browser_can(lambda mime: "matroska" in mime).startswith("VP8, H.264, VP9 and AV1.")
    assert browser_can(lambda mime: mime.startswith("audio/mp4")) == "no pictures"
    assert browser_can(lambda mime: mime.startswith("audio")) == "no pictures"
    assert browser_can(lambda mime: False) == "nothing"


def test_before_python_runs_the_page_says_the_same() -> None:
    page = (Path(__file__).parents[2] / "index.html").read_text()

    assert f">{readiness(Known()).verdict}</p>" in page
