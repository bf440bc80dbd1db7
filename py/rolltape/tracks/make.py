"""Tracks of a session's folder: everybody's sound as one file each, all in step and equally long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rolltape.core.desk import Progress, whole_file
from rolltape.core.errors import ConvertError, RolltapeError
from rolltape.core.naming import free_name, safe_name
from rolltape.core.notice import plain_text
from rolltape.tracks.audio_file import hear
from rolltape.tracks.outputs import FlacFile, SoundKind, SoundOutput, WavFile
from rolltape.tracks.place import Heard, placed
from rolltape.tracks.plan import RATE, Placed, Track, first_ms, tracks
from rolltape.tracks.session import PartFacts, Session, TakeFacts, read_session
from rolltape.tracks.sound import write_sound

__all__ = ["Wanted", "make"]

MOST_HOURS = 72
Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    folder: Path
    output: Path
    sound: SoundKind = SoundKind.WAV
    only: str = ""
    """A guest's name; empty: everybody."""
    force: bool = False


@dataclass(frozen=True)
class _Files:
    """The session's files, by number."""

    paths: tuple[Path, ...]
    heard: tuple[Heard, ...]
    by_name: dict[str, list[Placed]]
    is_whole: bool
    """False: one of them is missing, or cannot be read."""


def make(wanted: Wanted, told: Callable[[Path], None], say: Say) -> bool:
    """Make the tracks; `told` hears of each file that is there, `say` sentences. True if nothing was left out.

    Raises OSError, ValueError where the session cannot be read, ConvertError where there is nothing to make.
    """
    session = read_session(wanted.folder)
    files = _files(session, wanted.folder, say)
    began_ms = first_ms(one for row in files.by_name.values() for one in row)
    if began_ms is None:
        raise ConvertError(f"None of the session's recordings in {wanted.folder} has sound that can be read.")
    everybody = tracks(dict(files.by_name), began_ms)
    hours = everybody[0].length / RATE / 3600
    if hours > MOST_HOURS:
        raise ConvertError(
            f"The tracks would be {hours:.0f} hours long: the clock of one of the takes was wrong."
        )
    chosen = [one for one in everybody if one.pieces and wanted.only in ("", one.name)]
    if not chosen:
        raise ConvertError(f"Nobody called {wanted.only} is in the session: {', '.join(files.by_name)} are.")
    wanted.output.mkdir(parents=True, exist_ok=True)
    began = session.began and session.began + timedelta(milliseconds=began_ms - session.first_ms)
    is_whole = files.is_whole
    for track, place in zip(chosen, _places(files.by_name, chosen, wanted), strict=True):
        try:
            _write(track, place, files, began, wanted, say)
        except (RolltapeError, OSError) as error:
            is_whole = False
            say(_sentence(error, str(place)))
        else:
            told(place)
    return is_whole


def _files(session: Session, folder: Path, say: Say) -> _Files:
    paths: list[Path] = []
    heard: list[Heard] = []
    by_name: dict[str, list[Placed]] = {}
    names = _names(session.takes)
    is_whole = True
    for take, part in [(one, part) for one in session.takes for part in one.parts]:
        own = by_name.setdefault(names[_who(take)], [])
        try:
            path, sound = _found(part, folder)
        except (RolltapeError, OSError) as error:
            is_whole = False
            say(f"{_sentence(error, part.file)} There is silence in its place.")
            continue
        segments = placed(part, sound, take.room_clock(part, session.first_ms))
        own.append(Placed(len(paths), sound.rate, tuple(segments)))
        paths.append(path)
        heard.append(sound)
    return _Files(tuple(paths), tuple(heard), by_name, is_whole)


def _found(part: PartFacts, folder: Path) -> tuple[Path, Heard]:
    path = part.found_in(folder)
    if path is None:
        raise ConvertError(f"{plain_text(part.file)} is not in {folder}.")
    return path, hear(path)


def _who(take: TakeFacts) -> str:
    return take.guest_id or take.guest


def _names(takes: Sequence[TakeFacts]) -> dict[str, str]:
    """A name for each guest, as they were last called; two of one name get the beginning of their ids."""
    last = {_who(take): take.guest or "Guest" for take in takes}
    called = list(last.values())
    return {who: name if called.count(name) == 1 else f"{name} ({who[:4]})" for who, name in last.items()}


def _places(by_name: dict[str, list[Placed]], chosen: Sequence[Track], wanted: Wanted) -> Iterator[Path]:
    """Where each track goes: the same name, whoever else is chosen."""
    taken: list[str] = []
    for name in by_name:
        taken.append(free_name(f"{safe_name(name)}.{wanted.sound}", taken))
    by_track = dict(zip(by_name, taken, strict=True))
    return (wanted.output / by_track[track.name] for track in chosen)


def _write(
    track: Track, place: Path, files: _Files, began: datetime | None, wanted: Wanted, say: Say
) -> None:
    channels = max(files.heard[piece.file].channels for piece in track.pieces)
    progress = Progress()
    try:
        with (
            whole_file(place, wanted.force) as partial,
            _opened(partial, wanted.sound, channels, track.length, began) as output,
        ):
            broken = write_sound(
                track, files.paths, channels, output, lambda share: progress.show(place.name, share)
            )
    finally:
        progress.clear()
    for file, samples in broken.items():
        seconds = samples / files.heard[file].rate
        say(f"{files.paths[file].name} is damaged: {seconds:.2f} s of its sound are silence.")


def _opened(path: Path, kind: SoundKind, channels: int, samples: int, began: datetime | None) -> SoundOutput:
    if kind is SoundKind.FLAC:
        return FlacFile(path, channels)
    return WavFile(path, channels, samples, began)


def _sentence(error: RolltapeError | OSError, name: str) -> str:
    if isinstance(error, RolltapeError):
        return error.sentence
    return f"{error.filename or plain_text(name)}: {error.strerror or error}."
