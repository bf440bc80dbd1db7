"""A track's pictures as they were recorded (H.264), each shown when it was captured: copied, not encoded anew.

Nothing is lost and hours take minutes, but the rate is a camera's, not constant, and not every editor likes that.
Where no picture was captured the one before stands; the first one stands from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from rolltape.core.errors import ConvertError
from rolltape.media import h264
from rolltape.tracks.audio_file import opened
from rolltape.tracks.film_file import FilmFile, FilmShape
from rolltape.tracks.outputs import as_os_errors
from rolltape.tracks.picture_plan import Pictures, Seen
from rolltape.tracks.plan import RATE
from rolltape.tracks.track_sound import TrackSound

__all__ = ["copied", "uncopied", "write_copied"]

TICKS_A_SECOND = 90_000


@dataclass(frozen=True)
class Copied:
    """The pictures of a file that are copied: the first ones of it, in order."""

    file: int
    ticks: tuple[int, ...]
    """When each is shown, since the track began."""


def uncopied(files: Sequence[Seen]) -> str:
    """Return why the pictures of these files cannot be copied into one film, as a sentence; empty where they can."""
    other = next((one.codec for one in files if one.codec != "h264"), "")
    if other:
        return f"Only H.264 can be copied, not {other.upper()}."
    if not all(one.is_in_order for one in files):
        return "The pictures are not stored in the order in which they were captured."
    if not all(one.begins_whole for one in files):
        return "A recording does not begin with a key frame."
    kinds = {described for one in files for described in one.described}
    if len(kinds) != 1 or b"" in kinds:
        return "The pictures change their size or kind on the way, or do not say what they are."
    return ""


def copied(files: Sequence[Pictures], samples: int) -> list[Copied]:
    """Return what is copied of which file into a track of so many samples, in the order of the track.

    A file is left where the next one begins, with a key frame: what both have, the later one gives. What was captured
    before the track begins is shown for a tick each: later pictures are made of it.
    """
    rows = sorted((one for one in files if one.at_ms), key=lambda one: one.at_ms[0])
    end = samples * TICKS_A_SECOND / RATE
    ends = [min(end, one.at_ms[0] * TICKS_A_SECOND / 1000) for one in rows[1:]]
    found: list[Copied] = []
    latest = -1
    for row, until in zip(rows, [*ends, end], strict=False):
        ticks: list[int] = []
        for at_ms in row.at_ms:
            tick = 0 if latest < 0 else max(latest + 1, round(at_ms * TICKS_A_SECOND / 1000))
            if tick >= until:
                break
            ticks.append(tick)
            latest = tick
        if ticks:
            found.append(Copied(row.file, tuple(ticks)))
    return found


def write_copied(
    place: Path,
    plan: Sequence[Copied],
    files: Sequence[tuple[Path, Seen]],
    rate: int,
    samples: int,
    sound: Path,
    timecode: str,
    told: Callable[[float], None],
) -> None:
    """Write `place`: these pictures, with a whole track's sound of so many samples from a file.

    `files` are the plan's, by number, and `uncopied` says nothing of them; `timecode` is the first frame's by `rate`
    frames a second, empty for none; `told` hears how many seconds are done. Raises OSError, ConvertError.
    """
    count = sum(len(one.ticks) for one in plan)
    if not count:
        raise ConvertError(f"{place.name} is not made: no picture was captured while the track runs.")
    first = files[plan[0].file][1]
    end = samples * TICKS_A_SECOND // RATE
    with as_os_errors(place), ExitStack() as stack:
        heard: Any = stack.enter_context(av.open(str(sound)))
        sounds = TrackSound(heard)
        shape = FilmShape(
            (first.width, first.height), rate, count, sounds.channels, samples, timecode, TICKS_A_SECOND, end
        )
        output = stack.enter_context(FilmFile(place, shape, first.described[0], sounds.described))
        for one in plan:
            path, _ = files[one.file]
            packets = _packets(path, stack)
            for tick in one.ticks:
                packet, is_key = next(packets)
                output.picture(packet, is_key, tick)
                for piece in sounds.until(tick / TICKS_A_SECOND):
                    output.sound(piece)
                told(tick / TICKS_A_SECOND)
        for piece in sounds.until(samples / RATE):
            output.sound(piece)
        for piece in sounds.rest():
            output.sound(piece)


def _packets(path: Path, stack: ExitStack) -> Iterator[tuple[bytes, bool]]:
    """A file's pictures as MP4 has them, and whether each is a key frame. Raises OSError, ConvertError."""
    container: Any = stack.enter_context(opened(path))
    stream = container.streams.video[0]
    is_stream = not h264.is_configuration(bytes(stream.codec_context.extradata or b""))
    for packet in container.demux(stream):
        if packet.size and packet.pts is not None:
            payload = bytes(packet)
            yield (h264.length_prefixed(payload) if is_stream else payload), packet.is_keyframe
    raise ConvertError(f"{path.name} has changed while it was copied.")
