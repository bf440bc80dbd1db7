"""What a director is told and may press, whatever order messages come in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from rolltape.core.notice import Level
from rolltape.recording.take import Take, TakeState
from rolltape.room.director_model import EFFECT_MS, PATIENCE_MS, Control
from rolltape.room.guest_news import OVER, RECORDED, News, Told, is_recorded
from rolltape.room.guest_row import BUSY, OFFLINE, RUN_ON_MS, Alarm
from rolltape.room.messages import (
    Answer,
    Command,
    CommandKind,
    Going,
    GuestState,
    Member,
    Role,
    StandingWarning,
)

ADA = Member("ada", Role.GUEST, "Ada")
IDLE = GuestState("Ada", can_record=True)


def recording(take: str = "1", **more: object) -> GuestState:
    return replace(IDLE, **{"state": TakeState.RECORDING, "take_id": take, "bytes": 1, **more})  # type: ignore[arg-type]


def over(take: str = "1", **more: object) -> GuestState:
    return replace(IDLE, take_id=take, **more)  # type: ignore[arg-type]


def with_ada(state: GuestState = IDLE) -> Control:
    control = Control()
    control.welcomed({"ada": ADA}, 0)
    control.heard("ada", state, 0)
    return control


def command(kind: CommandKind, id: str = "c1") -> Command:
    return Command("ada", id, kind)


def kinds(told: list[Told]) -> list[News]:
    return [one.kind for one in told]


def test_start_and_stop_are_told_once_each() -> None:
    control = with_ada()

    first = control.heard("ada", recording(), 1)
    again = control.heard("ada", recording(), 2)
    last = control.heard("ada", over(), 3)
    once_more = control.heard("ada", over(), 4)

    assert [one.text for one in first] == ["Ada is being recorded."]
    assert [one.text for one in last] == ["Ada's recording is finished."]
    assert again == once_more == []


def test_a_guest_who_is_only_starting_is_not_said_to_be_recorded() -> None:
    control = with_ada()

    starting = control.heard("ada", replace(recording("2"), state=TakeState.STARTING), 1)
    recorded = control.heard("ada", recording("2"), 2)

    assert starting == []
    assert [one.text for one in recorded] == ["Ada is being recorded."]


def test_a_start_that_comes_to_nothing_is_told_as_a_failure_alone() -> None:
    control = with_ada()
    control.heard("ada", replace(recording("2"), state=TakeState.STARTING), 1)

    told = control.heard("ada", over("2", failed=True, warning="The recording could not start."), 2)

    assert kinds(told) == [News.FAILED]


def test_who_started_it_is_told() -> None:
    told = with_ada().heard("ada", recording(started_by="Bo"), 1)

    assert told[0].text == "Ada is being recorded, started by Bo."


def test_a_failure_is_told_with_its_reason_and_only_once() -> None:
    control = with_ada(recording())

    told = control.heard("ada", over(failed=True, warning="The disk is full."), 1)

    assert [(one.kind, one.text) for one in told] == [
        (News.FAILED, "Ada's recording has failed. The disk is full.")
    ]


def test_what_is_running_when_the_director_comes_is_no_news() -> None:
    control = Control()

    assert control.welcomed({"ada": ADA}, 0) == []
    assert control.heard("ada", recording(warning="Old trouble."), 0) == []


def test_a_guest_who_comes_in_recording_is_told() -> None:
    control = Control()
    control.welcomed({}, 0)

    came = control.members({"ada": ADA}, 1)
    told = control.heard("ada", recording(), 2)

    assert kinds(came + told) == [News.CAME, News.STARTED]


def test_a_take_that_began_and_ended_unheard_is_told_as_finished() -> None:
    assert kinds(with_ada(over("1")).heard("ada", over("2"), 1)) == [News.STOPPED]


def test_one_take_right_after_another_is_an_end_and_a_start() -> None:
    assert kinds(with_ada(recording("1")).heard("ada", recording("2"), 1)) == [News.STOPPED, News.STARTED]


def test_a_lost_connection_is_told_and_so_is_the_return() -> None:
    control = with_ada(recording())

    gone = control.members({"ada": replace(ADA, present=False)}, 1)
    left = control.members({}, 2)
    state = control.rows["ada"].shown_state
    back = control.members({"ada": ADA}, 3)

    assert [one.text for one in gone] == [
        "Ada's connection is gone. Their recording goes on by itself while their page is open."
    ]
    assert (left, state, kinds(back)) == ([], OFFLINE, [News.BACK])


def test_a_restart_of_the_server_is_not_told_of_every_guest() -> None:
    control = with_ada(recording())

    control.disconnected()
    unreachable = control.rows["ada"].shown_state
    told = control.welcomed({}, 10) + control.members({"ada": ADA}, 2000) + control.check(9000)

    assert unreachable == OFFLINE
    assert kinds(told) == []
    assert control.rows["ada"].shown_state == "recording"


def test_a_guest_who_is_not_back_after_that_is_missed() -> None:
    control = with_ada()

    control.disconnected()
    told = control.welcomed({}, 10) + control.check(3000) + control.check(6000) + control.check(9000)

    assert kinds(told) == [News.GONE]


def test_asking_changes_nothing_that_is_shown_but_disables_the_button() -> None:
    control = with_ada()

    control.ask(command(CommandKind.START), 0)

    assert control.rows["ada"].shown_state == "idle"
    assert not control.rows["ada"].may(CommandKind.START)
    assert control.rows["ada"].asked(CommandKind.START)


def test_an_agreement_is_not_the_deed() -> None:
    control = with_ada()
    control.ask(command(CommandKind.START), 0)

    control.answered("ada", Answer("bo", "c1", True))
    still_asked = not control.rows["ada"].may(CommandKind.START)
    control.heard("ada", replace(IDLE, state=TakeState.STARTING, take_id="1"), 1)

    assert still_asked
    assert control.rows["ada"].pending == ()


def test_a_refusal_is_told_and_stands_in_the_row_until_something_is_recorded() -> None:
    control = with_ada()
    control.ask(command(CommandKind.START), 0)

    told = control.answered("ada", Answer("bo", "c1", False, "The link does not allow it."))
    again = control.answered("ada", Answer("bo", "c1", False, "The link does not allow it."))
    refused = control.rows["ada"].trouble
    control.heard("ada", recording(), 1)

    assert [one.text for one in told] == ["Ada did not start. The link does not allow it."]
    assert again == []
    assert (refused, control.rows["ada"].trouble) == ("The link does not allow it.", "")


def test_nobody_answers_for_five_seconds() -> None:
    control = with_ada()
    control.ask(command(CommandKind.START), 0)

    assert control.check(PATIENCE_MS) == []
    assert [one.text for one in control.check(PATIENCE_MS + 1)] == [
        "Ada did not start. The guest's page has not answered."
    ]
    assert control.rows["ada"].may(CommandKind.START)


def test_a_lost_answer_does_not_matter_once_the_state_says_it() -> None:
    control = with_ada()
    control.ask(command(CommandKind.START), 0)

    control.heard("ada", recording(), 1)

    assert control.check(PATIENCE_MS + 1) == []


def test_stop_can_be_asked_for_while_a_start_is_under_way() -> None:
    control = with_ada()
    control.ask(command(CommandKind.PAUSE), 0)
    control.heard("ada", recording(), 1)

    row = control.rows["ada"]
    assert row.may(CommandKind.STOP)
    assert not row.may(CommandKind.RESUME)


def test_a_guest_who_was_removed_is_off_the_page_without_a_word() -> None:
    control = with_ada()
    control.ask(command(CommandKind.REMOVE), 0)

    assert control.members({}, 1) == []
    assert control.rows == {}


def test_a_guest_who_never_says_anything_can_be_removed() -> None:
    control = Control()
    control.welcomed({"ada": ADA}, 0)

    assert control.rows["ada"].may(CommandKind.REMOVE)
    assert not control.rows["ada"].may(CommandKind.RENAME)


def test_a_guest_who_was_taken_off_the_page_is_shown_again_only_when_they_are_back() -> None:
    control = with_ada()
    away = {"ada": replace(ADA, present=False)}
    control.members(away, 1)

    control.forget("ada")
    told = control.members(away, 2)
    off = dict(control.rows)
    told += control.members({"ada": ADA}, 3)

    assert off == {}
    assert kinds(told) == [News.CAME]
    assert "ada" in control.rows


def test_guests_without_end_do_not_fill_the_page() -> None:
    control = Control()
    control.welcomed({}, 0)
    for number in range(100):
        uid = f"g{number}"
        control.members({uid: Member(uid, Role.GUEST)}, number)
        control.heard(uid, IDLE, number)

    control.members({}, 1000)

    assert len(control.rows) == 20
    assert "g99" in control.rows


def test_time_runs_on_only_while_something_is_heard() -> None:
    row = with_ada(recording(elapsed_ms=5000)).rows["ada"]

    assert row.elapsed_ms(0) == 5000
    assert row.elapsed_ms(1000) == 6000
    assert row.elapsed_ms(60_000) == 5000 + RUN_ON_MS
    assert row.silent_ms(2000) == 0
    assert row.silent_ms(3500) == 3500


def test_an_idle_guest_is_not_called_silent_between_two_words() -> None:
    row = with_ada().rows["ada"]

    assert row.silent_ms(6000) == 0
    assert row.silent_ms(13_000) == 13_000


def test_a_recording_of_which_nothing_is_heard_is_an_alarm_once() -> None:
    control = with_ada(recording())

    told = control.check(7000) + control.check(9000) + control.check(10_000)

    assert [one.text for one in told] == [f"Ada {Alarm.UNHEARD}"]


def test_a_recording_that_writes_nothing_more_is_an_alarm() -> None:
    control = with_ada(recording())
    told = [one for second in range(1, 12) for one in control.heard("ada", recording(), second * 1000)]

    assert [one.text for one in told] == [f"Ada {Alarm.UNWRITTEN}"]
    over = control.heard("ada", recording(bytes=2), 12_000)
    assert [one.text for one in over] == [f"Ada {OVER[Alarm.UNWRITTEN]}"]
    assert over[0].level is Level.INFO
    assert control.rows["ada"].alarms == frozenset()


def test_a_recording_is_told_once_something_is_recorded_and_not_while_it_starts() -> None:
    control = with_ada()

    starting = control.heard("ada", replace(recording(), state=TakeState.STARTING), 1)
    begun = control.heard("ada", recording(), 2)
    paused = control.heard("ada", replace(recording(), state=TakeState.PAUSED), 3)

    assert (starting, kinds(begun), paused) == ([], [News.STARTED], [])


def test_a_recording_that_is_stopping_already_is_told_by_its_end_alone() -> None:
    control = with_ada(recording(bytes=0))

    stopping = control.heard("ada", replace(recording(), state=TakeState.STOPPING), 1)

    assert stopping == []
    assert kinds(control.heard("ada", over(), 2)) == [News.STOPPED]


def test_a_recording_that_fails_is_told_as_failed_also_after_it_was_stopping() -> None:
    control = with_ada()
    control.heard("ada", recording(), 1)

    stopping = control.heard("ada", replace(recording(), state=TakeState.STOPPING), 2)
    failed = control.heard("ada", over(failed=True, warning="The disk is full."), 3)

    assert (stopping, kinds(failed)) == ([], [News.FAILED])


def test_a_recording_is_told_once_a_byte_of_it_is_written_though_its_engine_runs() -> None:
    control = with_ada()

    empty = control.heard("ada", recording(bytes=0), 1)
    written = control.heard("ada", recording(bytes=5), 2)
    another = control.heard("ada", recording("2", bytes=0), 3)
    failed = control.heard("ada", over("2", failed=True, warning="Nothing was recorded."), 4)

    assert [kinds(told) for told in (empty, written, another, failed)] == [
        [],
        [News.STARTED],
        [News.STOPPED],
        [News.FAILED],
    ]


def test_a_start_that_fails_is_told_as_failed_and_never_as_begun() -> None:
    control = with_ada()

    told = control.heard("ada", replace(recording(), state=TakeState.STARTING), 1)
    told += control.heard("ada", over(failed=True, warning="No recorder begins."), 2)

    assert kinds(told) == [News.FAILED]


def test_a_guest_who_reloads_while_recording_is_told_as_cut_off_and_not_as_finished() -> None:
    control = with_ada(recording(page="first"))

    last_word = control.heard("ada", recording(page="first", going=Going.UNLOADED), 1)
    away = control.members({"ada": replace(ADA, present=False)}, 2)
    control.members({"ada": ADA}, 3)
    back = control.heard("ada", replace(IDLE, page="second"), 4)

    assert [(one.kind, one.level) for one in last_word] == [(News.CUT_OFF, Level.ERROR)]
    assert "that recording has ended" in last_word[0].text
    assert [one.text for one in away] == ["Ada has closed the page, or is loading it anew."]
    assert back == []
    assert not control.rows["ada"].is_busy


def test_a_page_that_goes_as_its_recording_starts_is_told_as_cut_off_and_not_as_finished() -> None:
    control = with_ada(over("1", page="first"))
    starting = replace(recording("2", page="first", going=Going.UNLOADED), state=TakeState.STARTING)

    assert kinds(control.heard("ada", starting, 1)) == [News.CUT_OFF]
    assert control.heard("ada", starting, 2) == []


def test_a_page_that_went_without_a_last_word_is_told_as_cut_off_when_another_one_comes() -> None:
    control = with_ada(recording(page="first"))

    assert kinds(control.heard("ada", replace(IDLE, page="second"), 1)) == [News.CUT_OFF]


def test_a_page_that_records_again_by_itself_is_told_of_both() -> None:
    control = with_ada(recording(page="first"))

    assert kinds(control.heard("ada", recording("2", page="second"), 1)) == [News.CUT_OFF, News.STARTED]


def test_with_a_page_its_warnings_go_without_a_word_that_their_causes_are_over() -> None:
    control = with_ada(replace(IDLE, page="first", standing=(SILENT,)))

    assert control.heard("ada", replace(IDLE, page="first", going=Going.UNLOADED), 1) == []
    assert control.heard("ada", replace(IDLE, page="second"), 2) == []
    assert kinds(control.heard("ada", replace(IDLE, page="second", standing=(SILENT,)), 3)) == [News.TROUBLE]


def test_a_guest_who_hangs_up_has_hung_up() -> None:
    control = with_ada()
    control.heard("ada", replace(IDLE, going=Going.HUNG_UP), 1)

    told = control.members({}, 2)

    assert [(one.kind, one.text) for one in told] == [(News.LEFT, "Ada has hung up.")]


def test_a_recording_that_came_back_is_told() -> None:
    take = Take("1", 1, "Ada_take1", 0, state=TakeState.RECOVERED)

    (told,) = with_ada().recovered("ada", take)

    assert told.text == "Ada's recording Ada_take1 is back; it counts in the session file."
    assert with_ada().recovered("gone", take)[0].text.startswith("Guest gone's recording")


def test_start_is_not_free_again_before_an_accepted_start_has_begun() -> None:
    control = with_ada()
    control.ask(command(CommandKind.START), 10)
    control.answered("ada", Answer("bo", "c1", True))

    control.heard("ada", IDLE, 20)
    assert not control.rows["ada"].may(CommandKind.START)
    control.heard("ada", replace(recording(), state=TakeState.STARTING), 30)

    assert control.rows["ada"].pending == ()


def test_an_accepted_start_of_which_nothing_comes_is_told_and_start_is_free_again() -> None:
    control = with_ada()
    control.ask(command(CommandKind.START), 0)
    control.answered("ada", Answer("bo", "c1", True))
    control.heard("ada", IDLE, 10_000)
    assert control.check(10_001) == []

    told = control.check(20_001)

    assert [one.text for one in told if one.kind is News.REFUSED] == [
        "Ada did not start. The guest's page has agreed, but nothing has come of it."
    ]
    assert control.rows["ada"].may(CommandKind.START)


def test_a_start_that_failed_at_once_is_done() -> None:
    control = with_ada()
    control.ask(command(CommandKind.START), 0)
    control.answered("ada", Answer("bo", "c1", True))

    told = control.heard("ada", over(failed=True, warning="No recorder begins."), 1)

    assert kinds(told) == [News.FAILED]
    assert control.rows["ada"].pending == ()


def test_a_pause_that_an_end_overtook_is_done() -> None:
    control = with_ada(recording())
    control.ask(command(CommandKind.PAUSE), 0)
    control.answered("ada", Answer("bo", "c1", True))
    control.heard("ada", recording(), 1)
    assert control.rows["ada"].asked(CommandKind.PAUSE)

    control.heard("ada", over(), 2)

    assert control.rows["ada"].pending == ()


SILENT = StandingWarning("microphone-silence", "No sound comes from the microphone.")


def test_a_guests_warning_is_told_when_it_begins_when_it_is_over_and_when_it_begins_again() -> None:
    control = with_ada(recording())
    silent = recording(standing=(SILENT,))

    told = [control.heard("ada", one, 1) for one in (silent, silent, recording(), recording(), silent)]

    begun, over = f"Ada: {SILENT.text}", f"Ada: This is over: “{SILENT.text}”"
    assert [[one.text for one in some] for some in told] == [[begun], [], [over], [], [begun]]
    assert (told[0][0].level, told[2][0].level) == (Level.WARNING, Level.INFO)


def test_the_card_shows_what_holds_and_nothing_that_is_over() -> None:
    control = with_ada(recording(standing=(SILENT, StandingWarning("room-left", "Little room."))))
    assert control.rows["ada"].trouble == f"{SILENT.text} Little room."

    control.heard("ada", recording(), 1)

    assert control.rows["ada"].trouble == ""


def test_the_same_trouble_a_second_time_is_told_a_second_time() -> None:
    control = with_ada(recording())
    first = control.heard("ada", recording(warning="A new part.", warnings_told=1), 1)
    same = control.heard("ada", recording(warning="A new part.", warnings_told=1), 2)
    second = control.heard("ada", recording(warning="A new part.", warnings_told=2), 3)

    assert (kinds(first), kinds(same), kinds(second)) == ([News.TROUBLE], [], [News.TROUBLE])


def test_an_alarm_about_a_recording_is_over_without_a_word_when_that_ends() -> None:
    control = with_ada(recording(minutes_left=9.0))
    control.check(1)

    told = control.heard("ada", over(minutes_left=9.0), 2)

    assert kinds(told) == [News.STOPPED]
    assert control.rows["ada"].alarms == frozenset()


def test_little_room_and_little_battery_are_told_once() -> None:
    control = with_ada()
    low = recording(minutes_left=9.0, battery=10, charging=False)

    told = control.heard("ada", low, 1) + control.heard("ada", low, 2)

    assert kinds(told) == [News.STARTED, News.TROUBLE, News.TROUBLE]
    assert [one.text for one in told[1:]] == [
        "Ada has room for less than ten minutes of recording.",
        "Ada has little battery left.",
    ]

    better = control.heard("ada", recording(minutes_left=60.0, battery=80, charging=True), 3)
    assert [one.text for one in better] == [
        "Ada has room for ten minutes of recording or more again.",
        "Ada has enough battery again, or is charging it.",
    ]


def test_directors_are_not_shown_as_guests() -> None:
    control = Control()
    control.welcomed({"bo": Member("bo", Role.DIRECTOR)}, 0)

    assert control.rows == {}


@dataclass
class Story:
    """A room, told to a control step by step."""

    control: Control = field(default_factory=Control)
    now_ms: float = 0.0
    told: list[Told] = field(default_factory=list)
    asked: int = 0


_UIDS = st.sampled_from(["ada", "bob"])
_STATES = st.builds(
    GuestState,
    label=st.sampled_from(["", "Ada"]),
    state=st.sampled_from(TakeState),
    can_record=st.booleans(),
    take_id=st.sampled_from(["", "1", "2"]),
    elapsed_ms=st.integers(0, 10_000),
    bytes=st.integers(0, 3),
    failed=st.booleans(),
    warning=st.sampled_from(["", "Trouble."]),
    warnings_told=st.integers(0, 2),
    page=st.sampled_from(["", "first", "second"]),
    going=st.none() | st.sampled_from(Going),
    standing=st.lists(
        st.sampled_from([SILENT, StandingWarning("room-left", "Little room.")]), unique=True, max_size=2
    ).map(tuple),
)
_STEPS = st.one_of(
    st.tuples(st.just("heard"), _UIDS, _STATES),
    st.tuples(st.just("here"), _UIDS, st.booleans()),
    st.tuples(st.just("left"), _UIDS, st.none()),
    st.tuples(st.just("ask"), _UIDS, st.sampled_from(CommandKind)),
    st.tuples(st.just("answer"), _UIDS, st.booleans()),
    st.tuples(st.just("time"), _UIDS, st.integers(0, 8000)),
    st.tuples(st.just("line"), _UIDS, st.booleans()),
)


def played(steps: list[tuple[str, str, object]]) -> Story:
    """Tell the story; after every step, what must always be true."""
    story = Story()
    members: dict[str, Member] = {uid: Member(uid, Role.GUEST) for uid in ("ada", "bob")}
    control = story.control
    control.welcomed(members, 0)
    for what, uid, value in steps:
        row = control.rows.get(uid)
        if what == "heard" and isinstance(value, GuestState):
            before = row.state if row else None
            told = control.heard(uid, value, story.now_ms)
            assert control.heard(uid, value, story.now_ms) == [], "the same word twice is told once"
            check_told(told, before, value, row.fresh if row else False)
            story.told += told
        elif what == "here":
            members[uid] = Member(uid, Role.GUEST, present=bool(value))
            story.told += control.members(members, story.now_ms)
            assert control.members(members, story.now_ms) == []
        elif what == "left":
            members.pop(uid, None)
            story.told += control.members(members, story.now_ms)
        elif what == "ask" and row is not None and isinstance(value, CommandKind) and row.may(value):
            story.asked += 1
            before_state = row.shown_state
            control.ask(Command(uid, f"c{story.asked}", value), story.now_ms)
            assert control.rows[uid].shown_state == before_state, "asking changes nothing that is shown"
        elif what == "answer" and row is not None and row.pending:
            story.told += control.answered(uid, Answer("bo", row.pending[0].command.id, bool(value)))
        elif what == "time" and isinstance(value, int):
            story.now_ms += value
            story.told += control.check(story.now_ms)
        elif what == "line":
            if value:
                story.told += control.welcomed(members, story.now_ms)
            else:
                control.disconnected()
        check_rows(story)
    return story


def check_told(told: list[Told], before: GuestState | None, now: GuestState, fresh: bool) -> None:
    counted = Counter(kinds(told))
    is_busy = now.state in BUSY and now.going is None
    is_ = now.state in RECORDED and now.going is None
    was = before.state in RECORDED and before.going is None if before else not fresh and is_
    ended = counted[News.STOPPED] + counted[News.FAILED] + counted[News.CUT_OFF]
    if is_recorded(now) and before is not None and not is_recorded(before):
        assert counted[News.STARTED] == 1
    if was and not is_busy:
        assert ended == 1
    assert counted[News.STARTED] <= is_recorded(now)
    assert ended <= 1
    assert counted[News.FAILED] == 0 or now.failed


def check_rows(story: Story) -> None:
    for row in story.control.rows.values():
        assert row.shown_state in {OFFLINE, "idle", *BUSY}
        if not row.member.present or not row.reachable or row.state is None:
            assert row.shown_state == OFFLINE
            assert not row.may(CommandKind.START) and not row.may(CommandKind.STOP)
        elif row.state.state in BUSY and row.state.going is None:
            assert row.shown_state == row.state.state
            assert not row.may(CommandKind.START)
        for kind in CommandKind:
            assert not (row.asked(kind) and row.may(kind)), "what is asked for cannot be pressed again"
        if row.state is not None:
            assert 0 <= row.elapsed_ms(story.now_ms) - row.state.elapsed_ms <= RUN_ON_MS


@given(st.lists(_STEPS, max_size=40))
def test_whatever_comes_in_whatever_order_what_is_shown_is_true(
    steps: list[tuple[str, str, object]],
) -> None:
    story = played(steps)

    story.control.check(story.now_ms)
    story.control.check(story.now_ms + EFFECT_MS + 1)

    assert all(row.pending == () for row in story.control.rows.values()), "nothing is under way for ever"
    assert story.control.check(story.now_ms + EFFECT_MS + 1) == [], "what was told is not told again"


@given(st.lists(_STEPS, max_size=25), st.lists(_STATES, min_size=1, max_size=5))
def test_lost_messages_leave_no_trace_once_the_guest_speaks_again(
    steps: list[tuple[str, str, object]], lost: list[GuestState]
) -> None:
    """Two directors, one of whom missed some messages, see the same after the next one."""
    last = lost[-1]
    rows = []
    for heard in (lost, [last]):
        story = played(steps)
        story.control.welcomed({"ada": ADA}, story.now_ms)
        for state in heard:
            story.control.heard("ada", state, story.now_ms)
        row = story.control.rows["ada"]
        rows.append((row.shown_state, row.state, row.name, row.elapsed_ms(story.now_ms)))

    assert rows[0] == rows[1]
