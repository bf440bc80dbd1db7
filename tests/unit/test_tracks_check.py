"""What a session file says of clocks, and what `rolltape tracks --check` prints of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rolltape.__main__ import main
from rolltape.core.clock import Reading
from rolltape.media.webm import WebmStream
from rolltape.media.webm_tags import CLOCK_TAG, tags
from rolltape.recording.clock_log import ClockLog, Mark, SoundPath, TrackFacts
from rolltape.recording.take import Part, Take, TakeState
from rolltape.room.session_file import Report, session_json
from rolltape.tracks.check import checked, told

DATA = Path(__file__).resolve().parents[1] / "data"
T0 = 1_764_000_000_000
PAGE_PPM, SOUND_PPM = 30.0, 80.0
TAKE = Take(
    "1",
    1,
    "Ada_studio_take1",
    T0,
    label="Ada",
    mime_type="audio/webm;codecs=opus",
    parts=(Part(1, "part1", 1000, 600_000),),
    state=TakeState.FINISHED,
    room_started_at_ms=T0 + 5000,
    room_error_ms=9,
)


def clock(lost_ms: float = 0.0) -> ClockLog:
    """Ten minutes of a page that runs 30 ppm fast and a microphone that runs 80 ppm fast against it."""
    room_rate = 1 / (1 + PAGE_PPM * 1e-6)
    readings = tuple(
        Reading(at, at + 20, T0 + (at + 10) * room_rate)
        for at in (float(each) for each in range(0, 600_000, 2500))
    )
    marks = tuple(
        Mark(
            1,
            5000 + at * 10_000.0,
            round((at * 10_000 * (1 + SOUND_PPM * 1e-6) - (lost_ms if at >= 30 else 0)) * 48),
        )
        for at in range(60)
    )
    facts = TrackFacts(1, 5000.0, "audio/webm;codecs=opus", SoundPath("track", 10.0, 48_000))
    return ClockLog("Chromium 156", (facts,), readings, marks)


def session(*reports: Report) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(session_json("studio", reports))
    return plain


def test_a_session_says_how_each_page_s_clock_and_sound_ran() -> None:
    plain = session(Report("ada", TAKE, clock=clock(350.0)))
    (take,) = plain["takes"]
    (part,) = take["parts"]

    assert plain["version"] == 2
    line = take["clock"]["to_room"]
    assert line["ppm"] == pytest.approx(-PAGE_PPM, abs=0.1) and 10 <= line["bound_ms"] < 11
    assert take["clock"]["browser"] == "Chromium 156" and len(take["clock"]["marks"]) == 60
    first, second = part["runs"]
    assert (first["at_ms"], first["lost_before_ms"]) == (pytest.approx(0, abs=0.5), 0)
    assert first["ppm"] == pytest.approx(SOUND_PPM, abs=1) == second["ppm"]
    assert second["lost_before_ms"] == pytest.approx(350, abs=1)
    assert second["room_ms"] == pytest.approx(T0 + 305_000 / (1 + PAGE_PPM * 1e-6), abs=1)


def test_a_take_without_clocks_says_so() -> None:
    (take,) = session(Report("ada", TAKE))["takes"]

    assert take["clock"] is None and take["parts"][0]["runs"] == []


def test_it_prints_drift_losses_residual_and_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "studio_session.json").write_text(
        session_json("studio", [Report("ada", TAKE, clock=clock(350.0))])
    )

    assert main(["tracks", "--check", str(tmp_path)]) == 0

    page, sound, lost = capsys.readouterr().out.splitlines()
    assert page.startswith(
        "Ada, Ada_studio_take1: the page's clock runs +30.0 ppm against the room's, to within 10."
    )
    assert "(240 readings)" in page
    assert "the sound runs +80." in sound and "by its page's marks." in sound
    assert lost == "    350 ms are lost at 300.0 s."


@pytest.mark.parametrize(
    ("name", "by"),
    [("chromium-opus.webm", "file"), ("chromium-pcm.webm", "file"), ("firefox-opus.webm", "marks")],
)
def test_chromium_s_stamps_tell_and_firefox_s_count(tmp_path: Path, name: str, by: str) -> None:
    shutil.copy(DATA / name, tmp_path / "Ada_studio_take1.webm")
    (tmp_path / "session.json").write_text(session_json("studio", [Report("ada", TAKE, clock=clock())]))

    (take,) = checked(tmp_path)
    (part,) = take.parts

    assert part.by == by and part.runs and len(told([take])) >= 2


def test_a_session_of_version_1_is_read(tmp_path: Path) -> None:
    plain = session(Report("ada", TAKE))
    plain["version"] = 1
    del plain["takes"][0]["clock"], plain["takes"][0]["parts"][0]["runs"]
    (tmp_path / "old.json").write_text(json.dumps(plain))

    assert told(checked(tmp_path)) == [
        "Ada, Ada_studio_take1: no room's clock was noted.",
        "  Ada_studio_take1.webm: neither the file nor its page tells of the sound's clock.",
    ]


@pytest.mark.parametrize(("name", "by"), [("chromium-opus.webm", "file"), ("firefox-opus.webm", "marks")])
def test_where_the_session_file_has_no_clocks_the_takes_own_file_tells_them(
    tmp_path: Path, name: str, by: str
) -> None:
    test_a_session_of_version_1_is_read(tmp_path)
    stream = WebmStream("Rolltape 0")
    data = stream.feed((DATA / name).read_bytes())
    ending = stream.finish(tags(CLOCK_TAG, clock().told_by(1)))
    file = bytearray(data[: ending.truncate_to] + ending.append)
    for patch in ending.patches:
        file[patch.offset : patch.offset + len(patch.data)] = patch.data
    (tmp_path / "Ada_studio_take1.webm").write_bytes(file)

    (take,) = checked(tmp_path)

    assert take.line is not None and abs(take.line.ppm + PAGE_PPM) < 0.1 and take.parts[0].by == by
    if by == "marks":
        assert abs(take.parts[0].runs[0].ppm - SOUND_PPM) < 0.1
    (tmp_path / "Ada_studio_take1.webm").write_bytes(bytes(file).replace(b"readings", b"readinfs"))
    assert checked(tmp_path)[0].line is None, "what makes no sense tells nothing"


@pytest.mark.parametrize(
    "text", ["", "{}", '{"format":"rolltape-session","takes":[{"name":"x","clock":{"readings":[["a"]]}}]}']
)
def test_what_is_no_session_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "session.json").write_text(text)

    assert main(["tracks", "--check", str(tmp_path)]) == 1
    assert "cannot be read" in capsys.readouterr().err
