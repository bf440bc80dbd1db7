"""A life cycle as a table, state by event: which state follows, and the same drawn, so that documents cannot differ.

A table names its states and events once (`recording/take.py`, `arrivals/upload_state.py`); what is not in it cannot
happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias, TypeVar

__all__ = ["Transitions", "WrongMoment", "following_state", "state_diagram"]

_State = TypeVar("_State", bound=StrEnum)
_Event = TypeVar("_Event", bound=StrEnum)

Transitions: TypeAlias = Mapping[_State, Mapping[_Event, _State]]
"""The state that follows on an event, by state and event; every state has a row, an end an empty one."""


class WrongMoment(Exception):
    """Something happened that cannot happen in its state: a mistake of the caller's, not of a person's."""

    def __init__(self, what: str, state: StrEnum, event: StrEnum, possible: Mapping[_Event, object]) -> None:
        named = " or ".join(f"“{name}”" for name in possible) or "nothing more"
        super().__init__(f"The {what} was {state} when “{event}” came; {named} was expected.")
        self.state = state
        self.event = event


def following_state(what: str, table: Transitions[_State, _Event], state: _State, event: _Event) -> _State:
    """Return the state after an event; `what` names the thing in a sentence. Raises WrongMoment if there is none."""
    following = table[state].get(event)
    if following is None:
        raise WrongMoment(what, state, event, table[state])
    return following


def state_diagram(first: _State, table: Transitions[_State, _Event]) -> str:
    """Return the table as a Mermaid state diagram that begins in `first`; a state without events is an end."""
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    for state, row in table.items():
        for target in dict.fromkeys(row.values()):
            events = ", ".join(event for event in row if row[event] is target)
            lines.append(f"    {state} --> {target}: {events}")
        if not row:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines) + "\n"
