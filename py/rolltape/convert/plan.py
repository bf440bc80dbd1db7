"""What a conversion is going to do, found out from the headers alone, or a sentence why it cannot be done."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from rolltape.core.errors import ConvertError
from rolltape.media.wav import PcmFormat
from rolltape.media.webm_frames import PLAIN
from rolltape.media.webm_packets import BlockReader
from rolltape.media.webm_track import Kind, Track

HEADER_SLICE: Final = 1 << 16
OPUS_CHANNELS: Final = 8
"""Of more there is no common layout (RFC 7845, section 5.1.1)."""


class Target(StrEnum):
    """The formats that a recording can be converted to; the value is the option `--to`."""

    OPUS = "opus"
    WAV = "wav"
    WEBM = "webm"
    MP4 = "mp4"


class InputFile(Protocol):
    """A file that can be read anywhere."""

    @property
    def name(self) -> str:
        """Its name, for sentences."""

    @property
    def size(self) -> int:
        """Bytes."""

    async def read(self, start: int, end: int) -> bytes:
        """Read the bytes from `start` to before `end`; fewer only at the file's end."""

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """All of it from its beginning, in pieces of some hundred kB to some MB."""


@dataclass(frozen=True)
class InputPart:
    """A file and what its header says."""

    source: InputFile
    doc_type: str
    info: bytes
    """The payload of its Info."""
    track_entries: bytes
    """The payload of its Tracks."""
    scale_ns: int
    tracks: tuple[Track, ...]
    track: Track | None
    """The one that is taken out; None where all are."""


@dataclass(frozen=True)
class ConversionPlan:
    """A conversion that was found possible: inputs in order, target, ending, MIME type, remarks for the person."""

    target: Target
    parts: tuple[InputPart, ...]
    ending: str
    """Of the file's name, with its dot."""
    content_type: str
    remarks: tuple[str, ...]
    """Sentences to be told beforehand: what is left out."""


IN_WEBM: Final = frozenset({"V_VP8", "V_VP9", "V_AV1", "A_OPUS", "A_VORBIS"})
"""Codecs that a WebM file may hold; a file with others is called Matroska."""

IN_MP4: Final = frozenset(
    {"V_MPEG4/ISO/AVC", "V_MPEGH/ISO/HEVC", "V_VP8", "V_VP9", "V_AV1"}
    | {"A_OPUS", "A_AAC", "A_FLAC", "A_MPEG/L3", "A_PCM/INT/LIT", "A_PCM/INT/BIG", "A_PCM/FLOAT/IEEE"}
)
"""Codecs that go into an MP4 file as they are."""
_DESCRIBED: Final = frozenset({"V_MPEGH/ISO/HEVC", "V_AV1", "A_AAC", "A_FLAC"})
"""Codecs of which MP4 has to say what only the recording's CodecPrivate knows."""

_CODEC_WORDS: Final = {
    "A_OPUS": "Opus",
    "A_VORBIS": "Vorbis",
    "A_FLAC": "FLAC",
    "A_AAC": "AAC",
    "A_MPEG/L3": "MP3",
    "A_AC3": "AC-3",
}
_BITS: Final = {
    "A_PCM/INT/LIT": (8, 16, 24, 32),
    "A_PCM/INT/BIG": (8, 16, 24, 32),
    "A_PCM/FLOAT/IEEE": (32, 64),
}


async def plan(sources: Sequence[InputFile], target: Target) -> ConversionPlan:
    """Read the headers of the parts of one take, in order: at least one. Raises ConvertError."""
    parts = [await _part(source, target) for source in sources]
    for part in parts[1:]:
        _check_joins(parts[0], part)
    ending, content_type = _file_type(parts[0], target)
    return ConversionPlan(target, tuple(parts), ending, content_type, _remarks(parts[0], target))


def part_of(name: str) -> tuple[str, int]:
    """Return the take's name and the part's number of a file name less its ending; 0 where it is no part.

    >>> part_of("Ada_take1_part2")
    ('Ada_take1', 2)
    """
    found = re.fullmatch(r"(.+)_part(\d{1,4})", name)
    return (found[1], int(found[2])) if found else (name, 0)


