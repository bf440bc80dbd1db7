"""Converting what is damaged, odd, empty, in parts: what is there comes out, and a sentence says the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from rolltape.convert import Conversion, Target, plan
from rolltape.core.errors import ConvertError
from rolltape.media import ebml
from rolltape.media.ebml import Id
from unit.convert_tools import MemoryOutput, MemorySource, converted, decoded, said, stream_hashes
from unit.media_files import (
    DATA,
    ENCRYPTED,
    block,
    channels,
    cluster,
    header,
    packets,
    recording,
    streamed,
)

VP8_OPUS = recording("vp8-opus.webm")
PCM = recording("pcm.mkv")


def refused(data: bytes, target: str = "opus") -> str:
    with pytest.raises(ConvertError) as caught:
        converted(data, target)
    return caught.value.sentence


def test_an_empty_file_is_said_to_be_empty() -> None:
    assert refused(b"") == "take.webm is empty: there is not a single byte in it."


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"\0\0\0\x20ftypisom" + bytes(100),
            "take.webm is an MP4 file; only WebM and Matroska recordings are",
        ),
        (b"RIFF" + bytes(100), "take.webm is a WAV file; only"),
        (b"OggS" + bytes(100), "take.webm is an Ogg file; only"),
        (b"hello, this is text", "take.webm is neither a WebM nor a Matroska recording."),
        (header()[:60], "take.webm holds no recording that could be read. It ends before its header does."),
        (header(), "take.webm has a sound track, but no sound in it."),
        (header(audio=""), "There is no sound in take.webm, only pictures."),
        (
            header(audio="A_VORBIS"),
            "The sound in take.webm is Vorbis, and only Opus can go into an .opus file",
        ),
        (
            header(audio="A_PCM/INT/LIT"),
            "The sound in take.webm is uncompressed (PCM), not Opus: convert it to WAV.",
        ),
        (
            header(of_audio=channels(9)),
            "The sound in take.webm has 9 channels; an .opus file takes up to 8.",
        ),
    ],
)
def test_what_cannot_be_converted_is_answered_by_a_sentence(data: bytes, said: str) -> None:
    assert refused(data).startswith(said)


def test_opus_is_not_put_into_wav() -> None:
    assert refused(VP8_OPUS, "wav").endswith("goes into a WAV file unchanged: convert it to Opus.")


def test_sound_that_no_wav_file_can_hold_is_told() -> None:
    assert refused(header(audio="A_PCM/INT/BIG"), "wav") == (
        "The sound in take.webm is stored in a way that no WAV file has."
    )


def remarks(data: bytes, target: str) -> tuple[str, ...]:
    """What is told of a conversion before it begins."""
    return asyncio.run(plan([MemorySource("take.webm", data)], Target(target))).remarks


def with_track(number: int, kind: int, codec: bytes) -> bytes:
    """The header of a recording of picture and sound with one track more."""
    fields = ebml.element(Id.TRACK_NUMBER, bytes([number])) + ebml.element(Id.TRACK_TYPE, bytes([kind]))
    entry = ebml.element(Id.TRACK_ENTRY, fields + ebml.element(Id.CODEC_ID, codec))
    whole = header()
    at = whole.index(ebml.write_id(Id.TRACKS))
    _, size, body = ebml.read_header(whole, at)
    return whole[:at] + ebml.element(Id.TRACKS, whole[body : body + size] + entry)


def test_what_is_left_out_of_a_file_with_more_tracks_is_told() -> None:
    frames = cluster(0, block(1, 0, b"a"), block(2, 0, b"\x08" + bytes(20)), block(3, 0, b"c"))

    assert remarks(with_track(3, 2, b"A_OPUS") + frames, "opus") == (
        "take.webm has 2 sound tracks; number 1 is taken.",
    )
    assert remarks(with_track(3, 17, b"S_TEXT/UTF8") + frames, "mp4") == (
        "Only sound and picture of take.webm go into the MP4 file.",
    )
    assert remarks(recording("chromium-h264-opus.mkv"), "webm") == (
        "What take.webm holds is no WebM by its codecs, so the copy is a Matroska file.",
    )


def test_what_cannot_be_read_beyond_a_point_is_said_to_be_left_out() -> None:
    one = header() + cluster(0, block(1, 0, b"a"), block(2, 400, b"\x08" + bytes(20)))

    (told,) = converted(one + header(video=""), "webm").losses
    assert told.startswith("take.webm could not be read beyond 0:00 (")
    assert "are left out). A recording of another kind begins within this one, at byte" in told


def test_nothing_behind_the_header_is_no_copy() -> None:
    assert refused(header(), "webm") == "take.webm has a header, but neither sound nor picture behind it."


def test_encrypted_sound_is_refused() -> None:
    data = header(of_audio=ENCRYPTED)

    assert refused(data) == "The sound in take.webm is encrypted, so it cannot be taken out."


@pytest.mark.parametrize("target", ["opus", "webm"])
@pytest.mark.parametrize("share", [0.3, 0.61, 0.999])
def test_a_cut_off_file_gives_what_is_in_it(target: str, share: float, tmp_path: Path) -> None:
    cut = VP8_OPUS[: int(len(VP8_OPUS) * share)]
    raw, done = tmp_path / "raw.webm", tmp_path / f"done.{target}"
    raw.write_bytes(cut)

    result = converted(cut, target)
    done.write_bytes(result.data)

    kind = {"opus": "audio"}.get(target)
    whole = [p.digest for p in packets(raw) if kind in (None, p.kind)]
    got = [p.digest for p in packets(done)]
    assert len(whole) - 1 <= len(got) <= len(whole) and got == whole[: len(got)]
    assert len(result.losses) == 1 and "breaks off at 0:0" in result.losses[0]


def test_what_comes_after_damage_is_there_and_in_time(tmp_path: Path) -> None:
    start, end = PCM.find(b"\x1f\x43\xb6\x75", len(PCM) // 3), PCM.find(b"\x1f\x43\xb6\x75", len(PCM) // 2)
    damaged = PCM[: start + 5000] + bytes(end - start - 5000) + PCM[end:]
    raw, done = tmp_path / "raw.mkv", tmp_path / "done.wav"
    raw.write_bytes(PCM)

    result = converted(damaged, "wav")
    done.write_bytes(result.data)

    whole, got = decoded(raw, "-f", "f32le"), decoded(done, "-f", "f32le")
    assert abs(len(got) - len(whole)) <= 4 * 48  # times in the file are in milliseconds
    assert (
        got[: len(whole) // 4] == whole[: len(whole) // 4]
        and got[-len(whole) // 4 :] == whole[-len(whole) // 4 :]
    )
    assert result.losses[0].startswith("take.webm is damaged at 0:0")
    assert result.losses[0].endswith("could not be read; what comes before and after is there.")


def test_a_gap_in_opus_is_filled_with_silence(tmp_path: Path) -> None:
    sound = b"\xfc\xff\xfe"
    data = header() + b"".join(cluster(at, block(2, 0, sound)) for at in (0, 20, 40, 1060, 1080))
    done = tmp_path / "done.opus"

    done.write_bytes(converted(data, "opus").data)

    assert len(decoded(done, "-f", "s16le", "-ac", "1")) == 2 * 48 * 1100
    assert "WARNING: " not in said("opusinfo", done).replace("WARNING: Implausibly low preskip", "")


def test_a_clock_that_drifts_or_lies_adds_no_silence() -> None:
    sound = b"\xfc\xff\xfe"
    times = [at * 21 for at in range(200)] + [10_000_000, 10_000_020]
    data = header() + b"".join(cluster(at, block(2, 0, sound)) for at in times)

    assert converted(data, "opus").data.count(sound) == len(times)


def test_parts_of_one_take_are_joined(tmp_path: Path) -> None:
    files = [DATA / "chromium-vp8-opus.webm", DATA / "chromium-vp8-opus.webm"]
    one, both = tmp_path / "one.webm", tmp_path / "both.webm"
    one.write_bytes(converted(files[0], "webm").data)

    both.write_bytes(converted(files, "webm").data)

    single, joined = packets(one), packets(both)
    assert [p.digest for p in joined] == [p.digest for p in single] * 2
    step = joined[len(single)].time - joined[0].time
    assert step > single[-1].time
    assert [p.time for p in joined[len(single) :]] == pytest.approx(
        [p.time + step for p in single], abs=0.002
    )
    info = said("mkvinfo", "-a", both)
    assert "rror" not in info and "arning" not in info


def test_parts_join_whatever_number_their_tracks_have() -> None:
    other = DATA / "chromium-vp8-opus.webm"
    swapped = streamed(other.read_bytes())
    swapped = _swap_tracks(swapped)

    result = converted([other, swapped], "webm")

    assert result.losses == []
    assert converted([other, other], "webm").data == result.data


def _swap_tracks(data: bytes) -> bytes:
    """The same recording with tracks 1 and 2 numbered the other way round."""
    from rolltape.media.webm_packets import PacketReader

    reader = PacketReader()
    start = data.index(b"\x1f\x43\xb6\x75")
    changed = bytearray(data)
    for block_ in reader.feed(data):
        at = block_.end - block_.size - 4
        changed[at] ^= 3
    for at in (data.index(b"\xd7\x81\1", 0, start) + 2, data.index(b"\xd7\x81\2", 0, start) + 2):
        changed[at] ^= 3
    return bytes(changed)


def test_sound_of_parts_is_joined(tmp_path: Path) -> None:
    source, opus = DATA / "firefox-opus.webm", tmp_path / "both.opus"

    opus.write_bytes(converted([source, source], "opus").data)

    assert [p.digest for p in packets(opus)] == [p.digest for p in packets(source)] * 2
    assert len(stream_hashes(opus)) == 1


def test_parts_recorded_in_other_ways_are_not_joined() -> None:
    with pytest.raises(ConvertError, match="were recorded in different ways; convert each by itself"):
        converted([DATA / "chromium-opus.webm", DATA / "chromium-vp9-opus.webm"], "webm")


def test_parts_whose_clocks_differ_are_not_joined() -> None:
    parts = [header(scale_ns) + cluster(0, block(2, 0, b"\xfc\xff\xfe")) for scale_ns in (1_000_000, 100_000)]

    with pytest.raises(ConvertError) as caught:
        converted(parts, "webm")

    assert caught.value.sentence == (
        "The clocks of take_part1.webm and take_part2.webm differ; convert each by itself."
    )


class GrowingSource(MemorySource):
    """A file to which somebody adds after each time it is read to its end."""

    def __init__(self, name: str, data: bytes, added: bytes) -> None:
        super().__init__(name, data)
        self._added = added

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        yield self.data
        self.data += self._added


async def all_of(conversion: Conversion) -> None:
    async for _ in conversion.run(MemoryOutput()):
        pass


@pytest.mark.parametrize("target", [Target.WAV, Target.WEBM])
@pytest.mark.parametrize(
    ("files", "which"), [(1, "take_part1.webm"), (2, "take_part1.webm, or a part after it,")]
)
def test_a_file_that_is_written_meanwhile_is_not_converted(target: Target, files: int, which: str) -> None:
    start, sound = header(video="", audio="A_PCM/INT/LIT", of_audio=channels(1)), bytes(960)
    sources = [
        GrowingSource(
            f"take_part{number}.webm", start + cluster(0, block(2, 0, sound)), cluster(10, block(2, 0, sound))
        )
        for number in range(1, files + 1)
    ]
    conversion = Conversion(asyncio.run(plan(sources, target)))

    with pytest.raises(ConvertError) as caught:
        asyncio.run(all_of(conversion))

    assert caught.value.sentence == (
        f"{which} changed while it was converted: nothing was made of it. Convert it once more when nothing writes "
        "to it any more."
    )


def test_progress_goes_from_nothing_to_all() -> None:
    shares = converted(VP8_OPUS, "webm").shares

    assert shares == sorted(shares) and shares[-1] == 1.0 and shares[0] > 0
