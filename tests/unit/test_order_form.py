"""Orders from what a director types and chooses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.room.messages import Command, CommandKind
from rolltape.room.wire import decode, encode
from rolltape.settings.bitrate import RecordMode, wish_for
from rolltape.settings.codec import CodecWish, VideoCodec
from rolltape.settings.link import parse_link
from rolltape.settings.order import Order
from rolltape.settings.order_form import FORMATS, BadOrder, first_choice, read_order

H264 = CodecWish(VideoCodec.H264)


@pytest.mark.parametrize(
    ("bitrate", "format", "order"),
    [
        ("2500", "", Order(wish_for(2500))),
        ("2500", "h264", Order(wish_for(2500), H264)),
        ("2500", "mp4", Order(wish_for(2500), CodecWish(mp4=True))),
        ("2500", "pcm", Order(wish_for(2500), CodecWish(pcm=True))),
        ("0", "h264", Order(wish_for(0), CodecWish(pcm=True))),
        ("−96", "vp9", Order(wish_for(-96))),
        ("6000", "sound-pcm", Order(wish_for(0), CodecWish(pcm=True))),
        ("", "sound-pcm", Order(wish_for(0), CodecWish(pcm=True))),
        ("6000", "sound-opus", Order(wish_for(-128))),
        ("96", "sound-opus", Order(wish_for(-96))),
        ("-64", "sound-opus", Order(wish_for(-64))),
    ],
)
def test_bitrate_and_format_make_an_order(bitrate: str, format: str, order: Order) -> None:
    assert read_order(bitrate, format) == order


@pytest.mark.parametrize("bitrate", ["", "fast", "6,5"])
def test_what_is_no_bitrate_is_refused_with_a_sentence(bitrate: str) -> None:
    with pytest.raises(BadOrder, match=r"\.$"):
        read_order(bitrate, "vp8")


@pytest.mark.parametrize(
    ("link", "choice"),
    [
        ("/?director=a", ("6000", "")),
        ("/?director=a&record=4000&recordcodec=h264", ("4000", "h264")),
        ("/?director=a&record=2500&pcm", ("2500", "pcm")),
        ("/?director=a&recordcodec=mp4", ("6000", "mp4")),
        ("/?director=a&record=0", ("0", "sound-pcm")),
        ("/?director=a&record=-96", ("-96", "sound-opus")),
        ("/?director=a&record=off", ("6000", "")),
    ],
)
def test_the_fields_begin_with_what_the_directors_link_says(link: str, choice: tuple[str, str]) -> None:
    assert first_choice(parse_link(link).settings) == choice


def test_the_codec_of_the_link_is_kept_beside_mp4_and_lossless_sound() -> None:
    settings = parse_link("/?director=a&recordcodec=h264,mp4&ab=96").settings

    assert read_order("2500", "mp4", settings) == Order(
        wish_for(2500), CodecWish(VideoCodec.H264, mp4=True), 96
    )


@given(st.integers(-1000, 2_000_000), st.sampled_from(list(FORMATS)))
def test_every_order_arrives_at_the_guest_as_it_was_given(kbps: int, format: str) -> None:
    order = read_order(str(kbps), format)
    command = Command("ada", "c1", CommandKind.START, "Bo", order)

    assert decode("command", encode(command)) == command
    assert order.wish.mode is not RecordMode.REFUSED
