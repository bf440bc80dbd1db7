"""The document: text, states, rows, notices. The only module that touches elements."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence

from js import Element, Event, KeyboardEvent, console, document, performance, window
from pyodide.ffi import jsnull

from rolltape.browser.files import PickedFile
from rolltape.browser.interop import Listeners, maybe
from rolltape.core.errors import RolltapeError
from rolltape.core.notice import Level, Notice
from rolltape.core.notice_board import NoticeBoard

Handler = Callable[[], Awaitable[None] | None]
FIELDS = "input, select, textarea, video[controls], [contenteditable]"
"""Where a key means something else."""


class PageSection:
    """A part of the document, its elements named by `data-testid`; text never becomes markup."""

    def __init__(self, root: Element, page: Page) -> None:
        self._root = root
        self._page = page
        self._elements: dict[str, Element] = {}
        self._listeners = Listeners()
        self._awaited: Element | None = None

    def element(self, name: str) -> Element:
        """Return the element of this name; the empty name is the part itself. Raises KeyError."""
        if not name:
            return self._root
        if name not in self._elements:
            found = maybe(self._root.querySelector(f"[data-testid='{name}']"))
            if found is None:
                raise KeyError(name)
            self._elements[name] = found
        return self._elements[name]

    def text(self, name: str, text: str) -> None:
        """Set an element's text, if it is another."""
        element = self.element(name)
        if element.textContent != text:
            element.textContent = text

    def show(self, name: str, shown: bool) -> None:
        """Show or hide an element; the focus of a button that goes is handed to the one that takes its place."""
        element = self.element(name)
        had_focus = not shown and self._has_focus(element)
        element.hidden = not shown
        if had_focus:
            place = maybe(element.parentElement)
            other = maybe(place.querySelector(":scope > button:not([hidden])")) if place else None
            if other is not None:
                self._focus(other)

    def enable(self, name: str, enabled: bool) -> None:
        """Let a button or field be used, or not; one that had the focus has it again when it can be used again."""
        element = self.element(name)
        if element.disabled is not enabled:
            return
        had_focus = self._has_focus(element)
        element.disabled = not enabled
        if had_focus:
            self._focus(element)

    def _has_focus(self, element: Element) -> bool:
        """True if the keyboard is at an element, or was until that was disabled: browsers take it away then."""
        at = document.activeElement
        return at == element or (self._awaited == element and at == document.body)

    def _focus(self, element: Element) -> None:
        """Bring the keyboard to an element; to a disabled one as soon as it can be used."""
        self._awaited = element if element.disabled else None
        element.focus()

    def attribute(self, name: str, attribute: str, value: str) -> None:
        """Set an attribute; an empty `src` takes the media away."""
        element = self.element(name)
        if attribute == "src" and not value:
            element.removeAttribute("src")
            element.load()
        else:
            element.setAttribute(attribute, value)

    def picture(self, name: str, stream: object | None) -> None:
        """Show a stream in a video element; one that is shown already plays on."""
        element = self.element(name)
        if element.srcObject != (jsnull if stream is None else stream):
            element.srcObject = jsnull if stream is None else stream

    def sound(self, name: str, share: float) -> None:
        """Set how loud a video or audio element is, 0 to 1; at 0 it is muted, so that it may play unasked."""
        element = self.element(name)
        element.muted = share <= 0
        element.volume = min(1.0, max(0.0, share))

    def options(self, name: str, options: Sequence[tuple[str, str]], chosen: str) -> None:
        """Fill a select with (value, text) pairs."""
        made = []
        for value, text in options:
            option = document.createElement("option")
            option.value = value
            option.textContent = text
            made.append(option)
        select = self.element(name)
        select.replaceChildren(*made)
        select.value = chosen

    def fill(self, name: str, text: str) -> None:
        """Put a text into a field."""
        self.element(name).value = text

    def ticked(self, name: str) -> bool:
        """Return True if a box is ticked."""
        return bool(self.element(name).checked)

    def tick(self, name: str, on: bool) -> None:
        """Tick a box, or not."""
        self.element(name).checked = on

    def value(self, name: str) -> str:
        """Return what is typed or chosen in a field."""
        return str(self.element(name).value)

    def files(self, name: str) -> list[PickedFile]:
        """Return the files chosen in a field, in their order."""
        chosen = maybe(self.element(name).files)
        return [PickedFile(file) for file in chosen or ()]

    def on(self, name: str, event: str, handler: Handler) -> None:
        """Call the handler for each event; `enter` is the Enter key in a field.

        The second click of a double click is left out: on a button that starts and stops it would undo
        the first.
        """

        def handle(happened: Event) -> None:
            if event == "click" and getattr(happened, "detail", 0) > 1:
                return
            if event == "enter":
                if getattr(happened, "key", "") != "Enter":
                    return
                happened.preventDefault()
            self._page.handle(handler)

        self._listeners.add(self.element(name), "keydown" if event == "enter" else event, handle)

    def close(self) -> None:
        """Take the part out of the document, and its listeners off."""
        self._listeners.close()
        self._root.remove()


