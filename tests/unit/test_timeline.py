"""What is missing in a recording is seen: holes in its times, and time that never came."""

import pytest

from rolltape.recording.timeline import ClosedPause, FileTimeline, Hole, Missing, Silence, holes


def test_a_machine_that_slept_leaves_one_hole_of_everything() -> None:
    silences = [Silence(True, 62_010, 107_000), Silence(False, 62_000, 107_040)]

    assert holes(silences, has_both=True) == (Hole(62_010, 107_000),)


def test_what_one_track_lacks_alone_is_said_of_that_track() -> None:
    silences = [Silence(True, 5_000, 20_000), Silence(False, 10_000, 15_000)]

    assert holes(silences, has_both=True) == (
        Hole(5_000, 10_000, Missing.PICTURE),
        Hole(10_000, 15_000),
        Hole(15_000, 20_000, Missing.PICTURE),
    )


def test_a_file_of_sound_alone_lacks_everything_in_its_holes() -> None:
    assert holes([Silence(False, 0, 3_000)], has_both=False) == (Hole(0, 3_000),)


def test_short_silences_are_no_holes() -> None:
    assert holes([Silence(True, 0, 900), Silence(False, 0, 900)], has_both=True) == ()


def test_a_pause_that_the_browser_left_open_is_no_hole() -> None:
    silences = [Silence(True, 2_000, 3_302_000), Silence(False, 2_010, 3_302_000)]
    pause = ClosedPause(2_050, 3_300_000)

    assert holes(silences, True, [pause]) == ()
    assert len(holes(silences, True, [ClosedPause(2_050, 60_000)])) == 1
    assert len(holes(silences, True, [ClosedPause(90_000, 3_300_000)])) == 1


def test_second_pause_that_was_left_open_is_no_hole_either() -> None:
    silences = [Silence(True, 2_000, 12_000), Silence(True, 17_000, 27_000)]

    assert holes(silences, False, [ClosedPause(2_000, 10_000), ClosedPause(7_000, 10_000)]) == ()


def seen(clock: FileTimeline, seconds: int, lag_ms: float, grows: float = 0.0) -> int:
    for half in range(1, seconds * 2 + 1):
        clock.note(half * 500, half * 500 - lag_ms - grows * half * 500)
    return clock.behind_ms


@pytest.mark.parametrize("lag_ms", [0, 300, 950])
def test_an_encoders_delay_is_nothing_missing(lag_ms: float) -> None:
    assert seen(FileTimeline(), 60, lag_ms) == 0


def test_a_burst_that_comes_late_is_nothing_missing() -> None:
    clock = FileTimeline()
    seen(clock, 10, 200)
    clock.note(13_000, 10_100)
    clock.note(13_010, 12_800)

    assert clock.behind_ms == 0


def test_time_that_never_came_is_seen() -> None:
    assert seen(FileTimeline(), 37, 200, grows=0.165) == pytest.approx(6_000, abs=800)


def test_what_comes_as_it_should_once_more_does_not_bring_lost_time_back() -> None:
    clock = FileTimeline()
    for second in range(1, 30):
        clock.note(second * 1000, second * 1000 - (5_000 if second > 10 else 100))

    assert clock.behind_ms == 5_000


def test_time_lost_right_before_the_end_is_seen_once_all_bytes_have_come() -> None:
    clock = FileTimeline()
    seen(clock, 10, 200)
    clock.note(12_500, 10_300)

    assert clock.behind_ms == 0
    assert clock.behind_at_end_ms == 2_200
