"""The colours of every page: dark like a studio, light, or as the system is; one button goes round.

Dark is the default and not the system's colours: browsers report "light" for everybody who never chose.
"""

from __future__ import annotations

from rolltape.pages.document import Document
from rolltape.pages.interfaces import Memory

CHOICES = ("dark", "light", "system")
WORDS = {"dark": "dark", "light": "light", "system": "as the system"}
MEMORY = "theme"
"""`static/theme.js` reads it before anything is painted."""


def following(choice: str) -> str:
    """Return the choice after this one, in the order in which the button goes through them."""
    return CHOICES[(CHOICES.index(choice) + 1) % len(CHOICES)]


class ThemeButton:
    """The button in the bar of every page that goes from one theme to the next and keeps the choice on this machine.

    Making one shows it. Where storage is blocked, the choice is lost with the page.
    """

    def __init__(self, document: Document, browser: Memory) -> None:
        self._document = document
        self._browser = browser
        document.on("theme", "click", self._on_click)
        document.show("theme", True)
        self._draw()

    @property
    def _choice(self) -> str:
        kept = self._browser.kept(MEMORY)
        return kept if kept in CHOICES else CHOICES[0]

    def _on_click(self) -> None:
        self._browser.keep(MEMORY, following(self._choice))
        self._document.dress()
        self._draw()
        self._document.say(f"Colours: {WORDS[self._choice]}")

    def _draw(self) -> None:
        words = f"Colours: {WORDS[self._choice]}; change to {WORDS[following(self._choice)]}"
        self._document.attribute("theme", "data-choice", self._choice)
        self._document.attribute("theme", "aria-label", words)
        self._document.attribute("theme", "title", words)
