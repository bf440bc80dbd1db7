"""Recordings to convert: made by ffmpeg and mkvmerge, by browsers, and by hand where no tool makes them.

`make_corpus` writes them all into a folder, each named by what is in it; `RECIPES` says how.
"""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

from rolltape.media import ebml
from rolltape.media.ebml import Id
from rolltape.media.webm_packets import Packet, PacketReader
from unit.media_files import DATA, cluster, finished, header

SECONDS = 2.4
_PICTURE = f"-f lavfi -i testsrc2=size=160x120:rate=25:duration={SECONDS}"


def _sound(rate: int = 48000, layout: str = "stereo", seconds: float = SECONDS) -> str:
    tones = "|".join(f"0.3*sin({300 + 70 * n}*t*6.28)" for n in range(_CHANNELS[layout]))
    return f"-f lavfi -i aevalsrc='{tones}':s={rate}:c={layout}:d={seconds}"


_CHANNELS = {"mono": 1, "stereo": 2, "5.1": 6, "7.1": 8}

# What is encoded once, and put together below.
BASES = {
    "h264": f"{_PICTURE} -c:v libx264 -preset veryfast -bf 2 -g 25",
    "vp8": f"{_PICTURE} -c:v libvpx -deadline realtime -cpu-used 8 -b:v 200k -g 25",
    "vp9": f"{_PICTURE} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 200k -g 25",
    "av1": f"{_PICTURE} -c:v libsvtav1 -preset 12 -b:v 200k -g 25",
    "opus": f"{_sound()} -c:a libopus -b:a 64k",
    "opus60": f"{_sound()} -c:a libopus -b:a 48k -frame_duration 60",
    "opus2": f"{_sound(layout='mono')} -c:a libopus -b:a 96k -frame_duration 2.5",
    "opus51": f"{_sound(layout='5.1')} -c:a libopus -b:a 256k -mapping_family 1",
    "aac": f"{_sound()} -c:a aac -b:a 96k",
    "flac": f"{_sound(44100)} -c:a flac",
    "mp3": f"{_sound()} -c:a libmp3lame -b:a 128k",
    "s16": f"{_sound(44100)} -c:a pcm_s16le",
    "s16be": f"{_sound(44100)} -c:a pcm_s16be",
    "s24": f"{_sound(96000)} -c:a pcm_s24le",
    "s24be": f"{_sound()} -c:a pcm_s24be",
    "s32": f"{_sound()} -c:a pcm_s32le",
    "u8": f"{_sound(22050, 'mono', 2.4001)} -c:a pcm_u8",
    "f32": f"{_sound()} -c:a pcm_f32le",
    "f64": f"{_sound(layout='mono')} -c:a pcm_f64le",
    "s16x8": f"{_sound(layout='7.1')} -c:a pcm_s16le",
}

LIVE = "-f matroska -live 1 -cluster_time_limit 500"
FILE = "-f matroska -cluster_time_limit 700"
WEBM = "-f webm -cluster_time_limit 700"

