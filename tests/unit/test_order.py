"""What a director leaves open is as the guest's link has it."""

from __future__ import annotations

from rolltape.settings.bitrate import wish_for
from rolltape.settings.codec import CodecWish, VideoCodec
from rolltape.settings.link import parse_link
from rolltape.settings.order import Order


def test_the_browsers_choice_is_the_links_where_it_names_a_codec() -> None:
    settings = parse_link("https://a.example/?recordcodec=vp8").settings
    order = Order(wish_for(800))

    assert order.or_as(settings) == Order(wish_for(800), CodecWish(VideoCodec.VP8))


def test_a_codec_that_a_director_names_goes_before_the_links() -> None:
    settings = parse_link("https://a.example/?recordcodec=vp8").settings
    order = Order(wish_for(800), CodecWish(VideoCodec.H264))

    assert order.or_as(settings) == order


def test_a_link_that_names_nothing_changes_nothing() -> None:
    order = Order(wish_for(800))

    assert order.or_as(parse_link("https://a.example/").settings) == order
