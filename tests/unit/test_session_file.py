"""The session file: every recorded sample once, where it was captured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import opentimelineio as otio
from hypothesis import given
from hypothesis import strategies as st

from rolltape.recording.take import SPLIT, Part, Pause, Take, TakeState
from rolltape.recording.timeline import Hole, Missing
from rolltape.room.messages import TakeReport
from rolltape.room.report_pieces import reports_of
from rolltape.room.session_file import RATE, Report, clips, placed, session_json, session_otio
from rolltape.room.wire import decode, encode, kind_of

T0 = 1_764_000_000_000
FRAME_MS = 1000 / RATE


def take(
    *parts: Part,
    label: str = "Ada",
    at_ms: int = T0,
    pauses: Sequence[Pause] = (),
    id: str = "1",
    mime: str = "video/webm;codecs=vp8,opus",
) -> Take:
    return Take(
        id,
        1,
        f"{label}_studio_take{id}",
        T0 + 5,
        label=label,
        mime_type=mime,
        parts=tuple(parts),
        pauses=tuple(pauses),
        state=TakeState.FINISHED,
        room_started_at_ms=at_ms,
        room_error_ms=3,
    )


def part(number: int = 1, started_ms: int = 0, duration_ms: int = 10_000, **more: Any) -> Part:
    return Part(number, f"part{number}", 1000, duration_ms, started_ms=started_ms, **more)


def read(*reports: Report) -> Any:
    """The timeline as the library of editors reads it."""
    return otio.adapters.read_from_string(session_otio("studio", reports), "otio_json")


def items(track: Any) -> list[tuple[str, float, float]]:
    """Kind, source and length in seconds of what is on a track."""
    return [
        (
            type(one).__name__,
            one.source_range.start_time.to_seconds(),
            one.source_range.duration.to_seconds(),
        )
        for one in track
    ]


def test_two_guests_lie_where_they_were_recorded() -> None:
    timeline = read(Report("a", take(part())), Report("b", take(part(), label="Bob", at_ms=T0 + 1500)))

    tracks = {(track.name, track.kind): items(track) for track in timeline.tracks}
    assert tracks["Ada", "Video"] == tracks["Ada", "Audio"] == [("Clip", 0.0, 10.0)]
    assert tracks["Bob", "Video"] == [("Gap", 0.0, 1.5), ("Clip", 0.0, 10.0)]


def test_files_are_named_as_they_lie_in_the_downloads() -> None:
    plain = json.loads(session_json("studio", [Report("a", take(part()))]))

    [found] = plain["takes"][0]["parts"]
    assert (found["file"], found["saved_as"]) == ("Ada_studio_take1.webm", "Ada_studio_take1.webm")


def test_parts_after_trouble_and_parts_by_time_are_named_as_they_are_downloaded() -> None:
    trouble = take(part(), part(2, 9500, overlap_before_ms=500, reason="The camera is gone."))
    by_time = take(part(), part(2, 9500, overlap_before_ms=500, reason=SPLIT))

    assert [one.file for one in placed(trouble)] == ["Ada_studio_take1.webm", "Ada_studio_take1_part2.webm"]
    assert [one.file for one in placed(by_time)] == [
        "Ada_studio_take1_part1.webm",
        "Ada_studio_take1_part2.webm",
    ]
    assert [one.saved_as for one in placed(trouble)] == [
        "Ada_studio_take1_part1.webm",
        "Ada_studio_take1_part2.webm",
    ]


def test_a_part_of_another_format_has_its_own_ending_and_sound_alone_no_picture_track() -> None:
    h264 = part(2, 10_000, mime_type="video/x-matroska;codecs=avc1,opus")
    sound = take(part(), mime="audio/webm;codecs=opus")

    assert placed(take(part(), h264))[1].file.endswith("_part2.mkv")
    timeline = read(Report("a", sound))
    assert [track.kind for track in timeline.tracks] == ["Audio"]


def test_an_overlap_is_played_once() -> None:
    timeline = read(Report("a", take(part(), part(2, 9500, overlap_before_ms=500))))

    assert items(timeline.tracks[0]) == [("Clip", 0.0, 10.0), ("Clip", 0.5, 9.5)]


def test_what_is_missing_between_parts_is_a_gap() -> None:
    timeline = read(Report("a", take(part(), part(2, 12_000, gap_before_ms=2000))))

    assert items(timeline.tracks[0]) == [("Clip", 0.0, 10.0), ("Gap", 0.0, 2.0), ("Clip", 0.0, 10.0)]


def test_what_a_file_lacks_goes_over_the_room_into_the_session_file() -> None:
    """A hole, time that is nowhere in the file, and bytes that recovery passed over, as the page noted them."""
    lacking = part(
        holes=(Hole(3000, 48_000), Hole(60_000, 64_000, Missing.SOUND)), behind_ms=6100, passed_over=4096
    )
    (report,) = reports_of(take(lacking))
    heard = decode(kind_of(report), encode(report))
    assert isinstance(heard, TakeReport)

    (told,) = json.loads(session_json("studio", [Report("a", heard.take)]))["takes"][0]["parts"]

    assert told["holes"] == [
        {"from_ms": 3000, "to_ms": 48_000, "of": "everything"},
        {"from_ms": 60_000, "to_ms": 64_000, "of": "sound"},
    ]
    assert (told["behind_ms"], told["damaged_bytes"]) == (6100, 4096)


def test_a_pause_leaves_its_time_on_the_track() -> None:
    """3 s, 4 s paused, 3 s: six seconds in the file, ten on the clock."""
    paused = take(part(duration_ms=6000), pauses=[Pause(3000, 7000)])

    timeline = read(Report("a", paused))
    assert items(timeline.tracks[0]) == [
        ("Clip", 0.0, 3.0),
        ("Gap", 0.0, 4.0),
        ("Clip", 3.0, 3.0),
    ]


def test_two_guests_of_one_name_keep_two_tracks() -> None:
    timeline = read(Report("aaaa1", take(part())), Report("bbbb1", take(part(), id="2")))

    assert [track.name for track in timeline.tracks if track.kind == "Video"] == ["Ada (aaaa)", "Ada (bbbb)"]


def test_a_guest_who_was_renamed_is_one_track_by_the_last_name() -> None:
    later = Take("2", 2, "Zoe_take2", T0 + 20_000, label="Zoë", parts=(part(),), mime_type="audio/webm")
    timeline = read(Report("a", take(part(), mime="audio/webm")), Report("a", later))

    assert [track.name for track in timeline.tracks] == ["Zoë"]
    assert [len(track.find_clips()) for track in timeline.tracks] == [2]


def test_without_a_room_clock_the_own_one_is_taken_and_it_is_said() -> None:
    own = Take("1", 1, "x", T0 + 700, parts=(part(),), mime_type="video/webm")
    plain = json.loads(session_json("studio", [Report("a", own), Report("b", take(part(), id="2"))]))

    assert [(one["on_room_clock"], one["error_ms"]) for one in plain["takes"]] == [(True, 3), (False, None)]
    assert [one["parts"][0]["offset_ms"] for one in plain["takes"]] == [0, 700]


def test_nothing_recorded_is_an_empty_session() -> None:
    nothing = Take("1", 1, "x", T0)

    assert json.loads(session_json("studio", [Report("a", nothing)]))["takes"] == []
    timeline = read(Report("a", nothing))
    assert list(timeline.tracks) == []


@st.composite
def takes(draw: st.DrawFn) -> Take:
    """A take of some parts, each beginning before or after the end of the one before, and pauses."""
    parts: list[Part] = []
    pauses: list[Pause] = []
    now_ms = 0
    for number in range(1, draw(st.integers(1, 4)) + 1):
        began_ms = max(0, now_ms + draw(st.integers(-600, 3000))) if parts else 0
        recorded_ms = draw(st.integers(700, 20_000))
        paused_ms = 0
        if draw(st.booleans()) and (not pauses or (pauses[-1].to_ms or 0) < began_ms):
            at_ms = began_ms + draw(st.integers(0, recorded_ms))
            paused_ms = draw(st.integers(1, 5000))
            pauses.append(Pause(at_ms, at_ms + paused_ms))
        overlap_ms = max(0, now_ms - began_ms)
        parts.append(part(number, began_ms, recorded_ms, overlap_before_ms=overlap_ms))
        now_ms = began_ms + recorded_ms + paused_ms
    return take(*parts, at_ms=T0 + draw(st.integers(0, 10_000)), pauses=pauses)


@given(takes())
def test_every_sample_of_a_file_has_one_place(made: Take) -> None:
    for one in placed(made):
        until_ms = 0
        for stretch in one.stretches:
            assert stretch.in_file_ms == until_ms
            until_ms += stretch.length_ms
        assert until_ms == one.part.duration_ms


@given(takes())
def test_a_track_has_nothing_twice_and_no_hole_but_where_nothing_was_recorded(made: Take) -> None:
    files = placed(made)
    first_ms = min(one.start_ms for one in files)
    played = clips(files, first_ms)

    for before, after in pairwise(played):
        assert after.at >= before.at + before.length
    covered = [(first_ms + one.at * FRAME_MS, first_ms + (one.at + one.length) * FRAME_MS) for one in played]
    for one in files:
        for stretch in one.stretches:
            probe = (stretch.at_ms + stretch.at_ms + stretch.length_ms) / 2
            if stretch.length_ms > 4 * FRAME_MS:
                assert any(begin <= probe < end for begin, end in covered)


@given(takes())
def test_what_a_clip_plays_was_captured_then(made: Take) -> None:
    files = placed(made)
    first_ms = min(one.start_ms for one in files)

    for clip in clips(files, first_ms):
        at_ms = first_ms + clip.at * FRAME_MS
        in_file_ms = clip.source * FRAME_MS
        wrong_ms = min(
            abs((in_file_ms - one.in_file_ms) - (at_ms - one.at_ms)) for one in clip.placed.stretches
        )
        assert wrong_ms <= 1.5 * FRAME_MS
        assert (clip.source + clip.length) * FRAME_MS <= clip.placed.part.duration_ms + FRAME_MS


@given(st.lists(takes(), min_size=1, max_size=3))
def test_every_session_is_read_by_the_editors_library(made: list[Take]) -> None:
    timeline = read(*(Report(f"guest{number}", one) for number, one in enumerate(made)))

    for track in timeline.tracks:
        for clip in track.find_clips():
            available = clip.media_reference.available_range
            assert clip.source_range.end_time_exclusive() <= available.end_time_exclusive()
            assert clip.media_reference.target_url == f"./{quote(clip.name)}"
    assert timeline.duration().to_seconds() > 0
