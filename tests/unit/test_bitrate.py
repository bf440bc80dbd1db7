"""The kbps rules, row by row of the specification's tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.core.notice import Level, Notice
from rolltape.settings.bitrate import (
    ABSENT,
    ASK,
    REFUSED,
    Rates,
    RecordingRefused,
    RecordMode,
    RecordWish,
    inbound_audio_kbps,
    inbound_rates,
    lossy,
    parse_bitrate,
    rates,
    record_value,
    recorded_audio_kbps,
    whole_number,
    wish_for,
)


@pytest.mark.parametrize(
    ("video", "inbound", "recorded"),
    [
        (1_000_000, 128, 128),
        (6000, 128, 128),
        (4000, 128, 128),
        (3999, 80, 128),
        (2500, 80, 128),
        (2499, 32, 32),
        (50, 32, 32),
    ],
)
def test_audio_rates_follow_the_video_rate(video: int, inbound: int, recorded: int) -> None:
    assert (inbound_audio_kbps(video), recorded_audio_kbps(video)) == (inbound, recorded)


@pytest.mark.parametrize("video", [50, 2499, 2500, 3999, 4000])
def test_pcm_is_sent_at_256_whatever_the_video_rate(video: int) -> None:
    assert inbound_audio_kbps(video, pcm=True) == 256


@pytest.mark.parametrize("video", [50, 2499, 2500, 3999, 4000])
@pytest.mark.parametrize(("asked", "used"), [(1, 6), (6, 6), (96, 96), (510, 510), (511, 510)])
def test_audiobitrate_leaves_the_thresholds_no_say(video: int, asked: int, used: int) -> None:
    assert recorded_audio_kbps(video, asked) == used
    assert inbound_audio_kbps(video, override=asked) == used
    assert inbound_audio_kbps(video, pcm=True, override=asked) == used


@pytest.mark.parametrize(
    ("kbps", "mode", "used"),
    [
        (10**9, RecordMode.VIDEO, 1_000_000),
        (6000, RecordMode.VIDEO, 6000),
        (50, RecordMode.VIDEO, 50),
        (49, RecordMode.VIDEO, 50),
        (1, RecordMode.VIDEO, 50),
        (0, RecordMode.AUDIO_PCM, 0),
        (-1, RecordMode.AUDIO_OPUS, 6),
        (-5, RecordMode.AUDIO_OPUS, 6),
        (-6, RecordMode.AUDIO_OPUS, 6),
        (-120, RecordMode.AUDIO_OPUS, 120),
        (-510, RecordMode.AUDIO_OPUS, 510),
        (-511, RecordMode.AUDIO_OPUS, 510),
    ],
)
def test_a_number_says_what_is_recorded_and_at_which_rate(kbps: int, mode: RecordMode, used: int) -> None:
    assert wish_for(kbps) == RecordWish(mode, used)


@pytest.mark.parametrize(
    ("wish", "pcm", "audio", "recorded", "inbound"),
    [
        (wish_for(6000), False, None, Rates(6000, 128), Rates(6000, 128)),
        (wish_for(3999), False, None, Rates(3999, 128), Rates(3999, 80)),
        (wish_for(2499), False, None, Rates(2499, 32), Rates(2499, 32)),
        (wish_for(2499), False, 96, Rates(2499, 96), Rates(2499, 96)),
        (wish_for(2499), True, None, Rates(2499, None), Rates(2499, 256)),
        (wish_for(2499), True, 96, Rates(2499, None), Rates(2499, 96)),
        (wish_for(0), False, None, Rates(None, None), Rates(None, 256)),
        (wish_for(0), False, 96, Rates(None, None), Rates(None, 96)),
        (wish_for(-120), False, None, Rates(None, 120), Rates(None, 120)),
        (wish_for(-120), True, None, Rates(None, 120), Rates(None, 120)),
        (wish_for(-120), False, 64, Rates(None, 64), Rates(None, 64)),
        (ABSENT, False, None, Rates(6000, 128), Rates(6000, 128)),
        (ASK, False, None, Rates(6000, 128), Rates(6000, 128)),
    ],
)
def test_rates_of_a_recording(
    wish: RecordWish, pcm: bool, audio: int | None, recorded: Rates, inbound: Rates
) -> None:
    assert rates(wish, pcm, audio) == recorded
    assert inbound_rates(wish, pcm, audio) == inbound


@pytest.mark.parametrize("ask", [rates, inbound_rates])
def test_a_refused_recording_has_no_rates(ask: object) -> None:
    assert callable(ask)

    with pytest.raises(RecordingRefused, match="so there are no rates to record at"):
        ask(REFUSED)


@pytest.mark.parametrize(
    ("wanted", "override", "used"),
    [
        (Rates(None, None), None, Rates(None, 510)),
        (Rates(6000, None), None, Rates(6000, 256)),
        (Rates(6000, None), 96, Rates(6000, 96)),
        (Rates(6000, 128), None, Rates(6000, 128)),
    ],
)
def test_without_pcm_audio_is_as_good_as_opus_can_be(
    wanted: Rates, override: int | None, used: Rates
) -> None:
    assert lossy(wanted, override) == used


@pytest.mark.parametrize(("text", "kbps"), [("6000", 6000), (" 2500 ", 2500), ("0", 0), ("-120", -120)])
def test_a_typed_bitrate_is_read_like_record(text: str, kbps: int) -> None:
    assert parse_bitrate(text) == wish_for(kbps)


@pytest.mark.parametrize(
    "text", ["", "   ", "abc", "6e3", "60.5", "false", "6000 kbps", "٦٠٠٠", "<b>6000</b>", "--5"]
)
def test_a_typed_bitrate_that_is_none_gets_a_sentence(text: str) -> None:
    answer = parse_bitrate(text)

    assert isinstance(answer, Notice)
    assert answer.level is Level.WARNING
    assert answer.text.endswith("for example 6000.")
    assert "<" not in answer.text


def test_what_was_typed_is_told_with_what_is_meant() -> None:
    answer = parse_bitrate("6e3")

    assert isinstance(answer, Notice)
    assert answer.text == "“6e3” is not a whole number of kbps; please type one, for example 6000."


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("+7", 7),
        ("-7", -7),
        ("\u22127", -7),
        ("-0", 0),
        ("000000000000000000007", 7),
        ("9" * 10_000, 10**9),
        ("-" + "9" * 10_000, -(10**9)),
        ("0" * 10_000, 0),
        ("", None),
        ("-", None),
        ("1_000", None),
        ("0x10", None),
        ("7\n8", None),
    ],
)
def test_whole_numbers_of_any_length_are_read(text: str, number: int | None) -> None:
    assert whole_number(text) == number


@given(st.integers())
def test_what_is_written_into_a_link_is_read_back(kbps: int) -> None:
    wish = wish_for(kbps)

    value = record_value(wish)

    assert value is not None
    assert parse_bitrate(value) == wish


def test_only_a_button_or_a_refusal_is_written_without_a_number() -> None:
    assert [record_value(wish) for wish in (ABSENT, ASK, REFUSED)] == [None, "", "false"]


@given(st.text())
def test_anything_may_be_typed(text: str) -> None:
    assert isinstance(parse_bitrate(text), RecordWish | Notice)
