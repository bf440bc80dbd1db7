"""Tracks of a session's folder: everybody's sound, then their pictures, all in step and equally long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from rolltape.core.desk import remove_left_behind, whole_file
from rolltape.core.errors import ConvertError, RolltapeError
from rolltape.core.naming import free_name, safe_name
from rolltape.core.notice import plain_text
from rolltape.tracks.audio_file import hear
from rolltape.tracks.fcpxml import final_cut_project
from rolltape.tracks.films import Film, Filmed, FilmListener, write_film
from rolltape.tracks.look import look
from rolltape.tracks.mix import write_mix
from rolltape.tracks.orders import SoundOrder
from rolltape.tracks.otio import timeline
from rolltape.tracks.outputs import PictureKind, SoundKind, opened_sound
from rolltape.tracks.picture_plan import Seen, frame_rate
from rolltape.tracks.place import placed
from rolltape.tracks.plan import RATE, GuestTrack, PlacedFile, first_ms, tracks
from rolltape.tracks.project import Made
from rolltape.tracks.reaper import reaper_project
from rolltape.tracks.report import Used, report_json, report_plain
from rolltape.tracks.report_page import report_page
from rolltape.tracks.session import PartFacts, Session, TakeFacts, read_session
from rolltape.tracks.sounds import write_sounds
from rolltape.tracks.video_file import see

__all__ = ["REPORT", "Listener", "Wanted", "make"]

MOST_HOURS = 72
REPORT, PROJECT, MIX = "report.json", "tracks", "mix"
REPORT_PAGE = "report.html"


class Listener(FilmListener, Protocol):
    """Hears how the making goes on, in the thread that makes."""

    def made(self, place: Path) -> None:
        """Be told that a file is there, whole, under its name."""


@dataclass(frozen=True)
class Wanted:
    """What is to be made of a session: by the command line, or by a worker for a director."""

    folder: Path
    output: Path
    sound: SoundKind = SoundKind.WAV
    picture: PictureKind = PictureKind.MP4
    """What who has pictures gets."""
    rate: int | None = None
    """Frames a second; None: what comes nearest to the cameras'."""
    mix: bool = False
    """Whether there is to be a rough mix of everybody."""
    projects: tuple[str, ...] = ("otio", "fcpxml", "rpp")
    """The projects for editors, by the ends of their names."""
    only: str = ""
    """A guest's name; empty: everybody."""
    force: bool = False
    session: Path | None = None
    """The session file; None: the one in the folder."""
    kept: frozenset[str] = frozenset()
    """Files that an earlier run has made of the same, by name: they stay, and are not told of again."""
    moves: bool = False
    """Whether all of it is fetched from where it is made, so that no project names the folder."""


@dataclass
class _Files:
    """The session's files, by number those with sound."""

    paths: list[Path] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    """Those whose pictures cannot be used."""
    by_name: dict[str, list[PlacedFile]] = field(default_factory=dict)
    filmed: dict[str, list[Filmed]] = field(default_factory=dict)


