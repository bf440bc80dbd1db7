"""A view that touches the document only for what is new: pages draw twenty guests four times a second."""

from __future__ import annotations

from rolltape.pages.document import View


class CachedView:
    """Hands on to `view` what is another than the last time; nobody else may change that view meanwhile."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.files, self.on, self.fill = view.files, view.on, view.fill
        self.options, self.tick, self.ticked = view.options, view.tick, view.ticked
        self._drawn: dict[tuple[str, ...], object] = {}

    def text(self, name: str, text: str) -> None:
        """Set an element's text."""
        if self._is_new(text, "text", name):
            self.view.text(name, text)

    def show(self, name: str, shown: bool) -> None:
        """Show or hide an element."""
        if self._is_new(shown, "show", name):
            self.view.show(name, shown)

    def enable(self, name: str, enabled: bool) -> None:
        """Let a button or field be used, or not."""
        if self._is_new(enabled, "enable", name):
            self.view.enable(name, enabled)

    def attribute(self, name: str, attribute: str, value: str) -> None:
        """Set an attribute."""
        if self._is_new(value, "attribute", name, attribute):
            self.view.attribute(name, attribute, value)

    def picture(self, name: str, stream: object | None) -> None:
        """Show a stream; the view itself knows which is shown."""
        self.view.picture(name, stream)

    def sound(self, name: str, share: float) -> None:
        """Set how loud a video is, 0 to 1."""
        if self._is_new(share, "sound", name):
            self.view.sound(name, share)

    def value(self, name: str) -> str:
        """Return what is typed or chosen."""
        return self.view.value(name)

    def _is_new(self, value: object, *what: str) -> bool:
        if what in self._drawn and self._drawn[what] == value:
            return False
        self._drawn[what] = value
        return True