# Name: the bases in it, and how they are put together: ffmpeg's options, or mkvmerge's after "mkvmerge".
RECIPES: dict[str, tuple[str, str]] = {
    **{
        f"{v}-{a}-live.mkv": (f"{v} {a}", LIVE)
        for v in ("h264", "vp8", "vp9", "av1")
        for a in ("opus", "f32")
    },
    **{f"{v}-{a}.mkv": (f"{v} {a}", FILE) for v in ("h264", "vp8") for a in ("s16", "s24", "opus60")},
    **{f"{v}-opus.webm": (f"{v} opus", WEBM) for v in ("vp8", "vp9", "av1")},
    **{
        f"{a}.mkv": (a, FILE)
        for a in ("opus", "s16", "s16be", "s24", "s24be", "s32", "u8", "f32", "f64", "s16x8")
    },
    "opus-live.webm": ("opus", "-f webm -live 1"),
    "opus2.webm": ("opus2", WEBM),
    "opus51.webm": ("opus51", WEBM),
    "opus60-dash.webm": ("opus60", "-f webm -dash 1"),
    "vp9.webm": ("vp9", WEBM),
    "two-sounds.mkv": ("vp8 s16 opus", FILE),
    "two-opus.webm": ("vp8 opus60 opus", WEBM),
    "void.mkv": ("vp9 opus", f"{FILE} -reserve_index_space 3000"),
    "cues-first.webm": ("vp9 opus", f"{WEBM} -cues_to_front 1"),
    "no-crc.mkv": ("vp9 opus", f"{FILE} -write_crc32 0"),
    "small-clusters.mkv": ("vp8 f32", "-f matroska -cluster_size_limit 3000"),
    "late-sound.mkv": ("vp8 opus", f"-output_ts_offset 1.5 {FILE}"),
    "obs.mkv": ("h264 aac aac", "-f matroska"),
    "flac.mkv": ("h264 flac", FILE),
    "mp3.mkv": ("vp9 mp3", FILE),
    "merged.mkv": ("h264 opus", "mkvmerge"),
    "merged-aac.mkv": ("h264 aac", "mkvmerge"),
    "merged-groups.mkv": ("vp8 opus", "mkvmerge --engage no_simpleblocks"),
    "merged-pcm.mkv": ("vp9 s24", "mkvmerge --cluster-length 300ms"),
    "merged-xiph.mkv": ("opus", "mkvmerge --engage lacing_xiph"),
    "merged-ebml.mkv": ("f32", "mkvmerge --engage lacing_ebml"),
    "merged-zlib.mkv": ("vp8 opus", "mkvmerge --compression 0:zlib"),
    "merged-ticks.mkv": ("av1 opus", "mkvmerge --timestamp-scale 100000"),
    "merged-webm.webm": ("vp9 opus", "mkvmerge --webm"),
}

OURS = ("ours-vp8-opus.webm", "ours-h264-opus.mkv")
BY_HAND = ("laced-xiph.webm", "laced-ebml.webm", "laced-fixed.mkv", "stripped.mkv", "wide-sizes.webm")
BROWSERS = tuple(sorted(path.name for path in DATA.iterdir() if path.suffix in (".webm", ".mkv")))
NAMES = (*RECIPES, *BY_HAND, *BROWSERS, *OURS)
WITH_OPUS = tuple(
    name for name in NAMES if "opus" in name or "opus" in RECIPES.get(name, ("",))[0] or name in BY_HAND
)
PCM_BASES = ("s16", "s24", "s32", "u8", "f32", "f64")
WITH_PCM = tuple(
    name
    for name in NAMES
    if any(base.startswith(PCM_BASES) for base in RECIPES.get(name, ("",))[0].split())
    or "pcm" in name
    or name == "laced-fixed.mkv"
)


def make_corpus(folder: Path) -> Path:
    """Write all files into the folder; the folder."""
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda base: _encode(folder, base), BASES))
        list(pool.map(lambda name: _assemble(folder, name), RECIPES))
    for name in BY_HAND:
        (folder / name).write_bytes(_by_hand(folder, name))
    for name in OURS:
        (folder / name).write_bytes(finished(name.removeprefix("ours-")))
    for name in BROWSERS:
        shutil.copyfile(DATA / name, folder / name)
    return folder


def _encode(folder: Path, base: str) -> None:
    _run(f"ffmpeg -v error -y {BASES[base]} -bitexact {folder}/base-{base}.mkv")


def _assemble(folder: Path, name: str) -> None:
    bases, how = RECIPES[name]
    files = [f"{folder}/base-{base}.mkv" for base in bases.split()]
    if how.startswith("mkvmerge"):
        _run(f"{how.replace('mkvmerge', 'mkvmerge -q', 1)} -o {folder}/{name} {' '.join(files)}")
        return
    inputs = " ".join(f"-i {file}" for file in files)
    maps = " ".join(f"-map {number}" for number in range(len(files)))
    _run(f"ffmpeg -v error -y {inputs} {maps} -c copy -bitexact {how} {folder}/{name}")


