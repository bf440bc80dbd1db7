from rolltape.core.notice import Notice
from rolltape.pages.guest.inputs import PATIENCE_MS, SILENT, InputWatch

NOTHING: tuple[list[Notice], list[str]] = ([], [])


def test_five_seconds_without_a_sound_are_said_once() -> None:
    watch = InputWatch()

    assert watch.look(0, 0.0) == NOTHING
    assert watch.look(PATIENCE_MS, 0.0) == NOTHING
    assert watch.look(PATIENCE_MS + 1, 0.0) == ([SILENT], [])
    assert watch.look(PATIENCE_MS + 2, 0.0) == NOTHING


def test_a_single_sound_starts_the_count_anew() -> None:
    watch = InputWatch()

    watch.look(0, 0.0)
    watch.look(4000, 0.001)

    assert watch.look(6000, 0.0) == NOTHING
    assert watch.look(11_001, 0.0) == ([SILENT], [])


def test_what_is_not_there_or_cannot_be_measured_is_not_missed() -> None:
    watch = InputWatch()

    assert watch.look(0, None) == watch.look(60_000, None) == NOTHING


def test_a_silence_that_ends_is_lifted_and_a_second_one_told_again() -> None:
    watch = InputWatch()
    watch.look(0, 0.0)

    assert watch.look(6000, 0.0) == ([SILENT], [])
    assert watch.look(7000, 0.2) == ([], ["no-sound"])
    assert watch.look(8000, 0.0) == NOTHING
    assert watch.look(14_000, 0.0) == ([SILENT], [])


def test_the_next_recording_is_told_again() -> None:
    watch = InputWatch()
    watch.look(0, 0.0)
    watch.look(6000, 0.0)

    assert watch.rest() == ["no-sound"] and watch.rest() == []

    assert watch.look(7000, 0.0) == NOTHING
    assert watch.look(13_000, 0.0) == ([SILENT], [])
