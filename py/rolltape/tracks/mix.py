"""A rough mix of everybody: each as loud as the others, all together at -16 LUFS and no peak above -1 dBTP.

Loudness and true peaks are those of ITU-R BS.1770-5 as FFmpeg's `ebur128` measures them. Three passes (each track
alone, all together, the mix itself), so memory is flat and the length is the tracks' own. Peaks go before loudness:
sound that is all peaks stays softer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.filter import Graph

from rolltape.tracks.audio_file import BYTES
from rolltape.tracks.outputs import as_os_errors
from rolltape.tracks.plan import RATE
from rolltape.tracks.sound import Output

__all__ = ["LOUDNESS_LUFS", "PEAK_DBTP", "Loudness", "loudness", "write_mix"]

LOUDNESS_LUFS = -16.0
PEAK_DBTP = -1.0
EACH_LUFS = -23.0
"""Of each guest, before all are added: far enough below what clips."""
SILENT_LUFS = -60.0
"""What is not louder says nothing of how loud somebody speaks: nobody's noise is raised to speech."""
LIMIT_DB = -2.0
"""Of samples at four times the rate; what becomes of them at the mix's own is up to a decibel higher."""
FRAME_BYTES = 2 * BYTES
STEREO = "aformat=sample_fmts=flt:channel_layouts=stereo"


@dataclass(frozen=True)
class Loudness:
    """How loud something is, over all its length; silence has minus infinity, or -70 LUFS, the least there is."""

    integrated_lufs: float
    peak_dbtp: float


def loudness(path: Path) -> Loudness:
    """Measure a file's sound by reading all of it (ITU-R BS.1770-5). Raises OSError."""
    return _measured([path], [0.0], lambda seconds: None)


def write_mix(
    sounds: Sequence[Path], samples: int, output: Output, told: Callable[[float], None]
) -> list[float]:
    """Write the mix of these files, each so many samples at 48 kHz long, in stereo.

    `told` hears the share that is done. Returns what each was raised by, in dB.
    Raises OSError.
    """
    seconds = samples / RATE
    passes = len(sounds) + 2

    def at(number: int) -> Callable[[float], None]:
        return lambda done: told((number + done / seconds) / passes)

    alone = [_measured([one], [0.0], at(number)).integrated_lufs for number, one in enumerate(sounds)]
    gains = [EACH_LUFS - one if one > SILENT_LUFS else 0.0 for one in alone]
    together = _measured(sounds, gains, at(len(sounds))).integrated_lufs
    if together > SILENT_LUFS:
        gains = [gain + LOUDNESS_LUFS - together for gain in gains]
    limit = 10 ** (LIMIT_DB / 20)
    limiter = f"aresample={4 * RATE},alimiter=limit={limit:.6f}:attack=5:release=50:level=0:latency=1"
    chain = f"{limiter},aresample={RATE},aformat=sample_fmts=s32"
    left = samples
    for frame in _mixed(sounds, gains, chain, at(len(sounds) + 1)):
        count = min(left, frame.samples)
        if count:
            output.write(bytes(memoryview(frame.planes[0])[: count * FRAME_BYTES]))
            left -= count
    if left:
        output.write(bytes(left * FRAME_BYTES))
    return gains


def _measured(sounds: Sequence[Path], gains: Sequence[float], told: Callable[[float], None]) -> Loudness:
    lufs, peak = -math.inf, 0.0
    for frame in _mixed(sounds, gains, "ebur128=metadata=1:peak=true", told):
        lufs = float(frame.metadata.get("lavfi.r128.I", lufs))
        peak = max(peak, float(frame.metadata.get("lavfi.r128.true_peak", peak)))
    return Loudness(lufs, 20 * math.log10(peak) if peak else -math.inf)


def _mixed(
    sounds: Sequence[Path], gains: Sequence[float], chain: str, told: Callable[[float], None]
) -> Iterator[Any]:
    """All files added, each raised by so many dB, through a chain of filters: its frames."""
    with as_os_errors(sounds[0]), ExitStack() as stack:
        opened = [stack.enter_context(av.open(str(path))) for path in sounds]
        graph = Graph()
        inputs: list[Any] = []
        mixer = graph.add("amix", f"inputs={len(sounds)}:normalize=0") if len(sounds) > 1 else None
        for number, (container, gain) in enumerate(zip(opened, gains, strict=True)):
            source = graph.add_abuffer(template=container.streams.audio[0])
            inputs.append(source)
            last = _chained(graph, source, f"{STEREO},volume={gain:.3f}dB:precision=float")
            if mixer is not None:
                last.link_to(mixer, 0, number)
                last = mixer
        _chained(graph, last, chain).link_to(graph.add("abuffersink"))
        graph.configure()
        frames = [container.decode(audio=0) for container in opened]
        ended = [False] * len(frames)
        while not all(ended):
            for number, decoded in enumerate(frames):
                if ended[number]:
                    continue
                frame = next(decoded, None)
                ended[number] = frame is None
                inputs[number].push(frame)
                if number == 0 and frame is not None:
                    told(float((frame.pts or 0) * (frame.time_base or Fraction(0))))
            yield from _ready(graph)


def _chained(graph: Any, before: Any, chain: str) -> Any:
    """The last of these filters, one after another behind `before`."""
    for one in chain.split(","):
        name, _, options = one.partition("=")
        following = graph.add(name, options)
        before.link_to(following)
        before = following
    return before


def _ready(graph: Any) -> Iterator[Any]:
    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
