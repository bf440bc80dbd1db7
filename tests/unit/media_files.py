"""Recordings to test with, made by ffmpeg, by browsers or by hand, and judges of what became of them.

The files in tests/data were recorded by Debian's Chromium 156 and Firefox 153 ESR from their fake devices:
`start(500)`, a key frame each second, 100 kbit/s video and 32 kbit/s audio asked; named browser-video-audio.
"""

import functools
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rolltape.media import ebml
from rolltape.media.ebml import UNKNOWN, Id
from rolltape.media.ending import Ending
from rolltape.media.webm import Index, WebmStream, finish

DATA = Path(__file__).parent.parent / "data"
BROWSER_FILES = sorted(path.name for path in DATA.iterdir() if path.suffix in (".webm", ".mkv"))
WRITING_APP = "Rolltape 0"

_PICTURE = "-f lavfi -i testsrc2=size=160x120:rate=25:duration={seconds}"
_SOUND = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds}"
_VP8 = "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 200k -g 25"
_VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 200k -g 25"
_H264 = "-c:v libx264 -preset veryfast -bf 2 -b:v 200k -g 25"
_AV1 = "-c:v libsvtav1 -preset 12 -b:v 200k -g 25"
_OPUS = "-c:a libopus -b:a 48k -frame_duration 60"

_RECIPES = {
    "vp8-opus.webm": f"{_PICTURE} {_SOUND} {_VP8} {_OPUS} -f webm",
    "vp9-opus.webm": f"{_PICTURE} {_SOUND} {_VP9} {_OPUS} -f webm",
    "av1-opus.webm": f"{_PICTURE} {_SOUND} {_AV1} {_OPUS} -f webm",
    "h264-opus.mkv": f"{_PICTURE} {_SOUND} {_H264} {_OPUS} -f matroska",
    "vp8-pcm.mkv": f"{_PICTURE} {_SOUND} {_VP8} -c:a pcm_f32le -f matroska",
    "opus.webm": f"{_SOUND} {_OPUS} -f webm",
    "pcm.mkv": f"{_SOUND} -c:a pcm_f32le -f matroska",
    "vp9.webm": f"{_PICTURE} {_VP9} -f webm",
}
LIVE_FILES = sorted(_RECIPES)


@functools.cache
def recording(name: str) -> bytes:
    """A recording by its name: one of BROWSER_FILES or LIVE_FILES, as its maker streamed it."""
    if name in BROWSER_FILES:
        return (DATA / name).read_bytes()
    return ffmpeg_live(name, seconds=4)


def ffmpeg_live(name: str, seconds: float) -> bytes:
    """What ffmpeg writes to a pipe: Segment of unknown size, no Duration, no Cues."""
    recipe = _RECIPES[name].format(seconds=seconds)
    _needs_programs()
    command = f"ffmpeg -v error -bitexact {recipe} -live 1 -cluster_time_limit 1000 pipe:1"
    return subprocess.run(command.split(), check=True, capture_output=True, timeout=60).stdout


def chunked(data: bytes, length: int) -> Iterator[bytes]:
    """The same bytes in chunks."""
    return (data[at : at + length] for at in range(0, len(data), length))


def apply(data: bytes, ending: Ending) -> bytes:
    """The file after its ending."""
    file = bytearray(data[: ending.truncate_to])
    file += ending.append
    for patch in ending.patches:
        assert patch.offset + len(patch.data) <= len(file)
        file[patch.offset : patch.offset + len(patch.data)] = patch.data
    return bytes(file)


def streamed(raw: bytes, length: int = 4096) -> bytes:
    """The file as it stands, unfinished, after all of a recording."""
    stream = WebmStream(WRITING_APP)
    return b"".join(stream.feed(chunk) for chunk in chunked(raw, length))


def indexed(data: bytes, length: int = 1 << 20) -> Index:
    """The index of a file."""
    index = Index()
    for chunk in chunked(data, length):
        index.feed(chunk)
    return index


def recovered(data: bytes) -> bytes:
    """The file after recovery."""
    return apply(data, finish(indexed(data)))


def finished(name: str) -> bytes:
    """A recording, finished."""
    return recovered(streamed(recording(name)))


# Judges: none of them is our code.


class Packet(NamedTuple):
    """A packet as ffprobe sees it."""

    kind: str
    time: float
    key: bool
    digest: str


def packets(path: Path) -> list[Packet]:
    """Every packet of a file, in its order."""
    entries = "packet=codec_type,pts_time,flags,data_hash"
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-show_data_hash", "md5", "-of", "json"]
    return [
        Packet(found["codec_type"], float(found["pts_time"]), "K" in found["flags"], found["data_hash"])
        for found in json.loads(program(*command, str(path)).stdout)["packets"]
    ]


def complaints(path: Path, *options: str, level: str = "warning") -> str:
    """What ffmpeg has to say when it decodes a file: nothing, if it is well."""
    said = program("ffmpeg", "-v", level, *options, "-i", str(path), "-f", "null", "-").stderr
    return "".join(line for line in said.splitlines() if not line.startswith("Guessed Channel Layout"))


