"""`rolltape tracks FOLDER`: everybody in step, equally long, and nothing under a final name that is not whole."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from array import array
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import opentimelineio as otio
import pytest
import rpp

from rolltape.__main__ import main
from rolltape.recording.take import Part
from rolltape.tracks.fcpxml import final_cut_project
from rolltape.tracks.plan import GuestTrack
from rolltape.tracks.project import Made
from rolltape.tracks.reaper import reaper_project
from unit.fcpxml_rules import breaches
from unit.media_files import DATA, program
from unit.synthetic_session import (
    RATE,
    beeps,
    heard_s,
    matroska,
    report,
    samples,
    wav,
    write_session,
)


def two_guests(folder: Path, length_s: float = 89.5, starts_ms: int = 7300) -> None:
    """Ada's microphone is 100 ppm too fast, Grace's 100 too slow; Grace comes seven seconds later."""
    later_s = starts_ms / 1000
    write_session(folder, report("Ada", length_s), report("Grace", length_s - later_s, starts_ms=starts_ms))
    matroska(folder / "Ada_studio_take1.webm", beeps(length_s, 100, 10), lambda ms: ms / (1 + 100e-6))
    matroska(
        folder / "Grace_studio_take1.webm",
        beeps(length_s - later_s, -100, 10, later_s),
        lambda ms: ms / (1 - 100e-6),
    )


def probed(path: Path) -> dict[str, str]:
    fields = "stream=codec_name,sample_rate,channels,bits_per_raw_sample,duration_ts:format_tags"
    found = json.loads(
        program("ffprobe", "-v", "error", "-of", "json", "-show_entries", fields, str(path)).stdout
    )
    (stream,) = found["streams"]
    return {name: str(value) for name, value in {**stream, **found["format"].get("tags", {})}.items()}


def test_two_microphones_that_run_apart_are_in_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two_guests(tmp_path)
    assert main(["tracks", str(tmp_path)]) == 0

    places = [tmp_path / "tracks" / "Ada.wav", tmp_path / "tracks" / "Grace.wav"]
    others = [
        tmp_path / "tracks" / name
        for name in ("report.json", "tracks.otio", "tracks.fcpxml", "tracks.rpp", "report.html")
    ]
    assert capsys.readouterr().out.split() == [str(place) for place in (*places, *others)]
    ada, grace = (samples(place) for place in places)
    assert len(ada) == len(grace) == 90 * RATE

    first, second = heard_s(ada), heard_s(grace)
    raw = (
        heard_s(samples(tmp_path / "Ada_studio_take1.webm")),
        heard_s(samples(tmp_path / "Grace_studio_take1.webm")),
    )
    assert len(first) == len(second) == 8
    assert abs(raw[0][-1] - raw[1][-1] - 7.3) > 0.015, "the recordings themselves are not in step"
    assert max(abs(a - b) for a, b in zip(first, second, strict=True)) < 0.001


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_tracks_are_of_24_bits_equally_long_and_tell_the_time(tmp_path: Path, kind: str) -> None:
    two_guests(tmp_path, 20.5)
    assert main(["tracks", str(tmp_path), "-o", str(tmp_path / "out"), "--sound", kind]) == 0

    found = [probed(tmp_path / "out" / f"{name}.{kind}") for name in ("Ada", "Grace")]
    for one in found:
        assert one["sample_rate"] == "48000" and one["channels"] == "1"
        assert one["bits_per_raw_sample"] == "24" and one["duration_ts"] == str(21 * RATE)
    if kind == "wav":
        assert found[0]["time_reference"] == found[1]["time_reference"] != "0"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *(f"Ada.{kind}", f"Grace.{kind}", "report.html", "report.json"),
        *("tracks.fcpxml", "tracks.otio", "tracks.rpp"),
    ]


def test_who_is_chosen_alone_gets_the_same_track(tmp_path: Path) -> None:
    two_guests(tmp_path, 20.5)
    main(["tracks", str(tmp_path)])
    main(["tracks", str(tmp_path), "--only", "Grace", "-o", str(tmp_path / "alone")])

    assert [path.name for path in (tmp_path / "alone").iterdir()] == ["Grace.wav"]
    assert (tmp_path / "alone" / "Grace.wav").read_bytes() == (tmp_path / "tracks" / "Grace.wav").read_bytes()
    assert main(["tracks", str(tmp_path), "--only", "Alan"]) == 1


def test_sound_at_the_right_rate_comes_out_bit_for_bit(tmp_path: Path) -> None:
    chance = random.Random(1)
    noise = bytes(chance.randrange(256) for _ in range(3 * RATE * 2))
    write_session(tmp_path, report("Ada", 2, clock=False))
    wav(tmp_path / "Ada_studio_take1.webm", noise, bits=24)

    assert main(["tracks", str(tmp_path)]) == 0

    whole = (tmp_path / "tracks" / "Ada.wav").read_bytes()
    assert whole[whole.index(b"data") + 8 :] == noise


def test_parts_that_share_a_second_are_one_sound_without_a_double(tmp_path: Path) -> None:
    chance = random.Random(2)
    noise = array("h", (chance.randrange(-32768, 32768) for _ in range(5 * RATE)))
    parts = (
        Part(1, "part1", 1000, 3000),
        Part(2, "part2", 1000, 3000, started_ms=2000, overlap_before_ms=1000),
    )
    write_session(tmp_path, report("Ada", 5, *parts, clock=False))
    wav(tmp_path / "Ada_studio_take1.webm", noise[: 3 * RATE].tobytes())
    wav(tmp_path / "Ada_studio_take1_part2.webm", noise[2 * RATE :].tobytes())

    assert main(["tracks", str(tmp_path)]) == 0

    assert [value >> 16 for value in samples(tmp_path / "tracks" / "Ada.wav")] == list(noise)


@pytest.mark.parametrize(
    "text",
    ["ffconcat version 1.0\nfile Ada_studio_take1.webm\n", "#EXTM3U\n#EXTINF:9,\nAda_studio_take1.webm\n"],
)
def test_a_list_that_names_another_s_recording_is_no_recording(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    two_guests(tmp_path, 20.5)
    (tmp_path / "Grace_studio_take1.webm").write_text(text)
    assert main(["tracks", str(tmp_path)]) == 1
    assert "Grace_studio_take1.webm is no recording" in capsys.readouterr().err
    assert not (tmp_path / "tracks" / "Grace.wav").exists()


def test_pictures_of_a_kind_that_nobody_knows_are_told_and_their_sound_is_a_track(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_session(tmp_path, report("Ada", 4, clock=False))
    recorded = (DATA / "chromium-vp8-opus.webm").read_bytes()
    assert b"V_VP8" in recorded
    (tmp_path / "Ada_studio_take1.webm").write_bytes(recorded.replace(b"V_VP8", b"V_VPX"))

    assert main(["tracks", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.err.strip().endswith("has pictures of a kind that cannot be decoded here. They are left out.")
    assert (tmp_path / "tracks" / "Ada.wav").exists() and not (tmp_path / "tracks" / "Ada.mp4").exists()


def test_a_missing_and_a_ruined_file_are_told_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two_guests(tmp_path, 20.5)
    write_session(
        tmp_path,
        report("Ada", 21),
        report("Grace", 13.7, starts_ms=7300),
        report("Alan", 21),
        report("Kurt", 21),
    )
    (tmp_path / "Alan_studio_take1.webm").write_bytes(b"no recording at all")

    assert main(["tracks", str(tmp_path)]) == 1

    said = capsys.readouterr()
    alan, kurt = said.err.splitlines()
    assert "Alan_studio_take1.webm is no recording" in alan and "Kurt_studio_take1.webm is not in" in kurt
    assert [Path(line).name for line in said.out.splitlines()] == [
        "Ada.wav",
        "Grace.wav",
        "report.json",
        "tracks.otio",
        "tracks.fcpxml",
        "tracks.rpp",
        "report.html",
    ]


def test_what_is_damaged_is_silent_and_moves_nothing(tmp_path: Path) -> None:
    two_guests(tmp_path, 60.5)
    path = tmp_path / "Ada_studio_take1.webm"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200_000] = bytes(200_000)
    path.write_bytes(data)

    assert main(["tracks", str(tmp_path)]) == 0

    times = heard_s(samples(tmp_path / "tracks" / "Ada.wav"))
    assert len(times) >= 4
    origin = times[0]
    assert all(abs((at - origin) / 10 - round((at - origin) / 10)) < 0.0005 for at in times), times


def test_what_exists_is_written_over_when_told_to_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two_guests(tmp_path, 11)
    place = tmp_path / "tracks" / "Ada.wav"
    place.parent.mkdir()
    place.write_bytes(b"mine")

    assert main(["tracks", str(tmp_path)]) == 1
    assert "Ada.wav exists already; --force writes over it." in capsys.readouterr().err
    assert place.read_bytes() == b"mine" and (tmp_path / "tracks" / "Grace.wav").exists()

    assert main(["tracks", str(tmp_path), "--force"]) == 0
    assert place.stat().st_size > 1_000_000


@pytest.mark.slow
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    """The limit of a file's size, which a disk's end looks like to who writes."""
    two_guests(tmp_path, 20.5)
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)); "
        "from rolltape.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    for kind in ("wav", "flac"):
        done = rolltape_tracks(tmp_path, "--sound", kind, code=limited)
        assert done.returncode == 1 and "File too large" in done.stderr, done.stderr
        assert {path.name for path in (tmp_path / "tracks").iterdir()} <= {
            "report.html",
            "report.json",
            "tracks.fcpxml",
            "tracks.otio",
            "tracks.rpp",
        }


def rolltape_tracks(folder: Path, *options: str, code: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *(["-c", code] if code else ["-m", "rolltape"]), "tracks", str(folder), *options],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "py")},
    )


def test_a_cancelled_run_leaves_no_half_file(tmp_path: Path) -> None:
    write_session(tmp_path, report("Ada", 300))
    matroska(tmp_path / "Ada_studio_take1.webm", beeps(300, 100, 100), lambda ms: ms / (1 + 100e-6))
    command = [sys.executable, "-m", "rolltape", "tracks", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while not any((tmp_path / "tracks").glob(".Ada.wav.*")):
            assert running.poll() is None, "it was over before it could be cancelled"
        running.send_signal(signal.SIGINT)
        assert running.stderr is not None and running.stderr.read() == "Cancelled.\n"

    assert running.returncode == 1 and not list((tmp_path / "tracks").iterdir())


@pytest.mark.parametrize("name", ["chromium-opus.webm", "chromium-pcm.webm", "firefox-opus.webm"])
def test_what_browsers_recorded_becomes_a_track(tmp_path: Path, name: str) -> None:
    write_session(tmp_path, report("Ada", 2.5, clock=False))
    shutil.copy(DATA / name, tmp_path / "Ada_studio_take1.webm")

    assert main(["tracks", str(tmp_path)]) == 0
    found = probed(tmp_path / "tracks" / "Ada.wav")
    assert int(found["duration_ts"]) % RATE == 0 and int(found["duration_ts"]) >= RATE


def test_a_session_without_a_recording_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_session(tmp_path, report("Ada", 5))

    assert main(["tracks", str(tmp_path)]) == 1
    assert "has sound that can be read" in capsys.readouterr().err
    assert not (tmp_path / "tracks").exists()


def test_without_the_library_it_says_what_to_install_and_measures_all_the_same(tmp_path: Path) -> None:
    write_session(tmp_path, report("Ada", 5))
    without = "import sys; sys.modules['av'] = None; from rolltape.__main__ import main; sys.exit(main(sys.argv[1:]))"

    done = rolltape_tracks(tmp_path, code=without)
    assert done.returncode == 1 and "rolltape[tracks]" in done.stderr
    assert rolltape_tracks(tmp_path, "--check", code=without).returncode == 0


def test_server_and_command_line_load_nothing_of_it_unasked() -> None:
    code = "import sys, rolltape.__main__, rolltape.server.app; sys.exit('av' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_command_waits_for_the_code_of_another() -> None:
    code = "import sys, rolltape.__main__ as _; sys.exit(bool({'rolltape.tracks.cli', 'aiohttp'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_loudness_stays_where_a_mono_part_joins_a_stereo_one(tmp_path: Path) -> None:
    parts = (Part(1, "part1", 1000, 1000), Part(2, "part2", 1000, 1000, started_ms=1000))
    write_session(tmp_path, report("Ada", 2, *parts, clock=False))
    wav(tmp_path / "Ada_studio_take1.webm", array("h", [10_000] * RATE).tobytes())
    both = array("h", [10_000] * 2 * RATE).tobytes()
    wav(tmp_path / "Ada_studio_take1_part2.webm", both, channels=2)

    assert main(["tracks", str(tmp_path)]) == 0
    whole = (tmp_path / "tracks" / "Ada.wav").read_bytes()
    assert set(whole[whole.index(b"data") + 8 :][2::3]) == {10_000 >> 8}
    assert probed(tmp_path / "tracks" / "Ada.wav")["channels"] == "2"


def test_the_report_tells_drift_losses_joints_and_silences(tmp_path: Path) -> None:
    """Ada's microphone loses 500 ms in the middle; nothing is said that is not so, and all of the track is told."""
    write_session(tmp_path, report("Ada", 89.5), report("Grace", 5))
    sound = beeps(89.5, 100, 10)
    matroska(
        tmp_path / "Ada_studio_take1.webm",
        sound[: 40 * RATE] + sound[40 * RATE + RATE // 2 :],
        lambda ms: (ms + (500 if ms >= 40_000 else 0)) / (1 + 100e-6),
    )

    assert main(["tracks", str(tmp_path)]) == 1  # Grace's file is missing

    told = json.loads((tmp_path / "tracks" / "report.json").read_text())
    ada, grace = told["tracks"]
    (file,) = ada["files"]
    assert (told["format"], told["missing"], grace["pieces"]) == (
        "rolltape-tracks",
        ["Grace_studio_take1.webm"],
        [],
    )
    first, second = file["runs"]
    assert file["by"] == "stamps" and abs(first["ppm"] - 100) < 15 and abs(second["ppm"] - 100) < 15
    assert abs(second["lost_before_ms"] - 500) < 2 and 9 < file["to_room"]["bound_ms"] < 12
    lengths = [one["length_s"] for one in (*ada["pieces"], *ada["silences"])]
    assert abs(sum(lengths) - told["samples"] / RATE) < 1e-4
    (gap, _) = ada["silences"]
    assert abs(gap["at_s"] - 40) < 0.1 and abs(gap["length_s"] - 0.5) < 0.002


def test_an_editor_s_library_reads_the_timeline(tmp_path: Path) -> None:
    two_guests(tmp_path, 20.5)
    assert main(["tracks", str(tmp_path), "--fps", "25"]) == 0

    found = otio.adapters.read_from_file(str(tmp_path / "tracks" / "tracks.otio"))
    ada, grace = found.audio_tracks()
    assert (found.name, ada.name, grace.name) == ("studio", "Ada", "Grace") and not found.video_tracks()
    (clip,) = grace
    assert clip.media_reference.target_url == "./Grace.wav"
    assert clip.source_range.duration == otio.opentime.RationalTime(21 * 25, 25)
    first, last = clip.markers
    assert first.name == "Nothing recorded" and first.marked_range.start_time.value == 0
    assert first.marked_range.duration.to_seconds() == pytest.approx(7.3, abs=0.04)
    assert last.marked_range.end_time_exclusive() == clip.source_range.duration


def test_reaper_finds_every_track_at_its_beginning_and_regions_where_nothing_was_recorded(
    tmp_path: Path,
) -> None:
    two_guests(tmp_path, 20.5)
    assert main(["tracks", str(tmp_path), "--project", "rpp"]) == 0

    project = rpp.loads((tmp_path / "tracks" / "tracks.rpp").read_text())
    rows = project.findall("TRACK")
    assert [row.find("NAME")[1] for row in rows] == ["Ada", "Grace"]
    for row, name in zip(rows, ("Ada.wav", "Grace.wav"), strict=True):
        item = row.find("ITEM")
        assert (float(item.find("POSITION")[1]), float(item.find("LENGTH")[1])) == (0, 21)
        assert item.find("SOURCE").find("FILE")[1] == name
    markers = project.findall("MARKER")
    begin = next(one for one in markers if one[3] == "Nothing recorded: Grace")
    end = markers[markers.index(begin) + 1]
    assert (begin[1], begin[4]) == (end[1], end[4]) == (begin[1], "1"), "a region is two lines of one number"
    assert float(end[2]) - float(begin[2]) == pytest.approx(7.3, abs=0.04)
    assert not (tmp_path / "tracks" / "tracks.otio").exists()


@pytest.mark.parametrize("name", ['Ada "the" Bear', """a "b" 'c'""", """a "b" 'c' `d`""", "<TRACK\n>"])
def test_no_name_breaks_a_project(name: str) -> None:
    made = [Made(GuestTrack(name, (), RATE), "a.wav", "a.mp4")]

    (sound, picture) = rpp.loads(reaper_project(made)).findall("TRACK")
    assert "`" in name or sound.find("NAME")[1] == " ".join(name.split())
    assert picture.find("MUTESOLO")[1] == "1" and picture.find("ITEM").find("SOURCE").attrib[0] == "VIDEO"
    whole = ElementTree.fromstring(final_cut_project(name, made, 30, Path("/Films & more")))
    assert [clip.get("srcEnable") for clip in whole.iter("asset-clip")] == ["video", "audio"]
    assert breaches(whole) == []


def test_what_final_cut_refuses_is_found() -> None:
    """The rules are written down anew, so they are tried themselves: each of these would break a project."""
    made = [Made(GuestTrack("Ada", (), RATE), "a.wav", "a.mp4")]
    right = final_cut_project("Ada", made, 30, None)
    for part, other in (
        ('version="1.10"', 'version="1.9"'),
        ('offset="0s"', 'offset="0"'),
        ('ref="r2"', 'ref="r9"'),
        ('id="r3"', 'id="r2"'),
        ('src="./a.mp4"', ""),
        ("<gap", "<gap colour='red'"),
        ("</library>", "</library><resources />"),
    ):
        assert part in right
        assert breaches(ElementTree.fromstring(right)) == []
        assert breaches(ElementTree.fromstring(right.replace(part, other, 1))), part


def test_final_cut_has_pictures_above_and_sounds_below_all_from_the_beginning(tmp_path: Path) -> None:
    two_guests(tmp_path, 20.5)
    assert main(["tracks", str(tmp_path), "--fps", "25"]) == 0

    whole = ElementTree.parse(tmp_path / "tracks" / "tracks.fcpxml").getroot()
    (gap,) = whole.iter("gap")
    clips = gap.findall("asset-clip")
    assert [(one.get("name"), one.get("lane"), one.get("offset")) for one in clips] == [
        ("Ada", "-1", "0s"),
        ("Grace", "-2", "0s"),
    ]
    assets = {one.get("id"): one for one in whole.iter("asset")}
    for clip in clips:
        asset = assets[clip.get("ref")]
        assert asset.get("duration") == clip.get("duration") == gap.get("duration") == "21s"
        address = next(asset.iter("media-rep")).get("src") or ""
        assert Path(unquote(urlsplit(address).path)).exists()
    assert clips[1].findall("marker")[0].get("start") == "0/2500s"
    assert breaches(whole) == []


def test_a_project_that_is_not_known_is_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["tracks", str(tmp_path), "--project", "otio,aaf"])
    assert "'aaf' is none of otio, fcpxml, rpp, none" in capsys.readouterr().err
