"""A take: its life, its changes, and the lines of its log."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.core.json_fields import well_formed
from rolltape.core.life_cycle import WrongMoment
from rolltape.recording.take import (
    SHELF_STATES,
    TRANSITIONS,
    Delivery,
    Part,
    Pause,
    ShelfState,
    Take,
    TakeEvent,
    TakeState,
    advance,
    diagram,
)
from rolltape.recording.take_log import log_line, plain_take, read_log
from rolltape.recording.timeline import Hole, Missing
from rolltape.room.messages import TakeReport
from rolltape.room.wire import BadMessage, decode, encode
from rolltape.settings.bitrate import Rates
from unit import foreign

TAKE = Take(
    id="t-1",
    number=3,
    name="Zoë_studio_2026-03-01_09-05-07_take3",
    started_at_ms=1_772_352_307_250,
    utc_offset_minutes=120,
    label="Zoë",
    room="studio",
    started_by="Grace",
    mime_type="video/webm;codecs=vp8,opus",
    rates=Rates(6000, None),
    parts=(Part(1, "p1.webm", 1000, 5000, 0, ShelfState.FINISHED), Part(2, "p2.webm", 200, 700, 30)),
    pauses=(Pause(1000, 2000), Pause(4000)),
    state=TakeState.PAUSED,
    error="The microphone went away; “recording” goes on.\nStill.",
    delivered=(Delivery.DOWNLOADS,),
)


def life(*events: TakeEvent) -> TakeState:
    state = TakeState.IDLE
    for event in events:
        state = advance(state, event)
    return state


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((TakeEvent.START_REQUESTED,), TakeState.STARTING),
        ((TakeEvent.START_REQUESTED, TakeEvent.START_FAILED), TakeState.FAILED),
        ((TakeEvent.START_REQUESTED, TakeEvent.STARTED), TakeState.RECORDING),
        ((TakeEvent.START_REQUESTED, TakeEvent.STARTED, TakeEvent.PAUSED), TakeState.PAUSED),
        (
            (TakeEvent.START_REQUESTED, TakeEvent.STARTED, TakeEvent.PAUSED, TakeEvent.RESUMED),
            TakeState.RECORDING,
        ),
        (
            (TakeEvent.START_REQUESTED, TakeEvent.STARTED, TakeEvent.PAUSED, TakeEvent.STOP_REQUESTED),
            TakeState.STOPPING,
        ),
        (
            (TakeEvent.START_REQUESTED, TakeEvent.STARTED, TakeEvent.STOP_REQUESTED, TakeEvent.STOPPED),
            TakeState.FINISHED,
        ),
        ((TakeEvent.START_REQUESTED, TakeEvent.STARTED, TakeEvent.STOPPED), TakeState.FINISHED),
        ((TakeEvent.START_REQUESTED, TakeEvent.STARTED, TakeEvent.FOUND), TakeState.RECOVERED),
        (
            (TakeEvent.START_REQUESTED, TakeEvent.STOP_REQUESTED, TakeEvent.STARTED, TakeEvent.STOPPED),
            TakeState.FINISHED,
        ),
        ((TakeEvent.START_REQUESTED, TakeEvent.STOP_REQUESTED, TakeEvent.START_FAILED), TakeState.FAILED),
        (
            (TakeEvent.START_REQUESTED, TakeEvent.STARTED, TakeEvent.FAILED, TakeEvent.FOUND),
            TakeState.RECOVERED,
        ),
    ],
)
def test_the_life_of_a_take(events: tuple[TakeEvent, ...], state: TakeState) -> None:
    assert life(*events) is state


@pytest.mark.parametrize(
    "state", [TakeState.STARTING, TakeState.STOPPING, TakeState.RECORDING, TakeState.PAUSED]
)
def test_a_second_start_is_no_event_of_a_running_take(state: TakeState) -> None:
    with pytest.raises(WrongMoment):
        advance(state, TakeEvent.START_REQUESTED)


def test_a_take_that_is_to_stop_does_not_record_because_it_started() -> None:
    asked = life(TakeEvent.START_REQUESTED, TakeEvent.STOP_REQUESTED)

    assert advance(asked, TakeEvent.STARTED) is TakeState.STOPPING


def test_a_wrong_moment_says_what_was_expected() -> None:
    with pytest.raises(WrongMoment) as paused:
        advance(TakeState.IDLE, TakeEvent.PAUSED)
    with pytest.raises(WrongMoment) as over:
        TAKE.after(TakeEvent.STOPPED).after(TakeEvent.STARTED)

    assert str(paused.value) == "The take was idle when “paused” came; “start requested” was expected."
    assert str(over.value) == "The take was finished when “started” came; nothing more was expected."
    assert (paused.value.state, paused.value.event) == (TakeState.IDLE, TakeEvent.PAUSED)


def test_the_table_knows_every_state_and_leads_out_of_every_unfinished_one() -> None:
    endless = {state for state, row in TRANSITIONS.items() if not row}

    assert set(TRANSITIONS) == set(TakeState) == set(SHELF_STATES)
    assert endless == {TakeState.FINISHED, TakeState.RECOVERED}
    assert {target for row in TRANSITIONS.values() for target in row.values()} | {TakeState.IDLE} == set(
        TakeState
    )


@pytest.mark.parametrize(
    "state", [state for state in TakeState if SHELF_STATES[state] is ShelfState.RECORDING]
)
def test_a_take_can_be_stopped_fail_or_be_found_whenever_it_runs(state: TakeState) -> None:
    row = TRANSITIONS[state]

    assert row[TakeEvent.FAILED] is TakeState.FAILED
    assert row[TakeEvent.FOUND] is TakeState.RECOVERED
    assert TakeEvent.STOP_REQUESTED in row or TakeEvent.STOPPED in row


def test_the_diagram_is_drawn_from_the_table() -> None:
    lines = diagram().splitlines()

    assert lines[:3] == ["stateDiagram-v2", "    [*] --> idle", "    idle --> starting: start requested"]
    assert "    starting --> failed: start failed, failed" in lines
    assert "    finished --> [*]" in lines
    arrows = {(state, target) for state, row in TRANSITIONS.items() for target in row.values()}
    assert len(lines) == 2 + len(arrows) + 2


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (TakeState.STARTING, "recording"),
        (TakeState.RECORDING, "recording"),
        (TakeState.PAUSED, "recording"),
        (TakeState.STOPPING, "recording"),
        (TakeState.FINISHED, "finished"),
        (TakeState.FAILED, "failed"),
        (TakeState.RECOVERED, "recovered"),
        (TakeState.IDLE, None),
    ],
)
def test_the_shelf_shows_one_of_four_states(state: TakeState, shown: str | None) -> None:
    take = Take("t", 1, "n", 0, state=state)

    assert take.shelf_state == shown
    assert take.is_over == (shown in ("finished", "failed", "recovered"))


def test_sizes_and_lengths_add_up_over_parts() -> None:
    assert (TAKE.bytes, TAKE.duration_ms) == (1200, 5700)


def test_the_start_is_told_in_the_local_time_of_the_place() -> None:
    start = TAKE.started_at

    assert start.isoformat() == "2026-03-01T10:05:07.250000+02:00"
    assert start.utcoffset() == timedelta(hours=2)


def test_a_part_replaces_the_one_with_its_number() -> None:
    grown = Part(1, "p1.webm", 1500, 6000, 0, ShelfState.FINISHED)

    take = TAKE.with_part(Part(3, "p3.webm")).with_part(grown)

    assert [part.number for part in take.parts] == [1, 2, 3]
    assert take.parts[0] == grown
    assert TAKE.parts[0].bytes == 1000


def test_pauses_are_kept_with_their_times() -> None:
    take = Take("t", 1, "n", 0)

    paused = take.with_pause(1000).with_pause(1500)
    resumed = paused.with_pause_over(3000).with_pause_over(9000).with_pause(5000)

    assert paused.pauses == (Pause(1000),)
    assert resumed.pauses == (Pause(1000, 3000), Pause(5000))


def test_a_pause_is_never_over_before_it_began() -> None:
    assert Take("t", 1, "n", 0).with_pause(1000).with_pause_over(990).pauses == (Pause(1000, 1000),)


def test_what_becomes_known_is_added() -> None:
    take = (
        Take("t", 1, "n", 0)
        .after(TakeEvent.START_REQUESTED)
        .with_mime_type("video/webm")
        .with_error("The disk is full.")
        .with_delivery(Delivery.FOLDER)
        .with_delivery(Delivery.FOLDER)
    )

    assert take == Take(
        "t",
        1,
        "n",
        0,
        state=TakeState.STARTING,
        mime_type="video/webm",
        error="The disk is full.",
        delivered=(Delivery.FOLDER,),
    )


def test_a_log_gives_the_take_back() -> None:
    assert read_log(log_line(TAKE)) == TAKE
    assert read_log(log_line(TAKE).encode()) == TAKE


def test_a_line_is_one_line_of_ascii() -> None:
    line = log_line(TAKE)

    assert line.isascii()
    assert (line[0], line[-1], line.count("\n")) == ("\n", "\n", 2)


def test_the_last_line_of_a_log_counts() -> None:
    first, last = TAKE, TAKE.after(TakeEvent.STOPPED)

    assert read_log(log_line(first) + log_line(last)) == last


@pytest.mark.parametrize("cut", range(1, len(log_line(TAKE)) - 2))
def test_a_torn_last_line_loses_only_itself(cut: int) -> None:
    last = log_line(TAKE.after(TakeEvent.STOPPED))

    assert read_log(log_line(TAKE) + last[:cut]) == TAKE


@pytest.mark.parametrize("torn", ['{"v":1,"id":"t-', "\0" * 50, "\ufffd", "[]", "null", "[" * 100_000])
def test_a_torn_line_does_not_swallow_the_next(torn: str) -> None:
    assert read_log(torn + log_line(TAKE) + torn) == TAKE


def test_bytes_that_are_no_text_are_passed_over() -> None:
    assert read_log(log_line(TAKE).encode() + b"\xff\xfe\x00{\n\x80") == TAKE


@pytest.mark.parametrize("log", ["", "\n\n", "garbage", "{}", "7", b"", b"\xff"])
def test_a_log_without_a_whole_line_has_no_take(log: str | bytes) -> None:
    assert read_log(log) is None


def changed(**values: object) -> str:
    return "\n" + json.dumps({**json.loads(log_line(TAKE)), **values}) + "\n"


def test_a_newer_version_may_know_more() -> None:
    line = changed(
        v=9, colour="red", parts=[{"number": 1, "file": "f", "sha": "00"}], delivered=["moon", "saved"]
    )

    take = read_log(line)

    assert take is not None
    assert take.parts == (Part(1, "f"),)
    assert take.delivered == (Delivery.SAVED,)


def test_an_older_version_may_know_less() -> None:
    line = '{"id":"t","number":1,"name":"n","started_at_ms":5,"state":"recording"}'

    assert read_log(line) == Take("t", 1, "n", 5, state=TakeState.RECORDING)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", 7),
        ("id", None),
        ("number", "1"),
        ("number", True),
        ("number", -1),
        ("number", 10**400),
        ("started_at_ms", 1.5),
        ("started_at_ms", 10**15),
        ("utc_offset_minutes", 1440),
        ("label", []),
        ("rates", 5),
        ("rates", {"video_kbps": "6000"}),
        ("parts", {}),
        ("parts", [7]),
        ("parts", [{"number": 1}]),
        ("parts", [{"number": 1, "file": "f", "state": "asleep"}]),
        ("pauses", [{"to_ms": 5}]),
        ("state", "asleep"),
        ("state", None),
    ],
)
def test_a_line_that_makes_no_take_is_passed_over(name: str, value: object) -> None:
    first = Take("t", 1, "n", 5)

    assert read_log(log_line(first) + changed(**{name: value})) == first


times = st.integers(0, 2**53)
parts = st.builds(
    Part,
    times,
    st.text(),
    bytes=times,
    duration_ms=times,
    gap_before_ms=times,
    holes=st.lists(st.builds(Hole, times, times, st.sampled_from(Missing)), max_size=2).map(tuple),
    behind_ms=times,
    passed_over=times,
    cut=times,
    state=st.sampled_from(ShelfState),
)
takes = st.builds(
    Take,
    id=st.text(),
    number=times,
    name=st.text(),
    started_at_ms=st.integers(0, 253_370_764_800_000),
    utc_offset_minutes=st.integers(-1439, 1439),
    label=st.none() | st.text(),
    room=st.none() | st.text(),
    started_by=st.text(),
    mime_type=st.text(),
    rates=st.builds(Rates, st.none() | times, st.none() | times),
    parts=st.lists(parts, max_size=3).map(tuple),
    pauses=st.lists(st.builds(Pause, times, st.none() | times), max_size=3).map(tuple),
    state=st.sampled_from(TakeState),
    error=st.none() | st.text(st.characters(exclude_categories=())),
    delivered=st.lists(st.sampled_from(Delivery)).map(tuple),
)


@given(takes)
def test_every_take_comes_back_from_its_log(take: Take) -> None:
    read = read_log(log_line(take))

    assert read == (take if take.error is None else take.with_error(well_formed(take.error)))
    assert read.started_at.utcoffset() == timedelta(minutes=take.utc_offset_minutes)


def test_a_take_is_not_lost_from_the_shelf_by_half_a_character_in_its_log() -> None:
    odd = TAKE.with_error("The browser says: \ud800")

    assert read_log(log_line(odd)) == TAKE.with_error("The browser says: \ufffd")


@given(foreign.texts, foreign.json_values)
def test_any_line_of_a_log_makes_a_take_that_can_be_told(name: str, value: object) -> None:
    line = json.dumps(plain_take(TAKE) | {name: value, "label": value})

    read = read_log(line)

    if read is not None:
        said = encode(TakeReport(read))
        assert said.encode()
        try:
            told = decode("take", said)
        except BadMessage:
            return
        assert decode("take", encode(told)) == told


@given(st.binary() | st.text())
def test_any_log_can_be_read(log: bytes | str) -> None:
    assert read_log(log) is None


@given(takes, takes)
def test_a_line_of_changes_leads_from_any_take_to_any_other(before: Take, now: Take) -> None:
    before, now = (
        replace(take, id="t", error=when, parts=tuple({part.number: part for part in take.parts}.values()))
        for take, when in ((before, "Before."), (now, "Now."))
    )

    log = log_line(before) + log_line(now, before)

    read = read_log(log)
    assert read is not None
    assert sorted(read.parts, key=lambda part: part.number) == sorted(
        {part.number: part for part in now.parts}.values(), key=lambda part: part.number
    )
    assert replace(read, parts=()) == replace(now, parts=())


def test_a_line_of_changes_says_no_more_than_what_changed() -> None:
    now = TAKE.with_part(Part(2, "p2.webm", 300, 900, 30))

    line = json.loads(log_line(now, TAKE))

    assert set(line) == {"v", "id", "changes"}
    assert set(line["changes"]) == {"parts"}
    assert [part["number"] for part in line["changes"]["parts"]] == [2]


def test_changes_without_a_whole_take_before_them_make_none() -> None:
    assert read_log(log_line(TAKE.with_error("Now."), TAKE)) is None


def test_changes_of_another_take_are_passed_over() -> None:
    other = replace(TAKE, id="other")

    log = log_line(TAKE) + log_line(other.with_error("Of the other."), other)

    assert read_log(log) == TAKE
