"""The guest's link, row by row of the specification's table, and everything else an address can hold."""

from __future__ import annotations

import random
import re
import unicodedata
from dataclasses import fields, replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.core.notice import Level, Notice, plain_text, quoted, shortened
from rolltape.settings.bitrate import ABSENT, ASK, REFUSED, wish_for
from rolltape.settings.codec import CodecWish, VideoCodec
from rolltape.settings.link import Link, PageKind, RecordMode, RecordWish, Settings, link_for, parse_link
from rolltape.settings.query import NO_DEVICE, PARAMETERS, DeviceWish

GUEST = Settings(page=PageKind.GUEST)
TALK = {"stereo": False, "echo_cancellation": True, "noise_suppression": True, "auto_gain": True}
"""Capture where recording is refused."""


def settings(query: str) -> Settings:
    """Read a link that has nothing wrong with it."""
    link = parse_link(query)
    assert link.notices == ()
    return link.settings


def wrong(query: str) -> tuple[Settings, Notice]:
    """Read a link that has one thing wrong with it."""
    link = parse_link(query)
    (notice,) = link.notices
    return link.settings, notice


def guest(**values: object) -> Settings:
    return replace(GUEST, **values)  # type: ignore[arg-type]


# The table of the specification.


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?label=Ada", guest(label="Ada", record=RecordWish(RecordMode.ABSENT, 6000))),
        ("?record", guest(record=RecordWish(RecordMode.ASK, 6000))),
        ("?record=", guest(record=RecordWish(RecordMode.ASK, 6000))),
        ("?record=6000", guest(record=RecordWish(RecordMode.VIDEO, 6000))),
        ("?record=50", guest(record=RecordWish(RecordMode.VIDEO, 50))),
        ("?record=0", guest(record=RecordWish(RecordMode.AUDIO_PCM, 0))),
        ("?record=-120", guest(record=RecordWish(RecordMode.AUDIO_OPUS, 120))),
        ("?record=-6", guest(record=RecordWish(RecordMode.AUDIO_OPUS, 6))),
        ("?record=-510", guest(record=RecordWish(RecordMode.AUDIO_OPUS, 510))),
        ("?record=false", guest(record=REFUSED, **TALK)),
        ("?record=off", guest(record=REFUSED, **TALK)),
        ("?record=NO", guest(record=REFUSED, **TALK)),
        ("?recordcodec=h264", guest(video_codec=VideoCodec.H264)),
        ("?rc=VP8", guest(video_codec=VideoCodec.VP8)),
        ("?rc=vp9", guest(video_codec=VideoCodec.VP9)),
        ("?rc=av1", guest(video_codec=VideoCodec.AV1)),
        ("?rc=mp4", guest(mp4=True)),
        ("?rc=av1,mp4", guest(video_codec=VideoCodec.AV1, mp4=True)),
        ("?pcm", guest(pcm=True)),
        ("?pcm=1", guest(pcm=True)),
        ("?pcm=0", guest(pcm=False)),
        ("?autorecord", guest(autorecord=wish_for(6000))),
        ("?autorecord=0", guest(autorecord=wish_for(0))),
        ("?autorecord=-64", guest(autorecord=wish_for(-64))),
        ("?autorecord=false", guest(autorecord=None)),
        ("?record=2500&autorecord", guest(record=wish_for(2500), autorecord=wish_for(2500))),
        ("?record&autorecord", guest(record=ASK, autorecord=wish_for(6000))),
        ("?record&autorecord=300", guest(record=ASK, autorecord=wish_for(300))),
        ("?splitrecording=10", guest(split_minutes=10.0)),
        ("?splitrecording=0.5", guest(split_minutes=0.5)),
        ("?splitrecording", guest(split_minutes=5.0)),
        ("?room=studio", guest(room="studio")),
        ("?r=studio", guest(room="studio")),
        ("?director=studio", Settings(page=PageKind.DIRECTOR, director="studio", room="studio")),
        ("?director&room=studio", Settings(page=PageKind.DIRECTOR, director="studio", room="studio")),
        ("?push=aZ_9-", guest(stream_id="aZ_9-")),
        ("?push=", guest(stream_id=None)),
        ("?label=Zo%C3%AB", guest(label="Zoë")),
        ("?l=李雷", guest(label="李雷")),
        ("?l=Ada+Lovelace", guest(label="Ada Lovelace")),
        ("?videodevice=Logi&audiodevice=0", guest(video_device=DeviceWish("Logi"), audio_device=NO_DEVICE)),
        ("?vd=0&ad=Yeti", guest(video_device=NO_DEVICE, audio_device=DeviceWish("Yeti"))),
        ("?width=1920&height=1080&fps=29.97", guest(width=1920, height=1080, fps=29.97)),
        ("?w=640&h=360&fps=30", guest(width=640, height=360, fps=30.0)),
        ("?stereo=0&aec=1&denoise=1&autogain=1", guest(**TALK)),
        ("?record=false&stereo=1&aec=0&denoise=0&autogain=0", guest(record=REFUSED)),
        (
            "?record= no &pcm= 1 &rc= vp9 , mp4 &push= a &stereo= 1 &aec= 0&denoise=0&autogain=0&fps= 30 ",
            guest(record=REFUSED, pcm=True, video_codec=VideoCodec.VP9, mp4=True, stream_id="a", fps=30.0),
        ),
        ("?audiobitrate=96", guest(audio_bitrate_kbps=96)),
        ("?ab=510", guest(audio_bitrate_kbps=510)),
        ("?label=Ada&upload=0", guest(label="Ada", upload="no")),
        ("?upload=After", guest(upload="after")),
        ("?label=Ada&upload", guest(label="Ada")),
        ("?convert", Settings(page=PageKind.CONVERT)),
        ("?convert=0", Settings(page=PageKind.HOME)),
        ("", Settings(page=PageKind.HOME)),
    ],
)
def test_a_link_gives_what_it_asks_for(query: str, expected: Settings) -> None:
    assert settings(query) == expected


