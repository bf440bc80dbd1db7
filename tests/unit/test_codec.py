"""Candidates, the choice among them, and what a recorder says it writes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.core.notice import Level
from rolltape.settings.codec import (
    AudioCodec,
    Candidate,
    CodecWish,
    Container,
    FormatChoice,
    VideoCodec,
    candidates,
    choose,
    contents,
    describe,
    next_choice,
)

ONLY_H264 = frozenset({VideoCodec.H264})
BOTH = frozenset({VideoCodec.H264, VideoCodec.VP8})


def chromium(mime_type: str) -> bool:
    """Answer as Debian's Chromium 156 does."""
    kind, _, names = mime_type.partition(";codecs=")
    codecs = names.split(",") if names else []
    video = {
        "video/webm": {"vp8", "vp9", "av1", "av01.0.08M.08", "h264", "avc1", "avc1.42E01F", "avc1.640028"},
        "video/mp4": {"vp9", "av01", "av01.0.08M.08", "avc1", "avc1.42E01E", "avc1.42E01F", "avc1.640028"},
    }
    audio = {"webm": {"opus", "pcm"}, "mp4": {"opus"}}
    box = kind.replace("x-matroska", "webm")
    allowed = video.get(box, set()) | audio.get(box.partition("/")[2], set())
    return box in {*video, "audio/webm", "audio/mp4"} and set(codecs) <= allowed


def firefox(mime_type: str) -> bool:
    """Answer as Debian's Firefox ESR 153 does with sound."""
    return mime_type in {
        "video/webm",
        "video/webm;codecs=vp8,opus",
        "audio/webm",
        "audio/webm;codecs=opus",
        "audio/ogg;codecs=opus",
    }


def safari(mime_type: str) -> bool:
    """Answer as an older Safari does: MP4 alone."""
    return mime_type in {"video/mp4", "video/mp4;codecs=avc1.42E01E,mp4a.40.2", "audio/mp4;codecs=mp4a.40.2"}


def chosen(
    wish: CodecWish,
    browser: Callable[[str], bool],
    *,
    has_video: bool = True,
    has_audio: bool = True,
    efficient: frozenset[VideoCodec] = frozenset(),
) -> FormatChoice:
    choice = choose(candidates(wish, has_video=has_video, has_audio=has_audio, efficient=efficient), browser)
    assert choice is not None
    return choice


@pytest.mark.parametrize(
    ("efficient", "first", "second"),
    [
        (frozenset[VideoCodec](), VideoCodec.VP8, VideoCodec.H264),
        (BOTH, VideoCodec.VP8, VideoCodec.H264),
        (frozenset({VideoCodec.VP8}), VideoCodec.VP8, VideoCodec.H264),
        (frozenset({VideoCodec.VP9, VideoCodec.AV1}), VideoCodec.VP8, VideoCodec.H264),
        (ONLY_H264, VideoCodec.H264, VideoCodec.VP8),
    ],
)
def test_vp8_goes_first_unless_only_h264_is_efficient(
    efficient: frozenset[VideoCodec], first: VideoCodec, second: VideoCodec
) -> None:
    listed = candidates(CodecWish(), efficient=efficient)

    matroska = [one.video for one in listed if one.video and one.container is not Container.MP4]
    assert list(dict.fromkeys(matroska)) == [first, second, VideoCodec.VP9, VideoCodec.AV1]


def test_webm_and_matroska_go_before_mp4() -> None:
    boxes = [one.container for one in candidates(CodecWish()) if one.video]

    assert [box for box, _ in itertools.groupby(box is Container.MP4 for box in boxes)] == [False, True]


@pytest.mark.parametrize("has_video", [True, False])
@pytest.mark.parametrize("wish", [CodecWish(), CodecWish(VideoCodec.AV1), CodecWish(mp4=True)])
def test_pcm_is_recorded_only_when_asked_for(wish: CodecWish, has_video: bool) -> None:
    assert AudioCodec.PCM not in {one.audio for one in candidates(wish, has_video=has_video)}


