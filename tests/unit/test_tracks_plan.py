"""Which sample of which file goes where: nothing twice, nothing left out, all tracks of one length."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from house_map import PACKAGE
from rolltape.tracks.place import Heard, Segment, placed
from rolltape.tracks.plan import RATE, PlacedFile, first_ms, pieces, tracks
from rolltape.tracks.runs import Point, Run
from rolltape.tracks.session import PartFacts, Stretch, read_session
from runtime.wheels import TRACKS_OF_A_DESK

ROOM_MS = 1.8e12
MINUTE_MS = 60_000.0


def part(*stretches: Stretch, runs: Sequence[Run] = (), late_ms: float = 0.0) -> PartFacts:
    return PartFacts("a.webm", "a.webm", 0.0, 0.0, stretches or (Stretch(0, 0, 1e6),), tuple(runs), late_ms)


def heard(length_ms: float, ppm: float = 0.0, lost_ms: float = 0.0, lost_at_ms: float = 1e12) -> Heard:
    """Sound whose blocks were stamped by the clock, or, at 0 ppm and without a loss, might have been counted."""
    points = []
    for at in range(int(length_ms / 60)):
        late = lost_ms if at * 60 >= lost_at_ms else 0.0
        points.append(Point(at * 60.0, at * 60.0 * (1 - ppm * 1e-6) + late))
    return Heard(RATE, 2, int(length_ms * 48), tuple(points))


def room(elapsed_ms: float) -> float:
    return ROOM_MS + elapsed_ms


def at(segments: Sequence[Segment], sample_ms: float) -> float:
    """When a sample was captured, since the file began, by its segment."""
    one = next(one for one in segments if one.from_ms <= sample_ms < one.to_ms)
    share = (sample_ms - one.from_ms) / (one.to_ms - one.from_ms)
    return one.at_ms + share * (one.until_ms - one.at_ms) - ROOM_MS


def test_sound_that_came_too_fast_is_put_where_it_was_captured() -> None:
    found = placed(part(), heard(10 * MINUTE_MS, ppm=100), room)

    assert found[0].from_ms == 0 and found[-1].to_ms == pytest.approx(10 * MINUTE_MS)
    assert at(found, 9 * MINUTE_MS) == pytest.approx(9 * MINUTE_MS * (1 - 100e-6), abs=0.05)


def test_lost_sound_is_silence_as_long_as_it_was_lost() -> None:
    found = placed(part(), heard(5 * MINUTE_MS, ppm=50, lost_ms=350, lost_at_ms=2 * MINUTE_MS), room)

    gaps = [after.at_ms - before.until_ms for before, after in pairwise(found)]
    assert [round(gap) for gap in gaps if gap > 1] == [350]


def test_a_pause_closes_up_in_the_file_and_is_silence_on_the_track() -> None:
    paused = part(Stretch(0, 0, 60_000), Stretch(75_000, 60_000, 60_000))

    for ppm in (0.0, 100.0):
        found = placed(paused, heard(2 * MINUTE_MS, ppm=ppm), room)
        (gap,) = (
            after.at_ms - before.until_ms
            for before, after in pairwise(found)
            if after.at_ms - before.until_ms > 1
        )
        assert gap == pytest.approx(15_000, abs=1)
        assert at(found, 90_000) == pytest.approx(105_000, abs=10)


def test_where_a_browser_counts_samples_its_page_s_marks_tell() -> None:
    runs = (
        Run.straight(0, 100_000, 1 + 200e-6, 0.1, 0.0),
        Run.straight(110_000, 60_000, 1 + 200e-6, 0.1, 5000.0),
    )
    found = placed(part(runs=runs), heard(160_000), room)

    assert at(found, 100_000) == pytest.approx(100_000 / (1 + 200e-6), abs=0.01)
    (gap,) = (
        after.at_ms - before.until_ms for before, after in pairwise(found) if after.at_ms > before.until_ms
    )
    assert gap == pytest.approx(5000)
    assert sum(one.to_ms - one.from_ms for one in found) == pytest.approx(160_000)


def test_where_stamps_stand_still_while_samples_come_the_page_s_marks_tell() -> None:
    sound = heard(46_000)
    stuck = tuple(Point(one.sample_ms, min(one.page_ms, 5865.0)) for one in sound.points)
    runs = (Run.straight(0, 46_000, 1 + 500e-6, 0.1, 0.0),)
    found = placed(part(runs=runs), replace(sound, points=stuck), room)

    assert at(found, 40_000) == pytest.approx(40_000 / (1 + 500e-6), abs=0.01)


def test_what_a_browser_stamps_late_is_put_earlier() -> None:
    (segment,) = placed(part(late_ms=46.5), heard(1000), room)

    assert segment.at_ms == pytest.approx(ROOM_MS - 46.5, abs=0.01)


@pytest.mark.parametrize("ppm", [0.01, 500.0, -500.0])
def test_a_first_stamp_that_came_late_is_found_by_the_microphone_s_counter(ppm: float) -> None:
    late_ms, asked_late_ms = 33.0, 4.0
    sound = heard(2 * MINUTE_MS, ppm=ppm)
    first, *others = sound.points
    stamped = (first, *(replace(one, page_ms=one.page_ms - late_ms) for one in others))
    behind = (asked_late_ms, 7.0, 0.3, 2.0, 21.0)  # when each was read, after a buffer was given
    came = (
        Point(at * 20_000.0, at * 20_000.0 * (1 - ppm * 1e-6) + late - asked_late_ms)
        for at, late in enumerate(behind)
    )
    found = placed(replace(part(), counted=tuple(came)), replace(sound, points=stamped), room)

    expected_ms = MINUTE_MS * (1 - ppm * 1e-6) - asked_late_ms
    assert at(found, MINUTE_MS) == pytest.approx(expected_ms, abs=0.5)


def test_a_counter_that_ran_away_from_its_file_is_not_believed() -> None:
    counted = (Point(0.0, 0.0), Point(1000.0, 1000.0), Point(12_000.0, 10_000.0), Point(22_000.0, 20_000.0))
    found = placed(replace(part(), counted=counted), heard(MINUTE_MS, ppm=50), room)

    assert at(found, 30_000) == pytest.approx(30_000 * (1 - 50e-6), abs=0.2)


def test_a_first_reading_that_came_late_is_not_what_the_others_are_measured_by() -> None:
    late = (300.0, 2.0, 5.0, 0.0, 9.0)
    counted = tuple(Point(10_000.0 * at, 10_000.0 * at * (1 - 50e-6) + one) for at, one in enumerate(late))
    found = placed(replace(part(), counted=counted), heard(MINUTE_MS, ppm=50), room)

    assert at(found, 30_000) == pytest.approx(30_000 * (1 - 50e-6), abs=0.2)


def session_of(
    folder: Path, track: dict[str, Any], marks: list[Any], *stretches: tuple[int, int, int]
) -> PartFacts:
    """The part of a session with one file, of which its page says this."""
    names = ("offset_ms", "in_file_ms", "length_ms")
    said = [dict(zip(names, one, strict=True)) for one in stretches]
    take = {
        "name": "ada_take1",
        "parts": [{"file": "ada_take1.webm", "saved_as": "", "duration_ms": 9000, "stretches": said}],
        "clock": {"tracks": [track], "readings": [], "marks": marks},
    }
    session = {"format": "rolltape-session", "version": 2, "first_sample_at_ms": 1, "takes": [take]}
    (folder / "session.json").write_text(json.dumps(session))
    return read_session(folder).takes[0].parts[0]


TRACK = {"part": 1, "began_ms": 5000.0, "encoder": "audio/webm;codecs=pcm", "sample_rate_hz": 44_100}


def test_a_session_tells_which_sample_of_the_microphone_s_is_a_file_s_first(tmp_path: Path) -> None:
    marks = [
        [1, 5100.0, 44_100 + 4410, None, None],
        [2, 5200.0, 1, None, None],
        [1, 8000.0, 99_999, 1.0, 2.0],  # what comes after a pause tells nothing
    ]
    paused = (0, 0, 2000), (9000, 2000, 2000)

    known = session_of(tmp_path, {**TRACK, "first_frame": 44_100}, marks, *paused)
    unknown = session_of(tmp_path, TRACK, marks, *paused)

    assert known.counted == (Point(100.0, 100.0),) and unknown.counted == ()


@pytest.mark.parametrize(
    "marks",
    [
        [[1, 5000.0, 44_100, None, None], [1, 6000.0, 88_200, None, None], [1, 7000.0, 0, None, None]],
        [[1, 7000.0, 44_100, None, None], [1, 6000.0, 88_200, None, None]],
        [[1, 5000.0, 0, None, None], [1, 6000.0, 44_100, None, None], [1, 7000.0, 10**14, None, None]],
        [[1, 5000.0, 0, None, None], [1, 6000.0, 44_100, None, None], [1, 1e14, 88_200, None, None]],
        [[1, 5000.0], "1", [1, None, 1, 1, 1], [1, "a", "b", 1, 1], None],
    ],
)
def test_marks_that_make_no_sense_tell_nothing(tmp_path: Path, marks: list[Any]) -> None:
    part = session_of(tmp_path, {**TRACK, "first_frame": 0}, marks)

    assert all(run.to_ms - run.from_ms < 10_000 for run in part.runs)
    assert placed(part, heard(9000), room)[0].at_ms == pytest.approx(ROOM_MS, abs=1000)


def test_a_file_that_nothing_is_known_of_is_copied_sample_for_sample() -> None:
    one = PlacedFile(0, RATE, tuple(placed(part(), heard(77_777.0), room)))
    (piece,) = pieces([one], ROOM_MS - 33.3)

    assert (piece.source, piece.source_length) == (0, 3_733_296) and piece.length == piece.source_length
    assert piece.at == round(33.3 * 48)


@pytest.mark.parametrize("ppm", [0.0, 100.0])
def test_a_file_s_beginning_is_kept_whichever_of_its_blocks_came_first(ppm: float) -> None:
    sound = heard(MINUTE_MS, ppm=ppm)
    later = Heard(RATE, 2, sound.samples, sound.points[3:])
    found = placed(part(), later, room)

    assert found[0].from_ms == 0 and found[0].at_ms == pytest.approx(ROOM_MS, abs=0.05)


def test_parts_that_share_a_moment_are_joined_without_a_double() -> None:
    first = PlacedFile(0, RATE, (Segment(0, 10_000, ROOM_MS, ROOM_MS + 10_000),))
    second = PlacedFile(1, RATE, (Segment(0, 10_000, ROOM_MS + 9000, ROOM_MS + 19_000),))

    found = pieces([second, first], ROOM_MS)

    assert [(one.file, one.source, one.at, one.length) for one in found] == [
        (0, 0, 0, 480_000),
        (1, 48_000, 480_000, 432_000),
    ]


SEGMENTS = st.lists(
    st.tuples(st.floats(0, 5000), st.floats(0, 5000), st.floats(-300, 300)), min_size=1, max_size=6
)


def file_of(number: int, rate: int, rows: list[tuple[float, float, float]], begins_ms: float) -> PlacedFile:
    segments, sample_ms, now_ms = [], 0.0, begins_ms
    for gap_ms, length_ms, ppm in rows:
        now_ms += gap_ms if gap_ms > 2500 else 0.0
        until_ms = now_ms + length_ms * (1 + ppm * 1e-6)
        segments.append(Segment(sample_ms, sample_ms + length_ms, ROOM_MS + now_ms, ROOM_MS + until_ms))
        sample_ms, now_ms = sample_ms + length_ms, until_ms
    return PlacedFile(number, rate, tuple(segments))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([44_100, 48_000]), SEGMENTS, st.floats(0, 20_000)), max_size=5),
    st.lists(st.tuples(st.sampled_from([44_100, 48_000]), SEGMENTS, st.floats(0, 20_000)), max_size=3),
)
def test_every_sample_of_a_track_is_of_one_file_or_silent(first: list[Any], second: list[Any]) -> None:
    sets = {
        name: [file_of(number, rate, rows, begins) for number, (rate, rows, begins) in enumerate(given)]
        for name, given in (("Ada", first), ("Grace", second))
    }
    began = first_ms(one for row in sets.values() for one in row)
    made = tracks({name: list(row) for name, row in sets.items()}, began or 0.0)

    assert len({one.length for one in made}) == 1 and made[0].length % RATE == 0
    for track in made:
        files = {one.file: one for one in sets[track.name]}
        assert all(one.length > 0 and one.source_length > 0 for one in track.pieces)
        assert all(before.until <= after.at for before, after in pairwise(track.pieces))
        assert not track.pieces or (track.pieces[0].at >= 0 and track.pieces[-1].until <= track.length)
        for number, one in files.items():
            own = [piece for piece in track.pieces if piece.file == number]
            assert all(a.source + a.source_length <= b.source for a, b in pairwise(own)), "heard twice"
            held = round(one.segments[-1].to_ms * one.rate / 1000)
            assert not own or own[-1].source + own[-1].source_length <= held
            for piece in own:
                off = piece.length / RATE - piece.source_length / one.rate
                assert abs(off) <= 300.1e-6 * piece.length / RATE + 3 / RATE
        filled = together([(piece.at, piece.until) for piece in track.pieces])
        for one in files.values():
            for segment in one.segments:  # what any file has, the track has
                begins, ends = ((ms - (began or 0)) * RATE / 1000 for ms in (segment.at_ms, segment.until_ms))
                assert ends - begins < 6 or any(a <= begins + 3 and ends - 3 <= b for a, b in filled)


def together(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What lies side by side as one; a sample between two files' roundings is no gap."""
    found: list[tuple[int, int]] = []
    for begin, end in stretches:
        if found and begin <= found[-1][1] + 1:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def test_pieces_that_follow_on_one_another_leave_no_sample_between_them() -> None:
    chance = random.Random(5)
    rows = [(0.0, chance.uniform(1000, 300_000), chance.uniform(-100, 100)) for _ in range(50)]
    found = pieces([file_of(0, RATE, rows, 12.345)], ROOM_MS)

    assert all(before.until == after.at for before, after in pairwise(found))
    assert found[-1].until == pytest.approx(
        (file_of(0, RATE, rows, 12.345).segments[-1].until_ms - ROOM_MS) * 48, abs=1
    )


