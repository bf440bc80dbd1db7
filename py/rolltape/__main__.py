"""The command line: `rolltape serve`, `rolltape convert`, `rolltape tracks`, `rolltape track-worker`."""

from __future__ import annotations

import argparse
import sys

from rolltape import __version__
from rolltape.convert import cli

ABOUT = """\
Records remote guests on their own machines, at source quality, so that nothing is ever lost.

A guest opens a link; the page records their camera and microphone into their own Downloads folder, and a second,
crash-proof copy into their browser. The director of a room sees, starts and stops every guest.
"""
EXAMPLES = """\
on this machine:
  rolltape serve                            then open http://localhost:8000/ and press “Record yourself”
  rolltape serve --port 9000

for others (browsers give them a camera over HTTPS only):
  rolltape serve --trust-proxy              behind a web server that has the certificate
  rolltape serve --host 0.0.0.0 --port 8443 --cert studio.pem --key studio-key.pem
  rolltape serve --stun-url stun:HOST:3478 --turn-url turn:HOST:3478 --turn-secret-file FILE

recordings, without encoding anew:
  rolltape convert --to mp4 Ada.webm        Ada.mp4 beside it
  rolltape convert --to wav Ada_part1.webm Ada_part2.webm

a session of several guests:
  rolltape tracks FOLDER                    everybody in step: a WAV and an MP4 each
  rolltape tracks --check FOLDER            how far their clocks ran apart
  rolltape track-worker FOLDER              beside hosts that keep takes there: makes what directors ask for

The page comes with this package: neither Node nor a network is needed. What is recorded never passes the server.
The secret that signs links is kept in ~/.local/state/rolltape/secret. rolltape COMMAND --help names all options.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="rolltape",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"rolltape {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, title="commands", metavar="COMMAND")
    serving = commands.add_parser("serve", help="serve the page and its rooms")
    cli.add_arguments(
        commands.add_parser(
            "convert",
            help="take a recording's sound out, make it seekable, or make an MP4 file of it",
            description="Takes the sound of recordings out, or makes them seekable, without transcoding. "
            "Results are written beside their files; X_part1, X_part2 … are joined.",
        )
    )
    making = commands.add_parser(
        "tracks",
        help="make everybody of a session one WAV and one MP4, in step for an editor",
        description="Reads a session file and the guests' files beside it, and makes a WAV or FLAC of each "
        "guest, and an MP4 of constant frame rate: drift taken out by resampling, parts joined, pauses and "
        "losses silent and black, all equally long. "
        "It needs PyAV (pip install rolltape[tracks]); --check does not.",
    )
    working = commands.add_parser(
        "track-worker",
        help="make the tracks that directors ask for of a host's takes",
        description="Works beside hosts that keep their takes in the folder, on this machine or on others that "
        "share it with file locks; `rolltape serve` does the same by itself. It ends when it is told to (SIGTERM), "
        "and another one goes on. It needs PyAV (pip install rolltape[tracks]).",
    )
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        parser.print_help(sys.stderr)
        return 2
    if given[0] == "tracks":
        from rolltape.tracks import cli as tracks_cli  # a command does not wait for the code of another

        tracks_cli.add_arguments(making)
        return tracks_cli.run(parser.parse_args(given))
    if given[0] not in ("serve", "track-worker"):
        return cli.convert(parser.parse_args(given))
    try:
        from rolltape.server import serve, track_worker
    except ModuleNotFoundError as missing:
        print(f"Serving needs {missing.name}, which pip installs with rolltape's wheel.", file=sys.stderr)
        return 1
    serve.add_arguments(serving)
    track_worker.add_arguments(working)
    options = parser.parse_args(given)
    return serve.serve(options) if options.command == "serve" else track_worker.work(options)


if __name__ == "__main__":
    sys.exit(main())