@pytest.mark.parametrize(
    ("wish", "browser", "mime_type"),
    [
        (CodecWish(), chromium, "video/webm;codecs=vp8,opus"),
        (CodecWish(VideoCodec.VP8), chromium, "video/webm;codecs=vp8,opus"),
        (CodecWish(VideoCodec.H264), chromium, "video/webm;codecs=h264,opus"),
        (CodecWish(VideoCodec.VP9), chromium, "video/webm;codecs=vp9,opus"),
        (CodecWish(VideoCodec.AV1), chromium, "video/webm;codecs=av1,opus"),
        (CodecWish(mp4=True), chromium, "video/mp4;codecs=avc1.42E01F,opus"),
        (CodecWish(VideoCodec.VP9, mp4=True), chromium, "video/mp4;codecs=vp9,opus"),
        (CodecWish(VideoCodec.AV1, mp4=True), chromium, "video/mp4;codecs=av01.0.08M.08,opus"),
        (CodecWish(pcm=True), chromium, "video/webm;codecs=vp8,pcm"),
        (CodecWish(VideoCodec.H264, pcm=True), chromium, "video/webm;codecs=h264,pcm"),
        (CodecWish(VideoCodec.AV1, pcm=True), chromium, "video/webm;codecs=av1,pcm"),
        (CodecWish(), firefox, "video/webm;codecs=vp8,opus"),
        (CodecWish(mp4=True), safari, "video/mp4;codecs=avc1.42E01E,mp4a.40.2"),
    ],
)
def test_a_wish_that_can_be_met_is_met_without_a_word(
    wish: CodecWish, browser: Callable[[str], bool], mime_type: str
) -> None:
    choice = chosen(wish, browser)

    assert choice.candidate.mime_type == mime_type
    assert choice.notices == ()
    assert choice.reason.startswith(describe(mime_type))


@pytest.mark.parametrize(
    ("wish", "browser", "mime_type", "missing"),
    [
        (CodecWish(VideoCodec.AV1), firefox, "video/webm;codecs=vp8,opus", "AV1 video"),
        (CodecWish(VideoCodec.H264), firefox, "video/webm;codecs=vp8,opus", "H.264 video"),
        (CodecWish(mp4=True), firefox, "video/webm;codecs=vp8,opus", "MP4"),
        (CodecWish(pcm=True), firefox, "video/webm;codecs=vp8,opus", "lossless audio (PCM)"),
        (CodecWish(VideoCodec.VP8, mp4=True), chromium, "video/webm;codecs=vp8,opus", "MP4"),
        (CodecWish(mp4=True, pcm=True), chromium, "video/webm;codecs=vp8,pcm", "MP4"),
        (CodecWish(VideoCodec.VP8), safari, "video/mp4;codecs=avc1.42E01E,mp4a.40.2", "VP8 video"),
    ],
)
def test_a_wish_that_cannot_be_met_is_named(
    wish: CodecWish, browser: Callable[[str], bool], mime_type: str, missing: str
) -> None:
    choice = chosen(wish, browser)

    (notice,) = choice.notices
    assert choice.candidate.mime_type == mime_type
    assert notice.level is Level.WARNING
    assert f"cannot record {missing} as asked" in notice.text
    assert describe(mime_type) in notice.text


def test_pcm_goes_to_matroska_where_webm_cannot_hold_it() -> None:
    choice = chosen(CodecWish(pcm=True), lambda mime_type: chromium(mime_type) and "webm" not in mime_type)

    assert choice.candidate.mime_type == "video/x-matroska;codecs=vp8,pcm"
    assert contents(choice.candidate.mime_type).ending == ".mkv"


@pytest.mark.parametrize(
    ("pcm", "browser", "mime_type", "says"),
    [
        (True, chromium, "audio/webm;codecs=pcm", 0),
        (False, chromium, "audio/webm;codecs=opus", 0),
        (True, firefox, "audio/webm;codecs=opus", 1),
        (False, firefox, "audio/webm;codecs=opus", 0),
        (True, safari, "audio/mp4;codecs=mp4a.40.2", 1),
        (False, safari, "audio/mp4;codecs=mp4a.40.2", 0),
    ],
)
def test_audio_alone(pcm: bool, browser: Callable[[str], bool], mime_type: str, says: int) -> None:
    choice = chosen(CodecWish(pcm=pcm), browser, has_video=False)

    assert choice.candidate.mime_type == mime_type
    assert len(choice.notices) == says


def test_a_wav_recorder_of_ours_makes_audio_lossless_where_the_browser_has_no_pcm() -> None:
    choice = chosen(
        CodecWish(pcm=True), lambda mime: firefox(mime) or mime.startswith("audio/wav"), has_video=False
    )

    assert (choice.candidate.container, choice.candidate.audio) == (Container.WAV, AudioCodec.PCM)
    assert choice.notices == ()


def test_a_video_codec_asked_for_says_nothing_about_audio_alone() -> None:
    assert chosen(CodecWish(VideoCodec.AV1), chromium, has_video=False).notices == ()