def test_every_parameter_of_the_specification_is_known() -> None:
    assert {name: aliases for name, aliases in PARAMETERS.items() if aliases} == {
        "recordcodec": ("rc",),
        "room": ("r",),
        "label": ("l",),
        "videodevice": ("vd",),
        "audiodevice": ("ad",),
        "width": ("w",),
        "height": ("h",),
        "audiobitrate": ("ab",),
    }
    assert {name for name, aliases in PARAMETERS.items() if not aliases} == (
        {"record", "pcm", "autorecord", "splitrecording", "director", "push", "fps", "stereo", "aec"}
        | {"denoise", "autogain", "upload", "convert"}
    )


@pytest.mark.parametrize(
    "record", ["", "&record", "&record=6000", "&record=0", "&record=-120", "&record=abc"]
)
def test_capture_is_at_source_quality_unless_recording_is_refused(record: str) -> None:
    found = parse_link(f"?label=Ada{record}").settings

    assert (found.stereo, found.echo_cancellation, found.noise_suppression, found.auto_gain) == (
        (True, False, False, False)
    )


# Values that cannot be used as they are.


@pytest.mark.parametrize(
    "value", ["abc", "true", "6000.5", "6e3", "6000kbps", "1_000", "0x10", "٦", "--5", "NaN"]
)
def test_a_bad_record_asks_for_the_bitrate_and_says_so(value: str) -> None:
    found, notice = wrong(f"?record={value}")

    assert found == guest(record=ASK)
    assert notice.level is Level.WARNING
    assert f"record=“{value}”" in notice.text
    assert "asks for the bitrate instead" in notice.text


@pytest.mark.parametrize(
    ("value", "wish"),
    [("1", 50), ("49", 50), ("-1", -6), ("-5", -6), ("-511", -510), ("9" * 5000, 1_000_000)],
)
def test_a_bitrate_that_is_held_to_its_limits_is_told(value: str, wish: int) -> None:
    found, notice = wrong(f"?record={value}")

    assert found.record == wish_for(wish)
    assert notice.level is Level.INFO
    assert f"becomes {abs(wish)} kbps" in notice.text