def duration(path: Path) -> float | None:
    """The duration that is written in the file."""
    text = program(
        "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)
    ).stdout
    return None if "N/A" in text else float(text)


def _needs_programs() -> None:
    if sys.platform == "emscripten":
        pytest.skip("Inside the browser's interpreter there is no other program to ask.")


def program(*command: str) -> subprocess.CompletedProcess[str]:
    """Run another program; its output as text."""
    _needs_programs()
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


# Recordings by hand.


def header(
    scale_ns: int = 1_000_000, video: str = "V_VP8", audio: str = "A_OPUS", of_audio: bytes = b""
) -> bytes:
    """What a browser writes before the first cluster: track 1 is video, 2 is audio, or left out.

    `of_audio` is what the entry of the audio track says besides its codec.
    """
    info = ebml.element(Id.TIMESTAMP_SCALE, ebml.uint_payload(scale_ns))
    named = ((1, video, b""), (2, audio, of_audio))
    tracks = b"".join(_entry(number, codec, more) for number, codec, more in named if codec)
    return b"".join(
        (
            ebml.element(Id.EBML, ebml.element(Id.DOC_TYPE, b"webm")),
            opened(Id.SEGMENT),
            ebml.element(Id.INFO, info),
            ebml.element(Id.TRACKS, tracks),
        )
    )


def _entry(number: int, codec: str, more: bytes) -> bytes:
    fields = ebml.element(Id.TRACK_NUMBER, bytes([number])) + ebml.element(Id.TRACK_TYPE, bytes([number]))
    return ebml.element(Id.TRACK_ENTRY, fields + ebml.element(Id.CODEC_ID, codec.encode()) + more)


ENCRYPTED = ebml.element(Id.CONTENT_ENCODINGS, ebml.element(0x6240, ebml.element(0x5033, b"\1")))
"""Said of a track: one encoding, of all frames, and it is encryption."""


def channels(count: int) -> bytes:
    """Said of a track: 48 kHz, 16 bits where they are stored as they are, and so many channels."""
    fields = ebml.element(Id.SAMPLING_FREQUENCY, struct.pack(">f", 48_000))
    fields += ebml.element(Id.CHANNELS, bytes([count])) + ebml.element(Id.BIT_DEPTH, b"\x10")
    return ebml.element(Id.AUDIO, fields)


def opened(ident: Id, width: int = 8) -> bytes:
    """An element's head with an unknown size."""
    return ebml.write_id(ident) + ebml.write_size(UNKNOWN, width)


def block(track: int, ticks: int, payload: bytes, key: bool = True) -> bytes:
    """A SimpleBlock."""
    head = bytes([0x80 | track]) + ticks.to_bytes(2, "big", signed=True) + bytes([0x80 * key])
    return ebml.element(Id.SIMPLE_BLOCK, head + payload)


def cluster(ticks: int, *children: bytes, width: int = 8) -> bytes:
    """A Cluster of unknown size."""
    return b"".join(
        (opened(Id.CLUSTER, width), ebml.element(Id.TIMESTAMP, ebml.uint_payload(ticks)), *children)
    )


def mp4_header() -> bytes:
    """What a browser writes before an MP4's first fragment: track 1 is video, in milliseconds."""
    words = [mp4_box(b"tkhd", bytes(12) + b"\0\0\0\1"), mp4_box(b"mdhd", bytes(12) + b"\0\0\3\xe8")]
    media = mp4_box(b"mdia", words[1] + mp4_box(b"hdlr", bytes(8) + b"vide"))
    return mp4_box(b"ftyp", b"iso5") + mp4_box(b"moov", mp4_box(b"trak", words[0] + media))


def mp4_fragment(at_ms: int, samples: int) -> bytes:
    """A fragment of samples that last 40 ms each."""
    header = mp4_box(b"tfhd", b"\0\0\0\x08\0\0\0\1\0\0\0\x28")
    when = mp4_box(b"tfdt", bytes(4) + at_ms.to_bytes(4, "big"))
    run = mp4_box(b"trun", bytes(4) + samples.to_bytes(4, "big"))
    moof = mp4_box(b"moof", mp4_box(b"traf", header + when + run))
    return moof + mp4_box(b"mdat", bytes(samples * 10))


def mp4_box(kind: bytes, payload: bytes) -> bytes:
    """One box."""
    return (8 + len(payload)).to_bytes(4, "big") + kind + payload


def half_seconds(count: int, frame_bytes: int = 100) -> Iterator[bytes]:
    """A header, then chunks of half a second: 30 frames a second, a key frame each 2 s, Opus of 20 ms."""
    yield header()
    frame = bytes(frame_bytes)
    sound = b"\x08" + bytes(80)
    for number in range(count):
        frames = [
            (at * 1000 // 30, block(1, at * 1000 // 30, frame, not number % 4 and not at)) for at in range(15)
        ]
        sounds = [(at * 20, block(2, at * 20, sound)) for at in range(25)]
        yield cluster(number * 500, *(data for _, data in sorted(frames + sounds, key=lambda pair: pair[0])))
