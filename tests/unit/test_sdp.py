"""Descriptions of connections: Opus in stereo at any rate, everything else untouched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rolltape.room.sdp import with_stereo_opus

OFFER = "\r\n".join(
    [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 63",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111",
        "",
    ]
)


def test_opus_becomes_stereo_and_nothing_else_changes() -> None:
    changed = with_stereo_opus(OFFER).split("\r\n")

    assert changed[2] == (
        "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;maxaveragebitrate=510000"
    )
    assert [line for line in changed if "fmtp:111" not in line] == [
        line for line in OFFER.split("\r\n") if "fmtp:111" not in line
    ]


def test_changing_twice_is_changing_once() -> None:
    assert with_stereo_opus(with_stereo_opus(OFFER)) == with_stereo_opus(OFFER)


@given(st.text())
def test_no_text_does_harm(text: str) -> None:
    assert with_stereo_opus(with_stereo_opus(text)) == with_stereo_opus(text)