@pytest.mark.parametrize(
    ("query", "expected", "named", "instead"),
    [
        ("?rc=hevc", guest(), "rc=“hevc”", "the usual codec is used"),
        ("?rc=hevc,vp9", guest(video_codec=VideoCodec.VP9), "rc=“hevc,vp9”", "the rest is left out"),
        ("?pcm=maybe", guest(pcm=False), "pcm=“maybe”", "0 is used"),
        ("?stereo=3", guest(stereo=True), "stereo=“3”", "1 is used"),
        ("?aec=x", guest(echo_cancellation=False), "aec=“x”", "0 is used"),
        (
            "?autorecord=soon",
            guest(autorecord=wish_for(6000)),
            "autorecord=“soon”",
            "as if nothing were said",
        ),
        ("?splitrecording=0", guest(), "splitrecording=“0”", "stays in one part"),
        ("?splitrecording=-5", guest(), "splitrecording=“-5”", "stays in one part"),
        ("?splitrecording=five", guest(), "splitrecording=“five”", "stays in one part"),
        ("?splitrecording=0.01", guest(split_minutes=0.1), "splitrecording=“0.01”", "0.1 is used"),
        ("?splitrecording=99999", guest(split_minutes=1440.0), "splitrecording=“99999”", "1440 is used"),
        ("?push=a b", guest(), "push=“a b”", "a new one is made"),
        ("?push=Zoë", guest(), "push=“Zoë”", "a new one is made"),
        ("?push=" + "x" * 65, guest(), "push=“" + "x" * 60 + "…”", "a new one is made"),
        ("?w=0", guest(), "w=“0”", "it is left out"),
        ("?width=wide", guest(), "width=“wide”", "it is left out"),
        ("?h=99999999999", guest(), "h=“99999999999”", "it is left out"),
        ("?fps=0.5", guest(), "fps=“0.5”", "it is left out"),
        ("?fps=1e3", guest(), "fps=“1e3”", "it is left out"),
        ("?ab=0", guest(), "ab=“0”", "the usual audio rates are used"),
        ("?ab=loud", guest(), "ab=“loud”", "the usual audio rates are used"),
        ("?ab=5", guest(audio_bitrate_kbps=6), "ab=“5”", "6 kbps is used"),
        ("?ab=511", guest(audio_bitrate_kbps=510), "ab=“511”", "510 kbps is used"),
        ("?room=%00%1b", guest(), "room=“”", "it is left out"),
        ("?label=%20%E2%80%8D%20", guest(), "label=“”", "it is left out"),
        ("?room=a%E2%80%AEb", guest(room="ab"), "room=“ab”", "“ab” is used"),
        ("?label=a%FFb", guest(label="ab"), "label=“ab”", "“ab” is used"),
        ("?label=a\ud800b", guest(label="ab"), "label=“ab”", "“ab” is used"),
        ("?label=" + "李" * 81, guest(label="李" * 80), "label=“" + "李" * 60 + "…”", "李” is used"),
        ("?room=" + "r" * 61, guest(room="r" * 60), "room=“" + "r" * 60 + "…”", "r” is used"),
        (
            "?record=false&autorecord",
            guest(record=REFUSED, **TALK),
            "also record=“false”",
            "“false”; nothing is recorded.",
        ),
        (
            "?director=A&room=B",
            Settings(PageKind.DIRECTOR, room="A", director="A"),
            "The link names two rooms; this is the director's page of",
            "“A”",
        ),
        ("?director", Settings(), "without naming a room", "director=ROOM"),
        ("?vd=0&ad=0", guest(video_device=NO_DEVICE, audio_device=NO_DEVICE), "no camera", "nothing can"),
        (
            "?record=-64&pcm",
            guest(record=wish_for(-64), pcm=True),
            "PCM and for Opus audio alone",
            "Opus is recorded",
        ),
        (
            "?record=0&rc=vp9",
            guest(record=wish_for(0), video_codec=VideoCodec.VP9),
            "a video codec",
            "only audio is recorded",
        ),
        (
            "?record=-64&ab=96",
            guest(record=wish_for(-64), audio_bitrate_kbps=96),
            "The link asks for audio at 64 and at 96 kbps",
            "96 kbps is used",
        ),
    ],
)
def test_a_bad_value_is_named_with_what_is_used_instead(
    query: str, expected: Settings, named: str, instead: str
) -> None:
    found, notice = wrong(query)

    assert found == expected
    assert notice.level is Level.WARNING
    assert named in notice.text
    assert instead in notice.text


# How an address is read.


