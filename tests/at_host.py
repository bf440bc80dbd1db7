"""What a guest's browser holds and what has arrived at the host, by SHA-256, to be compared."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

JOURNAL = """async (name) => {
    const takes = await (await navigator.storage.getDirectory()).getDirectoryHandle("takes");
    const names = [];
    for await (const one of takes.keys()) names.push(one);
    const folder = await takes.getDirectoryHandle(names.sort().at(-1));
    const file = await (await folder.getFileHandle(name)).getFile();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    return [...hash].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}"""
"""The SHA-256 of a file of the newest take, by its name, in the page's own storage."""


def arrived(folder: Path) -> list[str]:
    """The SHA-256 of each recording that is complete at the host."""
    return [
        sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".webm", ".mkv", ".mp4", ".wav")
    ]