def pcm_format(track: Track) -> PcmFormat | None:
    """Return the sample format of a PCM track; None if a WAV file cannot hold it."""
    is_float = track.codec == "A_PCM/FLOAT/IEEE"
    bits = track.bit_depth or (32 if is_float else 16)
    rate = round(track.sampling_rate) if 0 < track.sampling_rate < 1 << 32 else 0
    if bits not in _BITS.get(track.codec, ()) or not rate or not 0 < track.channels < 256:
        return None
    return PcmFormat(rate, track.channels, bits, is_float)


async def _part(source: InputFile, target: Target) -> InputPart:
    if not source.size:
        raise ConvertError(f"{source.name} is empty: there is not a single byte in it.")
    reader = BlockReader()
    while not reader.tracks and not reader.error and reader.size < source.size:
        piece = await source.read(reader.size, reader.size + HEADER_SLICE)
        if not piece:
            break
        if not reader.size:
            _check_kind(source.name, piece)
        for _ in reader.feed(piece):
            pass
    if not reader.tracks:
        why = reader.error.sentence if reader.error else "It ends before its header does."
        raise ConvertError(f"{source.name} holds no recording that could be read. {why}")
    track = _chosen(source.name, reader, target)
    return InputPart(
        source, reader.doc_type, reader.info, reader.track_entries, reader.scale_ns, reader.tracks, track
    )


def _check_kind(name: str, first: bytes) -> None:
    """Say what a file is that is no WebM."""
    known = {b"OggS": "an Ogg", b"RIFF": "a WAV", b"RF64": "a WAV", b"fLaC": "a FLAC"}
    kind = "an MP4" if first[4:8] == b"ftyp" else known.get(first[:4])
    if kind:
        raise ConvertError(f"{name} is {kind} file; only WebM and Matroska recordings are converted.")
    if first[:4] != b"\x1a\x45\xdf\xa3"[: len(first)]:
        raise ConvertError(f"{name} is neither a WebM nor a Matroska recording.")


def _chosen(name: str, reader: BlockReader, target: Target) -> Track | None:
    """The track to be taken out, or a sentence."""
    if target is Target.MP4:
        _check_mp4(name, reader)
    if target in (Target.WEBM, Target.MP4):
        return None
    sound = [track for track in reader.tracks if track.kind is Kind.AUDIO]
    if not sound:
        raise ConvertError(f"There is no sound in {name}, only pictures.")
    fitting = [track for track in sound if _fits(track, target)]
    if not fitting:
        raise ConvertError(_why_not(name, sound[0], target))
    readable = [track for track in fitting if not reader.encodings.get(track.number, PLAIN).problem]
    if not readable:
        problem = reader.encodings[fitting[0].number].problem
        raise ConvertError(f"The sound in {name} is {problem}, so it cannot be taken out.")
    return readable[0]


def _fits(track: Track, target: Target) -> bool:
    if target is Target.OPUS:
        return track.codec == "A_OPUS" and track.channels <= OPUS_CHANNELS
    return pcm_format(track) is not None


def _why_not(name: str, track: Track, target: Target) -> str:
    if track.codec.startswith("A_PCM/"):
        if target is Target.OPUS:
            return f"The sound in {name} is uncompressed (PCM), not Opus: convert it to WAV."
        return f"The sound in {name} is stored in a way that no WAV file has."
    if target is Target.OPUS and track.codec == "A_OPUS":
        return (
            f"The sound in {name} has {track.channels} channels; an .opus file takes up to {OPUS_CHANNELS}."
        )
    codec = _CODEC_WORDS.get(track.codec, track.codec or "unknown")
    if target is Target.OPUS:
        return f"The sound in {name} is {codec}, and only Opus can go into an .opus file unchanged."
    advice = ": convert it to Opus" if track.codec == "A_OPUS" else ""
    return (
        f"The sound in {name} is {codec}, and only uncompressed sound goes into a WAV file unchanged{advice}."
    )


