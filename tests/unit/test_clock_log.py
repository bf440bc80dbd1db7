"""What was noted of a take's clocks is read back, whole or torn, and thinned without losing its ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.core.clock import Reading
from rolltape.core.json_fields import Fields
from rolltape.recording.clock_keeper import ClockKeeper, PartNow
from rolltape.recording.clock_log import ClockLog, Mark, SoundPath, TrackFacts, browser_of

moments = st.integers(0, 10**10).map(lambda thousandths: thousandths / 1000)
readings = st.builds(
    lambda asked, took, server: Reading(asked, round(asked + took, 3), server),
    moments,
    st.integers(0, 500),
    moments,
)
marks = st.builds(
    Mark,
    st.integers(1, 9),
    moments,
    st.none() | st.integers(0, 2**40),
    st.none() | moments,
    st.none() | moments,
)
tracks = st.builds(
    TrackFacts,
    st.integers(1, 9),
    moments,
    st.sampled_from(["", "audio/webm;codecs=opus"]),
    st.builds(
        SoundPath, st.sampled_from(["", "track", "graph"]), st.none() | moments, st.none() | st.just(48_000)
    ),
    st.none() | st.integers(0, 2**40),
)
logs = st.builds(
    ClockLog,
    st.sampled_from(["", "Chromium 156"]),
    st.lists(tracks, max_size=4, unique_by=lambda one: one.part).map(
        lambda found: tuple(sorted(found, key=lambda one: one.part))
    ),
    st.lists(readings, max_size=5).map(tuple),
    st.lists(marks, max_size=5).map(tuple),
)


@given(logs)
def test_it_is_read_as_it_was_written(log: ClockLog) -> None:
    assert ClockLog.from_lines(log.lines()) == log
    assert ClockLog.from_fields(Fields(log.to_plain())) == log


@given(logs, st.integers(0, 2000))
def test_a_torn_end_loses_no_more_than_its_line(log: ClockLog, cut: int) -> None:
    lines = log.lines()
    torn = ClockLog.from_lines(lines[:cut] + "\n" + ClockLog(marks=(Mark(1, 7.0),)).lines())

    assert torn.marks[-1] == Mark(1, 7.0)
    whole = lines[:cut].count("}\n")
    assert len(torn.tracks) + len(torn.readings) + len(torn.marks) + bool(torn.browser) >= whole


@pytest.mark.parametrize(
    "line",
    [
        '{"reading":[1,2]}',
        '{"reading":[2,1,5]}',
        '{"reading":[1,2,null]}',
        '{"mark":[null,1,2,3,4]}',
        '{"mark":[1,1e400,2,3,4]}',
        '{"mark":"1"}',
        '{"track":{"part":"1"}}',
        "[]",
    ],
)
def test_what_is_no_fact_is_passed_over(line: str) -> None:
    assert ClockLog.from_lines(line) == ClockLog()


def test_of_two_hours_a_message_gets_what_tells_most() -> None:
    every = tuple(Reading(at * 2500.0, at * 2500.0 + 20 + (at * 7919) % 61, 0.0) for at in range(2880))
    marks = tuple(Mark(1 + at // 400, at * 10_000.0, at * 480_000) for at in range(720))

    thin = ClockLog(readings=every, marks=marks).thinned(120)

    assert len(thin.readings) == 120 and max(one.answered_ms - one.asked_ms for one in thin.readings) < 25
    assert len(thin.marks) <= 122
    assert [thin.marks[0], thin.marks[-1]] == [marks[0], marks[-1]]
    assert marks[399] in thin.marks and marks[400] in thin.marks


class Sound:
    """A microphone that gives 48 samples a millisecond."""

    def __init__(self) -> None:
        self.ms = 2000.0
        self.path = SoundPath("track", 10.0, 48_000)

    async def buffer_given(self) -> None:
        return

    def mark(self) -> Mark:
        self.ms += 10_000
        return Mark(0, self.ms, round(self.ms * 48))

    def sound_path(self) -> SoundPath:
        return self.path


def test_it_is_noted_once_and_what_is_known_better_later_again() -> None:
    written: list[str] = []
    room: list[Reading] = [Reading(at, at + 10, 1e12 + at) for at in (100.0, 1000.0)]
    part = PartNow(1, 61_000.0, "audio/webm;codecs=opus")
    sound = Sound()

    async def write(lines: str) -> None:
        written.append(lines)

    def readings() -> Sequence[Reading]:
        return room

    async def story() -> None:
        nonlocal part
        keeper = ClockKeeper("Chromium 156", lambda: sound, lambda: part, readings, write)
        await keeper.note()
        room.append(Reading(9000.0, 9010.0, 1e12))
        part = PartNow(1, 61_003.5, "audio/webm;codecs=opus")
        await keeper.note()
        await keeper.note()

    asyncio.run(story())
    log = ClockLog.from_lines("".join(written))

    assert [one.asked_ms for one in log.readings] == [1000.0, 9000.0], (
        "not what was long before, and none twice"
    )
    assert [mark.page_ms for mark in log.marks] == [12_000.0, 22_000.0, 32_000.0]
    assert log.tracks == (TrackFacts(1, 61_003.5, part.encoder, sound.path),)
    assert "".join(written).count('"track":{') == 2


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Firefox 153"),
        (
            "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
            "Chromium 156",
        ),
        (
            "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
            "Safari 18",
        ),
        ("Lynx", ""),
    ],
)
def test_of_a_browser_only_its_name_and_main_version_are_noted(agent: str, name: str) -> None:
    assert browser_of(agent) == name
