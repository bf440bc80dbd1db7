"""Frames of a room's WebSocket: what is written is read, and nothing else is a frame."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.room.frames import Frame, framed, unframed
from rolltape.room.messages import KINDS

EVENTS = st.sampled_from([*KINDS, "clock", "done", "ping", "pong"])
OBJECTS = st.dictionaries(st.text(max_size=10), st.text(max_size=10) | st.integers() | st.none(), max_size=4)


@given(EVENTS, st.integers(0, 999_999_999), OBJECTS)
def test_a_frame_is_json_and_reads_as_it_was_written(
    event: str, number: int, plain: dict[str, object]
) -> None:
    text = json.dumps(plain, separators=(",", ":"))

    frame = framed(event, text, number)

    assert json.loads(frame) == {"event": event, "n": number} | plain
    assert unframed(frame) == Frame(event, number, text)


@given(EVENTS, st.text(max_size=30))
def test_what_a_sender_writes_after_its_event_does_not_make_it_another(event: str, other: str) -> None:
    forged = framed(event, json.dumps({"event": other, "n": 5}), 7)

    read = unframed(forged)
    assert read is not None and (read.event, read.number) == (event, 7)
    again = unframed(framed(read.event, read.text))
    assert again is not None and again.event == event


@pytest.mark.parametrize(
    "said",
    ["", "{}", "[]", '{"event":"state"}', '{"n":1,"event":"state"}', ' {"event":"state","n":1}', None, 7]
    + [
        '{"event":"state","n":1}x',
        '{"event":"state","n":-1}',
        '{"event":"state","n":1.5}',
        b'{"event":"a","n":1}',
    ]
    + ['{"event":"State","n":1}', '{"event":"state","n":1234567890}', '{"event": "state","n":1}'],
)
def test_what_is_no_frame_is_none(said: object) -> None:
    assert unframed(said) is None


@given(st.text())
def test_no_text_does_more_than_be_none(text: str) -> None:
    read = unframed(text)
    assert read is None or text.startswith('{"event":')
