"""Minutes of recording leave the page's memory where it was."""

from __future__ import annotations

from pathlib import Path

from faults.choice import IS_LONG
from guest import Guest, Guests
from processes import private_bytes, renderers

UNTIL, LEAST = ("2:40", 20e6) if IS_LONG else ("1:20", 6e6)


def page_memory(guest: Guest, profile: Path) -> int:
    """Bytes of the page's process after a garbage collection."""
    session = guest.context.new_cdp_session(guest.page)
    session.send("HeapProfiler.collectGarbage")
    session.detach()
    return max(private_bytes(pid) for pid in renderers(profile))


def test_memory_stays_flat_while_recording(guests: Guests, tmp_path: Path) -> None:
    guest = guests().open("?record=12000&recordcodec=h264")
    guest.record()
    guest.wait_until("0:40")
    began, recorded = page_memory(guest, tmp_path / "profile0"), guest.shown_bytes()

    guest.wait_until(UNTIL)
    grown = page_memory(guest, tmp_path / "profile0") - began
    recorded = guest.shown_bytes() - recorded
    guest.stop()

    # Were chunks kept, memory would grow by all that was recorded.
    print(f"{grown / 1e6:.1f} MB more after {recorded / 1e6:.1f} MB recorded meanwhile")
    assert recorded > LEAST
    assert grown < 4e6
