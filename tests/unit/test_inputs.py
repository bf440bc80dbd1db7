from rolltape.pages.guest.inputs import FROZEN, PATIENCE_MS, SILENT, InputWatch


def test_five_seconds_without_a_sound_are_said_once() -> None:
    watch = InputWatch()

    assert watch.look(0, 0.0, 30.0) == []
    assert watch.look(PATIENCE_MS, 0.0, 30.0) == []
    assert watch.look(PATIENCE_MS + 1, 0.0, 30.0) == [SILENT]
    assert watch.look(PATIENCE_MS + 2, 0.0, 30.0) == []


def test_a_single_sound_starts_the_count_anew() -> None:
    watch = InputWatch()

    watch.look(0, 0.0, 0.0)
    watch.look(4000, 0.001, 0.0)

    assert watch.look(6000, 0.0, 0.0) == [FROZEN]
    assert watch.look(11_001, 0.0, 0.0) == [SILENT]


def test_a_device_that_is_not_there_is_not_missed() -> None:
    watch = InputWatch()

    assert watch.look(0, None, None) == watch.look(60_000, None, None) == []


def test_the_next_recording_is_told_again() -> None:
    watch = InputWatch()
    watch.look(0, 0.0, None)
    watch.look(6000, 0.0, None)

    watch.rest()

    assert watch.look(7000, 0.0, None) == []
    assert watch.look(13_000, 0.0, None) == [SILENT]
