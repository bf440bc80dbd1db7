"""Tracks: what sound and films cost a core, how long a director waits for sound, how much memory films take.

`python -m bench.tracks_bench [guests [minutes]]`; sounds of four of an hour where nothing is said, and films.
`python -m bench.tracks_bench films` has films alone. What the machine does besides makes the time by the clock
longer, and the processor's less.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from bench.figures import figure
from server.processes import ENVIRONMENT
from unit.synthetic_session import RATE, filmed, report, write_session

GUESTS, MINUTES = 4, 60
LATER_MS = 1500
"""Each guest begins so much after the one before."""
LOOP_S = 60
PPM = (80.0, -50.0, 35.0, -95.0)
WARMING_PPM, WARMING_S = 5.0, 600.0
"""A crystal runs by so much slower at first."""
GOAL_CORE_S, GOAL_WAIT_S = 20.0, 60.0
FILM_S, TURNS = 60, 2
GOAL_SPEED, GOAL_AGAINST, GOAL_MB = 2.0, 0.9, 150.0
NOISE = f"testsrc2=s=1280x720:r=30:d={FILM_S},noise=alls=8:allf=t"
"""What costs most: nothing of it stays the same."""
RECORDED = (
    "-c:v libx264 -preset ultrafast -b:v 6M -maxrate 6M -bufsize 6M -pix_fmt yuv420p -c:a libopus -f matroska"
)
AS_OURS = (
    "-r 30 -c:v libx264 -preset veryfast -crf 18 -profile:v high -bf 0 -g 30 -c:a aac -movflags +faststart"
)


def main(guests: int = GUESTS, minutes: int = MINUTES) -> None:
    """Make a session up, have its tracks made, print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        session(folder, guests, minutes)
        for kind in ("wav", "flac"):
            core_s, wait_s = made(folder, kind)
            hours = guests * minutes / 60
            per_hour = core_s / hours
            figure(f"tracks_{kind}_core", per_hour, "s", "goal 20 s an hour of sound", per_hour / GOAL_CORE_S)
            figure(f"tracks_{kind}_wait", wait_s, "s", "goal 60 s for four of an hour", wait_s / GOAL_WAIT_S)


def films() -> None:
    """What films cost a core, against ffmpeg with the same settings by turns, and what memory they take."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "Ada_studio_take1.webm"
        write_session(folder, report("Ada", FILM_S, clock=False))
        sound = f"sine=f=440:b=4:r={RATE}:d={FILM_S}"
        source = ("-f", "lavfi", "-i", NOISE, "-f", "lavfi", "-i", sound)
        subprocess.run(["ffmpeg", "-v", "error", *source, *RECORDED.split(), str(clip)], check=True)
        theirs = [
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-i",
            str(clip),
            *AS_OURS.split(),
            str(folder / "theirs.mp4"),
        ]
        ours_s, theirs_s, megabytes = [], [], 0.0
        for _ in range(TURNS):
            core_s, megabytes = cost(tracks_command(folder))
            ours_s.append(core_s)
            theirs_s.append(cost(theirs)[0])
        speed, ratio = FILM_S / min(ours_s), min(theirs_s) / min(ours_s)
        figure(
            "tracks_film_speed",
            speed,
            "x",
            "goal 2 times real time a core, sound and report too",
            speed / GOAL_SPEED,
        )
        figure(
            "tracks_film_against_ffmpeg", ratio, "x", "goal 0.9 of ffmpeg, film alone", ratio / GOAL_AGAINST
        )
        figure("tracks_film_memory", megabytes, "MB", "goal 150 MB, 720p", megabytes / GOAL_MB)
    for name, seconds in (("10min", 600), ("4h", 4 * 3600)):
        most = small_film_megabytes(seconds)
        figure(f"tracks_film_memory_{name}", most, "MB", "goal 150 MB, the largest process", most / GOAL_MB)


def small_film_megabytes(seconds: int) -> float:
    """What a film of small pictures takes, of which there are as many as of large ones."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_session(folder, report("Ada", seconds, clock=False))
        filmed(folder / "Ada_studio_take1.webm", seconds, size=(64, 36))
        return cost(tracks_command(folder))[1]


def tracks_command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "rolltape", "tracks", str(folder), "--force", "--project", "none"]


def cost(command: list[str]) -> tuple[float, float]:
    """Seconds of processor of a command and all its processes, and MB of the largest of them."""
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def session(folder: Path, guests: int, minutes: int) -> None:
    """Opus in stereo as Chromium writes it, of microphones that all run differently."""
    loop = looped(folder / "loop.webm")
    length_s = minutes * 60.0
    reports = [report(f"Guest{number}", length_s, starts_ms=LATER_MS * number) for number in range(guests)]
    write_session(folder, *reports)
    for number, one in enumerate(reports):
        recording(folder / f"{one.take.name}.webm", loop, length_s, PPM[number % len(PPM)])
    (folder / "loop.webm").unlink()


def looped(path: Path) -> list[bytes]:
    """Packets of 60 ms of noise and beeps, a minute of them."""
    source = (
        f"anoisesrc=d={LOOP_S}:r={RATE}:a=0.05:c=pink[noise];"
        f"sine=f=440:b=4:r={RATE}:d={LOOP_S}[beeps];[noise][beeps]amix,aformat=channel_layouts=stereo"
    )
    coded = ("-c:a", "libopus", "-b:a", "128k", "-vbr", "on", "-frame_duration", "60")
    subprocess.run(["ffmpeg", "-v", "error", "-filter_complex", source, *coded, str(path)], check=True)
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def recording(path: Path, loop: list[bytes], length_s: float, ppm: float) -> None:
    """So long a recording, each packet stamped with when its microphone had its first sample, by the page's clock."""
    with av.open(str(path), "w", format="webm") as container:
        stream: Any = container.add_stream("libopus", rate=RATE)
        stream.codec_context.layout = "stereo"
        for number in range(round(length_s / 0.06)):
            at_s = number * 0.06
            warmed_s = min(at_s, WARMING_S) ** 2 / (2 * WARMING_S) + max(0.0, at_s - WARMING_S)
            ahead_s = ((ppm - WARMING_PPM) * at_s + WARMING_PPM * warmed_s) * 1e-6
            packet = av.Packet(loop[number % len(loop)])
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = round((at_s - ahead_s) * 1000)
            container.mux(packet)


def made(folder: Path, kind: str) -> tuple[float, float]:
    """Seconds of processor and by the clock until `rolltape tracks` has made everybody's sound."""
    command = [sys.executable, "-m", "rolltape", "tracks", str(folder), "-o", str(folder / kind)]
    before, began_s = os.times(), time.monotonic()
    more = ("--picture", "none", "--sound", kind)
    subprocess.run([*command, *more], env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    wait_s, after = time.monotonic() - began_s, os.times()
    user_s = after.children_user - before.children_user
    return user_s + after.children_system - before.children_system, wait_s


if __name__ == "__main__":
    if sys.argv[1:] == ["films"]:
        films()
    else:
        main(*map(int, sys.argv[1:]))
        films()
