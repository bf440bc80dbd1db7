"""What a guest is told of an upload: one sentence or two, true at that moment."""

from __future__ import annotations

from rolltape.arrivals.upload import Upload
from rolltape.arrivals.upload_notes import Choice
from rolltape.arrivals.upload_state import UploadState
from rolltape.pages import words

__all__ = ["consent", "data_state", "is_needed", "sentence", "share"]

ARRIVED = "Everything has arrived. You may close this page."
AFTERWARDS = "It is sent to {to} when the recording is over."
NOT_SENT = "It is not sent to {to}."


def consent(to: str, room: str) -> str:
    """Return what a guest is told before the first byte is sent: to which host a recording goes, and for whom."""
    return f"Your recording is also sent to {to}, for the director of “{room}”. It stays on your machine as well."


def data_state(state: UploadState) -> str:
    """Return the value of the page's `data-state`: while both sides compare, it is still `closing`."""
    return UploadState.CLOSING if state is UploadState.PROVING else state


def share(upload: Upload) -> float:
    """Return the share of what there is by now that lies at the host, 0 to 1; 0 where there is nothing yet."""
    total = upload.total
    return min(1.0, upload.arrived / total) if total else 0.0


def is_needed(upload: Upload) -> bool:
    """True while closing the page would hold an upload up that is nearly there."""
    sending = (UploadState.SENDING, UploadState.CLOSING, UploadState.PROVING)
    return upload.state in sending and upload.now().is_over


def sentence(upload: Upload) -> str:
    """Return what the guest is told of an upload now; it is out of date with the next event of it."""
    to, over = upload.notes.to or "the host", upload.now().is_over
    match upload.state:
        case UploadState.OFF:
            return NOT_SENT.format(to=to)
        case UploadState.ARRIVED:
            return ARRIVED
        case UploadState.REFUSED:
            return f"{upload.why} It is not sent to {to}; your recording is on this machine.".strip()
        case UploadState.WITHDRAWN:
            why = upload.why or f"You have withdrawn it: {to} keeps nothing of it."
            return f"{why} Your recording is on this machine."
        case UploadState.PAUSED:
            return f"Sending to {to} is paused. {_there(upload)}"
        case UploadState.WAITING:
            keeps = "Your recording is safe on this machine, and sending goes on by itself"
            later = ", also when you open this page another day." if over else "."
            return f"{upload.why} {keeps}{later} {_there(upload)}"
        case UploadState.PROVING:
            return (
                f"{to} has all of it and is comparing it with what is here. Keep this page open for a moment."
            )
        case _ if over:
            return (
                f"Sending the rest to {to}: {share(upload):.0%} is there. Keep this page open for a moment."
            )
        case _ if upload.notes.choice is Choice.AFTER:
            return AFTERWARDS.format(to=to)
        case _:
            return f"Sending to {to} while you record. {words.size(upload.arrived)} are there."


def _there(upload: Upload) -> str:
    return f"{words.size(upload.arrived)} of {words.size(upload.total)} are there."
