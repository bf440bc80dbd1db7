"""What a page has told a person: what still holds, what is shown, and what is news the next time."""

from __future__ import annotations

from collections.abc import Sequence

from rolltape.core.notice import Level, Notice

__all__ = ["NoticeBoard"]


class NoticeBoard:
    """The notices of one page; a page shows `shown` and nothing else.

    A notice with a subject holds until its subject is lifted or told otherwise; a person may dismiss it, then it
    holds unseen. A notice without one tells of something that has happened, and is shown until it is dismissed.
    """

    def __init__(self) -> None:
        self._standing: dict[str, Notice] = {}
        self._shown: list[Notice] = []
        self._trouble = ""
        self._troubles_told = 0

    @property
    def shown(self) -> Sequence[Notice]:
        """The notices that a person sees now, oldest first, each once."""
        return tuple(self._shown)

    @property
    def standing(self) -> Sequence[Notice]:
        """Warnings and errors with a subject that hold now, dismissed or not, oldest first."""
        return tuple(one for one in self._standing.values() if one.level is not Level.INFO)

    @property
    def trouble(self) -> str:
        """The last warning or error without a subject since `forget_trouble`; empty: none."""
        return self._trouble

    @property
    def troubles_told(self) -> int:
        """Count of these in all; the same one again counts again."""
        return self._troubles_told

    def tell(self, notice: Notice) -> None:
        """Something has happened, or holds from now on. What holds already changes nothing, even if dismissed."""
        if notice.subject:
            before = self._standing.get(notice.subject)
            if before == notice:
                return
            self.lift(notice.subject)
            self._standing[notice.subject] = notice
        elif notice.level is not Level.INFO:
            self._trouble = notice.text
            self._troubles_told += 1
        if notice not in self._shown:
            self._shown.append(notice)

    def lift(self, subject: str) -> None:
        """Lift what was told of a subject: it is over, and the next time it is told anew. Unknown: nothing."""
        over = self._standing.pop(subject, None)
        if over is not None:
            self.dismiss(over)

    def dismiss(self, notice: Notice) -> None:
        """Take a notice away that a person has seen; whether it holds is another matter."""
        if notice in self._shown:
            self._shown.remove(notice)

    def forget_trouble(self) -> None:
        """Begin anew with `trouble`: what has happened so far is over; what holds, holds."""
        self._trouble = ""
