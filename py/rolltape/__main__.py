"""The command line: `rolltape serve`, `rolltape convert`."""

from __future__ import annotations

import argparse
import sys

from rolltape import __version__
from rolltape.convert import cli


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="rolltape", description="Records remote guests on their own machines."
    )
    parser.add_argument("--version", action="version", version=f"rolltape {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve the page and its rooms")
    cli.add_arguments(
        commands.add_parser(
            "convert",
            help="take a recording's sound out, or make it seekable",
            description="Takes the sound of recordings out, or makes them seekable, without transcoding. "
            "Results are written beside their files; X_part1, X_part2 … are joined.",
        )
    )
    given = sys.argv[1:] if arguments is None else arguments
    if "serve" not in given[:1]:
        return cli.convert(parser.parse_args(given))
    try:
        from rolltape.server import serve
    except ModuleNotFoundError as missing:
        print(f"Serving needs {missing.name}: pip install 'rolltape[serve]'.", file=sys.stderr)
        return 1
    serve.add_arguments(serving)
    return serve.serve(parser.parse_args(given))


if __name__ == "__main__":
    sys.exit(main())