@pytest.mark.parametrize("wish", [CodecWish(), CodecWish(pcm=True), CodecWish(VideoCodec.AV1, mp4=True)])
def test_without_a_microphone_no_audio_codec_is_named(wish: CodecWish) -> None:
    listed = candidates(wish, has_audio=False)

    types = [one.mime_type for one in listed]
    assert not any(name in mime for mime in types for name in ("opus", "pcm", "mp4a", ","))
    assert len(set(types)) == len(types)
    assert not any("PCM" in words for one in listed for words in one.unmet)


def test_with_neither_track_there_is_nothing_to_try() -> None:
    assert candidates(CodecWish(), has_video=False, has_audio=False) == ()


def test_a_browser_that_supports_nothing_gets_no_choice() -> None:
    assert choose(candidates(CodecWish()), lambda _: False) is None


def test_a_browser_that_knows_no_codec_names_still_records() -> None:
    assert chosen(CodecWish(), lambda mime: mime == "video/mp4").candidate.mime_type == "video/mp4"


@pytest.mark.parametrize(
    ("wish", "efficient", "browser", "reason"),
    [
        (CodecWish(), BOTH, chromium, "VP8 video and Opus audio in WebM: the usual choice."),
        (
            CodecWish(),
            ONLY_H264,
            chromium,
            "H.264 video and Opus audio in Matroska: "
            "only H.264 is encoded smoothly and with little power here.",
        ),
        (CodecWish(), BOTH, safari, "H.264 video and AAC audio in MP4: the best this browser supports."),
        (CodecWish(VideoCodec.VP9), BOTH, chromium, "VP9 video and Opus audio in WebM: as asked for."),
        (
            CodecWish(VideoCodec.VP9),
            BOTH,
            firefox,
            "VP8 video and Opus audio in WebM: the nearest this browser has to what was asked for.",
        ),
    ],
)
def test_the_choice_says_why(
    wish: CodecWish, efficient: frozenset[VideoCodec], browser: Callable[[str], bool], reason: str
) -> None:
    assert chosen(wish, browser, efficient=efficient).reason == reason


def test_a_format_that_fails_to_start_is_followed_by_the_next() -> None:
    listed = candidates(CodecWish())
    first = choose(listed, chromium)
    assert first is not None

    second = next_choice(listed, first, chromium, "NotSupportedError: <b>no</b>")

    assert second is not None
    assert second.candidate == listed[1]
    assert second.notices[0].text == (
        "VP8 video and Opus audio in WebM failed to start (“NotSupportedError: ‹b›no‹/b›”); "
        "recording VP8 video and Opus audio in Matroska instead."
    )
    assert "failed to start" in second.reason


def test_stepping_down_ends_after_the_last() -> None:
    listed = candidates(CodecWish(VideoCodec.AV1, mp4=True, pcm=True))
    choice = choose(listed, chromium)

    tried: list[Candidate] = []
    while choice is not None:
        tried.append(choice.candidate)
        choice = next_choice(listed, choice, chromium)

    assert tried == [one for one in listed if chromium(one.mime_type)]


def test_a_wish_is_called_unmet_once() -> None:
    listed = candidates(CodecWish(VideoCodec.VP9, mp4=True))
    first = choose(listed, lambda mime: "mp4;codecs=avc1.42E01F" in mime)
    assert first is not None

    second = next_choice(listed, first, lambda mime: "webm;codecs=vp8" in mime)

    assert second is not None
    assert "cannot record VP9 video as asked" in first.notices[0].text
    assert [notice.text for notice in second.notices] == [
        "H.264 video and Opus audio in MP4 failed to start; "
        "recording VP8 video and Opus audio in WebM instead.",
        "This browser cannot record MP4 as asked; it records VP8 video and Opus audio in WebM instead.",
    ]


def test_the_same_format_under_another_name_is_not_called_another_format() -> None:
    listed = candidates(CodecWish(mp4=True))
    first = choose(listed, chromium)
    assert first is not None

    second = next_choice(listed, first, chromium)

    assert second is not None
    assert second.candidate.mime_type == "video/mp4;codecs=avc1.640028,opus"
    (notice,) = second.notices
    assert notice.text == "H.264 video and Opus audio in MP4 failed to start; trying the same in another way."


