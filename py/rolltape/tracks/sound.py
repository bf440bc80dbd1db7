"""A track's sound: pieces of files one after another, resampled where their clock ran apart, silence in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from math import gcd
from pathlib import Path
from typing import Any, Protocol

import av
from av.audio.frame import AudioFrame
from av.filter import Graph

from rolltape.tracks.audio_file import BYTES, AudioFile
from rolltape.tracks.plan import RATE, GuestTrack, Piece

__all__ = ["Output", "write_sound"]

CHUNK = RATE
"""Samples that are handed on at once."""
AROUND = 64
"""Samples of the file before and after a piece: twice what a filter of 64 looks at; more shifts more."""
FINEST = 1_000_000
"""Rates are told the resampler as large as it can take without rounding them: a ratio is right to 1e-12."""
FILTER = "linear_interp=1:filter_size=64:cutoff=0.97:osf=s32"
"""116 dB at 1 kHz, 108 at 10, 103 at 18, and a place that is exact (`tests/unit/test_tracks_sound.py`)."""
_LAYOUTS = {1: "mono", 2: "stereo"}


class Output(Protocol):
    """Takes a track's samples in order: 32-bit integers, channels side by side."""

    def write(self, samples: bytes) -> None:
        """Write samples. Raises OSError, av.FFmpegError."""


def write_sound(
    track: GuestTrack, files: Sequence[Path], channels: int, output: Output, told: Callable[[float], None]
) -> dict[int, int]:
    """Write a whole track: `track.length` samples, whatever its files hold. `told` hears the share that is done.

    `files` are the pieces', by number. Returns how many samples of which file could not be decoded and are silence.
    Raises OSError, ConvertError.
    """
    broken: dict[int, int] = {}
    with ExitStack() as stack:
        opened: dict[int, AudioFile] = {}
        done = 0
        for piece in track.pieces:
            _silence(output, piece.at - done, channels)
            if piece.file not in opened:
                opened[piece.file] = stack.enter_context(AudioFile(files[piece.file], channels))
            done = piece.at
            for samples in _played(opened[piece.file], piece, channels):
                output.write(samples)
                done += len(samples) // (BYTES * channels)
                told(done / track.length)
            broken[piece.file] = opened[piece.file].broken
        _silence(output, track.length - done, channels)
    return {file: samples for file, samples in broken.items() if samples}


def _silence(output: Output, samples: int, channels: int) -> None:
    while samples > 0:
        output.write(bytes(min(samples, CHUNK) * BYTES * channels))
        samples -= CHUNK


def _played(source: AudioFile, piece: Piece, channels: int) -> Iterator[bytes]:
    """A piece's samples, just as many as it has on the track."""
    if piece.source_length == piece.length and source.rate == RATE:
        for at in range(piece.source, piece.source + piece.length, CHUNK):
            yield source.read(at, min(at + CHUNK, piece.source + piece.length))
        return
    frame_bytes = BYTES * channels
    before, skipped = _lead(source.rate)
    skipped *= frame_bytes
    left = piece.length * frame_bytes
    for data in _resampled(_fed(source, piece, before), piece, channels):
        skip = min(skipped, len(data))
        skipped -= skip
        kept = data[skip : skip + left]
        left -= len(kept)
        if kept:
            yield kept
    if left:
        yield bytes(left)


def _lead(rate: int) -> tuple[int, int]:
    """Samples of a file before a piece, and of the track that they become: whole ones, but for the drift in them."""
    common = gcd(rate, RATE)
    steps = -(-AROUND * common // rate)
    return steps * rate // common, steps * RATE // common


def _fed(source: AudioFile, piece: Piece, before: int) -> Iterator[bytes]:
    end = piece.source + piece.source_length + before + AROUND
    for at in range(piece.source - before, end, CHUNK):
        yield source.read(at, min(at + CHUNK, end))


def _resampled(fed: Iterator[bytes], piece: Piece, channels: int) -> Iterator[bytes]:
    """All that is fed, at the piece's ratio, which is told as two rates so that it is exact."""
    rate_in, rate_out = _rates(piece)
    graph = Graph()
    layout = _LAYOUTS[channels]
    entry = graph.add_abuffer(
        sample_rate=rate_in, format="s32", layout=layout, time_base=Fraction(1, rate_in)
    )
    exit_ = graph.add("abuffersink")
    resampler = graph.add("aresample", f"{rate_out}:{FILTER}")
    entry.link_to(resampler)
    resampler.link_to(exit_)
    graph.configure()
    for data in fed:
        frame: Any = AudioFrame(format="s32", layout=layout, samples=len(data) // (BYTES * channels))
        frame.sample_rate = rate_in
        frame.planes[0].update(data)
        graph.push(frame)
        yield from _pulled(graph, channels)
    graph.push(None)
    yield from _pulled(graph, channels)


def _rates(piece: Piece) -> tuple[int, int]:
    """Two rates of a piece's ratio, of some hundred thousand each."""
    if piece.source_length > piece.length:
        ratio = 1 / Fraction(piece.length, piece.source_length).limit_denominator(FINEST)
    else:
        ratio = Fraction(piece.source_length, piece.length).limit_denominator(FINEST)
    times = max(1, FINEST // max(ratio.numerator, ratio.denominator))
    return ratio.numerator * times, ratio.denominator * times


def _pulled(graph: Any, channels: int) -> Iterator[bytes]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield bytes(memoryview(frame.planes[0])[: frame.samples * BYTES * channels])
