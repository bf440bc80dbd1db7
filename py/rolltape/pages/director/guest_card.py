"""One guest on the director's page: everything their page says, and the buttons."""

from __future__ import annotations

from rolltape.pages import words
from rolltape.pages.document import View
from rolltape.recording.take import TakeState
from rolltape.room.guest_row import Alarm, GuestRow
from rolltape.room.messages import CommandKind, GuestState
from rolltape.room.peers import Arriving

STATE_WORDS = {
    "offline": "Offline",
    "waiting": "Waiting to be let in",
    "idle": "Not recording",
    "starting": "Starting …",
    "recording": "Recording",
    "paused": "Paused",
    "stopping": "Finishing …",
}
ASKED_WORDS = {
    CommandKind.START: "asked to start …",
    CommandKind.STOP: "asked to stop …",
    CommandKind.PAUSE: "asked to pause …",
    CommandKind.RESUME: "asked to go on …",
    CommandKind.RENAME: "asked to take the name …",
    CommandKind.REMOVE: "being removed …",
    CommandKind.LET_IN: "being let in …",
}
CLOCK_WARNING_MS = 40
BATTERY_WARNING = 20
MINUTES_WARNING = 30


def fill(row: View, guest: GuestRow, now_ms: float) -> None:
    """Draw a guest's card at `now_ms`, by this page's clock; what arrives from them is drawn by `fill_inbound`."""
    state, told, name = guest.shown_state, guest.state or GuestState(), guest.name
    row.attribute("", "data-guest", guest.member.uid)
    row.attribute("", "data-state", state)
    row.attribute("", "aria-label", name)
    row.text("guest-name", name)
    row.attribute("guest-state", "data-state", state)
    row.text("guest-state", STATE_WORDS[state])
    elapsed_ms = guest.elapsed_ms(now_ms)
    row.text("elapsed", words.clock(elapsed_ms))
    row.attribute("elapsed", "datetime", words.duration(elapsed_ms // 1000 * 1000))
    row.text("bytes", words.size(told.bytes))
    row.attribute("bytes", "value", str(told.bytes))
    row.text("guest-rate", _rate(told))
    row.text("pending", ", ".join(ASKED_WORDS.get(one.command.kind, "") for one in guest.pending))
    row.text("guest-facts", " · ".join(facts(told)))
    row.text("guest-warnings", " · ".join(warnings(guest, now_ms)))
    row.attribute("guest-level", "value", str(told.level if guest.is_here else 0))
    row.text("error", guest.trouble)
    _fill_buttons(row, guest)


def _fill_buttons(row: View, guest: GuestRow) -> None:
    paused = guest.take_state is TakeState.PAUSED
    row.text("pause-text", "Go on" if paused else "Pause")
    row.attribute("pause", "data-paused", str(paused).lower())
    row.text("remove", _remove_words(row, guest))
    for button, kind, what in (
        ("start", CommandKind.START, "Record"),
        ("stop", CommandKind.STOP, "Stop"),
        ("pause", CommandKind.RESUME if paused else CommandKind.PAUSE, "Go on with" if paused else "Pause"),
        ("rename", CommandKind.RENAME, "Rename"),
    ):
        row.enable(button, guest.may(kind))
        row.attribute(button, "aria-label", f"{what} {guest.name}")
    for button in ("stop", "pause", "start") if guest.is_busy else ("start", "stop", "pause"):
        row.show(button, guest.is_busy is (button != "start") and not guest.is_waiting)
    row.attribute("more", "aria-label", f"More about {guest.name}")
    for button, what in (("let-in", "Let in"), ("turn-away", "Turn away")):
        row.show(button, guest.is_waiting)
        row.attribute(button, "aria-label", f"{what} {guest.name}")
    row.enable("let-in", guest.may(CommandKind.LET_IN))
    row.enable("turn-away", guest.may(CommandKind.REMOVE))
    for button in ("record-inbound", "more-place"):
        row.show(button, not guest.is_waiting)
    row.attribute("start", "title", "" if guest.may(CommandKind.START) else _why_not(guest))


def _why_not(guest: GuestRow) -> str:
    if not guest.is_here:
        return "There is no connection to this guest right now."
    return guest.state.refusal if guest.state is not None else ""


def _remove_words(row: View, guest: GuestRow) -> str:
    if row.value("remove") == "sure":
        return "Really remove?"
    return "Remove" if guest.member.present else "Take off this page"


def fill_inbound(row: View, name: str, state: TakeState, arriving: Arriving | None, has_stream: bool) -> None:
    """Draw what arrives from a guest: the button that records it, and while it does its rates (None: unknown)."""
    running = state is not TakeState.IDLE
    row.show("no-picture", not has_stream)
    row.text("record-inbound-text", "Stop" if running else "Record")
    row.attribute("record-inbound", "aria-label", f"{'Stop recording' if running else 'Record'} {name} here")
    row.attribute("record-inbound", "data-state", state)
    row.enable("record-inbound", running or has_stream)
    text = ""
    if running and arriving is not None:
        size = f"{arriving.width}×{arriving.height} · " if arriving.width else ""
        text = f"Arriving: {size}picture {words.rate(arriving.video_kbps)}, sound {words.rate(arriving.audio_kbps)}"
    row.text("arriving", text)


def facts(told: GuestState) -> list[str]:
    """Say what is recorded, and at what rate it was asked to be."""
    found = []
    if told.width:
        found.append(f"{told.width}×{told.height} at {told.fps:.0f} fps")
    if told.codec:
        found.append(told.codec)
    asked = [str(kbps) for kbps in (told.asked_video_kbps, told.asked_audio_kbps) if kbps]
    if asked:
        found.append(
            f"asked for {' + '.join(asked)} kbit/s" + (f", has {words.rate(told.kbps)}" if told.kbps else "")
        )
    if told.parts > 1:
        found.append(f"{told.parts} parts" + (f", {told.gap_ms} ms missing" if told.gap_ms else ""))
    if told.minutes_left is not None:
        found.append(f"space for {_minutes(told.minutes_left)}")
    if told.battery is not None:
        found.append(f"battery {told.battery} %" + (", charging" if told.charging else ""))
    if told.clock_error_ms is not None:
        found.append(f"clock known to {told.clock_error_ms} ms")
    return found


def warnings(guest: GuestRow, now_ms: float) -> list[str]:
    """Say what a director should look after, a sentence each."""
    told, found = guest.state or GuestState(), []
    silence_ms = guest.silent_ms(now_ms)
    if not guest.reachable:
        found.append("as last heard: this page has no connection to the room")
    elif not guest.member.present and guest.is_busy:
        found.append("as last heard: their recording goes on by itself while their page is open")
    if silence_ms:
        found.append(f"nothing heard for {silence_ms / 1000:.0f} s")
    if Alarm.UNWRITTEN in guest.alarms:
        found.append("nothing more is being written")
    if guest.is_waiting:
        found.append("came by the room's name; sees and hears nobody until you let them in")
    elif not guest.member.invited:
        found.append("came without an invitation")
    if told.hidden:
        found.append("has another tab in front")
    if told.muted:
        found.append("muted for the room; the recording hears them")
    if told.battery is not None and told.battery <= BATTERY_WARNING and not told.charging:
        found.append(f"battery at {told.battery} %")
    if told.minutes_left is not None and told.minutes_left < MINUTES_WARNING:
        found.append(f"space for {_minutes(told.minutes_left)} only")
    if told.clock_error_ms is not None and told.clock_error_ms > CLOCK_WARNING_MS:
        found.append(f"clock known to {told.clock_error_ms} ms only")
    return found


def _rate(told: GuestState) -> str:
    """The rate that is reached, beside the one that was asked for."""
    if told.state not in (TakeState.RECORDING, TakeState.PAUSED) or not told.kbps:
        return ""
    asked = words.rate(told.asked_video_kbps or told.asked_audio_kbps or 0)
    number, _, unit = words.rate(told.kbps).partition(" ")
    if asked.startswith("0 "):
        return f"{number} {unit}"
    return f"{number} of {asked}" if asked.endswith(unit) else f"{number} {unit} of {asked}"


def _minutes(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