class Page(PageSection):
    """The whole document, its notices, its tasks."""

    def __init__(self) -> None:
        super().__init__(document.body, self)
        self._tasks: set[asyncio.Task[None]] = set()
        self._board = NoticeBoard()
        self._notices: dict[Notice, Element] = {}
        self._rows: dict[str, dict[str, PageSection]] = {}
        self._guard = Listeners()
        self._guarded = False
        asyncio.get_running_loop().set_exception_handler(self._on_lost_exception)

    def ready(self, page: str) -> None:
        """Show the page of this name; it can be used from now on."""
        document.querySelector("#starting").hidden = True
        document.querySelector(f"#{page}").hidden = False
        document.documentElement.dataset.ready = page
        performance.mark("rolltape-ready")

    def failed(self, notice: Notice) -> None:
        """Say that the page cannot be used."""
        document.querySelector("#starting").hidden = True
        document.documentElement.dataset.ready = "failed"
        self.notify(notice)

    def notify(self, notice: Notice) -> None:
        """Show a notice until it is dismissed, or its subject is lifted."""
        self._board.tell(notice)
        self._draw_notices()

    def lift(self, subject: str) -> None:
        """Take away what was told of a subject: it is over. Nothing happens where nothing was."""
        self._board.lift(subject)
        self._draw_notices()

    def standing(self) -> Sequence[Notice]:
        """Warnings and errors with a subject that hold now."""
        return self._board.standing

    def trouble(self) -> str:
        """Return the last warning or error without a subject that was told since `forget_trouble`; empty: none."""
        return self._board.trouble

    def troubles_told(self) -> int:
        """Return how many of these there were since the page was opened."""
        return self._board.troubles_told

    def forget_trouble(self) -> None:
        """Begin anew with `trouble`: what has happened so far is over."""
        self._board.forget_trouble()

    def _draw_notices(self) -> None:
        shown = self._board.shown
        for notice in [one for one in self._notices if one not in shown]:
            self._take_off(notice)
        for notice in shown:
            if notice not in self._notices:
                self._put_up(notice)

    def _put_up(self, notice: Notice) -> None:
        copy = document.querySelector("#notice-template").content.cloneNode(True).firstElementChild
        copy.setAttribute("data-level", notice.level)
        if notice.subject:
            copy.setAttribute("data-subject", notice.subject)
        copy.querySelector("p").textContent = notice.text
        document.querySelector("#notices").append(copy)
        self._notices[notice] = copy
        self._listeners.add(copy.querySelector("button"), "click", lambda event: self._dismiss(notice))

    def _dismiss(self, notice: Notice) -> None:
        self._board.dismiss(notice)
        self._draw_notices()

    def _take_off(self, notice: Notice) -> None:
        element = self._notices.pop(notice)
        button = element.querySelector("button")
        element.remove()
        # Its own listener may be running: take it off afterwards.
        asyncio.get_running_loop().call_soon(self._listeners.drop, button)

    def rows(self, name: str, template: str, ids: Sequence[str]) -> Mapping[str, PageSection]:
        """Make the list have one row for each id, in order; rows that stay are kept as they are."""
        rows = self._rows.setdefault(name, {})
        for id in [id for id in rows if id not in ids]:
            rows.pop(id).close()
        for id in ids:
            if id not in rows:
                copy = document.querySelector(f"#{template}").content.cloneNode(True).firstElementChild
                rows[id] = PageSection(copy, self)
        if list(rows) != list(ids):
            self._rows[name] = rows = {id: rows[id] for id in ids}
        holder = self.element(name)
        for position, id in enumerate(ids):
            row = rows[id].element("")
            if len(holder.children) <= position or holder.children[position] != row:
                holder.append(row)
        return rows

    def say(self, sentence: str) -> None:
        """Have a screen reader say that something has changed."""
        self.text("said", sentence)

    def focus(self, name: str) -> None:
        """Put the keyboard's focus on an element."""
        self.element(name).focus()

    def title(self, text: str) -> None:
        """Name the tab."""
        document.title = text

    def dress(self) -> None:
        """Draw the page in the theme that is kept on this machine."""
        window.rolltapeDress()

    def dialog(self, name: str, opened: bool) -> None:
        """Open a dialog, its first field selected, or close it."""
        dialog = self.element(name)
        if opened and not dialog.open:
            dialog.showModal()
            field = dialog.querySelector("input")
            field.focus()
            field.select()
        elif not opened:
            dialog.close()

    def open(self, name: str, opened: bool) -> None:
        """Open or close a `details` element."""
        self.element(name).open = opened

    def on_key(self, key: str, handler: Handler) -> None:
        """Call the handler when this key is pressed by itself: not in a field, not while a dialog is open."""

        def handle(event: KeyboardEvent) -> None:
            with_others = event.repeat or event.ctrlKey or event.altKey or event.metaKey or event.shiftKey
            if event.key.lower() != key or with_others or event.defaultPrevented:
                return
            focused = maybe(document.activeElement)
            if focused is not None and maybe(focused.closest(FIELDS)):
                return
            if maybe(document.querySelector("dialog[open]")):
                return
            self.handle(handler)

        self._listeners.add(window, "keydown", handle)

    def guard(self, on: bool) -> None:
        """Have the browser ask before the page is left, or leave it unasked again.

        Browsers ask only where somebody has touched the page, and phones often not at all.
        """
        if on == self._guarded:
            return
        self._guarded = on
        if on:
            self._guard.add(window, "beforeunload", lambda event: event.preventDefault())
        else:
            self._guard.close()

    def handle(self, handler: Handler) -> None:
        """Run a handler, or the task it gives; what it raises becomes a notice."""
        try:
            result = handler()
        except Exception as error:
            self.report(error)
            return
        if inspect.isawaitable(result):
            self.spawn(result)

    def spawn(self, work: Awaitable[None]) -> None:
        """Run a task of the page's own; what it raises becomes a notice."""
        task = asyncio.ensure_future(self._reported(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reported(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            self.report(error)

    def report(self, error: BaseException) -> None:
        """Show an error that nobody expected, and log it."""
        console.error("".join(traceback.format_exception(error)))
        sentence = error.sentence if isinstance(error, RolltapeError) else f"Something went wrong: {error}."
        self.notify(Notice(Level.ERROR, sentence))

    def _on_lost_exception(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self.report(error)
        else:
            console.error(str(context.get("message")))
