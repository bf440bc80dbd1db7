"""Every container and codec this Chromium records, read back by ffprobe, mkvinfo and sample by sample."""

from __future__ import annotations

import array
import random
import struct
import wave
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from guest import Guest, Guests
from media_tools import decode_errors, packets, probe, run, samples

RATE = 44_100


def make_noise(path: Path) -> Path:
    """A rich signal: pseudo-random 16-bit samples, left and right different, at the device's own rate."""
    numbers = random.Random(7)
    frames = [(numbers.randint(-9000, 9000), numbers.randint(-9000, 9000)) for _ in range(RATE * 10)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<hh", *frame) for frame in frames))
    return path


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_noise(tmp_path_factory.mktemp("noise") / "microphone.wav")


@pytest.fixture(scope="module")
def guest(module_guests: Guests, noise: Path) -> Guest:
    # The browser's own fake camera gives the size it is asked for; a file has one size.
    return module_guests(files=False, flags=(f"--use-file-for-fake-audio-capture={noise}",))


@dataclass(frozen=True)
class Format:
    """A link's wishes, and what the file must hold."""

    link: str
    ending: str
    codecs: tuple[str, ...]

    def __str__(self) -> str:
        return self.link


FORMATS = [
    Format("recordcodec=vp8", ".webm", ("opus", "vp8")),
    Format("recordcodec=vp9", ".webm", ("opus", "vp9")),
    Format("recordcodec=av1", ".webm", ("av1", "opus")),
    Format("recordcodec=h264", ".mkv", ("h264", "opus")),
    Format("recordcodec=vp8&pcm", ".mkv", ("pcm_f32le", "vp8")),
    Format("recordcodec=vp9&pcm", ".mkv", ("pcm_f32le", "vp9")),
    Format("recordcodec=av1&pcm", ".mkv", ("av1", "pcm_f32le")),
    Format("recordcodec=h264&pcm", ".mkv", ("h264", "pcm_f32le")),
    Format("recordcodec=mp4", ".mp4", ("h264", "opus")),
    Format("recordcodec=mp4,vp9", ".mp4", ("opus", "vp9")),
    Format("recordcodec=mp4,av1", ".mp4", ("av1", "opus")),
]


@pytest.mark.parametrize("wanted", FORMATS, ids=str)
def test_a_video_format_is_what_it_says(guest: Guest, wanted: Format, tmp_path: Path) -> None:
    guest.open(f"?record=1000&width=320&height=180&room=formats&{wanted.link}")
    expect(guest.id("record")).to_be_enabled()
    notices, granted = guest.notices(), guest.id("granted").inner_text()

    downloaded, saved = guest.take("0:02", tmp_path)

    assert notices == []
    for path in (downloaded, saved):
        found = probe(path)
        assert path.suffix == wanted.ending
        assert tuple(sorted(stream["codec_name"] for stream in found["streams"])) == wanted.codecs
        (sound,) = [stream for stream in found["streams"] if stream["codec_type"] == "audio"]
        assert sound["channels"] == 2
        assert sound["sample_rate"] == (str(RATE) if "pcm" in wanted.link else "48000")
        (picture,) = [stream for stream in found["streams"] if stream["codec_type"] == "video"]
        assert f"{picture['width']}×{picture['height']}" in granted
        assert decode_errors(path) == ""
    assert [packet.hash for packet in packets(downloaded)] == [packet.hash for packet in packets(saved)]
    if wanted.ending == ".mp4":
        # Fragments go through untouched: it is not finished in place (docs/architecture.md).
        assert downloaded.read_bytes() == saved.read_bytes()
    else:
        assert_finished(saved)


def assert_finished(path: Path) -> None:
    """Duration, Cues and SeekHead are there, and the Duration is where the last frame ends."""
    told = run("mkvinfo", "--all", path)
    assert "|+ Cues" in told and "|+ Seek head" in told and "+ Duration" in told
    end = max(packet.seconds + packet.duration for packet in packets(path))
    assert float(probe(path)["format"]["duration"]) == pytest.approx(end, abs=0.1)


@pytest.mark.clock
def test_audio_alone_as_opus_has_the_rate_asked_for(guest: Guest, tmp_path: Path) -> None:
    guest.open("?record=-120&room=opus")
    expect(guest.id("codec")).to_contain_text("Opus audio in WebM")

    downloaded, saved = guest.take("0:08", tmp_path)

    (stream,) = probe(saved)["streams"]
    assert (stream["codec_name"], stream["channels"], stream["sample_rate"]) == ("opus", 2, "48000")
    assert decode_errors(saved) == decode_errors(downloaded) == ""
    assert_finished(saved)
    found = packets(saved)
    kbps = sum(packet.size for packet in found) * 8 / (found[-1].seconds - found[0].seconds) / 1000
    assert 110 <= kbps <= 130


@pytest.mark.clock
def test_audio_alone_as_pcm_is_the_microphones_own_samples(guest: Guest, noise: Path, tmp_path: Path) -> None:
    guest.open("?record=0&room=pcm")
    expect(guest.id("codec")).to_contain_text("PCM audio")

    downloaded, saved = guest.take("0:04", tmp_path)

    (stream,) = probe(saved)["streams"]
    assert (stream["codec_name"], stream["channels"], stream["sample_rate"]) == ("pcm_f32le", 2, str(RATE))
    assert (downloaded.suffix, saved.suffix) == (".mka", ".mka")
    assert decode_errors(saved) == decode_errors(downloaded) == ""
    assert_finished(saved)
    with wave.open(str(noise)) as file:
        known = array.array("h", file.readframes(file.getnframes()))
    left, right = samples(saved, RATE)
    # Where the graph misses a beat on a busy machine the run ends and the next begins.
    assert longest_exact_run(left, right, known) > RATE


NO_VP8 = """MediaRecorder.prototype.start = ((real) => function (timeslice) {
    if (this.mimeType.includes("vp8")) throw new DOMException("No encoder.", "NotSupportedError");
    real.call(this, timeslice);
})(MediaRecorder.prototype.start);"""


def test_a_codec_that_is_called_supported_and_fails_to_start_is_followed_by_the_next(
    module_guests: Guests, tmp_path: Path
) -> None:
    guest = module_guests(files=False)
    guest.page.add_init_script(NO_VP8)
    guest.open("?record=800&width=320&height=180&room=down")
    expect(guest.id("codec")).to_contain_text("VP8 video")

    downloaded, saved = guest.take("0:01", tmp_path)

    assert any("failed to start" in s and "recording H.264 video" in s for s in guest.notices())
    assert {stream["codec_name"] for stream in probe(saved)["streams"]} == {"h264", "opus"}
    assert downloaded.suffix == saved.suffix == ".mkv" and decode_errors(saved) == ""


NO_PCM = """MediaRecorder.isTypeSupported = ((real) => (type) =>
    !type.includes("pcm") && real.call(MediaRecorder, type))(MediaRecorder.isTypeSupported);"""


@pytest.mark.clock
def test_where_the_browser_has_no_pcm_a_wav_file_holds_the_same_samples(
    module_guests: Guests, noise: Path, tmp_path: Path
) -> None:
    guest = module_guests(files=False, flags=(f"--use-file-for-fake-audio-capture={noise}",))
    guest.page.add_init_script(NO_PCM)
    guest.open("?record=0&room=wav")
    expect(guest.id("codec")).to_contain_text("PCM audio in WAV")
    assert guest.notices() == []

    downloaded, saved = guest.take("0:04", tmp_path)

    for path in (downloaded, saved):
        (stream,) = probe(path)["streams"]
        assert (stream["codec_name"], stream["channels"]) == ("pcm_f32le", 2)
        assert (stream["sample_rate"], path.suffix) == (str(RATE), ".wav")
        assert decode_errors(path) == ""
    size = saved.stat().st_size
    assert float(probe(saved)["format"]["duration"]) == pytest.approx((size - 94) / 8 / RATE, abs=0.001)
    assert downloaded.read_bytes()[94:] == saved.read_bytes()[94:]
    with wave.open(str(noise)) as file:
        known = array.array("h", file.readframes(file.getnframes()))
    assert longest_exact_run(*samples(saved, RATE), known) > RATE


def as_float(value: int) -> float:
    """A 16-bit sample as this Chromium's capture makes a float of it."""
    return value / 32768 if value < 0 else value / 32767


def longest_exact_run(left: array.array[float], right: array.array[float], known: array.array[int]) -> int:
    """How many samples in a row are, in both channels, those of the known signal to the last bit of 24."""
    expected = [as_float(value) for value in known]
    place = {(known[i], known[i + 1]): i for i in range(0, len(known), 2)}
    best = start = 0
    while start < len(left):
        key = (round(left[start] * 32767.5), round(right[start] * 32767.5))
        at, count = place.get(key), 0
        while at is not None and start + count < len(left):
            where = (at + count * 2) % len(known)
            off = max(
                abs(left[start + count] - expected[where]), abs(right[start + count] - expected[where + 1])
            )
            if off > 2**-24:
                break
            count += 1
        best, start = max(best, count), start + max(count, 1)
    return best