def _check_mp4(name: str, reader: BlockReader) -> None:
    """Say what MP4 cannot hold. Raises ConvertError."""
    for track in reader.tracks:
        if track.kind is Kind.OTHER:
            continue
        what = "picture" if track.kind is Kind.VIDEO else "sound"
        if problem := reader.encodings.get(track.number, PLAIN).problem:
            raise ConvertError(f"The {what} in {name} is {problem}, so it cannot be put into an MP4 file.")
        pcm = track.codec.startswith("A_PCM/")
        is_known = track.codec in IN_MP4 and track.codec.startswith("V_") is (track.kind is Kind.VIDEO)
        if not is_known or (pcm and pcm_format(track) is None):
            codec = _CODEC_WORDS.get(track.codec, track.codec or "of no known kind")
            raise ConvertError(
                f"MP4 cannot hold the {what} in {name} as it is ({codec}), and nothing is encoded anew."
            )
        if track.channels > (OPUS_CHANNELS if track.codec == "A_OPUS" else 0xFFFF):
            raise ConvertError(
                f"The sound in {name} has {track.channels} channels, which is more than MP4 files hold."
            )
        if track.codec in _DESCRIBED and len(track.codec_private) < 2:
            raise ConvertError(f"The {what} in {name} is described too poorly to be put into an MP4 file.")
    if all(track.kind is Kind.OTHER for track in reader.tracks):
        raise ConvertError(f"There is neither sound nor picture in {name}.")


def track_numbers(first: InputPart, other: InputPart) -> dict[int, int] | None:
    """Return the numbers of another part's tracks in the first part; None where the tracks are not the same.

    Browsers number tracks by what comes first, so parts of one take may differ in that.
    """
    free = list(_taken(first))
    numbers = {}
    for track in _taken(other):
        same = next((one for one in free if _identity(one) == _identity(track)), None)
        if same is None:
            return None
        free.remove(same)
        numbers[track.number] = same.number
    return None if free else numbers


def _check_joins(first: InputPart, other: InputPart) -> None:
    """Parts can be joined when their tracks are the same."""
    names = f"{first.source.name} and {other.source.name}"
    if track_numbers(first, other) is None:
        raise ConvertError(f"{names} were recorded in different ways; convert each by itself.")
    if first.track is None and first.scale_ns != other.scale_ns:
        raise ConvertError(f"The clocks of {names} differ; convert each by itself.")


def _taken(part: InputPart) -> tuple[Track, ...]:
    return (part.track,) if part.track else part.tracks


def _identity(track: Track) -> tuple[object, ...]:
    """What must be the same in two tracks that follow one another."""
    described = track.codec_private if track.codec.startswith(("V_MPEG", "V_AV1")) else b""
    return (
        track.kind,
        track.codec,
        track.channels,
        track.sampling_rate,
        track.bit_depth,
        track.encoded,
        described,
    )


def _file_type(part: InputPart, target: Target) -> tuple[str, str]:
    if target is Target.OPUS:
        return ".opus", "audio/ogg"
    if target is Target.WAV:
        return ".wav", "audio/wav"
    kind = "video" if any(track.kind is Kind.VIDEO for track in part.tracks) else "audio"
    if target is Target.MP4:
        return ".mp4", f"{kind}/mp4"
    if doc_type(part) == "webm":
        return ".webm", f"{kind}/webm"
    return (".mkv" if kind == "video" else ".mka"), f"{kind}/x-matroska"


def doc_type(part: InputPart) -> str:
    """Return the EBML DocType for these tracks: `webm` if WebM allows all of their codecs, else `matroska`."""
    webm = all(track.codec in IN_WEBM and not track.encoded for track in part.tracks)
    return "webm" if webm else "matroska"


def _remarks(part: InputPart, target: Target) -> tuple[str, ...]:
    sound = [track for track in part.tracks if track.kind is Kind.AUDIO]
    if part.track is None:
        if target is Target.WEBM and doc_type(part) != "webm":
            return (
                f"What {part.source.name} holds is no WebM by its codecs, so the copy is a Matroska file.",
            )
        if target is Target.MP4 and any(track.kind is Kind.OTHER for track in part.tracks):
            return (f"Only sound and picture of {part.source.name} go into the MP4 file.",)
        return ()
    if len(sound) > 1:
        place = sound.index(part.track) + 1
        return (f"{part.source.name} has {len(sound)} sound tracks; number {place} is taken.",)
    return ()
