"""What a guest is called: by their link, by themselves in a field of the page, or by a director."""

from __future__ import annotations

from collections.abc import Callable

from rolltape.core.notice import plain_text, shortened
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Memory
from rolltape.recording.deck_interfaces import Title
from rolltape.settings.query import MAX_LABEL

__all__ = ["GuestName"]

TYPED_MEMORY = "name"


class GuestName:
    """The name that takes are called after, in `room` or in none."""

    def __init__(self, label: str | None, room: str | None, document: Document, browser: Memory) -> None:
        """`label` is what the link says."""
        self.room = room
        self.nameless: Callable[[], str] = lambda: ""
        """What a guest without a name is called in their room."""
        self._is_asked = label is None
        self._name = label
        self._document = document
        self._browser = browser

    @property
    def label(self) -> str | None:
        """The name, or what stands for one."""
        return self._name or self.nameless() or None

    @property
    def title(self) -> Title:
        """What a take that begins now is called after."""
        return Title(self.label, self.room)

    def open(self, changed: Callable[[], None]) -> None:
        """In a room: ask who the link does not name; `changed` is called when they are done typing.

        One link is for everybody: what is typed is remembered on this machine, what a director says in this tab.
        """
        document = self._document
        document.on("your-name", "input", self._on_typed)
        document.on("your-name", "change", changed)
        document.show("name-field", self._is_asked)
        typed = self._browser.kept(TYPED_MEMORY) if self._is_asked else ""
        self._use(self._browser.remembered(self._given_memory) or typed or self._name or "")

    def rename(self, label: str) -> None:
        """Take the name that a director gives; it lasts as long as this tab, over a reload too."""
        self._browser.remember(self._given_memory, label)
        self._use(label)

    def _use(self, label: str) -> None:
        self._name = label or None
        self._document.fill("your-name", label)

    def _on_typed(self) -> None:
        name = shortened(plain_text(self._document.value("your-name")), MAX_LABEL)  # as a link's
        self._browser.keep(TYPED_MEMORY, name)
        self._browser.remember(self._given_memory, "")
        self._name = name or None

    @property
    def _given_memory(self) -> str:
        return f"named-in-{self.room}"