def make(wanted: Wanted, listener: Listener) -> bool:
    """Make the tracks, while `listener` hears how it goes on. Return True if nothing was left out.

    Raises OSError, ValueError where the session cannot be read, ConvertError where there is nothing to make.
    """
    session = read_session(wanted.folder, wanted.session)
    files = _files(session, wanted, listener)
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
    remove_left_behind(wanted.output)
    began = session.began and session.began + timedelta(milliseconds=began_ms - session.first_ms)
    places = dict(zip((one.name for one in chosen), _places(files.by_name, chosen, wanted), strict=True))
    is_whole = _sounds(_orders(chosen, places, files, began, wanted), files, listener)
    is_whole = is_whole and not files.missing and not files.unseen
    jobs: list[tuple[Path, Callable[[Path], None]]] = []
    rate = wanted.rate or frame_rate(one.seen for own in files.filmed.values() for one in own)
    if not wanted.only:
        jobs.append((wanted.output / REPORT, partial(_report, everybody, files, began, wanted.force)))
    if wanted.mix and not wanted.only:
        mix = partial(_mix, everybody, places, began, wanted, listener)
        jobs.append((wanted.output / f"{MIX}.{wanted.sound}", mix))
    for track in chosen:
        if own := files.filmed.get(track.name):
            film = Film(
                tuple(own),
                places[track.name],
                rate,
                track.length,
                session.first_ms,
                began_ms,
                began,
                wanted.picture is PictureKind.COPY,
            )
            jobs.append((film.sound.with_suffix(".mp4"), partial(write_film, film, wanted.force, listener)))
    for kind in wanted.projects if not wanted.only else ():
        project = partial(_project, kind, session.room, everybody, places, rate, wanted.force, wanted.moves)
        jobs.append((wanted.output / f"{PROJECT}.{kind}", project))
    if not wanted.only:
        page = partial(_report_page, everybody, files, began, places, wanted.force)
        jobs.append((wanted.output / REPORT_PAGE, page))
    for place, job in jobs:
        if place.name in wanted.kept:
            continue
        try:
            job(place)
        except (RolltapeError, OSError) as error:
            is_whole = False
            listener.said(_sentence(error, str(place)))
        else:
            listener.made(place)
    return is_whole


def _files(session: Session, wanted: Wanted, listener: Listener) -> _Files:
    files = _Files()
    names = _names(session.takes)
    for take, part in [(one, part) for one in session.takes for part in one.parts]:
        name = names[_who(take)]
        own = files.by_name.setdefault(name, [])
        try:
            path = _found(part, wanted.folder)
            seen, unseen = _seen(path) if wanted.picture is not PictureKind.NONE else (None, "")
            films = files.filmed.setdefault(name, [])
            films += [Filmed(path, seen, take, part)] if seen is not None else []
            sound = hear(path)
        except (RolltapeError, OSError) as error:
            files.missing.append(part.file)
            listener.said(f"{_sentence(error, part.file)} There is silence in its place.")
            continue
        if unseen:
            files.unseen.append(path.name)
            listener.said(f"{unseen} They are left out.")
        segments = placed(part, sound, take.room_clock(part, session.first_ms))
        if seen is not None:
            films[-1] = replace(films[-1], sound=tuple(segments))
        own.append(PlacedFile(len(files.paths), sound.rate, tuple(segments)))
        files.paths.append(path)
        files.used.append(Used.of(take, part, sound))
    return files


def _seen(path: Path) -> tuple[Seen | None, str]:
    """The pictures of a file, None where it has none; or why they cannot be used, though its sound may be."""
    try:
        return see(path), ""
    except ConvertError as error:
        return None, error.sentence


def _found(part: PartFacts, folder: Path) -> Path:
    path = part.found_in(folder)
    if path is None:
        raise ConvertError(f"{plain_text(part.file)} is not in {folder}.")
    return path


def _who(take: TakeFacts) -> str:
    return take.guest_id or take.guest


def _names(takes: Sequence[TakeFacts]) -> dict[str, str]:
    """A name for each guest, as they were last called; two of one name get the beginning of their ids."""
    last = {_who(take): take.guest or "Guest" for take in takes}
    called = list(last.values())
    return {who: name if called.count(name) == 1 else f"{name} ({who[:4]})" for who, name in last.items()}


def _places(
    by_name: dict[str, list[PlacedFile]], chosen: Sequence[GuestTrack], wanted: Wanted
) -> Iterator[Path]:
    """Where each track goes: the same name, whoever else is chosen."""
    taken = [f"{MIX}.{wanted.sound}"]
    for name in by_name:
        taken.append(free_name(f"{safe_name(name)}.{wanted.sound}", taken))
    by_track = dict(zip(by_name, taken[1:], strict=True))
    return (wanted.output / by_track[track.name] for track in chosen)


