"""Pictures that are copied: every one as it was recorded, shown when it was captured, with the track's sound."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import CaptureFixture

from rolltape.__main__ import main
from rolltape.media import h264
from rolltape.recording.take import Part
from rolltape.tracks.copied import TICKS_A_SECOND, copied, uncopied
from rolltape.tracks.picture_plan import Pictures, Seen
from rolltape.tracks.plan import RATE
from rolltape.tracks.video_file import see
from unit.media_files import DATA, Packet, packets, program
from unit.numbered_pictures import H264, LENGTH_S, numbered, read_numbers
from unit.synthetic_session import report, write_session


def row(file: int, at_ms: Sequence[float]) -> Pictures:
    return Pictures(file, array("d", at_ms))


def ticks(seconds: float) -> int:
    return round(seconds * TICKS_A_SECOND)


def test_a_file_is_left_where_the_next_one_begins_and_none_is_shown_after_the_track() -> None:
    plan = copied([row(1, [900, 1000, 2500]), row(0, [-10, -5, 33, 66, 950])], 2 * RATE)

    assert [(one.file, one.ticks) for one in plan] == [
        (0, (0, 1, ticks(0.033), ticks(0.066))),
        (1, (ticks(0.9), ticks(1.0))),
    ]


@given(st.lists(st.lists(st.floats(-5000, 30_000), max_size=30).map(sorted), max_size=4), st.integers(1, 20))
def test_pictures_are_shown_one_after_another_within_the_track(rows: list[list[float]], seconds: int) -> None:
    files = [row(number, at_ms) for number, at_ms in enumerate(rows)]
    plan = copied(files, seconds * RATE)
    shown = [tick for one in plan for tick in one.ticks]

    assert all(before < after for before, after in pairwise(shown))
    assert not shown or (shown[0] == 0 and shown[-1] < ticks(seconds))
    moments = [at_ms for one in plan for at_ms, _ in zip(rows[one.file], one.ticks, strict=False)]
    assert all(tick >= round(at_ms * 90) for at_ms, tick in list(zip(moments, shown, strict=True))[1:])


RECORD = b"\x01\x64"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([("h264", True, (RECORD,))], ""),
        ([("h264", True, (RECORD,)), ("h264", True, (RECORD,))], ""),
        ([("h264", True, (RECORD,)), ("vp8", True, ())], "not VP8"),
        ([("h264", False, (RECORD,))], "not stored in the order"),
        ([("h264", True, (RECORD,)), ("h264", True, (RECORD + b"2",))], "change their size or kind"),
        ([("h264", True, (RECORD, RECORD + b"2"))], "change their size or kind"),
        ([("h264", True, (b"",))], "do not say what they are"),
        ([("h264", True, ())], "do not say what they are"),
    ],
)
def test_what_cannot_be_copied_is_said(
    files: Sequence[tuple[str, bool, tuple[bytes, ...]]], why: str
) -> None:
    found = uncopied([Seen(1, 1, array("d"), *one) for one in files])

    assert (why in found) if why else not found


def test_what_begins_amid_pictures_that_need_others_is_not_copied(tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole.mkv", tmp_path / "torn.mkv"
    numbered(whole, 0, "0", coded=H264)
    with av.open(str(whole)) as source, av.open(str(torn), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in list(source.demux(source.streams.video[0]))[5:90]:
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    seen, found = see(whole), see(torn)

    assert seen is not None and uncopied([seen]) == ""
    assert found is not None and "key frame" in uncopied([found])


def test_what_a_key_frame_brings_describes_it_else_what_its_stream_says() -> None:
    sets = bytes.fromhex("6742c00ad9078dd3d0000003"), bytes.fromhex("68cb83cb20"), b"\x65\x88"
    stream = b"".join(b"\0\0\0\1" + unit for unit in sets)
    sized = h264.length_prefixed(stream)
    own = h264.configuration(stream)

    assert h264.is_configuration(own)
    assert h264.described_by(b"", stream) == own == h264.described_by(b"\1old", sized)
    assert h264.described_by(b"\1old", sized[-6:]) == b"\1old" == h264.described_by(b"\1old", b"\0\0\0\7torn")
    assert h264.described_by(b"", b"\0\0\1\x65\x88") == b""


def test_what_chromium_records_can_be_copied() -> None:
    seen = see(DATA / "chromium-h264-opus.mkv")

    assert seen is not None and uncopied([seen]) == "" and h264.is_configuration(*seen.described)


@pytest.mark.slow
def test_every_picture_is_copied_and_shown_when_it_was_captured(
    tmp_path: Path, capsys: CaptureFixture[str]
) -> None:
    parts = (Part(1, "part1", 1000, 10_000), Part(2, "part2", 1000, 10_000, started_ms=9500))
    write_session(tmp_path, report("Ada", 19.5, *parts, clock=False), report("Grace", LENGTH_S, clock=False))
    first, second = (tmp_path / f"Ada_studio_take1{end}.webm" for end in ("", "_part2"))
    numbered(first, 25, "eq(n,0)+between(n,100,160)", coded=H264)
    numbered(second, 25, "eq(n,0)", coded=H264)
    numbered(tmp_path / "Grace_studio_take1.webm", 5, "eq(n,0)")

    assert main(["tracks", str(tmp_path), "--picture", "copy"]) == 0

    film = tmp_path / "tracks" / "Ada.mp4"
    assert program("ffmpeg", "-v", "error", "-i", str(film), "-f", "null", "-").stderr == ""
    shown = [one for one in packets(film) if one.kind == "video"]
    expected = [(one.time, number) for one, number in zip(pictures(first), read_numbers(first), strict=True)]
    expected = [one for one in expected if one[0] < 9.5 + pictures(second)[0].time]
    expected += [
        (9.5 + one.time, number) for one, number in zip(pictures(second), read_numbers(second), strict=True)
    ]
    assert [number for _, number in expected] == read_numbers(film)
    apart = [one.time - time for one, (time, _) in zip(shown, expected, strict=True)]
    assert shown[0].time == 0 and max(map(abs, apart[1:])) < 0.0011
    told = capsys.readouterr()
    assert "Grace.mp4 is encoded anew. Only H.264 can be copied, not VP8." in told.err + told.out
    lengths = [float(one.time) for one in packets(tmp_path / "tracks" / "Grace.mp4") if one.kind == "video"]
    assert len(lengths) == 30 * 20


def pictures(path: Path) -> list[Packet]:
    return [one for one in packets(path) if one.kind == "video"]
