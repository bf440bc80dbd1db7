"""The timeline in an engine of editors: MLT (Kdenlive, Shotcut) renders it, and shows what the files have."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

import opentimelineio as otio
import pytest

from rolltape.__main__ import main
from unit.media_files import program
from unit.numbered_pictures import LENGTH_S, numbered, read_numbers
from unit.synthetic_session import RATE, heard_s, report, samples, write_session

FPS = 25


def as_mlt(timeline: otio.schema.Timeline, folder: Path) -> str:
    """A timeline as MLT has it: a playlist for each track, the first one lowest."""
    whole = Element("mlt", producer="all")
    size = {"width": "160", "height": "64", "display_aspect_num": "5", "display_aspect_den": "2"}
    rates = {
        "frame_rate_num": str(FPS),
        "frame_rate_den": "1",
        "sample_aspect_num": "1",
        "sample_aspect_den": "1",
    }
    SubElement(whole, "profile", size | rates | {"progressive": "1"})
    tracks = [*timeline.video_tracks(), *timeline.audio_tracks()]
    for number, track in enumerate(tracks):
        for clip in track:
            producer = SubElement(whole, "producer", id=f"clip{number}")
            SubElement(producer, "property", name="resource").text = str(
                folder / clip.media_reference.target_url
            )
    for number, track in enumerate(tracks):
        playlist = SubElement(whole, "playlist", id=f"track{number}")
        for clip in track:
            last = clip.source_range.end_time_inclusive()
            edges = {"in": str(clip.source_range.start_time.to_frames()), "out": str(last.to_frames())}
            SubElement(playlist, "entry", {"producer": f"clip{number}"} | edges)
    tractor = SubElement(whole, "tractor", id="all")
    for number, track in enumerate(tracks):
        hidden = "audio" if track.kind == otio.schema.TrackKind.Video else "video"
        SubElement(tractor, "track", producer=f"track{number}", hide=hidden)
    for number in range(1, len(tracks)):
        mix = SubElement(tractor, "transition")
        for name, value in (("mlt_service", "mix"), ("a_track", "0"), ("b_track", str(number)), ("sum", "1")):
            SubElement(mix, "property", name=name).text = value
    return tostring(whole, encoding="unicode")


def only(timeline: otio.schema.Timeline, name: str) -> otio.schema.Timeline:
    """The timeline with this guest's picture alone, and everybody's sound."""
    left: otio.schema.Timeline = timeline.deepcopy()
    for track in list(left.video_tracks()):
        if track.name != name:
            left.tracks.remove(track)
    return left


@pytest.mark.slow
def test_an_editor_s_engine_renders_the_timeline_with_every_picture_and_beep_in_its_place(
    tmp_path: Path,
) -> None:
    write_session(
        tmp_path, report("Ada", LENGTH_S, clock=False), report("Grace", LENGTH_S, starts_ms=480, clock=False)
    )
    numbered(tmp_path / "Ada_studio_take1.webm", 20, "eq(n,0)+between(n,60,66)")
    numbered(tmp_path / "Grace_studio_take1.webm", 8, "eq(n,0)")
    assert main(["tracks", str(tmp_path), "--fps", str(FPS)]) == 0
    tracks = tmp_path / "tracks"
    timeline = otio.adapters.read_from_file(str(tracks / "tracks.otio"))

    expected = sorted(heard_s(samples(tracks / "Ada.wav")) + heard_s(samples(tracks / "Grace.wav")))
    for name in ("Ada", "Grace"):
        project, rendered = tmp_path / f"{name}.mlt", tmp_path / f"{name}.mkv"
        project.write_text(as_mlt(only(timeline, name), tracks), encoding="utf-8")
        lossless = ("f=matroska", "vcodec=ffv1", "pix_fmt=yuv420p", "acodec=pcm_s16le", "ac=1", f"ar={RATE}")
        done = program("melt", str(project), "-consumer", f"avformat:{rendered}", *lossless)
        assert done.returncode == 0, done.stderr

        numbers = read_numbers(rendered)
        assert numbers == read_numbers(tracks / f"{name}.mp4") and len(set(numbers)) > 200
        beeps = heard_s(samples(rendered))
        assert len(beeps) == len(expected)
        assert max(abs(a - b) for a, b in zip(beeps, expected, strict=True)) < 0.001
