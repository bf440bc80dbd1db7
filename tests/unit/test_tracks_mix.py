"""The rough mix: everybody as loud as the others, -16 LUFS together, no peak above -1 dBTP, as long as the tracks."""

from __future__ import annotations

import json
import math
import random
import re
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from rolltape.__main__ import main
from rolltape.tracks.mix import LOUDNESS_LUFS, PEAK_DBTP, loudness, write_mix
from rolltape.tracks.outputs import WavFile
from unit.media_files import program
from unit.synthetic_session import RATE
from unit.test_tracks_make import two_guests

pytestmark = pytest.mark.slow
SECONDS = 12


def sound(place: Path, sample: Callable[[int], float]) -> Path:
    """A mono WAV of twelve seconds; samples from -1 to 1."""
    with WavFile(place, 1, SECONDS * RATE, None) as output:
        for second in range(SECONDS):
            numbers = (sample(at) for at in range(second * RATE, (second + 1) * RATE))
            output.write(array("i", (round(one * (2**31 - 1)) for one in numbers)).tobytes())
    return place


def tone(hertz: float, level: float) -> Callable[[int], float]:
    return lambda at: level * math.sin(2 * math.pi * hertz * at / RATE)


def mixed(sounds: list[Path], folder: Path) -> tuple[Path, list[float]]:
    place = folder / "mixed.wav"
    with WavFile(place, 2, SECONDS * RATE, None) as output:
        return place, write_mix(sounds, SECONDS * RATE, output, lambda share: None)


def told_by_ffmpeg(place: Path) -> tuple[float, float]:
    """Integrated loudness and true peak, by ffmpeg's own report."""
    report = program(
        "ffmpeg", "-nostats", "-i", str(place), "-af", "ebur128=peak=true", "-f", "null", "-"
    ).stderr
    summary = report[report.rindex("Summary:") :]
    lufs, peak = (re.findall(rf"{name}:\s+(\S+)", summary)[0] for name in ("I", "Peak"))
    return float(lufs), float(peak)


def test_the_loud_and_the_quiet_are_heard_alike_at_the_loudness_of_podcasts(tmp_path: Path) -> None:
    loud, quiet = sound(tmp_path / "loud.wav", tone(440, 0.5)), sound(tmp_path / "quiet.wav", tone(660, 0.01))
    silent = sound(tmp_path / "silent.wav", lambda at: 0.0)

    place, gains = mixed([loud, quiet, silent], tmp_path)

    lufs, _ = told_by_ffmpeg(place)
    assert abs(lufs - LOUDNESS_LUFS) <= 0.5
    raised = [loudness(one).integrated_lufs + gain for one, gain in zip((loud, quiet), gains, strict=False)]
    assert abs(raised[0] - raised[1]) < 0.1
    assert loudness(place).integrated_lufs == pytest.approx(lufs, abs=0.1)
    (stream,) = json.loads(
        program("ffprobe", "-v", "error", "-of", "json", "-show_streams", str(place)).stdout
    )["streams"]
    assert stream["duration_ts"] == SECONDS * RATE and stream["channels"] == 2


def test_no_peak_is_above_the_limit_however_sharp_the_sound(tmp_path: Path) -> None:
    chance = random.Random(1)
    clicks = sound(
        tmp_path / "clicks.wav",
        lambda at: chance.uniform(-1, 1) * (1 if at % 4800 < 60 else 0.02),
    )

    place, _ = mixed([clicks, sound(tmp_path / "tone.wav", tone(11_000, 0.3))], tmp_path)

    assert told_by_ffmpeg(place)[1] <= PEAK_DBTP


def test_the_mix_is_in_step_with_the_tracks(tmp_path: Path) -> None:
    at = 6 * RATE + 1234
    click = sound(tmp_path / "click.wav", lambda now: 0.5 if now == at else tone(300, 0.001)(now))

    place, _ = mixed([click], tmp_path)

    raw = place.read_bytes()
    begin = raw.index(b"data") + 8
    left = [
        int.from_bytes(raw[here : here + 3], "little", signed=True) for here in range(begin, len(raw) - 5, 6)
    ]
    loudest = max(range(len(left)), key=lambda now: abs(left[now]))
    assert abs(loudest - at) <= 1


def test_silence_stays_silence(tmp_path: Path) -> None:
    place, gains = mixed([sound(tmp_path / "silent.wav", lambda at: 0.0)], tmp_path)

    assert gains == [0.0] and loudness(place).peak_dbtp == -math.inf


def test_the_command_makes_it_beside_the_tracks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two_guests(tmp_path, 20.5)
    assert main(["tracks", str(tmp_path), "--mix", "--sound", "flac", "--project", "none"]) == 0

    made = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert made == ["Ada.flac", "Grace.flac", "report.json", "mix.flac", "report.html"]
    assert told_by_ffmpeg(tmp_path / "tracks" / "mix.flac")[1] <= PEAK_DBTP
