from rolltape.core.notice import Notice
from rolltape.pages.guest.inputs import FROZEN, PATIENCE_MS, SILENT, InputWatch

NOTHING: tuple[list[Notice], list[str]] = ([], [])


def test_five_seconds_without_a_sound_are_said_once() -> None:
    watch = InputWatch()

    assert watch.look(0, 0.0, 1) == NOTHING
    assert watch.look(PATIENCE_MS, 0.0, 150) == NOTHING
    assert watch.look(PATIENCE_MS + 1, 0.0, 151) == ([SILENT], [])
    assert watch.look(PATIENCE_MS + 2, 0.0, 152) == NOTHING


def test_a_single_sound_starts_the_count_anew() -> None:
    watch = InputWatch()

    watch.look(0, 0.0, 7)
    watch.look(200, 0.0, 7)
    watch.look(4000, 0.001, 7)

    assert watch.look(6000, 0.0, 7) == ([FROZEN], [])
    assert watch.look(11_001, 0.0, 7) == ([SILENT], [])
    assert watch.look(12_000, 0.0, 8) == ([], ["no-pictures"])


def test_one_picture_in_a_while_is_no_frozen_camera() -> None:
    watch = InputWatch()

    assert [watch.look(at * 200.0, 0.1, at // 20) for at in range(200)] == [NOTHING] * 200


def test_what_is_not_there_or_cannot_be_measured_is_not_missed() -> None:
    watch = InputWatch()

    assert watch.look(0, None, None) == watch.look(60_000, None, None) == NOTHING


def test_a_tab_in_which_pictures_cannot_be_counted_for_a_while_has_no_frozen_camera() -> None:
    watch = InputWatch()
    watch.look(0, 0.1, 30)
    watch.look(200, 0.1, None)

    assert watch.look(60_000, 0.1, 30) == watch.look(60_200, 0.1, 31) == NOTHING


def test_a_silence_that_ends_is_lifted_and_a_second_one_told_again() -> None:
    watch = InputWatch()
    watch.look(0, 0.0, None)

    assert watch.look(6000, 0.0, None) == ([SILENT], [])
    assert watch.look(7000, 0.2, None) == ([], ["no-sound"])
    assert watch.look(8000, 0.0, None) == NOTHING
    assert watch.look(14_000, 0.0, None) == ([SILENT], [])


def test_the_next_recording_is_told_again() -> None:
    watch = InputWatch()
    watch.look(0, 0.0, None)
    watch.look(6000, 0.0, None)

    assert watch.rest() == ["no-sound"] and watch.rest() == []

    assert watch.look(7000, 0.0, None) == NOTHING
    assert watch.look(13_000, 0.0, None) == ([SILENT], [])
