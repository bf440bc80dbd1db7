"""Sessions that were made up: recordings whose microphones run apart, and the session file of their room."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from rolltape.core.clock import Reading
from rolltape.recording.clock_log import ClockLog, SoundPath, TrackFacts
from rolltape.recording.take import Part, Take, TakeState
from rolltape.room.session_file import Report, session_json

RATE = 48_000
T0 = 1_764_000_000_000
BLOCK = 1920
BEEP_MS = 12


def beeps(length_s: float, ppm: float, each_s: float, first_s: float = 0.0) -> array[int]:
    """A beep each so many seconds of true time, by a microphone that gives `ppm` millionths more samples."""
    fast = 1 + ppm * 1e-6
    sound = array("h", bytes(2 * round(length_s * RATE * fast)))
    at_s = math.floor(first_s / each_s + 1) * each_s
    while (middle := (at_s - first_s) * RATE * fast) < len(sound):
        half = BEEP_MS * RATE // 2000
        for at in range(max(0, round(middle) - half), min(len(sound), round(middle) + half)):
            bell = math.exp(-(((at - middle) / (half / 3)) ** 2))
            sound[at] = round(20_000 * bell * math.cos((at - middle) * 2 * math.pi * 1000 / RATE))
        at_s += each_s
    return sound


def matroska(path: Path, sound: array[int], stamp_ms: Callable[[float], float]) -> None:
    """Mono PCM of 16 bits in blocks of 40 ms, each stamped with the time that its first sample's has."""
    with av.open(str(path), "w", format="matroska") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=RATE)
        stream.codec_context.layout = "mono"
        stream.time_base = Fraction(1, 1000)
        container.start_encoding()
        for at in range(0, len(sound), BLOCK):
            packet = av.Packet(sound[at : at + BLOCK].tobytes())
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = round(stamp_ms(at * 1000 / RATE))
            container.mux(packet)


def silent_opus(path: Path, seconds: int) -> None:
    """Silence as Opus in blocks of 20 ms: a small file, and as much work as any."""
    with av.open(str(path), "w", format="webm") as container:
        stream: Any = container.add_stream("libopus", rate=RATE)
        stream.codec_context.layout = "mono"
        frame: Any = AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update(bytes(1920))
        frame.sample_rate = RATE
        packets: list[Any] = []
        for number in range(10):
            frame.pts = 960 * number
            packets += stream.encode(frame)
        content = bytes(packets[-1])
        for number in range(seconds * 50):
            packet = av.Packet(content)
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = 20 * number
            container.mux(packet)


def filmed(path: Path, seconds: int, rate: int = 30, size: tuple[int, int] = (320, 180)) -> None:
    """One picture again and again, and silence: a small file that is made at once, and as long a film as any."""
    with av.open(str(path), "w", format="matroska") as container:
        video: Any = container.add_stream("libvpx", rate=rate)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        sound: Any = container.add_stream("pcm_s16le", rate=RATE)
        sound.codec_context.layout = "mono"
        container.start_encoding()
        packets: list[Any] = video.encode(VideoFrame(*size, "yuv420p"))
        packets += video.encode(None)
        picture, silence = bytes(packets[0]), bytes(2 * RATE)
        for second in range(seconds):
            packet = av.Packet(silence)
            packet.stream, packet.time_base, packet.pts = sound, Fraction(1, 1000), second * 1000
            container.mux(packet)
            for number in range(rate):
                packet = av.Packet(picture)
                packet.stream, packet.time_base = video, Fraction(1, 1000)
                packet.pts, packet.is_keyframe = second * 1000 + number * 1000 // rate, not number
                container.mux(packet)


def wav(path: Path, samples: bytes, bits: int = 16, channels: int = 1) -> None:
    """PCM in a WAV."""
    with av.open(str(path), "w", format="wav") as container:
        stream: Any = container.add_stream(f"pcm_s{bits}le", rate=RATE)
        stream.codec_context.layout = "mono" if channels == 1 else "stereo"
        container.start_encoding()
        packet = av.Packet(samples)
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1, RATE)
        container.mux(packet)


def report(label: str, length_s: float, *parts: Part, starts_ms: int = 0, clock: bool = True) -> Report:
    """A take whose page's clock is the room's, less T0."""
    readings = tuple(
        Reading(at, at + 20, T0 + at + 10) for at in map(float, range(0, int(length_s * 1000), 2500))
    )
    facts = TrackFacts(1, float(starts_ms), "audio/webm;codecs=pcm", SoundPath("track", 10.0, RATE))
    take = Take(
        label,
        1,
        f"{label}_studio_take1",
        T0,
        label=label,
        mime_type="audio/webm;codecs=opus",
        parts=parts or (Part(1, "part1", 1000, round(length_s * 1000)),),
        state=TakeState.FINISHED,
        room_started_at_ms=T0 + starts_ms,
        room_error_ms=9,
    )
    return Report(
        label.lower(), take, clock=ClockLog("Chromium 156", (facts,), readings, ()) if clock else None
    )


def write_session(folder: Path, *reports: Report) -> None:
    """The session file."""
    folder.mkdir(exist_ok=True)
    (folder / "session.json").write_text(session_json("studio", reports))


def samples(path: Path) -> array[int]:
    """All samples of a file of one channel, as FFmpeg reads them: 32-bit integers."""
    found = array("i")
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            plain: AudioFrame = frame
            width = 2 if plain.format.name == "s16" else 4
            data = bytes(plain.planes[0])[: plain.samples * width]
            found.extend(value << 16 for value in array("h", data)) if width == 2 else found.frombytes(data)
    return found


def heard_s(sound: array[int]) -> list[float]:
    """When beeps are heard: the middle of the energy of each."""
    found: list[float] = []
    at, step = 0, 240
    while at < len(sound):
        if max(map(abs, sound[at : at + step]), default=0) > 1 << 27:
            begin = max(0, at - 960)
            energy = [(value / 2**31) ** 2 for value in sound[begin : at + 1440]]
            found.append((begin + sum(n * e for n, e in enumerate(energy)) / sum(energy)) / RATE)
            at += RATE // 10
        at += step
    return found
