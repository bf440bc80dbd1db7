"""What a recording lacks is told when it comes, and noted in its take."""

from __future__ import annotations

from rolltape.recording.missing import missing, of_hole
from rolltape.recording.take import Take, TakeState
from rolltape.recording.take_notices import HOLE, NOTES
from rolltape.recording.timeline import Hole, Missing
from rolltape.settings.codec import CodecWish, candidates
from unit.media_files import block, cluster, header, mp4_header
from unit.test_take_recorder import Studio, started, studio_test, until


def seconds_of(*starts: int) -> list[bytes]:
    """A chunk for each second that begins so: 10 pictures and 50 packets of sound."""
    return [
        cluster(
            at * 1000,
            *(
                one
                for tick in range(0, 1000, 20)
                for one in (
                    *([block(1, tick, b"picture", tick == 0)] if tick % 100 == 0 else []),
                    block(2, tick, b"\x08" + bytes(20)),
                )
            ),
        )
        for at in starts
    ]


async def recorded(studio: Studio, chunks: list[bytes], second_ms: float = 1000) -> Take:
    """The take of a recorder that gives a chunk each second by the clock."""
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(header())
    for chunk in chunks:
        studio.clock.ms += second_ms
        studio.engines[0].give(chunk)
        await until(lambda: studio.engines[0].queue.empty())
        recording.check()
    await recording.stop()
    return await task


@studio_test
async def test_a_machine_that_slept_is_told_each_time_and_noted_in_the_take() -> None:
    studio = Studio()

    take = await recorded(studio, seconds_of(0, 1, 2, 47, 48, 60, 61))

    first, second = take.parts[0].holes
    assert (first.from_ms, first.to_ms) == (2980, 47_000)
    assert second.length_ms == 11_020
    assert [notice.text for notice in studio.notices] == [
        f"{what}: the machine slept, or was too busy. The recording goes on; make sure that it stays awake."
        for what in ("44 s are missing at 0:02", "11 s are missing at 0:48")
    ]
    assert {notice.subject for notice in studio.notices} == {HOLE}, "the second takes the first one's place"
    assert studio.lifted == [HOLE, NOTES], (
        "of the take before, at the beginning; it stays when this one is over"
    )
    assert missing(take) == ["44 s are missing at 0:02", "11 s are missing at 0:48"]
    assert not take.parts[0].is_whole


def test_pictures_or_sound_that_are_missing_alone_are_said_to_be() -> None:
    assert of_hole(Hole(5000, 9000, Missing.PICTURE)) == "4 s of the picture are missing at 0:05"
    assert of_hole(Hole(5000, 9000, Missing.SOUND), 60_000) == "4 s of the sound are missing at 1:05"


@studio_test
async def test_time_that_is_not_in_the_file_is_told_while_it_gets_more_and_noted_in_the_take() -> None:
    studio = Studio()

    take = await recorded(studio, seconds_of(*range(30)), second_ms=1200)

    assert 5_000 <= take.parts[0].behind_ms <= 6_500
    assert [notice.text.split(" less ")[0] for notice in studio.notices] == ["1 s", "2 s", "5 s"]
    assert all(
        " less than went by were recorded: this machine is too busy" in one.text for one in studio.notices
    )
    assert studio.lifted.count("behind") == 1, "with the end of the take"
    assert "less than went by were recorded" in missing(take)[0]


@studio_test
async def test_time_that_is_missing_because_the_machine_slept_is_not_put_down_to_its_being_busy() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(header())

    for at in range(40):
        studio.clock.ms += 9000 if at == 10 else 1200 if at >= 30 else 1000
        studio.engines[0].give(*seconds_of(at))
        await until(lambda: studio.engines[0].queue.empty())
        recording.check()
    await recording.stop()
    await task

    slept, busy = [notice.text.partition(": ")[2] for notice in studio.notices]
    assert (
        slept == "the machine slept, or was too busy. The recording goes on; make sure that it stays awake."
    )
    assert busy == "this machine is too busy to keep up. The recording goes on; close what you do not need."


@studio_test
async def test_a_machine_that_keeps_up_again_is_said_to_and_told_anew_the_next_time() -> None:
    studio = Studio()
    recording = studio.recording()
    task = await started(recording)
    studio.engines[0].give(header())

    for at in range(80):
        busy = at < 10 or at >= 70
        studio.clock.ms += 1200 if busy else 1000
        studio.engines[0].give(*seconds_of(at))
        await until(lambda: studio.engines[0].queue.empty())
        recording.check()
        if at == 69:
            assert studio.lifted.count("behind") == 1 and len(studio.notices) == 1
    await recording.stop()
    await task

    assert len(studio.notices) == 2, "anew, once it lacks another second"


@studio_test
async def test_nothing_is_said_of_a_recording_that_lacks_nothing() -> None:
    studio = Studio()

    take = await recorded(studio, seconds_of(*range(30)))

    assert studio.notices == []
    assert take.parts[0].is_whole and missing(take) == []


@studio_test
async def test_a_pause_is_no_hole_whether_it_closes_up_in_the_file_or_not() -> None:
    for after in (range(3, 6), range(23, 26)):
        studio = Studio()
        recording = studio.recording()
        task = await started(recording)
        studio.engines[0].give(header(), *seconds_of(0, 1, 2))
        await until(studio.engines[0].queue.empty)
        studio.clock.ms += 3000
        await recording.pause()
        studio.clock.ms += 20_000
        await recording.resume()
        studio.engines[0].give(*seconds_of(*after))
        await until(studio.engines[0].queue.empty)
        studio.clock.ms += 3000
        recording.check()
        await recording.stop()

        take = await task

        assert studio.notices == [] and missing(take) == []


@studio_test
async def test_an_mp4_of_which_only_the_beginning_came_is_no_recording() -> None:
    studio = Studio(supported=lambda mime_type: mime_type.startswith("video/mp4"))
    recording = studio.recording(candidates(CodecWish(mp4=True)))
    task = await started(recording)

    studio.engines[0].give(mp4_header())
    await until(studio.engines[0].queue.empty)
    await recording.stop()
    take = await task

    assert take.state is TakeState.FAILED and take.delivered == ()
