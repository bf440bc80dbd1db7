"""Folders and files below the one that takes are kept in, none of which a name can lead out of.

Each folder is opened by its name in the one above it and follows no symbolic link (openat(2), `O_NOFOLLOW`), so that
neither a name nor a link that somebody put there reaches another place. What is written is on the disk when a
method returns, unless it says otherwise.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Folder", "sync_content", "write_all"]

LOCK = "lock"
_UNDER_WAY = ".new"
"""How the name of a file ends that is still being written, to replace another one."""

sync_content = getattr(os, "fdatasync", os.fsync)
"""Have a file's bytes and size on the disk; its times may follow later."""


class Folder:
    """An open folder: a context manager that closes it. All methods raise OSError for what the disk says.

    Names are of files and folders right in it; a name that leads elsewhere raises ValueError, and a link is not
    followed. What changes names has synchronised them when it returns, as far as fsync guarantees that.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def root(cls, path: Path) -> Folder:
        """Open the folder that everything lies in; made if there is none."""
        path.mkdir(parents=True, exist_ok=True, mode=0o750)
        return cls(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder; those opened by it stay open."""
        os.close(self._fd)

    def folder(self, name: str, make: bool = False) -> Folder:
        """Open a folder in this one; `make` it if there is none."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return Folder(os.open(_checked(name), flags, dir_fd=self._fd))
        except FileNotFoundError:
            if not make:
                raise
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o750, dir_fd=self._fd)
            self.sync()
        return Folder(os.open(name, flags, dir_fd=self._fd))

    def path(self, *names: str) -> Folder:
        """Open a folder some steps down, by the names on the way. Raises FileNotFoundError."""
        held = self.folder(names[0])
        for name in names[1:]:
            with held as above:
                held = above.folder(name)
        return held

    def open(self, name: str, flags: int) -> int:
        """Open a regular file in it with `os.open`'s flags; return its descriptor, which the caller closes."""
        opened = os.open(
            _checked(name), flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o640, dir_fd=self._fd
        )
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise FileNotFoundError(f"{name} is no file")
        return opened

    def names(self) -> list[str]:
        """Return the names of what is in it, sorted."""
        return sorted(os.listdir(self._fd))  # noqa: PTH208 (a descriptor, no path)

    def stat(self, name: str) -> os.stat_result | None:
        """Return the `stat` of a file or folder in it; None if there is none."""
        try:
            return os.stat(_checked(name), dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def read(self, name: str) -> bytes:
        """Return the content of a small file. Raises FileNotFoundError."""
        with os.fdopen(self.open(name, os.O_RDONLY), "rb") as file:
            return file.read()

    def write(self, name: str, content: bytes) -> None:
        """Make or replace a file, on the disk; who reads it, whenever, finds all of the old content or of the new."""
        made = self.open(name + _UNDER_WAY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            write_all(made, content, 0)
            os.fsync(made)
        finally:
            os.close(made)
        self.rename(name + _UNDER_WAY, self, name)

    def rename(self, name: str, to: Folder, new: str) -> None:
        """Move a file into a folder under another name, in the place of one that bears it."""
        os.rename(_checked(name), _checked(new), src_dir_fd=self._fd, dst_dir_fd=to._fd)
        to.sync()
        if to._fd != self._fd:
            self.sync()

    def remove(self, name: str) -> None:
        """Remove a file; it is no error if there is none."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_checked(name), dir_fd=self._fd)
            self.sync()

    def remove_folder(self, name: str) -> None:
        """Remove a folder. Raises OSError where there is none, or it is not empty."""
        os.rmdir(_checked(name), dir_fd=self._fd)
        self.sync()

    def sync(self) -> None:
        """Have the names in this folder on the disk, as far as fsync says: not the content of its files."""
        os.fsync(self._fd)

    def free(self) -> tuple[int, int]:
        """Return how many bytes the disk has left for this process, and how many it has in all."""
        disk = os.fstatvfs(self._fd)
        return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this folder's lock (flock), which all our processes and threads go by; waits for whoever holds it."""
        held = self.open(LOCK, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)


def write_all(fd: int, content: bytes | memoryview, at: int) -> None:
    """Write all of it at this place; it is in the file then, but not yet on the disk. Raises OSError."""
    left = memoryview(content)
    while left:
        written = os.pwrite(fd, left, at)
        left, at = left[written:], at + written


def _checked(name: str) -> str:
    """Raises ValueError for what is no name of something in the folder: the last line of defence."""
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is no file's name")
    return name
