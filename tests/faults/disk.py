"""A disk of its own under a browser, and the power that goes: what had not reached the disk by then is gone.

A copy of a disk's image, taken while the browser writes to it, is what the disk holds after a power cut: what the
system still kept in memory is not in it. What it is not: a drive whose own cache loses what it had confirmed.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

SIZE = "1500M"


class NoDisk(Exception):
    """Disks cannot be mounted here."""


class Disk:
    """An ext4 file system in an image file."""

    def __init__(self, image: Path) -> None:
        self._image = image
        self._mounted: Path | None = None
        self._cuts = 0

    @classmethod
    def made(cls, image: Path) -> Disk:
        """An empty one. Raises NoDisk."""
        _run("truncate", "-s", SIZE, str(image))
        _run("mkfs.ext4", "-q", "-F", str(image))
        return cls(image)

    def mount(self, folder: Path) -> None:
        """Put it under this folder. Raises NoDisk."""
        folder.mkdir(parents=True, exist_ok=True)
        _run("mount", "-o", "loop", str(self._image), str(folder))
        self._mounted = folder

    def cut(self) -> Disk:
        """The disk as it would be if the power went now; whoever uses this one does not notice."""
        self._cuts += 1
        copy = self._image.with_name(f"{self._image.stem}-{self._cuts}.img")
        _run("cp", "--sparse=always", str(self._image), str(copy))
        return Disk(copy)

    def settle(self) -> None:
        """Have all of it reach the disk, as after a while without a recording."""
        if self._mounted is not None:
            _run("sync", "-f", str(self._mounted))

    def close(self) -> None:
        """Take it away from its folder, and delete it."""
        if self._mounted is not None:
            subprocess.run(["umount", "-l", str(self._mounted)], check=False)
        self._image.unlink(missing_ok=True)


def forget_locks(profile: Path) -> None:
    """Take away a browser's marks that its profile is in use: the process they name went with the power."""
    for mark in (*profile.glob("Singleton*"), profile / "lock", profile / ".parentlock"):
        mark.unlink(missing_ok=True)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise NoDisk(f"Only root can mount a disk of its own: {said.strip()}") from error
