"""Says what could not be read of a damaged or cut-off recording."""

from __future__ import annotations

from rolltape.convert.plan import InputPart
from rolltape.media.webm_packets import PacketReader


def losses(part: InputPart, reader: PacketReader) -> list[str]:
    """Say each kind of loss in a part that was read to its end, a sentence each."""
    name = part.source.name
    told = []
    if reader.damages:
        first = at(reader.damages[0].ticks * part.scale_ns)
        places = (
            f"at {first}"
            if len(reader.damages) == 1
            else f"in {len(reader.damages)} places, first at {first}"
        )
        told.append(
            f"{name} is damaged {places}: {amount(reader.lost)} could not be read; what comes "
            "before and after is there."
        )
    last = at(reader.ticks * part.scale_ns)
    if reader.error:
        rest = amount(part.source.size - reader.end)
        told.append(f"{name} could not be read beyond {last} ({rest} are left out). {reader.error.sentence}")
    elif not reader.whole:
        rest = amount(reader.size - reader.end)
        told.append(f"{name} breaks off at {last} in the midst of a frame: the last {rest} are left out.")
    return told


def at(nanoseconds: int) -> str:
    """Return a time in words for people: `0:07`, `1:02:03`."""
    minutes, seconds = divmod(max(0, nanoseconds) // 1_000_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def amount(count: int) -> str:
    """Return a number of bytes in words for people."""
    for unit, size in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
