"""What is told of a take while it is made: what happens, each time it does; what holds, until it is over."""

from __future__ import annotations

from collections.abc import Callable

from rolltape.core.notice import Level, Notice

__all__ = ["HOLE", "NOTES", "PartNotices", "TakeNotices"]

HOLE = "hole"
"""The subject of the last hole in a take's files: a person may have been away when it came."""
NOTES = "notes"
"""The subject of notes that could not be written."""
LASTING = (HOLE, NOTES)
"""What holds of a take that is over too; it stays until the next one begins."""


class TakeNotices:
    """The notices of one take, to be told by `notify` and lifted by `lift`.

    What holds may hold for several parts at once, and is lifted with the last of them.
    """

    def __init__(self, notify: Callable[[Notice], None], lift: Callable[[str], None]) -> None:
        self.notify = notify
        self._lift = lift
        self._holders: dict[str, set[int]] = {}
        self._sentences: dict[str, str] = {}

    def begin(self) -> None:
        """Lift what was left of the take before; `Recording.run` calls it first."""
        for subject in LASTING:
            self._lift(subject)

    def tell(self, level: Level, sentence: str) -> None:
        """Tell the person that something has happened; if it happens again it is told again."""
        self.notify(Notice(level, sentence))

    def hold(self, subject: str, level: Level, sentence: str, part: int = 0) -> None:
        """Something holds from now on, for a part, or with 0 for the whole take; told again only in other words."""
        self._holders.setdefault(subject, set()).add(part)
        if self._sentences.get(subject) != sentence:
            self._sentences[subject] = sentence
            self.notify(Notice(level, sentence, subject))

    def over(self, subject: str, part: int = 0) -> None:
        """It holds no more for this part, and is lifted once it holds for none; nothing happens if it did not."""
        holders = self._holders.get(subject)
        if holders is not None:
            holders.discard(part)
            if not holders:
                del self._holders[subject], self._sentences[subject]
                self._lift(subject)

    def part_over(self, part: int) -> None:
        """Lift all that holds for this part alone: it is closed."""
        for subject in list(self._holders):
            self.over(subject, part)

    def end(self) -> None:
        """Lift all that holds but what lasts: the take is over."""
        for subject in list(self._holders):
            if subject not in LASTING:
                self._lift(subject)
        self._holders.clear()
        self._sentences.clear()

    def of_part(self, number: int) -> PartNotices:
        """Return the same for what the part of this number has to tell."""
        return PartNotices(self, number)


class PartNotices:
    """Passes on what one part has to tell, so that it is known which one; the recording's notices tell the person."""

    def __init__(self, notices: TakeNotices, number: int) -> None:
        self._notices = notices
        self._number = number

    def tell(self, level: Level, sentence: str) -> None:
        """Tell the person that something has happened, in a sentence."""
        self._notices.tell(level, sentence)

    def hold(self, subject: str, level: Level, sentence: str) -> None:
        """Tell the person what holds from now until `over`, and no longer than the part."""
        self._notices.hold(subject, level, sentence, self._number)

    def tell_hole(self, sentence: str) -> None:
        """Tell of another hole, in the place of the one that was told before."""
        self._notices.hold(HOLE, Level.WARNING, sentence)

    def over(self, subject: str) -> None:
        """Take away what this part holds on the subject; another part's stays. Without one, nothing is done."""
        self._notices.over(subject, self._number)

    def all_over(self) -> None:
        """Take away all that this part holds; its recorder calls it when the part is closed."""
        self._notices.part_over(self._number)