def _run(command: str) -> None:
    arguments = [part.strip("'") for part in command.split()]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    warned = int(arguments[0] == "mkvmerge")
    assert done.returncode <= warned, f"{command}\n{done.stdout}{done.stderr}"


# Layouts that no tool at hand writes.


def _by_hand(folder: Path, name: str) -> bytes:
    base = {"laced-fixed.mkv": "s16", "stripped.mkv": "opus"}.get(name, "opus60")
    reader = PacketReader()
    packets = list(reader.packets((folder / f"base-{base}.mkv").read_bytes()))
    entries = reader.track_entries
    if name == "stripped.mkv":
        first = packets[0].payload[:1]
        packets = [packet for packet in packets if packet.payload[:1] == first]
        entries = _with_encoding(entries, first)
        packets = [packet._replace(payload=packet.payload[1:]) for packet in packets]
    if name == "laced-fixed.mkv":
        packets = [packet for packet in packets if len(packet.payload) == len(packets[0].payload)]
    kind = {"laced-xiph.webm": 2, "laced-fixed.mkv": 4, "laced-ebml.webm": 6}.get(name, 0)
    step = 5 if kind else 1
    groups = [packets[at : at + step] for at in range(0, len(packets) // step * step, step)]
    start = header()[: header().index(ebml.write_id(Id.TRACKS))] + ebml.element(Id.TRACKS, entries)
    if name == "wide-sizes.webm":
        start += ebml.write_id(Id.VOID) + ebml.write_size(100_000, 8) + bytes(100_000)
    blocks = [_block(group, kind, name == "wide-sizes.webm") for group in groups]
    return start + b"".join(
        cluster(ticks, ebml.element(Id.PREV_SIZE, b"\x10"), block) for ticks, block in blocks
    )


def _block(packets: list[Packet], lacing: int, wide: bool) -> tuple[int, bytes]:
    """A Block with these frames (RFC 9559, section 10.3), and its Cluster's time."""
    sizes = [len(packet.payload) for packet in packets]
    laced = b""
    if lacing:
        laced = bytes([len(packets) - 1]) + {2: _xiph, 4: lambda _: b"", 6: _ebml}[lacing](sizes)
    payload = b"\x81\0\0" + bytes([0x80 | lacing]) + laced + b"".join(packet.payload for packet in packets)
    if wide:
        return packets[0].ticks, ebml.write_id(Id.SIMPLE_BLOCK) + ebml.write_size(len(payload), 8) + payload
    if lacing == 6:
        block = ebml.element(Id.BLOCK, b"\x81\0\0" + bytes([lacing]) + payload[4:])
        return packets[0].ticks, ebml.element(Id.BLOCK_GROUP, ebml.element(Id.CRC_32, bytes(4)) + block)
    return packets[0].ticks, ebml.element(Id.SIMPLE_BLOCK, payload)


def _xiph(sizes: list[int]) -> bytes:
    return b"".join(b"\xff" * (size // 255) + bytes([size % 255]) for size in sizes[:-1])


def _ebml(sizes: list[int]) -> bytes:
    out = ebml.write_size(sizes[0])
    for before, size in pairwise(sizes[:-1]):
        out += (size - before + 0x1FFF | 0x4000).to_bytes(2, "big")
    return out


def _with_encoding(entries: bytes, stripped: bytes) -> bytes:
    """The one TrackEntry, its frames' first bytes stored in it (ContentCompAlgo 3)."""
    compression = ebml.element(0x5034, ebml.element(0x4254, b"\3") + ebml.element(0x4255, stripped))
    encodings = ebml.element(Id.CONTENT_ENCODINGS, ebml.element(0x6240, compression))
    entry = next(
        entries[body:end] for ident, _, body, end in ebml.children(entries) if ident == Id.TRACK_ENTRY
    )
    return ebml.element(Id.TRACK_ENTRY, entry + encodings)


__all__ = ["BY_HAND", "NAMES", "WITH_OPUS", "WITH_PCM", "make_corpus"]
