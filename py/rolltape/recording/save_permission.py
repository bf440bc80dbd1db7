"""The browser's own question before it saves another file of a page, and what is known because of it.

Chromium saves one file of a page without asking. Before the next one it asks whether the page may “Download multiple
files”, unless the person has pressed something on the page meanwhile. Until that is answered nothing of the file is
taken but what fits into a pipe, and the page hears nothing. Its answer to `permissions.query` for `background-fetch`
tells how it stands (browser quirk 20).
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["PIPE_BYTES", "SavePermission", "Saving", "has_begun", "is_asking", "saving"]

PIPE_BYTES = 2 << 20
"""More than fits between the service worker and a browser that has not begun to write: 64 kB were seen."""


class SavePermission(StrEnum):
    """The browser's answer on saving one more file of this page; the value is its own word (W3C Permissions)."""

    NO_QUESTION = ""
    """This browser does not ask, or does not tell."""
    FREE = "granted"
    """The next file is saved without asking."""
    ASKS = "prompt"
    """Before the next file it asks, or it is asking now; where the person allowed it for good, the file is saved."""
    REFUSED = "denied"
    """No file is saved: the person said no, or closed the question."""


def has_begun(before: SavePermission, now: SavePermission, taken: int, *, alone: bool) -> bool:
    """Return True if the browser writes a download for certain, as far as a page can know.

    `before` it was opened and `now`; `taken` bytes were acknowledged. Not `alone`: another download was opened in
    the same moment, so that what was free for one file may have been used up by the other.
    """
    if taken > PIPE_BYTES or now is SavePermission.NO_QUESTION:
        return True
    if before is SavePermission.REFUSED:
        return False
    return now is SavePermission.FREE or (before is SavePermission.FREE and alone)


def is_asking(before: SavePermission, now: SavePermission, taken: int) -> bool:
    """Return True if the browser's question about a download stands unanswered; arguments as those of `has_begun`."""
    return taken <= PIPE_BYTES and before is SavePermission.ASKS and now is SavePermission.ASKS


class Saving(StrEnum):
    """The ways in which this browser may save files, for the checks; the value is the row's `data-saving`."""

    ALLOWED = "allowed"
    """As many as there are, without a question."""
    UNKNOWN = "unknown"
    """One file; whether it asks before the next was not tried yet."""
    ASKS = "asks"
    """It asks before it saves the next one."""
    ASKING = "asking"
    """Its question is on the screen, or about to be."""
    REFUSED = "refused"
    """It saves none."""


def saving(permission: SavePermission, *, allowed_before: bool, asking: bool) -> Saving:
    """Return which way holds now. `allowed_before`: it was allowed at some time; `asking`: they are asked now."""
    if permission is SavePermission.REFUSED:
        return Saving.REFUSED
    if asking:
        return Saving.ASKING
    if permission is SavePermission.NO_QUESTION or allowed_before:
        return Saving.ALLOWED
    return Saving.ASKS if permission is SavePermission.ASKS else Saving.UNKNOWN
