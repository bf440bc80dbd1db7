"""Pictures of a track: each the one that was captured nearest, a constant rate, black where nothing was."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymediainfo import MediaInfo

from rolltape.__main__ import main
from rolltape.recording.take import Part
from rolltape.tracks.picture_plan import BLACK, RATES, Pictures, Seen, captured, frame_rate, shown, timecode
from rolltape.tracks.session import PartFacts, Stretch
from unit.media_files import packets, program
from unit.numbered_pictures import LENGTH_S, numbered, read_numbers
from unit.synthetic_session import RATE, heard_s, report, samples, write_session


def pictures(number: int, at_ms: Sequence[float]) -> Pictures:
    return Pictures(number, array("d", at_ms))


def drawn(files: Sequence[Pictures], rate: int, frames: int) -> list[tuple[int, int]]:
    """What each frame shows."""
    return [(one.file, one.picture) for one in shown(files, rate, frames) for _ in range(one.frames)]


@settings(deadline=None)
@given(st.lists(st.floats(1, 400), min_size=1, max_size=80), st.floats(0, 3000), st.sampled_from(RATES))
def test_each_frame_shows_the_picture_that_was_captured_nearest(
    steps: list[float], begins_ms: float, rate: int
) -> None:
    at_ms = [begins_ms]
    for step in steps:
        at_ms.append(at_ms[-1] + step)
    frames = drawn([pictures(0, at_ms)], rate, 40 * rate)

    assert len(frames) == 40 * rate
    for number, (file, picture) in enumerate(frames):
        now_ms = number * 1000 / rate
        if file == BLACK:
            assert now_ms < at_ms[0] or now_ms > at_ms[-1]
        else:
            nearest = min(abs(one - now_ms) for one in at_ms)
            assert abs(at_ms[picture] - now_ms) <= nearest + 1e-6


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 9000), st.lists(st.floats(0, 3000), max_size=30)), max_size=4))
def test_two_files_are_never_shown_in_turns_and_nothing_goes_back(rows: list[Any]) -> None:
    files = []
    for number, (begins_ms, steps) in enumerate(rows):
        at_ms = [begins_ms]
        for step in steps:
            at_ms.append(at_ms[-1] + step)
        files.append(pictures(number, at_ms))
    frames = drawn(files, 25, 500)
    seen = list(dict.fromkeys(one for one in frames if one[0] != BLACK))
    order = [file for at, (file, _) in enumerate(seen) if not at or seen[at - 1][0] != file]

    assert len(frames) == 500 and len(order) == len(set(order))
    assert all(a[1] < b[1] for a, b in pairwise(seen) if a[0] == b[0])


def test_a_second_without_a_picture_is_black_and_less_stands() -> None:
    frames = drawn([pictures(0, [0, 40, 940, 2000, 2040])], 25, 60)

    assert frames[:25] == [(0, 0), *[(0, 1)] * 12, *[(0, 2)] * 12]
    assert frames[25:50] == [(BLACK, 0)] * 25
    assert frames[50:] == [(0, 3), (0, 4), *[(BLACK, 0)] * 8]


def test_a_pause_is_where_it_was_and_closes_up_in_the_file() -> None:
    part = PartFacts("a", "a", 0.0, 0.0, (Stretch(0, 0, 1000), Stretch(5000, 1000, 1000)), ())
    seen = Seen(1, 1, array("d", [0, 960, 1000, 1040]))

    assert list(captured(part, seen, lambda ms: 100 + ms, 100)) == [0, 960, 5000, 5040]


@pytest.mark.parametrize(("step_ms", "rate"), [(33.0, 30), (40.0, 25), (41.7, 24), (20.0, 50), (16.0, 60)])
def test_the_rate_is_the_one_next_to_the_camera_s(step_ms: float, rate: int) -> None:
    seen = Seen(1, 1, array("d", [0, *(at * step_ms for at in range(3, 200)), 90_000]))

    assert frame_rate([seen]) == rate and frame_rate([]) == 30


def probe(path: Path) -> dict[str, dict[str, Any]]:
    done = program("ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path))
    return {one["codec_type"]: one for one in json.loads(done.stdout)["streams"]}


@pytest.mark.slow
def test_an_mp4_has_a_constant_rate_and_the_right_picture_at_each_frame(tmp_path: Path) -> None:
    # Numbers from 1 on: number 0 looks like black, and is left out.
    write_session(
        tmp_path, report("Ada", LENGTH_S, clock=False), report("Grace", LENGTH_S, starts_ms=500, clock=False)
    )
    ada, grace = (tmp_path / f"{name}_studio_take1.webm" for name in ("Ada", "Grace"))
    numbered(ada, 20, "eq(n,0)+between(n,60,66)+between(n,150,200)")
    numbered(grace, 8, "eq(n,0)", "200x120")

    assert main(["tracks", str(tmp_path)]) == 0

    began = datetime.fromisoformat(json.loads((tmp_path / "tracks" / "report.json").read_text())["began"])
    counts = set()
    for path, offset_s in ((ada, 0.0), (grace, 0.5)):
        made = tmp_path / "tracks" / f"{path.name.partition('_')[0]}.mp4"
        streams = probe(made)
        video = streams["video"]
        assert (video["codec_name"], video["profile"], video["pix_fmt"]) == ("h264", "High", "yuv420p")
        assert streams["data"]["codec_tag_string"] == "tmcd", "a track of its own"
        assert streams["data"]["tags"]["timecode"] == timecode(began, 30)
        assert (
            video["r_frame_rate"] == video["avg_frame_rate"] == "30/1"
            and streams["audio"]["codec_name"] == "aac"
        )
        counts.add(int(video["nb_frames"]))
        (told,) = (one for one in MediaInfo.parse(made).tracks if one.track_type == "Video")
        assert (told.frame_rate_mode, told.frame_rate, told.frame_count) == (
            "CFR",
            "30.000",
            video["nb_frames"],
        )
        data = made.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat"), "its index comes first"

        shows = [one for one in packets(made) if one.kind == "video"]
        assert [round(one.time * 30, 3) for one in shows] == list(range(len(shows)))
        assert [number for number, one in enumerate(shows) if one.key] == list(range(0, len(shows), 30))
        stamps = [one.time + offset_s for one in packets(path) if one.kind == "video"]
        names = read_numbers(path)
        wrong = 0
        for number, value in enumerate(read_numbers(made)):
            now = number / 30
            nearest = min(range(len(stamps)), key=lambda at: abs(stamps[at] - now))
            if value is None:
                assert abs(stamps[nearest] - now) > 0.015
            else:
                assert value in names[max(0, nearest - 1) : nearest + 2], (number, value)
                wrong += value != names[nearest]
        assert wrong <= 3
    assert counts == {11 * 30}
    rows = json.loads((tmp_path / "tracks" / "tracks.otio").read_text())["tracks"]["children"]
    assert [(one["kind"], one["name"]) for one in rows] == [
        ("Video", "Ada"),
        ("Video", "Grace"),
        ("Audio", "Ada"),
        ("Audio", "Grace"),
    ]


@pytest.mark.slow
def test_pictures_and_sound_of_an_mp4_are_in_step_with_the_track(tmp_path: Path) -> None:
    write_session(tmp_path, report("Ada", LENGTH_S, clock=False))
    numbered(tmp_path / "Ada_studio_take1.webm", 0, "eq(n,0)")

    assert main(["tracks", str(tmp_path), "--fps", "25", "--sound", "flac"]) == 0

    track, film = tmp_path / "tracks" / "Ada.flac", tmp_path / "tracks" / "Ada.mp4"
    beeps = heard_s(samples(track))
    sound = array("i")
    with av.open(str(film)) as container:
        for one in container.decode(audio=0):
            frame: Any = one
            plain = array("f", bytes(frame.planes[0])[: 4 * frame.samples])
            at = round(frame.pts * frame.time_base * RATE)
            sound.extend([0] * (at - len(sound)))
            sound.extend(int(max(-1, min(1, value)) * (2**31 - 1)) for value in plain)
    assert len(beeps) == LENGTH_S
    assert max(abs(a - b) for a, b in zip(heard_s(sound), beeps, strict=True)) < 0.001
    assert len(read_numbers(film)) == len(samples(track)) * 25 // RATE
    assert Fraction(probe(film)["video"]["avg_frame_rate"]) == 25


@pytest.mark.slow
def test_parts_of_another_size_keep_their_shape(tmp_path: Path) -> None:
    parts = (Part(1, "part1", 1000, 10_000), Part(2, "part2", 1000, 10_000, started_ms=10_000))
    write_session(tmp_path, report("Ada", 20, *parts, clock=False))
    numbered(tmp_path / "Ada_studio_take1.webm", 0, "0")
    numbered(tmp_path / "Ada_studio_take1_part2.webm", 0, "0", "100x160")

    assert main(["tracks", str(tmp_path)]) == 0

    video = probe(tmp_path / "tracks" / "Ada.mp4")["video"]
    assert (video["width"], video["height"], int(video["nb_frames"])) == (100, 160, 600)
    with av.open(str(tmp_path / "tracks" / "Ada.mp4")) as container:
        frame: Any = list(container.decode(video=0))[200]
    plane, stride = bytes(frame.planes[0]), frame.planes[0].line_size
    rows = [max(plane[stride * row : stride * row + 100]) > 100 for row in range(160)]
    assert not any(rows[:58]) and all(rows[62:98]) and not any(rows[102:]), (
        "a strip of 100 by 40 in the middle"
    )


@pytest.mark.slow
def test_without_pictures_there_is_no_mp4_nor_where_none_is_wanted(tmp_path: Path) -> None:
    write_session(tmp_path, report("Ada", LENGTH_S, clock=False))
    numbered(tmp_path / "Ada_studio_take1.webm", 0, "0")

    assert main(["tracks", str(tmp_path), "--picture", "none"]) == 0
    assert {path.name for path in (tmp_path / "tracks").iterdir()} == {
        "Ada.wav",
        "report.html",
        "report.json",
        *("tracks.otio", "tracks.fcpxml", "tracks.rpp"),
    }
