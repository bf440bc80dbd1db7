"""One guest on the director's page: everything their page says, and the buttons."""

from __future__ import annotations

from rolltape.control import GuestRow
from rolltape.pages import words
from rolltape.pages.view import View
from rolltape.peers import Arriving
from rolltape.room import CommandKind, GuestState
from rolltape.take import TakeState

STATE_WORDS = {
    "offline": "Offline",
    "idle": "Not recording",
    "starting": "Starting …",
    "recording": "Recording",
    "paused": "Paused",
    "stopping": "Finishing …",
}
CLOCK_WARNING_MS = 40
BATTERY_WARNING = 20
MINUTES_WARNING = 30


def fill(row: View, guest: GuestRow, now_ms: float) -> None:
    """Draw a guest as they are now."""
    state = guest.shown_state
    row.attribute("", "data-guest", guest.member.uid)
    row.attribute("", "data-state", state)
    row.text("guest-name", guest.name)
    stale = " (nothing heard for some seconds)" if guest.is_stale(now_ms) else ""
    row.text("guest-state", STATE_WORDS.get(state, state) + stale)
    row.show("guest-tally", guest.is_busy)
    told = guest.state or GuestState()
    row.text("elapsed", words.clock(told.elapsed_ms))
    row.text("bytes", words.size(told.bytes))
    row.attribute("bytes", "value", str(told.bytes))
    row.text("guest-facts", " · ".join(_facts(told)))
    row.text("guest-warnings", " · ".join(_warnings(guest, told)))
    row.attribute("guest-level", "value", str(told.level))
    row.text("error", guest.trouble)
    row.enable("start", guest.may(CommandKind.START))
    row.enable("stop", guest.may(CommandKind.STOP))
    paused = told.state is TakeState.PAUSED
    row.text("pause", "Go on" if paused else "Pause")
    row.enable("pause", guest.may(CommandKind.RESUME if paused else CommandKind.PAUSE))
    row.enable("rename", guest.may(CommandKind.RENAME))
    row.text("pending", "Asked …" if guest.command is not None else "")


def fill_inbound(row: View, state: TakeState, arriving: Arriving | None) -> None:
    """Draw the recording of what arrives."""
    running = state is not TakeState.IDLE
    row.text("record-inbound", "Stop recording here" if running else "Record here")
    row.attribute("record-inbound", "data-state", state)
    text = ""
    if running and arriving is not None:
        size = f"{arriving.width}×{arriving.height} · " if arriving.width else ""
        text = f"Arriving: {size}picture {words.rate(arriving.video_kbps)}, sound {words.rate(arriving.audio_kbps)}"
    row.text("arriving", text)


def _facts(told: GuestState) -> list[str]:
    facts = []
    if told.width:
        facts.append(f"{told.width}×{told.height} at {told.fps:.0f} fps")
    if told.codec:
        facts.append(told.codec)
    if told.asked_video_kbps or told.asked_audio_kbps:
        asked = " + ".join(str(kbps) for kbps in (told.asked_video_kbps, told.asked_audio_kbps) if kbps)
        facts.append(f"asked {asked} kbit/s")
    if told.kbps:
        facts.append(f"has {words.rate(told.kbps)}")
    if told.parts > 1:
        facts.append(f"{told.parts} parts" + (f", {told.gap_ms} ms missing" if told.gap_ms else ""))
    if told.minutes_left is not None:
        facts.append(f"room for {told.minutes_left:.0f} min")
    return facts


def _warnings(guest: GuestRow, told: GuestState) -> list[str]:
    found = []
    if not guest.member.invited:
        found.append("came without an invitation")
    if told.hidden:
        found.append("has another tab in front")
    if told.muted:
        found.append("muted for the room")
    if told.battery is not None and told.battery <= BATTERY_WARNING and not told.charging:
        found.append(f"battery at {told.battery} %")
    if told.minutes_left is not None and told.minutes_left < MINUTES_WARNING:
        found.append("little room left on their disk")
    if told.clock_error_ms is not None and told.clock_error_ms > CLOCK_WARNING_MS:
        found.append(f"clock known to {told.clock_error_ms} ms only")
    return found
