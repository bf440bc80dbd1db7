"""The form on the home page: what is typed becomes a link that means the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.settings.bitrate import RecordMode, rates
from rolltape.settings.capture_constraints import Asked, constraints
from rolltape.settings.fragment import read_fragment
from rolltape.settings.link import PageKind, Settings, parse_link
from rolltape.settings.link_form import (
    DEFAULTS,
    OPTIONS,
    WORDS,
    FieldKind,
    guest_link,
    guest_settings,
    room_link,
    room_name,
)
from rolltape.settings.query import PARAMETERS

NAMES = [option.name for option in OPTIONS]
TYPED = st.text(max_size=30) | st.from_regex(r"[0-9]{1,5}", fullmatch=True)


def filled() -> st.SearchStrategy[dict[str, str]]:
    """A form as anybody may fill it in, choices and ticks included."""
    fields = {
        option.name: st.sampled_from([value for value, _ in option.choices])
        if option.kind is FieldKind.CHOICE
        else st.sampled_from(["", "on"])
        if option.kind is FieldKind.TICK
        else TYPED
        for option in OPTIONS
    }
    return st.fixed_dictionaries({}, optional=fields)


@given(filled())
def test_a_guests_link_is_read_back_as_it_was_meant(values: dict[str, str]) -> None:
    built = guest_link(values)

    assert parse_link(built.address).settings == built.settings
    assert built.settings.page is PageKind.GUEST


@given(st.text(max_size=80), filled())
def test_a_rooms_link_is_read_back_as_it_was_meant(room: str, values: dict[str, str]) -> None:
    built = room_link(room, "abc_-9", values)
    if built is None:
        return

    link = parse_link(built.address)
    assert link.settings == built.settings
    assert link.settings.page is PageKind.DIRECTOR and link.settings.director == link.settings.room
    assert link.settings.label is None and link.settings.stream_id is None
    assert read_fragment(link.fragment).key == "abc_-9"


@given(filled())
def test_what_is_refused_is_said(values: dict[str, str]) -> None:
    """Whatever the link leaves out of what was typed, a notice names it."""
    built = guest_link(values)
    typed = values.get("width", "").strip()

    if typed and built.settings.width is None:
        assert any("width" in notice.text for notice in built.notices)


def test_a_form_as_it_is_at_first_makes_the_usual_link() -> None:
    assert guest_link(DEFAULTS).address == "?record=6000"
    assert guest_link({}).address == "?label"


def test_each_choice_of_what_is_recorded() -> None:
    def mode(what: str, kbps: str = "") -> tuple[str, int]:
        record = guest_link({"record": what, "kbps": kbps}).settings.record
        return record.mode, record.kbps

    assert mode("video", "4000") == (RecordMode.VIDEO, 4000)
    assert mode("video") == (RecordMode.VIDEO, 6000)
    assert mode("ask")[0] == RecordMode.ASK
    assert mode("lossless") == (RecordMode.AUDIO_PCM, 0)
    assert mode("opus", "96") == mode("opus", "-96") == (RecordMode.AUDIO_OPUS, 96)
    assert mode("opus") == (RecordMode.AUDIO_OPUS, 128)
    assert mode("absent")[0] == RecordMode.ABSENT
    assert mode("off")[0] == RecordMode.REFUSED


def test_every_parameter_of_a_guests_link_is_in_the_form_and_explained() -> None:
    elsewhere = {"room", "director", "convert"}  # a room's own field, and pages of their own

    assert set(NAMES) - {"kbps"} == set(PARAMETERS) - elsewhere
    assert len(NAMES) == len(set(NAMES))
    for option in OPTIONS:
        assert option.label and option.help.endswith(".") and len(option.help) < 110, option.name
        assert (option.kind is FieldKind.CHOICE) == bool(option.choices)


def test_a_room_needs_a_name() -> None:
    assert room_link("  ", "k", DEFAULTS) is None
    built = room_link("studio one", "k", {**DEFAULTS, "recordcodec": "h264", "label": "Ada", "push": "ada"})

    assert built is not None
    assert built.address == "?director=studio%20one&record=6000&recordcodec=h264#key=k"


def test_names_of_rooms_are_words_and_digits() -> None:
    assert room_name(bytes([0, 63, 64, 1, 2])) == "amber-velvet-amber-0258"
    assert len(WORDS) == len(set(WORDS)) == 64


def test_a_guests_link_asks_for_what_the_directors_address_says_but_for_who_is_who() -> None:
    said = guest_settings(parse_link("?director=studio&record=4000&label=Mia&recordcodec=h264").settings)
    silent = guest_settings(parse_link("?director=studio").settings)

    assert (said.page, said.director, said.room, said.label) == (PageKind.GUEST, None, "studio", None)
    assert (said.record.kbps, said.video_codec) == (4000, "h264")
    assert silent.record.kbps == 6000


def sound(settings: Settings) -> Asked:
    return constraints(settings).audio or {}


def picture(settings: Settings) -> Asked:
    return constraints(settings).video or {}


PCM_BITS = 2 * 48_000 * 32


@pytest.mark.parametrize(
    ("name", "typed", "help", "is_so"),
    [
        ("label", "Ada", "Shown to the director and used in the file's name.", lambda s: s.label == "Ada"),
        (
            *("record", "absent", "“The director starts” shows the guest no record button."),
            lambda s: not s.has_record_button,
        ),
        (
            *("kbps", "", "6000 is right for most: 2.7 GB an hour. For Opus alone 128 is plenty."),
            lambda s: s.record.kbps == 6000 and 6_000_000 == 2.7 * 8 * 1e9 / 3600,
        ),
        (
            *("autorecord", "on", "Records as soon as camera and microphone are there."),
            lambda s: s.autorecord is not None,
        ),
        (
            *("pcm", "on", "32-bit PCM, about 1.4 GB an hour more, where the browser can."),
            lambda s: s.pcm and round(PCM_BITS * 3600 / 8 / 1e9, 1) == 1.4,
        ),
        (
            *("audiobitrate", "", "Opus, 6 to 510. Empty: 128, or 32 with less than 2500 for the picture."),
            lambda s: (
                [
                    rates(
                        parse_link(f"?record={kbps}").settings.record, s.pcm, s.audio_bitrate_kbps
                    ).audio_kbps
                    for kbps in (6000, 2500, 2499)
                ]
                == [128, 128, 32]
            ),
        ),
        (
            *("stereo", "1", "Two channels, where the microphone has them."),
            lambda s: sound(s)["channelCount"] == {"ideal": 2},
        ),
        (
            *("aec", "1", "For guests without headphones; it costs quality and stereo."),
            lambda s: sound(s)["echoCancellation"],
        ),
        (
            *("denoise", "1", "Takes hum and keys away, and some of the voice."),
            lambda s: sound(s)["noiseSuppression"],
        ),
        (
            *("autogain", "1", "Evens the level out; breathing rooms become loud."),
            lambda s: sound(s)["autoGainControl"],
        ),
        (
            *("audiodevice", "0", "A part of its name, such as “Yeti”; 0 for none."),
            lambda s: constraints(s).audio is None,
        ),
        (
            *("videodevice", "0", "A part of its name, such as “Brio”; 0 for none."),
            lambda s: constraints(s).video is None,
        ),
        (
            *("recordcodec", "", "Leave it to the browser unless your editor wants a certain one."),
            lambda s: s.video_codec is None,
        ),
        (
            *("width", "", "Pixels to ask the camera for. Empty: 1280."),
            lambda s: picture(s)["width"] == {"ideal": 1280},
        ),
        (
            *("height", "", "Pixels to ask the camera for. Empty: 720."),
            lambda s: picture(s)["height"] == {"ideal": 720},
        ),
        (
            *("fps", "", "What to ask the camera for. Empty: 30."),
            lambda s: picture(s)["frameRate"] == {"ideal": 30},
        ),
        (
            *("push", "", "Letters, digits, - and _: keeps a guest the same one over reloads and days. "),
            lambda s: s.stream_id is None,
        ),
    ],
)
def test_what_stands_beside_a_field_is_what_its_link_does(
    name: str, typed: str, help: str, is_so: Callable[[Settings], bool]
) -> None:
    option = next(one for one in OPTIONS if one.name == name)

    assert option.help.startswith(help)
    assert is_so(guest_link({**DEFAULTS, name: typed}).settings)