@pytest.mark.parametrize(
    "address",
    [
        "?room=a&record=5000",
        "room=a&record=5000",
        "/?room=a&record=5000",
        "index.html?room=a&record=5000",
        "https://example.org/?room=a&record=5000",
        "https://example.org:8000/x/y=z/?room=a&record=5000#secret",
        "?ROOM=a&Record=5000",
        "? room = a & record = 5000 ",
        "?room=a?record=5000",
        "room=a?record=5000",
        "??room=a&?record=5000",
        "?room=a&amp;record=5000",
        "?&&room=a&&record=5000&=&==&",
        "?room=b&r=a&record=5000",
        "?r=b&room=a&record=1&record=5000",
        "?%72oom=%61&record=%35000",
        "?room=a&record=5000&utm_source=x&recordfolder=y&constructor=z&__proto__=1",
        "?room=a&record=abc&record=5000",
    ],
)
def test_an_address_may_be_written_in_many_ways(address: str) -> None:
    assert settings(address) == guest(room="a", record=wish_for(5000))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("recrod", "record"),
        ("recod", "record"),
        ("recordd=6000", "record"),
        ("Lable=Ada", "label"),
        ("roon=a", "room"),
    ],
)
def test_a_slip_of_the_keyboard_is_named(written: str, meant: str) -> None:
    [notice] = parse_link(f"?{written}").notices

    assert notice.text.startswith(
        f"The link says “{written.lower().partition('=')[0]}”, which is not known here"
    )
    assert f"perhaps {meant} is meant" in notice.text


def test_what_others_put_behind_an_address_is_no_slip() -> None:
    assert parse_link("?fbclid=1&utm_source=x&ref=a&gclid=b&recordings=1&rr=1").notices == ()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://example.org/", Settings()),
        ("https://example.org/?", Settings()),
        ("/", Settings()),
        ("#record=6000", Settings()),
        ("?utm_source=x", Settings()),
        ("?label=Who?", guest(label="Who?")),
        ("?label=a%26record%3D5", guest(label="a&record=5")),
        ("?label=a=b", guest(label="a=b")),
        ("?label=1%2B1", guest(label="1+1")),
        ("?label=100%", guest(label="100%")),
        ("?label=%zz", guest(label="%zz")),
        ("?label=<b>Ada</b>", guest(label="<b>Ada</b>")),
        ("?label=Zoe\u0308", guest(label="Zoë")),
        ("?label=%09a%0A%20%20b%0D", guest(label="a b")),
    ],
)
def test_what_only_looks_like_a_parameter_is_none(address: str, expected: Settings) -> None:
    assert settings(address) == expected


def test_the_fragment_is_kept_apart() -> None:
    assert parse_link("?room=a#k=se?cret&record=1#2") == Link(guest(room="a"), (), "k=se?cret&record=1#2")


def test_an_endless_address_is_read_up_to_a_limit() -> None:
    link = parse_link("?room=a&" + "x" * 5_000_000 + "&record=6000")

    assert link.settings == guest(room="a")
    assert link.notices[0].text == "The address is too long: only its first 65536 characters are used."


def test_ten_thousand_parameters_are_read() -> None:
    assert settings("?" + "record=1&" * 5000 + "ab=4&" * 1000 + "ab=64&record=6000").record == wish_for(6000)


# What the settings answer.


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?room=a", False),
        ("?record", True),
        ("?record=0", True),
        ("?record=no", False),
        ("?autorecord", True),
    ],
)
def test_a_record_button_is_there_when_the_guest_may_need_it(query: str, shown: bool) -> None:
    assert settings(query).has_record_button is shown


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (wish_for(6000), CodecWish(VideoCodec.AV1, mp4=True, pcm=True)),
        (ABSENT, CodecWish(VideoCodec.AV1, mp4=True, pcm=True)),
        (wish_for(0), CodecWish(None, mp4=True, pcm=True)),
        (wish_for(-120), CodecWish(None, mp4=True, pcm=False)),
    ],
)
def test_pcm_and_codec_are_wishes_for_video(wish: RecordWish, expected: CodecWish) -> None:
    assert settings("?rc=av1,mp4&pcm").codec_wish(wish) == expected


@pytest.mark.parametrize(
    ("name", "label", "is_it"),
    [
        ("logi", "HD Logitech C920 (046d:082d)", True),
        ("logitech_c920", "HD Logitech C920", True),
        ("Straße", "STRASSE", True),
        ("Yeti", "HD Logitech C920", False),
        (None, "HD Logitech C920", False),
    ],
)
def test_part_of_a_devices_label_is_enough(name: str | None, label: str, is_it: bool) -> None:
    assert DeviceWish(name).matches(label) is is_it


