"""The main job, end to end: a guest opens the link, records, and has the file."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import expect

from guest import Guests
from media_tools import (
    LEFT_HZ,
    LOOP_FRAMES,
    RIGHT_HZ,
    decode_errors,
    frame_numbers,
    packets,
    probe,
    run,
    samples,
    tone,
)
from waiting import wait_for

KEY_FRAME_INTERVAL_S = 2.0
LINK = "?record=2500&label=Zo%C3%AB&room=studio&recordcodec=h264"


@dataclass(frozen=True)
class Recorded:
    """One recording of ten seconds: the file in Downloads, the saved copy, and what the page showed."""

    downloaded: Path
    saved: Path
    codec: str
    granted: str
    shown: int
    on_disk: int
    tally: str
    least_s: float
    """From the page saying that it records to the press on stop."""
    most_s: float
    """From the press on record to the page saying that it is finished."""


@pytest.fixture(scope="module")
def recorded(module_guests: Guests, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    guest = module_guests().open(LINK)
    pressed = time.monotonic()
    guest.record()
    began = time.monotonic()
    first = wait_for(guest.bytes_on_disk, "the first bytes are in the Downloads folder")
    wait_for(lambda: guest.bytes_on_disk() > first, "the file grows")
    guest.wait_until("0:10")
    shown, on_disk = guest.shown_bytes(), guest.bytes_on_disk()
    codec, tally = guest.id("codec").inner_text(), guest.id("tally").inner_text()
    least_s = time.monotonic() - began
    guest.stop()
    most_s = time.monotonic() - pressed
    downloaded = guest.take_away(guest.downloaded(), folder / "downloaded")
    saved = guest.take_away(guest.save(), folder / "saved")
    granted = guest.id("granted").inner_text()
    return Recorded(downloaded, saved, codec, granted, shown, on_disk, tally, least_s, most_s)


def test_the_file_has_its_name_and_its_ending(recorded: Recorded) -> None:
    pattern = r"Zoë_studio_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_take1\.mkv"

    assert re.fullmatch(pattern, recorded.downloaded.name)
    assert recorded.saved.name == recorded.downloaded.name


def test_the_codecs_are_those_on_the_page(recorded: Recorded) -> None:
    found = probe(recorded.downloaded)

    assert [stream["codec_name"] for stream in found["streams"]] == ["opus", "h264"] or [
        stream["codec_name"] for stream in found["streams"]
    ] == ["h264", "opus"]
    assert "H.264 video and Opus audio" in recorded.codec and "codecs=avc1" in recorded.codec
    assert "stereo" in recorded.granted
    assert "you started it" in recorded.tally


def test_it_lasts_as_long_as_it_was_recorded(recorded: Recorded) -> None:
    stream = _stream(recorded, "video")
    video = [packet for packet in packets(recorded.downloaded) if packet.stream == stream]

    # The page counts from the file's first moment; a busy machine sees a press, and its effect, later.
    assert recorded.least_s > 9
    assert 0.95 * recorded.least_s < video[-1].seconds - video[0].seconds < recorded.most_s


def test_what_the_page_calls_safe_is_on_the_disk(recorded: Recorded) -> None:
    # Read one after the other while it was recorded: at most a second of it lies between the two.
    assert recorded.shown > 100_000
    assert abs(recorded.shown - recorded.on_disk) < 500_000


def test_no_packet_is_missing_against_the_journal(recorded: Recorded) -> None:
    downloaded, saved = packets(recorded.downloaded), packets(recorded.saved)

    assert [(p.stream, p.seconds, p.hash) for p in downloaded] == [
        (p.stream, p.seconds, p.hash) for p in saved
    ]
    assert len(saved) > 300


def test_the_saved_copy_is_complete_and_seekable(recorded: Recorded) -> None:
    found = packets(recorded.saved)
    end = max(packet.seconds + packet.duration for packet in found)

    assert float(probe(recorded.saved)["format"]["duration"]) == pytest.approx(end, abs=0.1)
    told = run("mkvinfo", "--all", recorded.saved)
    assert "|+ Cues" in told and "|+ Seek head" in told and "+ Duration" in told
    assert decode_errors(recorded.saved) == ""
    assert decode_errors(recorded.downloaded) == ""


def test_seeking_to_the_middle_lands_on_a_key_frame_nearby(recorded: Recorded) -> None:
    middle = float(probe(recorded.saved)["format"]["duration"]) / 2
    video = str(_stream(recorded, "video"))

    shown = probe(
        recorded.saved, "-select_streams", video, "-read_intervals", f"{middle}%+#1", "-show_packets"
    )
    landed = shown["packets"][0]

    assert "K" in landed["flags"]
    assert 0 <= middle - float(landed["pts_time"]) <= KEY_FRAME_INTERVAL_S + 0.2


def test_the_picture_is_the_one_that_was_filmed(recorded: Recorded) -> None:
    numbers = frame_numbers(recorded.saved)

    steps = [(after - before) % LOOP_FRAMES for before, after in pairwise(numbers)]
    assert all(number < LOOP_FRAMES for number in numbers)
    # A busy machine's camera may skip a frame; none comes twice out of order, and the clock runs through.
    assert max(steps) < LOOP_FRAMES // 2
    assert sum(steps) == pytest.approx(300, rel=0.07)
    assert len(numbers) > 200


def test_the_sound_is_the_one_that_was_heard(recorded: Recorded) -> None:
    left, right = samples(recorded.saved)

    assert tone(left, LEFT_HZ) == pytest.approx(0.5, rel=0.15)
    assert tone(right, RIGHT_HZ) == pytest.approx(0.5, rel=0.15)
    assert tone(left, RIGHT_HZ) < 0.02 and tone(right, LEFT_HZ) < 0.02


def _stream(recorded: Recorded, kind: str) -> int:
    streams = probe(recorded.saved)["streams"]
    return next(int(stream["index"]) for stream in streams if stream["codec_type"] == kind)


def test_vp8_is_the_usual_choice_and_makes_webm(guests: Guests) -> None:
    guest = guests().open("?record=1000&width=320&height=180&room=a")
    guest.record()
    expect(guest.id("codec")).to_contain_text("video/webm;codecs=vp8,opus")
    guest.wait_until("0:02")
    guest.stop()

    path = guest.downloaded()

    assert path.suffix == ".webm"
    assert {stream["codec_name"] for stream in probe(path)["streams"]} == {"vp8", "opus"}
    assert decode_errors(path) == ""
