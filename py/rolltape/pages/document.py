"""What pages ask of their document: `browser/page.py` implements it, `tests/page_fakes.py` does without a browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from rolltape.core.notice import Notice
from rolltape.recording.sinks import StoredBytes

__all__ = ["Document", "Handler", "Picked", "View"]


Handler = Callable[[], Awaitable[None] | None]
"""Called for an event; what it raises, or the task that it gives raises, becomes a notice."""


class Picked(StoredBytes, Protocol):
    """A file that a person chose."""

    @property
    def name(self) -> str:
        """Its name."""


class View(Protocol):
    """A part of the document; elements are named by their `data-testid`. Text never becomes markup."""

    def text(self, name: str, text: str) -> None:
        """Set an element's text."""

    def show(self, name: str, shown: bool) -> None:
        """Show or hide an element."""

    def enable(self, name: str, enabled: bool) -> None:
        """Let a button or field be used, or not."""

    def attribute(self, name: str, attribute: str, value: str) -> None:
        """Set an attribute of an element; the empty name is the part itself."""

    def picture(self, name: str, stream: object | None) -> None:
        """Show a stream in a video element."""

    def sound(self, name: str, share: float) -> None:
        """Set a video's volume, 0 to 1; at 0 it is muted, so that it may play unasked."""

    def fill(self, name: str, text: str) -> None:
        """Put a text into a field."""

    def value(self, name: str) -> str:
        """Return what is typed or chosen in a field."""

    def ticked(self, name: str) -> bool:
        """Return True if a box is ticked."""

    def tick(self, name: str, on: bool) -> None:
        """Tick a box, or not."""

    def options(self, name: str, options: Sequence[tuple[str, str]], chosen: str) -> None:
        """Fill a select with (value, text) pairs."""

    def files(self, name: str) -> Sequence[Picked]:
        """Return the files chosen in a field, in their order."""

    def on(self, name: str, event: str, handler: Handler) -> None:
        """Call the handler for each event; what it raises becomes a notice."""


class Document(View, Protocol):
    """The whole page."""

    def ready(self, page: str) -> None:
        """Show the page of this name; it can be used from now on."""

    def notify(self, notice: Notice) -> None:
        """Show a notice; one that is shown already is not shown twice.

        One with a subject takes the place of what was told of that, and holds until `lift`, on this page and, if it
        is a warning, for the directors of a guest.
        """

    def lift(self, subject: str) -> None:
        """Take away what was told of a subject, since its cause has ended; the next time it is told anew."""

    def standing(self) -> Sequence[Notice]:
        """Warnings and errors with a subject that hold now, dismissed or not, oldest first."""

    def report(self, error: BaseException) -> None:
        """Show an error that nobody expected, and log it."""

    def trouble(self) -> str:
        """Return the last warning or error without a subject that was told since `forget_trouble`; empty: none."""

    def troubles_told(self) -> int:
        """Count of these since the page was opened."""

    def forget_trouble(self) -> None:
        """Forget what was told so far; `trouble` is empty until something new is told."""

    def rows(self, name: str, template: str, ids: Sequence[str]) -> Mapping[str, View]:
        """Make the list have one row for each id, in order; rows that stay are kept as they are."""

    def say(self, sentence: str) -> None:
        """Have a screen reader say that something has changed; nothing is seen of it."""

    def focus(self, name: str) -> None:
        """Put the keyboard's focus on an element."""

    def title(self, text: str) -> None:
        """Name the tab."""

    def dress(self) -> None:
        """Draw the page in the theme that is kept on this machine (`pages/theme.py`)."""

    def dialog(self, name: str, opened: bool) -> None:
        """Open a dialog, its first field selected, or close it."""

    def open(self, name: str, opened: bool) -> None:
        """Open or close a `details` element."""

    def on_key(self, key: str, handler: Handler) -> None:
        """Call the handler when this key is pressed by itself: not in a field, not while a dialog is open."""

    def guard(self, on: bool) -> None:
        """Have the browser ask before the page is left, or leave it unasked again.

        Browsers ask only where somebody has touched the page, and phones often not at all.
        """

    def spawn(self, work: Awaitable[None]) -> None:
        """Run a task of the page's own; what it raises becomes a notice."""