# Links are written, too.


@pytest.mark.parametrize(
    ("wanted", "link"),
    [
        (Settings(), ""),
        (GUEST, "?label"),
        (guest(room="a b", record=ASK, label="Zoë"), "?room=a%20b&record&label=Zo%C3%AB"),
        (Settings(PageKind.DIRECTOR, room="a", director="a"), "?director=a"),
        (guest(record=REFUSED, **TALK), "?record=false"),
        (guest(split_minutes=5.0, fps=29.97, width=640), "?splitrecording=5&width=640&fps=29.97"),
        (guest(stereo=False, auto_gain=True), "?stereo=0&autogain=1"),
    ],
)
def test_a_link_says_only_what_is_not_usual(wanted: Settings, link: str) -> None:
    assert link_for(wanted) == link


def names(limit: int) -> st.SearchStrategy[str | None]:
    text = st.text(max_size=2 * limit) | st.text(
        alphabet="aé李&=?#%+<>\"' \u202e\u200d\u0308", max_size=limit
    )
    return st.none() | text.map(lambda raw: shortened(plain_text(raw), limit) or None)


numbers = st.integers(-600, 10_000).map(wish_for)
devices = (
    st.none()
    | st.just(NO_DEVICE)
    | names(120).map(lambda name: DeviceWish(name) if name != "0" else NO_DEVICE)
)


@st.composite
def all_settings(draw: st.DrawFn) -> Settings:
    record = draw(st.sampled_from([ABSENT, ASK, REFUSED]) | numbers)
    room = draw(names(60))
    directs = room is not None and draw(st.booleans())
    drawn = Settings(
        page=draw(st.sampled_from([PageKind.CONVERT, PageKind.DIRECTOR if directs else PageKind.GUEST])),
        record=record,
        autorecord=None if record is REFUSED else draw(st.none() | numbers),
        video_codec=draw(st.none() | st.sampled_from(VideoCodec)),
        mp4=draw(st.booleans()),
        pcm=draw(st.booleans()),
        split_minutes=draw(st.none() | st.floats(0.1, 1440)),
        room=room,
        director=room if directs else None,
        stream_id=draw(st.none() | st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z")),
        label=draw(names(80)),
        video_device=draw(devices),
        audio_device=draw(devices),
        width=draw(st.none() | st.integers(1, 16_384)),
        height=draw(st.none() | st.integers(1, 16_384)),
        fps=draw(st.none() | st.floats(1, 240)),
        stereo=draw(st.booleans()),
        echo_cancellation=draw(st.booleans()),
        noise_suppression=draw(st.booleans()),
        auto_gain=draw(st.booleans()),
        audio_bitrate_kbps=draw(st.none() | st.integers(6, 510)),
    )
    return drawn


@given(all_settings())
def test_a_link_that_was_written_is_read_back(wanted: Settings) -> None:
    link = link_for(wanted)

    assert parse_link(link).settings == wanted
    assert parse_link(f"https://example.org/{link}#fragment").settings == wanted
    assert re.fullmatch(r"[?&=A-Za-z0-9_.~%-]*", link)


# Whatever an address holds, it can do no harm.

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "\x00\x01\x1b[31m",
    "%00%0d%0aSet-Cookie:x",
    "\u202egnp.exe",
    "\ud800\udfff",
    "%ED%A0%80",
    "%C0%AF%FF",
    "%",
    "%u0041",
    "9" * 400,
    "-" * 50,
    "Ω≈ç√∫",
    "👩‍🚀" * 40,
    "e" + "\u0301" * 300,
    "${7*7}{{7*7}}",
    "../../etc/passwd",
    "\u2028\u2029\ufeff\ufffe",
    " ",
    "+",
    "\\",
    "",
]
USUAL = ["6000", "0", "-120", "false", "1", "h264", "mp4,vp9", "studio", "Zo%C3%AB", "29.97", "0.5", "5"]
HIDDEN = {"Cc", "Cs", "Cf", "Zl", "Zp"}


