"""`rolltape tracks`: makes tracks of a session's folder, or says how far its clocks ran apart."""

from __future__ import annotations

import argparse
from pathlib import Path

from rolltape.core.desk import ProgressLine, say
from rolltape.core.errors import RolltapeError
from rolltape.tracks.check import check
from rolltape.tracks.picture_plan import RATES

__all__ = ["add_arguments", "run"]

SOUND_KINDS = ("wav", "flac")
PICTURE_KINDS = ("mp4", "copy", "none")
PROJECT_KINDS = ("otio", "fcpxml", "rpp")
RATE_OF_CAMERAS = "auto"
OUTPUT = "tracks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="the session file (JSON) and the guests' files"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help=f"where the tracks go; without it into {OUTPUT} in the folder",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="make nothing: print drift, losses, residual and bound of each take",
    )
    parser.add_argument(
        "--sound",
        choices=SOUND_KINDS,
        default=SOUND_KINDS[0],
        help="WAV of 24 bits with the time of day, which is the default, or FLAC",
    )
    parser.add_argument(
        "--picture",
        choices=PICTURE_KINDS,
        default=PICTURE_KINDS[0],
        help="an MP4 too of who has pictures, after everybody's sound, which is the default; copy: H.264 as it was "
        "recorded, quick and without loss, but not at a constant rate; or none",
    )
    parser.add_argument(
        "--fps",
        choices=[RATE_OF_CAMERAS, *map(str, RATES)],
        default=RATE_OF_CAMERAS,
        help="frames a second of all MP4s; auto is what comes nearest to the cameras'",
    )
    parser.add_argument(
        "--mix",
        action="store_true",
        help="a rough mix of everybody too, at -16 LUFS, after their sounds",
    )
    parser.add_argument(
        "--project",
        type=_projects,
        default=PROJECT_KINDS,
        metavar="KIND[,KIND]",
        help="projects for editors: otio (OpenTimelineIO), fcpxml (Final Cut, Resolve), rpp (Reaper), which is the "
        "default, or none",
    )
    parser.add_argument(
        "--only", default="", metavar="NAME", help="this guest's track alone; as long as with everybody's"
    )
    parser.add_argument("--force", action="store_true", help="write over files that exist")


def _projects(text: str) -> tuple[str, ...]:
    """Read the value of `--project`. Raises ArgumentTypeError where one of them is none that there is."""
    kinds = tuple(dict.fromkeys(text.split(",")))
    if kinds == ("none",):
        return ()
    if unknown := [kind for kind in kinds if kind not in PROJECT_KINDS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(PROJECT_KINDS)}, none")
    return kinds


class _Terminal:
    """Prints the files that are there, says sentences, shows progress (`make.Listener`)."""

    def __init__(self) -> None:
        self._progress = ProgressLine()

    def made(self, place: Path) -> None:
        print(place)

    def said(self, sentence: str) -> None:
        say(sentence)

    def progress(self, name: str, share: float) -> None:
        self._progress.show(name, share)

    def progress_ended(self, name: str) -> None:
        self._progress.end(name)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status: 1 if anything of the session could not be used, or a track not made."""
    if arguments.check:
        return check(arguments)
    try:
        from rolltape.tracks import make, outputs
    except ModuleNotFoundError as missing:
        say(f"Making tracks needs {missing.name}, which pip installs with rolltape[tracks] (docs/tracks.md).")
        return 1
    folder: Path = arguments.folder
    wanted = make.Wanted(
        folder,
        arguments.output or folder / OUTPUT,
        outputs.SoundKind(arguments.sound),
        outputs.PictureKind(arguments.picture),
        None if arguments.fps == RATE_OF_CAMERAS else int(arguments.fps),
        arguments.mix,
        arguments.project,
        arguments.only,
        arguments.force,
    )
    try:
        return int(not make.make(wanted, _Terminal()))
    except RolltapeError as error:
        say(error.sentence)
    except (OSError, ValueError) as error:
        say(f"This session cannot be read: {error}.")
    except KeyboardInterrupt:
        say("Cancelled.")
    return 1
