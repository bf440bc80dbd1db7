"""A tab that is left while it sends: its service worker goes on, and the next visit sends what that could not.

In a real window, since a driver's eye on a service worker keeps it alive for longer than the browser would.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from at_host import JOURNAL, arrived
from faults.choice import IS_LONG, in_both
from link_between import LinkBetween, link_between
from media_tools import make_noise
from real_browsers import RealChromium, RealFirefox
from real_window import RealWindow, opened_display
from rooms import Server
from waiting import wait_for

SMALL = "record=2500&width=320&height=180&fps=15&recordcodec=vp8"
LARGE = {"Chromium": "record=40000&recordcodec=h264", "Firefox": "record=20000&recordcodec=vp8"}
GOES_ON_S = {"Chromium": 180.0, "Firefox": 60.0} if IS_LONG else {"Chromium": 12.0}
"""So long it has to be seen to send after the tab is gone."""
LEFT = 20_000_000 if IS_LONG else 300_000
"""Bytes that are not sent by then, of a browser whose made-up picture can be exchanged."""
STANDS_S = 30.0
TRICKLE = 4_000
"""Bytes a second while it records: next to nothing of it is sent."""


def opened(browser: str, folder: Path, display: str, sound_server: str) -> RealWindow:
    """A window whose camera and microphone are allowed, or soon asked for."""
    if browser == "Firefox":
        return RealFirefox(folder / "window", display, environment={"PULSE_SERVER": sound_server})
    picture = f"--use-file-for-fake-video-capture={make_noise(folder / 'noise.mjpeg')}"
    return RealChromium(folder / "window", display, ["--use-fake-ui-for-media-stream", picture])


def goes_on_s(link: LinkBetween, enough_s: float) -> float:
    """For how many seconds from now more is sent; looked at until these are enough, or none is for a while."""
    began = grown = time.monotonic()
    seen = link.up

    def is_seen() -> bool:
        nonlocal grown, seen
        now = time.monotonic()
        if link.up > seen:
            seen, grown = link.up, now
        return grown - began >= enough_s or now - grown >= STANDS_S

    wait_for(is_seen, "it is known for how long it goes on", enough_s + 2 * STANDS_S)
    return grown - began


@in_both
def test_when_the_tab_is_left_it_is_sent_on_for_a_while_and_the_rest_at_the_next_visit(
    browser: str, server: Server, sound_server: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        link = stack.enter_context(link_between(server.port, holds=2))
        window = opened(browser, tmp_path, stack.enter_context(opened_display()), sound_server)
        stack.callback(window.close)
        query, _, secret = server.links()["Guest"].partition("?")[2].partition("#")
        room = query.partition("&")[0]
        page = (
            f"http://localhost:{link.port}/?{room}&label=Ada&{LARGE[browser] if IS_LONG else SMALL}#{secret}"
        )
        window.open(page)
        if isinstance(window, RealFirefox):
            window.allow_devices()
        window.press("join")
        window.wait("document.querySelector('[data-testid=check-upload]').checkVisibility()", "it is offered")
        link.up_bytes_per_s = TRICKLE
        window.record(15 if IS_LONG else 5)
        written = "Number(document.querySelector('[data-testid=bytes]').value)"
        if browser == "Chromium":
            window.wait(f"{written} > {LEFT}", "so much is recorded", 60)
        window.stop()
        recorded = int(window.value(written))
        link.up_bytes_per_s = max(TRICKLE, (recorded - link.up) / GOES_ON_S[browser] / 1.5)
        whole = window.value(f"({JOURNAL})('part1')")

        window.leave()
        went_on_s = goes_on_s(link, GOES_ON_S[browser])

        print(f"{browser}: {recorded} B, {link.up_bytes_per_s:.0f} B/s, sent for {went_on_s:.0f} s more")
        assert went_on_s >= GOES_ON_S[browser]
        assert not arrived(tmp_path / "takes"), "it was to take longer"
        link.up_bytes_per_s = 0
        window.open(page)
        wait_for(lambda: arrived(tmp_path / "takes") == [whole], "all of it is at the host", 60)
