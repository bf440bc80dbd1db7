"""The report as a page: it says what the report does, runs nothing, and no name becomes markup."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av
from hypothesis import given, settings
from hypothesis import strategies as st

from rolltape.__main__ import main
from rolltape.tracks.report_page import report_page
from unit.synthetic_session import beeps, filmed, matroska, report, write_session


def of(**file: Any) -> dict[str, Any]:
    """A report of one guest's one file."""
    told = {
        "file": "Ada.webm",
        "take": "Ada_take1",
        "to_room": {"ppm": -24.0, "bound_ms": 11.5, "readings": 40},
        "by": "stamps",
        "late_ms": 46.5,
        "undecodable_s": 0.0,
        "runs": [
            {"at_s": 0.0, "ppm": 80.0, "residual_ms": 0.42, "lost_before_ms": 0.0},
            {"at_s": 50.0, "ppm": 80.0, "residual_ms": 0.1, "lost_before_ms": 20.0},
        ],
    } | file
    piece = {"file": told["file"], "at_s": 0.0, "length_s": 100.0, "in_file_s": 0.0, "resampled_ppm": 56.0}
    silence = {"at_s": 100.0, "length_s": 12.5}
    track = {"name": "Ada", "files": [told], "pieces": [piece], "silences": [silence]}
    return {
        "began": "2026-03-01T09:05:07.120+01:00",
        "samples": 5_424_000,
        "rate_hz": 48_000,
        "missing": [],
        "tracks": [track],
    }


def words(page: str) -> str:
    body = page.partition("</style>")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def elements(page: str) -> list[str]:
    """The names of all elements; reading it as XML shows that they are closed where they should be."""
    markup = re.sub(r"<meta ([^>]*)>", r"<meta \1/>", page.replace("<!doctype html>", ""))
    return [one.tag for one in ElementTree.fromstring(markup).iter()]


def test_drift_losses_residual_and_bound_are_told() -> None:
    said = words(report_page(of(), {}))
    for sentence in (
        "+80.0 millionths, by its own time stamps",
        "0.42 ms at most (residual)",
        "+24.0 millionths, by 40 readings",
        "11.5 ms (bound)",
        "20 ms in 1 place",
        "Had nothing been taken out: -12.0 ms off at the end, after 1:40.00.",
        "1:40.00 12.50 s",
        "1:53.00, 5424000 samples",
    ):
        assert sentence in said, sentence


def test_what_nobody_knows_and_what_is_missing_is_told() -> None:
    found = of(to_room=None, by=None, runs=[], undecodable_s=1.5, late_ms=0) | {"missing": ["Ben.webm"]}
    said = words(report_page(found, {}))
    for sentence in (
        "nothing tells: taken to be right",
        "not noted: aligned at the beginning alone",
        "1.50 s are silence",
        "missing or unreadable: Ben.webm",
    ):
        assert sentence in said, sentence
    assert "svg" not in elements(report_page(found, {}))


@settings(max_examples=30)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])))
def test_no_name_becomes_markup(name: str) -> None:
    plain = elements(report_page(of(), {}))
    found = of(file=f"<script>{name}</script>\"'&")
    found["tracks"][0]["name"] = f"</h2><img src=x onerror=alert(1)>{name}"
    found["missing"] = []
    page = report_page(found, {})
    assert elements(page.translate({0xFFFE: None, 0xFFFF: None})) == plain
    assert "script" not in plain and "default-src 'none'" in page


def test_the_command_writes_it_and_it_says_what_the_json_does(tmp_path: Path) -> None:
    write_session(tmp_path, report("Ada", 40))
    matroska(tmp_path / "Ada_studio_take1.webm", beeps(40, 100, 10), lambda ms: ms / (1 + 100e-6))
    assert main(["tracks", str(tmp_path), "--picture", "none"]) == 0

    told = json.loads((tmp_path / "tracks" / "report.json").read_text())
    page = (tmp_path / "tracks" / "report.html").read_text()
    bound_ms = told["tracks"][0]["files"][0]["to_room"]["bound_ms"]
    assert f"{bound_ms:.1f} ms (bound)" in words(page) and "svg" in elements(page)


def test_a_track_shows_how_loud_it_is_and_one_of_its_pictures(tmp_path: Path) -> None:
    write_session(tmp_path, report("Ada", 20, clock=False), report("Grace", 20, clock=False))
    sound = beeps(20, 0, 10)
    matroska(tmp_path / "Ada_studio_take1.webm", sound, lambda ms: ms)
    filmed(tmp_path / "Grace_studio_take1.webm", 3)
    assert main(["tracks", str(tmp_path)]) == 0

    page = (tmp_path / "tracks" / "report.html").read_text()
    (still,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    with av.open(BytesIO(b64decode(still)), "r") as container:
        (frame,) = container.decode(video=0)
        assert (frame.width, frame.height) == (320, 180)
    loud, silent = re.findall(r'class="sound".*?<path d="([^"]+)"', page)
    highs = [float(down) - float(up) for up, down in re.findall(r"M[0-9]+ ([0-9.]+)V([0-9.]+)", loud)]
    loudest = [at / len(highs) for at, high in enumerate(highs) if high > 50]
    assert loudest and all(abs(at - 0.5) < 0.01 for at in loudest), "a beep after 10 s of 20"
    assert set(re.findall(r"[0-9.]+V[0-9.]+", silent)) == {"59.5V60.5"}
