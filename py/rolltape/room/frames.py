"""How a message travels on a room's WebSocket: one JSON object a frame, its event and its number first.

The number is the page's own: the server's answer to a frame carries it. Whoever reads a frame needs the beginning
only to know what it is; the rest stays text until somebody reads it (`room/wire.py`), or is handed on as it is.

>>> framed("state", '{"v":2,"bytes":7}', 3)
'{"event":"state","n":3,"v":2,"bytes":7}'
>>> unframed('{"event":"state","n":3,"v":2,"bytes":7}')
Frame(event='state', number=3, text='{"v":2,"bytes":7}')
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ANSWER", "CLOCK", "PING", "PONG", "Frame", "framed", "unframed"]

ANSWER = "done"
"""The server's, to a frame with this number: `said` is empty, or says why it was not handed on, or what was asked."""
CLOCK = "clock"
"""A page's: what time is it at the server?"""
PING, PONG = "ping", "pong"
"""The server's to a page that has been silent, and the page's to that."""

_HEAD = re.compile(r'\{"event":"([a-z-]{1,20})","n":(\d{1,9})([,}])')


@dataclass(frozen=True)
class Frame:
    """One frame, taken apart: event, number and message."""

    event: str
    """Lower-case letters and hyphens, 20 at most."""
    number: int
    """0 to 999 999 999."""
    text: str
    """The message's JSON, without event and number."""


def framed(event: str, text: str = "{}", number: int = 0) -> str:
    """Write a frame; `text` is a JSON object without space before its first field, `number` the sender's own count.

    0 is for what needs no answer.
    """
    head = f'{{"event":"{event}","n":{number}'
    return f"{head}}}" if text == "{}" else f"{head},{text[1:]}"


def unframed(said: object) -> Frame | None:
    """Read the beginning of a frame; None if it is none, whatever was received. The rest may be no JSON."""
    found = _HEAD.match(said) if isinstance(said, str) else None
    if found is None or not isinstance(said, str):
        return None
    event, number, after = found.groups()
    if after == "}":
        return Frame(event, int(number), "{}") if found.end() == len(said) else None
    return Frame(event, int(number), "{" + said[found.end() :])
