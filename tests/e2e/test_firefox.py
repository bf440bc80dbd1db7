"""The same page in Debian's Firefox: what it records, and that it says what it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from browsers import opened_firefox
from guest import Guest
from media_tools import decode_errors, packets, probe, run, samples
from rooms import opened_room
from unit.media_files import block, cluster, header


@pytest.fixture(scope="module")
def guest(
    playwright: Playwright,
    settings: dict[str, Any],
    base_url: str,
    sound_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Guest]:
    folder = tmp_path_factory.mktemp("firefox")
    with opened_firefox(playwright, settings, base_url, folder, {"PULSE_SERVER": sound_server}) as made:
        yield made


def prompted(guest: Guest, kbps: str, elapsed: str, folder: Path) -> tuple[Path, Path]:
    """A take at the bitrate typed into the prompt: as downloaded, and as saved."""
    guest.id("record").click()
    guest.id("bitrate").fill(kbps)
    guest.id("bitrate-ok").click()
    expect(guest.id("record")).to_have_attribute("data-state", "recording")
    guest.wait_until(elapsed)
    guest.stop()
    downloaded = guest.take_away(guest.downloaded(), folder / "downloaded")
    return downloaded, guest.take_away(guest.save(), folder / "saved")


@pytest.mark.clock
def test_video_opus_and_lossless_sound_are_recorded(guest: Guest, tmp_path: Path) -> None:
    guest.open("?record&width=320&height=180&room=fox")
    expect(guest.id("granted")).to_contain_text("320×180")

    video = prompted(guest, "800", "0:03", tmp_path / "video")
    opus = prompted(guest, "-120", "0:03", tmp_path / "opus")
    lossless = prompted(guest, "0", "0:03", tmp_path / "lossless")

    assert codecs(video[1]) == ["opus", "vp8"] and video[1].suffix == ".webm"
    assert codecs(opus[1]) == ["opus"] and opus[1].suffix == ".webm"
    for downloaded, saved in (video, opus):
        assert decode_errors(downloaded) == decode_errors(saved) == ""
        assert [p.hash for p in packets(downloaded)] == [p.hash for p in packets(saved)]
        told = run("mkvinfo", "--all", saved)
        assert "|+ Cues" in told and "|+ Seek head" in told and "+ Duration" in told
    assert codecs(lossless[1]) == ["pcm_f32le"] and lossless[1].suffix == ".wav"
    (stream,) = probe(lossless[1])["streams"]
    assert (stream["channels"], stream["sample_rate"]) == (2, "48000")
    assert decode_errors(lossless[0]) == decode_errors(lossless[1]) == ""
    assert lossless[0].read_bytes()[94:] == lossless[1].read_bytes()[94:]
    left, right = samples(lossless[1])
    assert left == right and max(left) > 0.01  # Firefox's fake microphone is a mono tone
    assert len(left) / 48_000 == pytest.approx(3.3, abs=0.7)


def test_a_recording_of_many_slices_is_converted(guest: Guest, tmp_path: Path) -> None:
    """They are read into the same few buffers again and again, or else into new ones (static/reader.js)."""
    pictures = (cluster(at * 500, block(1, 0, Random(at).randbytes(500_000))) for at in range(120))
    source = tmp_path / "large.webm"
    source.write_bytes(header(audio="") + b"".join(pictures))
    guest.open("?convert", ready="convert")

    guest.id("convert-input").set_input_files(source)
    guest.id("convert-target").select_option("mp4")
    guest.id("convert-start").click()
    expect(guest.id("job")).to_have_attribute("data-state", "finished")

    result = guest.take_away(guest.downloaded(), tmp_path)
    assert [p.hash for p in packets(result)] == [p.hash for p in packets(source)]


def test_quirk_5_the_microphones_rate_is_not_told(guest: Guest) -> None:
    guest.open("", ready="home")
    settings = """async () => {
        const [track] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks();
        const found = track.getSettings();
        track.stop();
        return "sampleRate" in found;
    }"""

    assert guest.page.evaluate(settings) is False


def codecs(path: Path) -> list[str]:
    return sorted(stream["codec_name"] for stream in probe(path)["streams"])


def test_parts_follow_each_other_here_too(guest: Guest, tmp_path: Path) -> None:
    guest.open("?record=500&width=320&height=180&room=parts&splitrecording=0.1")
    guest.record()
    guest.wait_until("0:09")
    guest.stop()

    log = guest.log()
    kept = [guest.take_away(path, tmp_path) for path in guest.files(2)]

    assert [decode_errors(path) for path in kept] == ["", ""]
    assert log["parts"][1]["gap_before_ms"] == 0 and log["parts"][1]["overlap_before_ms"] > 0


@pytest.mark.parametrize(
    ("wish", "missing"),
    [
        ("recordcodec=h264", "cannot record H.264 video as asked"),
        ("recordcodec=av1", "cannot record AV1 video as asked"),
        ("recordcodec=mp4&pcm", "cannot record lossless audio (PCM) and MP4 as asked"),
    ],
)
def test_what_it_cannot_record_is_said_before_recording(guest: Guest, wish: str, missing: str) -> None:
    guest.open(f"?record=800&room=cannot&{wish}")
    expect(guest.id("codec")).to_contain_text("VP8 video and Opus audio in WebM")

    assert any(missing in sentence and "instead" in sentence for sentence in guest.notices())


def test_without_sound_hardware_the_microphone_is_recorded_all_the_same(
    playwright: Playwright, settings: dict[str, Any], base_url: str, tmp_path: Path
) -> None:
    nowhere = {"PULSE_SERVER": f"unix:{tmp_path}/nothing"}
    with opened_firefox(playwright, settings, base_url, tmp_path, nowhere) as guest:
        guest.open("?record=0&room=silent")
        downloaded, saved = guest.take("0:02", tmp_path)

        assert codecs(saved) == ["opus"] and decode_errors(downloaded) == ""
        assert max(samples(saved)[0]) > 0.01
        assert any("failed to start" in s and "Opus audio" in s for s in guest.notices())


def test_a_director_in_chromium_sees_starts_and_stops_a_guest_in_firefox(
    guest: Guest,
    playwright: Playwright,
    settings: dict[str, Any],
    fake_media: tuple[str, str],
    tmp_path: Path,
) -> None:
    with opened_room(playwright, settings, fake_media, tmp_path) as scene:
        director = scene.director(scene.server.links()["Director"])
        guest.page.goto(scene.link("label=Fox&width=320&height=180"))
        guest.id("join").click(timeout=guest.timeout_ms)
        row = director.guest("Fox")
        expect(row).to_have_attribute("data-state", "idle", timeout=guest.timeout_ms)
        expect(row.locator("video")).not_to_have_js_property("videoWidth", 0, timeout=20_000)

        row.get_by_test_id("start").click()
        expect(row).to_have_attribute("data-state", "recording")
        expect(guest.id("tally")).to_contain_text("started it")
        expect(row.get_by_test_id("bytes")).not_to_have_attribute("value", "0")
        guest.wait_until("0:03")
        row.get_by_test_id("stop").click()
        expect(row).to_have_attribute("data-state", "idle")

        kept = guest.take_away(guest.downloaded(), tmp_path / "kept")
        assert codecs(kept) == ["opus", "vp8"] and decode_errors(kept) == ""
        guest.page.goto("about:blank")