@pytest.mark.parametrize(
    ("mime_type", "container", "video", "audio", "ending", "content_type"),
    [
        ("video/webm;codecs=vp8,opus", "WebM", "vp8", "opus", ".webm", "video/webm"),
        ('video/webm; codecs="vp9, opus"', "WebM", "vp9", "opus", ".webm", "video/webm"),
        ("VIDEO/WEBM;CODECS=VP8,OPUS", "WebM", "vp8", "opus", ".webm", "video/webm"),
        ("video/webm", "WebM", None, None, ".webm", "video/webm"),
        ("video/x-matroska;codecs=avc1.420020,opus", "Matroska", "h264", "opus", ".mkv", "video/x-matroska"),
        ("video/x-matroska;codecs=avc1,opus", "Matroska", "h264", "opus", ".mkv", "video/x-matroska"),
        ("video/webm;codecs=h264,opus", "Matroska", "h264", "opus", ".mkv", "video/x-matroska"),
        ("video/webm;codecs=vp8,pcm", "Matroska", "vp8", "pcm", ".mkv", "video/x-matroska"),
        ("video/webm;codecs=av01.0.08M.08", "WebM", "av1", None, ".webm", "video/webm"),
        ("video/mp4;codecs=avc1.420015,opus", "MP4", "h264", "opus", ".mp4", "video/mp4"),
        ("video/mp4;codecs=avc1.42E01E,mp4a.40.2", "MP4", "h264", "aac", ".mp4", "video/mp4"),
        ("video/mp4;codecs=vp09.00.31.08,opus", "MP4", "vp9", "opus", ".mp4", "video/mp4"),
        ("audio/webm;codecs=opus", "WebM", None, "opus", ".webm", "audio/webm"),
        ("audio/webm;codecs=pcm", "Matroska", None, "pcm", ".mka", "audio/x-matroska"),
        ("audio/ogg; codecs=opus", "Ogg", None, "opus", ".opus", "audio/ogg"),
        ("audio/mp4;codecs=mp4a.40.2", "MP4", None, "aac", ".m4a", "audio/mp4"),
        ("audio/wav", "WAV", None, None, ".wav", "audio/wav"),
        ("", "an unknown format", None, None, ".bin", "application/octet-stream"),
        ("video/x-flv", "an unknown format", None, None, ".bin", "application/octet-stream"),
    ],
)
def test_ending_and_type_match_what_is_inside(
    mime_type: str, container: str, video: str | None, audio: str | None, ending: str, content_type: str
) -> None:
    found = contents(mime_type)

    assert (found.container, found.video, found.audio) == (container, video, audio)
    assert (found.ending, found.content_type) == (ending, content_type)
    assert found.mime_type == mime_type


@pytest.mark.parametrize(
    ("mime_type", "words"),
    [
        ("video/webm;codecs=vp8,opus", "VP8 video and Opus audio in WebM"),
        ("video/webm;codecs=h264", "H.264 video in Matroska"),
        ("audio/wav;codecs=pcm", "PCM audio in WAV"),
        ("video/mp4", "video in MP4"),
        ("audio/webm", "audio in WebM"),
    ],
)
def test_a_format_is_named_in_words(mime_type: str, words: str) -> None:
    assert describe(mime_type) == words


@given(st.text() | st.text(alphabet='video/webm;codecs=vp8,opus" '))
def test_anything_may_be_called_a_type(mime_type: str) -> None:
    found = contents(mime_type)

    assert found.ending.startswith(".")
    assert describe(mime_type)


@given(
    st.builds(CodecWish, st.none() | st.sampled_from(VideoCodec), st.booleans(), st.booleans()),
    st.booleans(),
    st.booleans(),
    st.frozensets(st.sampled_from(VideoCodec)),
)
def test_every_list_is_in_order_and_says_what_it_lacks(
    wish: CodecWish, has_video: bool, has_audio: bool, efficient: frozenset[VideoCodec]
) -> None:
    listed = candidates(wish, has_video=has_video, has_audio=has_audio, efficient=efficient)

    known = [one for one in listed if one.video or one.audio]
    assert len({one.mime_type for one in listed}) == len(listed)
    for one in known:
        assert (one.video is not None, one.audio is not None) == (has_video, has_audio)
        assert ("MP4" in one.unmet) == (wish.mp4 and one.container is not Container.MP4)
        assert any("PCM" in words for words in one.unmet) == (
            wish.pcm and has_audio and one.audio is not AudioCodec.PCM
        )
        assert any("video" in words for words in one.unmet) == (
            has_video and wish.video is not None and one.video is not wish.video
        )
    lossy = ["lossless audio (PCM)" in one.unmet for one in known]
    assert lossy == sorted(lossy)
