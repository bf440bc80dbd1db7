"""Picture against sound: a flash and a beep that a page gave at known times lie as far apart in a guest's film."""

from __future__ import annotations

import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from browsers import Preferences, opened_firefox
from faults.choice import in_the_long_form
from guest import Guest
from media_tools import beeps
from media_tools import run as run_program
from rolltape.room.session_file import Report, session_json

ELAPSED = "0:30"
FPS = 30
WITHIN_S = 0.5 / FPS + 0.005
"""Half a frame, which the film's own rate makes, and 5 ms."""
QUICK_SCREEN: Preferences = {"layout.frame_rate": 240}
"""Firefox stamps what is drawn on a canvas by a tick of its screen, up to one too early; so these are short."""
PERIOD_S = 1.013
"""From a flash to the next, and from a beep: no whole number of frames, nor of a browser's buffers."""
SETTLED_S = 3.0
LINK = "record=3000&width=320&height=180&fps=30&room=lips&label=Ada"

# A camera that flashes and a microphone that beeps, each once a second, and when, by the page's clock. A picture is
# taken when it is drawn; sound is given to the recorder as it is rendered, some milliseconds before a loudspeaker.
SOURCE = """(() => {
  const given = (window.given = { flashes: [], began: 0, ahead: {} });
  const picture = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const pen = canvas.getContext("2d");
    const stream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks();
    const taken = track.requestFrame ? track : stream; // in Firefox it is the stream that is asked
    let [lit, frame, due] = [false, 0, 0];
    const draw = (tick) => {
      requestAnimationFrame(draw);
      const now = taken === stream ? tick : performance.now();
      if (now < due - 2) return;
      due = Math.max(due + 1000 / 30, now);
      frame++;
      const bright = now % 1013 < 200;
      pen.fillStyle = bright ? "#fff" : "#000";
      pen.fillRect(0, 0, 320, 180);
      pen.fillStyle = "#888";
      pen.fillRect(frame % 300, 170, 20, 10);
      taken.requestFrame();
      if (bright && !lit) given.flashes.push(now);
      lit = bright;
    };
    requestAnimationFrame(draw);
    return track;
  };
  const sound = () => {
    const context = new AudioContext({ sampleRate: 48000 });
    addEventListener("click", () => context.resume());
    const to = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    const period = context.createBuffer(1, 48624, 48000); // 1.013 s
    period.getChannelData(0).subarray(0, 2400).forEach((_, at, all) => (all[at] = 0.6 * Math.sin(Math.PI * at / 24)));
    const beeps = new AudioBufferSourceNode(context, { buffer: period, loop: true });
    beeps.connect(to);
    beeps.start((given.began = 0.5));
    setInterval(() => {
      const [now, second] = [performance.now(), Math.floor(performance.now() / 1000)];
      given.ahead[second] = Math.min(given.ahead[second] ?? Infinity, now - 1000 * context.currentTime);
    }, 1);
    return to.stream.getAudioTracks()[0];
  };
  let tracks;
  if (!navigator.mediaDevices) return;
  navigator.mediaDevices.getUserMedia = async (wish) => {
    tracks ??= [picture(), sound()];
    const wanted = tracks.filter((one) => wish[one.kind]);
    return new MediaStream(wanted.map((one) => one.clone()));
  };
})()"""


def flashes_in(film: Path) -> list[float]:
    """When each begins, in seconds."""
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(film),
        "-vf",
        "scale=1:1,format=gray",
        "-f",
        "rawvideo",
        "-",
    ]
    levels = subprocess.run(command, capture_output=True, check=True).stdout
    return [at / FPS for at in range(1, len(levels)) if levels[at] > 100 >= levels[at - 1]]


def misses(shown: list[float], given: dict[str, Any], heard: list[float]) -> list[float]:
    """By how much each flash of a film that is `shown` is late against the sound; all in seconds.

    Each is compared with the beep before it. Which of the flashes that were given it was nobody says, so the best of
    the assignments that differ by whole flashes is taken; a film that is whole periods off would not be seen.
    """
    after_given = [_after_beep(page_ms / 1000, given) for page_ms in given["flashes"]]
    after_heard = [one - max(beep for beep in heard if beep < one) for one in shown if one > heard[0]]
    first = len(shown) - len(after_heard)
    found: list[list[float]] = []
    for shift in range(first, len(after_given) - len(after_heard) + 1):
        late = [film - page for film, page in zip(after_heard, after_given[shift:], strict=False)]
        found.append([(one + PERIOD_S / 2) % PERIOD_S - PERIOD_S / 2 for one in late])
    return min(found, key=lambda late: max(late) - min(late))


def _after_beep(page_s: float, given: dict[str, Any]) -> float:
    """How long before this moment of the page's clock a beep was given; the clock of sound is read each second."""
    return page_s - float(given["ahead"][str(int(page_s))]) / 1000 - float(given["began"])


@in_the_long_form
@pytest.mark.parametrize(
    ("browser", "format"),
    [
        ("Chromium", "recordcodec=vp8"),
        ("Chromium", "recordcodec=h264"),
        ("Chromium", "recordcodec=vp8&pcm=1"),
        ("Firefox", "recordcodec=vp8"),
    ],
)
def test_a_flash_lies_where_it_was_against_the_sound(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    sound_server: str,
    tmp_path: Path,
    browser: str,
    format: str,
) -> None:
    session = tmp_path / "session"
    session.mkdir()
    with ExitStack() as opened:
        if browser == "Firefox":
            environment = {"PULSE_SERVER": sound_server}
            guest = opened.enter_context(
                opened_firefox(playwright, settings, base_url, tmp_path, environment, QUICK_SCREEN)
            )
        else:
            (tmp_path / "downloads").mkdir()
            context = opened.enter_context(
                playwright.chromium.launch_persistent_context(
                    str(tmp_path / "profile"), **settings["chromium_launch"]()
                )
            )
            guest = Guest(context, base_url, tmp_path / "downloads", settings["READY_TIMEOUT_MS"])
        guest.page.add_init_script(SOURCE)
        guest.open(f"?{LINK}&{format}")
        guest.id("join").click()
        expect(guest.id("where")).to_contain_text("lets you in")
        guest.record()
        guest.wait_until(ELAPSED)
        given = guest.page.evaluate("window.given")
        guest.stop()
        take = guest.newest()
        report = Report("ada", take, clock=guest.clock())
        for path in guest.files(len(take.kept_parts)):
            path.rename(session / path.name)
    (session / "session.json").write_text(session_json("lips", [report]))
    run_program(
        *(sys.executable, "-m", "rolltape", "tracks", session, "--project", "none", "--fps", str(FPS))
    )

    shown, heard = flashes_in(session / "tracks" / "Ada.mp4"), beeps(session / "tracks" / "Ada.wav")
    settled = [[one for one in found if one > SETTLED_S] for found in (shown, heard)]
    late = misses(settled[0], given, settled[1])
    told = " ".join(f"{1000 * one:.0f}" for one in late)
    print(f"{browser} {format}: {statistics.median(late) * 1000:.1f} ms late in the middle; {told}")
    assert len(late) > 20
    assert max(map(abs, late)) <= WITHIN_S
