"""Draws a life cycle from its table, so that documents and code cannot differ."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

_State = TypeVar("_State", bound=StrEnum)
_Event = TypeVar("_Event", bound=StrEnum)


def state_diagram(first: _State, transitions: Mapping[_State, Mapping[_Event, _State]]) -> str:
    """Return the table as a Mermaid state diagram that begins in `first`; a state without events is an end."""
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    for state, row in transitions.items():
        for target in dict.fromkeys(row.values()):
            events = ", ".join(event for event in row if row[event] is target)
            lines.append(f"    {state} --> {target}: {events}")
        if not row:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines) + "\n"