def _orders(
    chosen: Sequence[GuestTrack],
    places: dict[str, Path],
    files: _Files,
    began: datetime | None,
    wanted: Wanted,
) -> list[SoundOrder]:
    """The sounds that are to be written."""
    return [
        SoundOrder(
            track,
            tuple(files.paths),
            max(files.used[piece.file].channels for piece in track.pieces),
            wanted.sound,
            began,
            places[track.name],
            wanted.force,
        )
        for track in chosen
        if places[track.name].name not in wanted.kept
    ]


def _sounds(orders: Sequence[SoundOrder], files: _Files, listener: Listener) -> bool:
    """Write everybody's sound; True if all are there."""
    is_whole = True
    with closing(write_sounds(orders, listener.progress)) as written:
        for order, outcome in written:
            listener.progress_ended(order.place.name)
            if isinstance(outcome, Exception):
                is_whole = False
                listener.said(_sentence(outcome, str(order.place)))
            else:
                _broken(outcome, files, listener)
                listener.made(order.place)
    return is_whole


def _broken(broken: dict[int, int], files: _Files, listener: Listener) -> None:
    for file, samples in broken.items():
        files.used[file] = replace(files.used[file], broken=samples)
        seconds = samples / files.used[file].rate
        listener.said(f"{files.paths[file].name} is damaged: {seconds:.2f} s of its sound are silence.")


def _there(
    everybody: Sequence[GuestTrack], places: dict[str, Path], place: Path
) -> list[tuple[GuestTrack, Path]]:
    """The tracks that are made, with their sounds. Raises ConvertError where `place` would be of none."""
    found = [(one, path) for one in everybody if (path := places.get(one.name)) is not None and path.exists()]
    if not found:
        raise ConvertError(f"{place} is not made, since no track is there.")
    return found


def _mix(
    everybody: Sequence[GuestTrack],
    places: dict[str, Path],
    began: datetime | None,
    wanted: Wanted,
    listener: Listener,
    place: Path,
) -> None:
    """Write a mix of the sounds that are there."""
    sounds = [sound for _, sound in _there(everybody, places, place)]
    samples = everybody[0].length
    try:
        with (
            whole_file(place, wanted.force) as path,
            opened_sound(path, wanted.sound, 2, samples, began) as output,
        ):
            write_mix(sounds, samples, output, lambda share: listener.progress(place.name, share))
    finally:
        listener.progress_ended(place.name)


def _report(
    everybody: Sequence[GuestTrack], files: _Files, began: datetime | None, force: bool, place: Path
) -> None:
    text = report_json(report_plain(everybody, files.used, files.missing, began))
    with whole_file(place, force) as path:
        path.write_text(text, encoding="utf-8")


def _report_page(
    everybody: Sequence[GuestTrack],
    files: _Files,
    began: datetime | None,
    places: dict[str, Path],
    force: bool,
    place: Path,
) -> None:
    """The same for a person, with what there is to be seen of the tracks that are made."""
    looks = {
        track.name: look(sound, track.length)
        for track in everybody
        if (sound := places.get(track.name)) is not None and sound.exists()
    }
    text = report_page(report_plain(everybody, files.used, files.missing, began), looks)
    with whole_file(place, force) as path:
        path.write_text(text, encoding="utf-8")


def _project(
    kind: str,
    room: str,
    everybody: Sequence[GuestTrack],
    places: dict[str, Path],
    rate: int,
    force: bool,
    moves: bool,
    place: Path,
) -> None:
    """A project of what is there."""
    made = []
    for track, sound in _there(everybody, places, place):
        picture = sound.with_suffix(".mp4")
        made.append(Made(track, sound.name, picture.name if picture.exists() else None))
    if kind == "otio":
        text = timeline(room, made, rate)
    elif kind == "fcpxml":
        text = final_cut_project(room, made, rate, None if moves else place.parent)
    else:
        text = reaper_project(made)
    with whole_file(place, force) as path:
        path.write_text(text, encoding="utf-8")


def _sentence(error: RolltapeError | OSError, name: str) -> str:
    if isinstance(error, RolltapeError):
        return error.sentence
    return f"{error.filename or plain_text(name)}: {error.strerror or error}."
