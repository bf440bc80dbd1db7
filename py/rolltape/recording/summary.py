"""What to tell a guest when a recording is over: where it is, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from rolltape.recording.take import Delivery, Take, TakeState
from rolltape.settings.codec import contents

__all__ = ["Afterwards", "afterwards"]

SEND = "Send it to whoever invited you, and keep it until they have it."
EDIT = "For editing, press “Save seekable copy” and send that one instead."
IN_FOLDER = "in the folder you chose"
TO_DOWNLOADS = "going to your Downloads folder; if a Save window is open, answer it"
"""A page does not learn whether the person has answered, or where to: the browser takes the bytes all the same."""
ARRIVES = "It is sent to {} by itself; you need not send it. Keep your file until it has arrived there."
SAVE = "Press “Save seekable copy” now, then send that to whoever invited you."


@dataclass(frozen=True)
class Afterwards:
    """A take's summary for its guest: what happened, where the file is, what to do next; a sentence or two each."""

    title: str
    where: str
    next: str


def afterwards(take: Take, sent_to: str = "") -> Afterwards:
    """Return the summary of a take that is over; `sent_to` is the host that it is on its way to, where it is."""
    if not take.bytes and not take.delivered:
        return Afterwards("Nothing was recorded.", take.error or "", "See the notices above, then try again.")
    if not take.delivered:
        next = ARRIVES.format(sent_to) if sent_to else SAVE
        return Afterwards(_title(take), f"{_files(take)} in this browser only.", next)
    where = f"{_files(take)} {_places(take)}."
    if not take.bytes:
        return Afterwards(_title(take), where, SEND)
    next = ARRIVES.format(sent_to) if sent_to else f"{SEND} {EDIT}"
    return Afterwards(_title(take), f"{where} A second copy is in this browser.", next)


def _title(take: Take) -> str:
    if take.state is not TakeState.FINISHED:
        return "The recording broke off."
    return "Finished, but something went wrong." if take.error else "Your recording is finished."


def _places(take: Take) -> str:
    """Where its files lie, or are going; parts may lie in two places."""
    known = [IN_FOLDER] if Delivery.FOLDER in take.delivered else []
    known += [TO_DOWNLOADS] if set(take.delivered) - {Delivery.FOLDER} else []
    return " and ".join(known)


def _files(take: Take) -> str:
    count = len(take.kept_parts)
    if count > 1:
        return f"{take.name} ({count} files, part1, part2 …) is"
    return f"{take.name}{contents(take.mime_type).ending} is"