def random_link(dice: random.Random) -> str:
    """Mix parameters, values and noise."""
    known = [*PARAMETERS, *(alias for aliases in PARAMETERS.values() for alias in aliases)]

    def noise() -> str:
        return "".join(
            chr(dice.choice([dice.randrange(128), dice.randrange(0x11_0000)]))
            for _ in range(dice.randrange(12))
        )

    def value() -> str:
        raw = dice.choice([dice.choice(USUAL), dice.choice(NASTY), noise(), str(dice.randrange(-9999, 9999))])
        return quote(raw, errors="replace") if dice.random() < 0.3 else raw

    def pair() -> str:
        name = dice.choice([dice.choice(known), dice.choice(known).upper(), noise()])
        return name + dice.choice(["=", "=", "=", "", "==", "%3D"]) + value()

    separators = ["&"] * 6 + ["?", "&&", ";", "&amp;", "#"]
    start = dice.choice(["?", "", "https://example.org/?", "/?", noise()])
    return start + "".join(pair() + dice.choice(separators) for _ in range(dice.randrange(9)))


def assert_harmless(link: Link) -> None:
    """Assert that nothing in a link that was read could hurt a page, a file or a person."""
    found = link.settings
    for notice in link.notices:
        assert not set("<>") & set(notice.text)
        assert len(notice.text) < 400
        assert (
            not {
                unicodedata.category(letter)
                for letter in notice.text.replace("\u200d", "").replace("\u200c", "")
            }
            & HIDDEN
        )
        assert notice.text.endswith(".")
    devices = [wish.name for wish in (found.video_device, found.audio_device) if wish]
    texts = [text for text in (found.room, found.director, found.label, found.stream_id, *devices) if text]
    for text in texts:
        assert len(text) <= 120
        assert plain_text(text) == text
        text.encode()
    again = parse_link(link_for(found))
    assert again.settings == found
    assert not set("<>\"'` ") & set(link_for(found))


@pytest.mark.slow
def test_ten_thousand_random_links_do_no_harm() -> None:
    dice = random.Random(20_260_301)
    pages = set()
    touched = set()

    for _ in range(10_000):
        address = random_link(dice)
        link = parse_link(address)
        assert_harmless(link)
        pages.add(link.settings.page)
        touched |= {
            field.name
            for field in fields(Settings)
            if getattr(link.settings, field.name) != getattr(Settings(), field.name)
        }

    assert pages == set(PageKind)
    assert touched == {field.name for field in fields(Settings)}


@given(
    st.text(st.characters(exclude_categories=()))
    | st.text(alphabet="?&=#%+;<> recordlabelpushabv0159-,.\x00\ud800")
)
def test_any_string_is_a_link(address: str) -> None:
    assert_harmless(parse_link(address))


@given(st.sampled_from(sorted(PARAMETERS)), st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_value_of_any_parameter_does_no_harm(name: str, value: str) -> None:
    assert_harmless(parse_link(f"?{name}={quote(value)}"))


# Words in notices.


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("abc", "“abc”"),
        ("<b>", "“‹b›”"),
        ("a\u202eb\x00", "“ab”"),
        ("x" * 60, "“" + "x" * 60 + "”"),
        ("x" * 61, "“" + "x" * 60 + "…”"),
        ("\x00" * 5000, "“…”"),
    ],
)
def test_a_foreign_value_is_shown_short_and_without_markup(value: str, shown: str) -> None:
    assert quoted(value) == shown


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("ab cd", 3, "ab"),
        ("zoe\u0308", 3, "zo"),
        ("ज़ज़", 3, "ज़"),
        ("👩‍🚀👩‍🚀", 5, "👩‍🚀"),
        ("x👩‍🚀", 2, "x"),
        ("e" + "\u0301" * 9, 3, "e\u0301\u0301"),
    ],
)
def test_a_text_is_cut_between_letters(text: str, limit: int, cut: str) -> None:
    assert shortened(text, limit) == cut


@given(st.text(st.characters(max_codepoint=127)))
def test_a_text_of_plain_letters_is_read_like_any_other(text: str) -> None:
    assert plain_text(text) == plain_text(text + "é").removesuffix("é").rstrip(" ")


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 30))
def test_plain_text_stays_as_it_is(text: str, limit: int) -> None:
    plain = plain_text(text)

    assert plain_text(plain) == plain
    assert len(shortened(plain, limit)) <= limit
    assert plain_text(shortened(plain, limit)) == shortened(plain, limit)
