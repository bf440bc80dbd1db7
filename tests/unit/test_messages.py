"""The messages of a room: whatever is said arrives as it was said, or is refused with a sentence."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.wire import UploadOffer
from rolltape.core.clock import Reading
from rolltape.core.naming import MAX_NAME_BYTES, safe_name
from rolltape.recording.clock_log import ClockLog, Mark, SoundPath, TrackFacts
from rolltape.recording.take import Part, Pause, Take, TakeState
from rolltape.recording.take_log import plain_take
from rolltape.room.messages import (
    ROUTES,
    Answer,
    Arrived,
    Away,
    Command,
    CommandKind,
    Description,
    Door,
    Going,
    GuestState,
    IceCandidate,
    IceServer,
    Joined,
    Left,
    Member,
    Message,
    Role,
    Sender,
    SendRates,
    Signal,
    StandingWarning,
    TakeReport,
    Welcome,
    room_key,
)
from rolltape.room.report_pieces import reports_of
from rolltape.room.session_file import Report
from rolltape.room.wire import MAX_MESSAGE, BadMessage, decode, encode, kind_of, sender_of, with_sender
from rolltape.settings.bitrate import wish_for
from rolltape.settings.codec import CodecWish, VideoCodec
from rolltape.settings.order import Order
from unit import foreign

ADA = Sender("ada", Role.GUEST, "k1")
TAKE = Take(
    "0001-aa", 1, "Ada_studio_take1", 1_764_000_000_000, 60, "Ada", "studio", "Bo",
    parts=(Part(1, "part1", 10, 1000),), pauses=(Pause(5, 10), Pause(20)), state=TakeState.FINISHED,
    room_started_at_ms=1_764_000_000_123, room_error_ms=2,
)  # fmt: skip
MESSAGES: list[Message] = [
    Welcome("ada", "k1", (Member("bo", Role.DIRECTOR, "Bö"), Member("cy", Role.GUEST, "李雷", False, False))),
    Welcome("ada", "", waiting=True),
    Welcome("bo", "k1", invited_only=True),
    Welcome("eve", "k1", ice_servers=(IceServer(("stun:a",)), IceServer(("turn:a", "turns:a"), "9:eve", "c")),
            upload=UploadOffer("token", 1_764_000_000_000, 2**20, "record.example.org")),
    Door(True),
    Joined(Member("bo", Role.DIRECTOR)),
    Joined(Member("eve", Role.GUEST, "Eve", False, waiting=True)),
    Command("eve", "c7", CommandKind.LET_IN),
    Away("ada"),
    Left("ada"),
    Arrived("1764381600000-0a1b2c3d", "part2", 12_345, ArrivalState.OPEN),
    GuestState(),
    GuestState("Ada", TakeState.RECORDING, True, "", "Bo", "1", "Ada_take1", 1000, 2**40, 2, 20, "video/webm",
               "VP8", 1280, 720, 29.97, 6012.5, 6000, 128, 40, 120.5, 80, False, True, True, 3, "Late.", False,
               4, (StandingWarning("microphone-silence", "No sound."), StandingWarning("room-left", "Little.")),
               "page1", Going.UNLOADED),
    TakeReport(TAKE),
    TakeReport(TAKE, 12, 3),
    Command("ada", "c1", CommandKind.START, "Bo"),
    Command("ada", "c1", CommandKind.START, "Bo",
            Order(wish_for(2500), CodecWish(VideoCodec.H264, True, True), 96)),
    Command("ada", "c2", CommandKind.START, "Bo", Order(wish_for(0), CodecWish(pcm=True))),
    Command("ada", "c3", CommandKind.START, "Bo", Order(wish_for(-96))),
    Command("ada", "c4", CommandKind.RENAME, "Bo", label="Zoë"),
    Command("ada", "c5", CommandKind.SEND_RATES, "Bo", rates=SendRates(6000, 128)),
    Command("ada", "c6", CommandKind.SEND_RATES, "Bo"),
    Answer("bo", "c1", False, "This link does not allow recording."),
    Signal("bo", "s1", Description("offer", "v=0\r\n")),
    Signal("bo", "s1", candidate=IceCandidate("candidate:1 1 udp", "0", 0)),
    Signal("bo", candidate=IceCandidate("")),
]  # fmt: skip


def told(**changes: object) -> str:
    """A report of a take, changed."""
    return json.dumps({"v": 2, "take": plain_take(TAKE) | changes})


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: kind_of(message))
def test_a_message_arrives_as_it_was_said(message: Message) -> None:
    assert decode(kind_of(message), encode(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: kind_of(message))
def test_what_a_newer_page_adds_is_left_aside(message: Message) -> None:
    said = json.loads(encode(message)) | {"newer": {"deep": [1, 2]}}

    assert decode(kind_of(message), json.dumps(said)) == message


def test_the_sender_is_the_one_the_server_names() -> None:
    assert sender_of(encode(Away("bo"), ADA)) == ADA


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: kind_of(message))
def test_what_is_handed_on_is_what_came_and_the_servers_word_on_who_sent_it(message: Message) -> None:
    forged = encode(message, Sender("eve", Role.DIRECTOR, "k"))

    for text in (encode(message), forged, f"  {forged}\n "):
        handed_on = with_sender(text, ADA)
        assert sender_of(handed_on) == ADA
        assert decode(kind_of(message), handed_on) == message
        assert len(handed_on) < len(text) + 200


def test_a_message_without_sender_is_nobodys() -> None:
    with pytest.raises(BadMessage):
        sender_of(encode(Away("bo")))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("away", None),
        ("away", 7),
        ("away", ""),
        ("away", "[]"),
        ("away", "{"),
        ("away", '{"v":2}'),
        ("away", '{"v":1,"uid":"ada"}'),
        ("away", '{"v":2,"uid":"a b"}'),
        ("away", '{"v":2,"uid":["ada"]}'),
        ("away", '{"v":2,"uid":"' + "a" * 65 + '"}'),
        ("away", '{"v":2,"uid":"ada","x":"' + "x" * MAX_MESSAGE + '"}'),
        ("away", '{"v":2,"uid":' + "[" * 30_000),
        ("nothing", '{"v":2}'),
        ("signal", '{"v":2,"to":"ada"}'),
        ("signal", '{"v":2,"to":"ada","description":{"type":"offer"},"candidate":{"candidate":""}}'),
        ("signal", '{"v":2,"to":"ada","description":{"type":"evil"}}'),
        ("command", '{"v":2,"to":"ada","id":"c","kind":"format-disk"}'),
        ("command", '{"v":2,"to":"ada","id":"c","kind":"start","order":{"record":"many"}}'),
        ("command", '{"v":2,"to":"ada","id":"c","kind":"start","order":{"record":"6000","codec":"divx"}}'),
        ("state", '{"v":2,"fps":NaN}'),
        ("state", '{"v":2,"fps":1e999}'),
        ("state", '{"v":2,"bytes":-1}'),
        ("state", '{"v":2,"bytes":true}'),
        ("take", '{"v":2,"take":{"id":"1"}}'),
        ("take", told(id="../x")),
        ("take", told(id="x" * 81)),
        ("take", told(mime_type="x" * 121)),
        ("take", told(parts=[{"number": 1, "file": ""}] * 501)),
        ("take", told(pauses=[{"from_ms": 1}] * 501)),
    ],
)
def test_what_is_not_right_is_refused_with_a_sentence(kind: str, text: object) -> None:
    with pytest.raises(BadMessage) as caught:
        decode(kind, text)

    assert caught.value.sentence.endswith(".")


@given(st.sampled_from([kind_of(message) for message in MESSAGES]), st.text())
def test_no_text_does_more_than_be_refused(kind: str, text: str) -> None:
    with pytest.raises(BadMessage):
        decode(kind, text)


@hypothesis_settings(max_examples=200)
@given(st.sampled_from(MESSAGES), st.data())
def test_what_is_accepted_can_be_said_again_and_sent(message: Message, data: st.DataObject) -> None:
    said = json.loads(encode(message))
    changed = data.draw(st.sampled_from(_places(said)))
    _put(said, changed, data.draw(foreign.texts | foreign.numbers | foreign.json_values))

    try:
        read = decode(kind_of(message), json.dumps(said))
    except BadMessage as refused:
        assert refused.sentence.encode()
        return

    again = encode(read, ADA)
    assert decode(kind_of(read), again) == read
    assert len(again.encode()) >= len(again)


Place: TypeAlias = tuple[str | int, ...]


def _places(value: object, at: Place = ()) -> list[Place]:
    """Where in a JSON value something stands, at any depth."""
    inner: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return [place for key, one in inner for place in [(*at, key), *_places(one, (*at, key))]]


def _put(value: Any, place: Place, new: object) -> None:
    for key in place[:-1]:
        value = value[key]
    value[place[-1]] = new


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("state", '{"v":2,"take_id":"\\ud800"}'),
        ("state", '{"v":2,"mime_type":"video/\\udfff"}'),
        ("signal", '{"v":2,"to":"ada","session":"\\ud800","candidate":{"candidate":""}}'),
        ("signal", '{"v":2,"to":"ada","description":{"type":"offer","sdp":"\\udc00\\ud800"}}'),
        (
            "take",
            '{"v":2,"take":{"id":"1","number":1,"name":"\\ud800","started_at_ms":1,"state":"finished"}}',
        ),
        ("state", '{"v":2,"fps":1' + "0" * 400 + "}"),
        ("state", '{"v":2,"minutes_left":-1' + "0" * 400 + "}"),
        ("state", '{"v":2,"bytes":1' + "0" * 5000 + "}"),
        ("state", '{"v":2,"newer":NaN}'),
    ],
)
def test_what_no_receiver_could_use_is_refused_where_it_comes_in(kind: str, text: str) -> None:
    with pytest.raises(BadMessage) as caught:
        decode(kind, text)

    assert caught.value.sentence.isprintable()
    assert caught.value.sentence.endswith(".")
    assert len(caught.value.sentence) < 120


def test_half_a_character_of_our_own_is_sent_as_a_mark_of_one_that_is_missing() -> None:
    said = encode(GuestState(warning="Odd: \ud800."))

    assert said.encode()
    assert decode("state", said) == GuestState(warning="Odd: .")


GROWING = st.sampled_from(
    ["\N{DEVANAGARI LETTER QA}", "\N{MUSICAL SYMBOL SIXTEENTH NOTE}", "\u0344", "\u202e"]
)


@given(st.lists(st.text(max_size=5) | GROWING, max_size=100).map("".join))
@example("\N{DEVANAGARI LETTER QA}" * 80)
def test_a_label_that_arrives_is_one_line_that_can_be_seen_and_stays_as_it_is(label: str) -> None:
    read = decode("state", json.dumps({"v": 2, "label": label}))

    assert isinstance(read, GuestState)
    assert len(read.label) <= 80
    assert "\n" not in read.label
    assert "\u202e" not in read.label
    assert decode("state", encode(read)) == read


def test_a_name_that_grows_when_it_is_normalised_keeps_nobody_out() -> None:
    eve = Member("eve", Role.GUEST, "\N{DEVANAGARI LETTER QA}" * 80)

    welcome = decode("welcome", encode(Welcome("ada", "k", (eve, Member("bo", Role.DIRECTOR, "Bo")))))

    assert isinstance(welcome, Welcome)
    assert [one.uid for one in welcome.members] == ["eve", "bo"]


def test_a_member_who_is_not_right_is_left_aside_and_the_others_are_there() -> None:
    said = json.loads(encode(Welcome("ada", "k", (Member("eve", Role.GUEST), Member("bo", Role.DIRECTOR)))))
    said["members"][0]["label"] = 7

    assert decode("welcome", json.dumps(said)) == Welcome("ada", "k", (Member("bo", Role.DIRECTOR),))


@pytest.mark.parametrize(
    "name",
    ["\\\\evil.example\\share\\x", "//evil.example/share/x", "file:///etc/passwd", "https://evil.example/x"]
    + ["../../x", "C:\\x", "", "nul", "x" * 5000, "a\u202eb\n"],
)
def test_a_reported_name_leads_nowhere(name: str) -> None:
    read = decode("take", told(name=name, parts=[{"number": 1, "file": name}]))

    assert isinstance(read, TakeReport)
    for found in (read.take.name, read.take.parts[0].file):
        assert 0 < len(found.encode()) <= MAX_NAME_BYTES
        assert not set('<>:"/\\|?*\n\u202e') & set(found)
        assert not found.startswith(".") and found.lower() != "nul"
        assert safe_name(found) == found


def test_a_reports_texts_are_such_as_people_read() -> None:
    part = {"number": 1, "file": "part1", "reason": "\u202ef" * 3000}
    said = told(label="a" * 500, error="b" * 5000, started_by="\u202ec", room="d\ne", parts=[part])
    read = decode("take", said)

    assert isinstance(read, TakeReport)
    take = read.take
    assert (take.label, len(take.error or ""), take.started_by, take.room) == ("a" * 80, 500, "c", "d e")
    assert len(take.parts[0].reason) == 500 and "\u202e" not in take.parts[0].reason


LONG = replace(
    TAKE,
    error="It broke off. " * 200,
    parts=tuple(
        Part(n, f"part{n}", 5_000_000, 60_000, reason="The recorder broke off. " * 100)
        for n in range(1, 1441)
    ),
    pauses=tuple(Pause(n * 1000, n * 1000 + 500) for n in range(2000)),
)


def test_a_take_of_a_day_in_parts_of_a_minute_is_reported_in_messages_that_are_taken() -> None:
    pieces = reports_of(LONG)
    shuffled = random.Random(1).sample(pieces, len(pieces))
    whole: Report | None = None
    for piece in [*shuffled, pieces[0]]:
        told = decode("take", encode(piece, Sender("a" * 64, Role.GUEST, "k" * 64)))
        assert isinstance(told, TakeReport)
        whole = Report("ada", told.take, told.all_parts, told.all_pauses).before(whole)

    assert whole is not None
    assert whole.is_whole
    assert [part.number for part in whole.take.parts] == list(range(1, 1441))
    assert whole.take.pauses == LONG.pauses


CLOCK = ClockLog(
    "Chromium 156",
    tuple(
        TrackFacts(n, n * 60_000.5, "audio/webm;codecs=opus", SoundPath("track", 23.2, 44_100))
        for n in range(1, 1441)
    ),
    tuple(Reading(n * 2500.0, n * 2500.0 + 20, 1.8e12 + n * 2500) for n in range(34_560)),
    tuple(Mark(1 + n // 6, n * 10_000.0, n * 441_000, n * 10_000.0, n * 10_000.0 + 5) for n in range(8640)),
)


@pytest.mark.parametrize("take", [TAKE, LONG])
def test_a_take_is_reported_with_its_clocks_in_messages_that_are_taken(take: Take) -> None:
    whole: Report | None = None
    for piece in reports_of(take, CLOCK):
        told = decode("take", encode(piece, Sender("a" * 64, Role.GUEST, "k" * 64)))
        assert isinstance(told, TakeReport)
        whole = Report("ada", told.take, told.all_parts, told.all_pauses, told.clock).before(whole)

    assert whole is not None and whole.is_whole and whole.clock is not None
    assert whole.take.parts == reports_of(take)[0].take.parts or take is LONG
    assert len(whole.clock.readings) == 60 and len(whole.clock.marks) >= 60
    assert whole.clock.tracks[0] == CLOCK.tracks[0] and whole.clock.browser == "Chromium 156"
    again = Report("ada", whole.take, 0, 0).before(whole)
    assert again.clock == whole.clock, "a report without clocks takes none away"


def test_a_take_of_which_a_piece_is_missing_is_not_whole() -> None:
    whole: Report | None = None
    for piece in reports_of(LONG)[:-1]:
        whole = Report("ada", piece.take, piece.all_parts, piece.all_pauses).before(whole)

    assert whole is not None
    assert not whole.is_whole


def test_an_ordinary_take_is_reported_in_one_message() -> None:
    assert reports_of(TAKE) == [TakeReport(TAKE)]


def test_every_message_that_members_send_has_a_route() -> None:
    own = {"welcome", "joined", "away", "left", "arrived"}

    assert set(ROUTES) == {kind_of(message) for message in MESSAGES} - own


def test_every_field_of_a_state_is_tried() -> None:
    told = next(one for one in MESSAGES if isinstance(one, GuestState) and one.label)
    same = {one.name for one in fields(told) if getattr(told, one.name) == getattr(GuestState(), one.name)}

    assert same <= {"refusal", "failed"}


def test_spellings_of_a_room_are_one_room() -> None:
    assert room_key(" Studio\u200b ") == room_key("studio") != room_key("studio 2")
