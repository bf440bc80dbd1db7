"""What a guest is told when a recording is over: in a card on the page, and aloud."""

from __future__ import annotations

from rolltape.pages import words
from rolltape.pages.document import Document
from rolltape.recording.summary import afterwards
from rolltape.recording.take import Take


def draw_after(document: Document, take: Take, sent_to: str = "", *, aloud: bool = True) -> None:
    """Show what became of a take, and say it `aloud`; `sent_to` is the host that it is on its way to."""
    told = afterwards(take, sent_to)
    document.text("after-title", told.title)
    document.text("after-where", told.where)
    facts = f"{words.clock(take.duration_ms)} · {words.size(take.bytes)}" if take.bytes else ""
    document.text("after-facts", facts)
    document.text("after-next", told.next)
    document.show("after-convert", bool(take.bytes))
    document.show("after", True)
    if aloud:
        document.say(f"{told.title} {told.where}")
