"""The command line: `rolltape serve`, `rolltape convert`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rolltape import __version__
from rolltape.convert import cli


def serve(host: str, port: int, root: Path) -> int:
    """Serve the page in `root`; print the links; return the exit status."""
    try:
        import uvicorn

        from rolltape.server.app import create_app
    except ModuleNotFoundError as missing:
        print(f"Serving needs {missing.name}: pip install 'rolltape[serve]'.", file=sys.stderr)
        return 1
    if not (root / "index.html").exists():
        print(f"There is no page in {root}: name its folder with --root.", file=sys.stderr)
        return 1
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host
    print(f"Guest:    http://{shown}:{port}/?record=6000", flush=True)
    print(f"Home:     http://{shown}:{port}/", flush=True)
    uvicorn.run(create_app(root), host=host, port=port, log_level="warning", server_header=False)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="rolltape", description="Records remote guests on their own machines."
    )
    parser.add_argument("--version", action="version", version=f"rolltape {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve the page")
    serving.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)"
    )
    serving.add_argument(
        "--port", type=int, default=8000, help="the port to listen on (default: %(default)s)"
    )
    serving.add_argument("--root", type=Path, default=Path.cwd(), help="the folder with index.html")
    cli.add_arguments(
        commands.add_parser(
            "convert",
            help="take a recording's sound out, or make it seekable",
            description="Takes the sound of recordings out, or makes them seekable, without transcoding. "
            "Results are written beside their files; X_part1, X_part2 … are joined.",
        )
    )
    chosen = parser.parse_args(arguments)
    if chosen.command == "convert":
        return cli.convert(chosen)
    return serve(chosen.host, chosen.port, chosen.root.resolve())


if __name__ == "__main__":
    sys.exit(main())
