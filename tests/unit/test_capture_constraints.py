from pathlib import Path

import pytest

from rolltape.settings.capture_constraints import (
    EARLY_CONSTRAINTS,
    Device,
    GrantedAudio,
    GrantedVideo,
    constraints,
    describe_granted,
    shortfalls,
    wanted,
)
from rolltape.settings.link import parse_link

STUDIO = GrantedAudio("Mic", "m", 2, 48000, False, False, False)
CAMERA = GrantedVideo("Cam", "c", 1280, 720, 30.0)
BOOT = Path(__file__).parents[2] / "static" / "boot.js"


def test_a_link_without_wishes_asks_for_source_quality() -> None:
    asked = constraints(parse_link("?record=6000").settings)

    assert asked.audio == {
        "channelCount": {"ideal": 2},
        "echoCancellation": False,
        "noiseSuppression": False,
        "autoGainControl": False,
    }
    assert asked.video == {"width": {"ideal": 1280}, "height": {"ideal": 720}, "frameRate": {"ideal": 30.0}}
    assert asked == EARLY_CONSTRAINTS


def test_the_pages_start_asks_for_the_same() -> None:
    boot = BOOT.read_text()

    assert "width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }" in boot
    assert (
        "channelCount: { ideal: 2 }, echoCancellation: false, noiseSuppression: false, autoGainControl: false"
        in boot
    )


def test_wishes_are_ideal_never_exact() -> None:
    asked = constraints(
        parse_link("?record&w=1920&h=1080&fps=25&stereo=0&aec=1&denoise=1&autogain=1").settings
    )

    assert asked.video == {"width": {"ideal": 1920}, "height": {"ideal": 1080}, "frameRate": {"ideal": 25}}
    assert asked.audio == {
        "channelCount": {"ideal": 1},
        "echoCancellation": True,
        "noiseSuppression": True,
        "autoGainControl": True,
    }


def test_a_device_is_left_out_on_request() -> None:
    assert constraints(parse_link("?record&vd=0").settings).video is None
    assert constraints(parse_link("?record&ad=0").settings).audio is None
    assert list(constraints(parse_link("?record&ad=0&vd=0").settings).alternatives()) == []


def test_where_both_cannot_be_had_each_is_tried_alone() -> None:
    both = constraints(parse_link("?record").settings)

    tried = list(both.alternatives())

    assert [(one.video is not None, one.audio is not None) for one in tried] == [
        (True, True),
        (False, True),
        (True, False),
    ]


def test_a_device_is_found_by_a_part_of_its_name() -> None:
    devices = [
        Device("video", "1", "Front camera"),
        Device("audio", "2", "Rode NT-USB"),
        Device("video", "3", "Rode cam"),
    ]
    wish = parse_link("?record&vd=rode").settings.video_device

    assert wanted("video", wish, devices) == devices[2]
    assert wanted("audio", wish, devices) == devices[1]
    assert wanted("video", parse_link("?record&vd=none").settings.video_device, devices) is None
    assert wanted("video", None, devices) is None


@pytest.mark.parametrize(
    ("video", "audio", "text"),
    [
        (CAMERA, STUDIO, "1280×720, 30 fps; stereo, 48 kHz, unprocessed"),
        (
            None,
            GrantedAudio("", "", 1, 44100, True, True, False),
            "no camera; mono, 44.1 kHz, with echo cancellation and noise suppression",
        ),
        (GrantedVideo("", "", 640, 480, 0), None, "640×480; no microphone"),
        (
            CAMERA,
            GrantedAudio("", "", 6, 0, False, False, False),
            "1280×720, 30 fps; 6 channels, unprocessed",
        ),
    ],
)
def test_what_was_granted_is_said_in_words(
    video: GrantedVideo | None, audio: GrantedAudio | None, text: str
) -> None:
    assert describe_granted(video, audio) == text


def test_only_what_is_missing_is_complained_of() -> None:
    settings = parse_link("?record").settings

    assert shortfalls(settings, CAMERA, STUDIO) == []
    assert [
        notice.text
        for notice in shortfalls(settings, None, GrantedAudio("", "", 1, 48000, True, False, True))
    ] == [
        "There is no camera, so only sound will be recorded.",
        "The microphone gives mono, so the sound is recorded in mono.",
        "The browser keeps echo cancellation and automatic gain on, although it was asked not to.",
    ]
    assert [notice.text for notice in shortfalls(settings, CAMERA, None)] == [
        "There is no microphone, so the recording will be silent."
    ]
    assert (
        shortfalls(
            parse_link("?record&vd=0&aec=1&stereo=0").settings,
            None,
            GrantedAudio("", "", 1, 48000, True, False, False),
        )
        == []
    )