def test_a_session_tells_what_shifts_sound_and_no_name_leads_out(tmp_path: Path) -> None:
    (tmp_path / "secret.webm").write_bytes(b"x")
    folder = tmp_path / "session"
    folder.mkdir()
    facts = {"part": 2, "began_ms": 500.0, "path": "track", "latency_ms": 10.0}
    said = {
        "format": "rolltape-session",
        "version": 2,
        "first_sample_at_ms": ROOM_MS,
        "takes": [
            {
                "name": "x",
                "clock": {
                    "browser": "Chromium 156",
                    "readings": [],
                    "tracks": [
                        facts | {"encoder": "video/webm;codecs=vp8,opus"},
                        facts | {"part": 3, "encoder": "audio/webm;codecs=opus"},
                        facts | {"part": 4, "encoder": "audio/webm;codecs=pcm"},
                    ],
                },
                "parts": [
                    {"file": "x.webm", "saved_as": "x_part1.webm", "duration_ms": 5},
                    {"file": "x_part2.webm", "saved_as": "../secret.webm", "duration_ms": 5},
                    {"file": "x_part3.webm", "saved_as": "", "duration_ms": 5},
                    {"file": "x_part4.mka", "saved_as": "", "duration_ms": 5},
                ],
            }
        ],
    }
    (folder / "session.json").write_text(json.dumps(said))
    first, second, *alone = read_session(folder).takes[0].parts

    assert (first.late_ms, first.began_ms) == (0.0, None)
    assert (second.late_ms, second.began_ms) == (46.5, 500.0)
    assert [one.late_ms for one in alone] == [6.5, 0.0], (
        "without pictures a file is dated by its first sample"
    )
    assert second.found_in(folder) is None


def test_a_page_gets_nothing_of_what_makes_tracks() -> None:
    kept = {path.stem for path in (PACKAGE / "tracks").glob("*.py")} - set(TRACKS_OF_A_DESK)

    assert kept == {"__init__", "excursions", "room_line", "runs"}, (
        "what a room's session file is written with"
    )
