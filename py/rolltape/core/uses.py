"""Who uses what: a thing that several use is released when the last of them has let go of it."""

from __future__ import annotations

from collections.abc import Callable


class Uses:
    """Counts the users of things by name."""

    def __init__(self) -> None:
        self._users: dict[str, set[object]] = {}
        self._releases: dict[str, Callable[[], object]] = {}

    def use(self, name: str, release: Callable[[], object]) -> Callable[[], None]:
        """One more user of the thing of this name; calling the result lets go of it, again does nothing.

        `release` is called when nobody uses it any more; what it raises reaches who let go last.
        """
        user = object()
        self._users.setdefault(name, set()).add(user)
        self._releases[name] = release

        def let_go() -> None:
            users = self._users.get(name, set())
            if user in users:
                users.remove(user)
                if not users:
                    self._release(name)

        return let_go

    def release_all(self) -> None:
        """Release everything now, whoever uses it."""
        for name in list(self._users):
            self._release(name)

    def _release(self, name: str) -> None:
        del self._users[name]
        self._releases.pop(name)()
